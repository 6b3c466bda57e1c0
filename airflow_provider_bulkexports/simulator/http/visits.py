"""Which requests are people's, with a browser and no credentials, and what their path names."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.errors import RefusedError

__all__ = ["is_visit", "path_in_api", "resource_type_in"]


def is_visit(method: str, headers: Mapping[str, str]) -> bool:
    """
    Whether a request asks for a page: it accepts HTML and has no credentials.

    :param headers: By lower-case name.
    """
    return method == "GET" and "text/html" in headers.get("accept", "") and "authorization" not in headers


def resource_type_in(request: Request) -> ResourceType:
    """
    Return the type in the path; only Twilio's exact spelling is found (documentation of error 20404).

    :raises RefusedError: 404 for any other.
    """
    try:
        return ResourceType(request.path_params["resource_type"])
    except ValueError:
        raise RefusedError.not_found(path_in_api(request)) from None


def path_in_api(request: Request) -> str:
    """Return the path after ``/v1``."""
    # Not ``request.url``, which fails on an invalid Host header.
    path: str = request.scope["path"]
    return path.removeprefix("/v1")
