"""A simulator with a frozen clock, and HTTP sessions for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from support.constants import NOON

from airflow_provider_bulkexports.simulator import SimulatedClock, Simulator


class ApiSession(requests.Session):
    """Requests to paths below ``/v1/Exports``; redirects are not followed, proxies not used."""

    def __init__(self, simulator: Simulator, auth: tuple[str, str] | None) -> None:
        super().__init__()
        self.trust_env = False
        self.auth = auth
        self._simulator = simulator

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request to a path, or to an absolute URL."""
        text = url.decode() if isinstance(url, bytes) else url
        if text.startswith("/"):
            text = f"{self._simulator.base_url}/v1/Exports{text}"
        kwargs.setdefault("timeout", 10)
        return super().request(method, text, *args, **kwargs)

    def get(self, url: str | bytes, **kwargs: Any) -> requests.Response:
        """Send a GET request."""
        return super().get(url, **{"allow_redirects": False, **kwargs})


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A running simulator at noon of 24 November 2026; only the test moves its clock."""
    with Simulator(clock=SimulatedClock(NOON, speed=0)) as simulator:
        yield simulator


@pytest.fixture
def session_of(sim: Simulator) -> Iterator[Callable[[tuple[str, str] | None], requests.Session]]:
    """Make sessions with the given credentials."""
    with ExitStack() as stack:
        yield lambda auth: stack.enter_context(ApiSession(sim, auth))


@pytest.fixture
def api(sim: Simulator, session_of: Callable[..., requests.Session]) -> requests.Session:
    """A session of the parent account."""
    return session_of(sim.auth)


@pytest.fixture
def storage(session_of: Callable[..., requests.Session]) -> requests.Session:
    """A session without credentials, for signed links."""
    return session_of(None)


@pytest.fixture
def create(api: requests.Session) -> Callable[..., dict[str, Any]]:
    """Create a job over HTTP, by default of the first seven days of November, and return its JSON."""

    def create_job(resource_type: str = "Messages", **form: str) -> dict[str, Any]:
        fields = {"StartDay": "2026-11-01", "EndDay": "2026-11-07", "FriendlyName": "weekly", **form}
        response = api.post(f"/{resource_type}/Jobs", data=fields)
        assert response.status_code == 201, response.text
        job: dict[str, Any] = response.json()
        return job

    return create_job


@pytest.fixture
def link_to(api: requests.Session) -> Callable[..., str]:
    """Get a new link to a day's file."""

    def fetch(day: str = "2026-11-01", resource_type: str = "Messages") -> str:
        response = api.get(f"/{resource_type}/Days/{day}")
        assert response.status_code == 307, response.text
        link: str = response.json()["redirect_to"]
        return link

    return fetch
