"""Read the JSON object in an answer's body, whatever else may be there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

__all__ = ["json_object"]


def json_object(response: requests.Response) -> Mapping[str, Any] | None:
    """Return the object; ``None`` for any other body, such as a gateway's HTML page or none at all."""
    try:
        body = response.json()
    except (RecursionError, ValueError):
        return None
    return body if isinstance(body, Mapping) else None
