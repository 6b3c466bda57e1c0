"""The simulator as a whole: two HTTP servers in a background thread, with helpers for tests."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import date
from types import TracebackType
from typing import Any

import uvicorn

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.clock import SimulatedClock
from airflow_provider_bulkexports.simulator.faults import FaultPlan
from airflow_provider_bulkexports.simulator.http.admission import ServedHosts
from airflow_provider_bulkexports.simulator.http.api import make_api
from airflow_provider_bulkexports.simulator.http.middleware import BreakableProtocol, FaultMiddleware
from airflow_provider_bulkexports.simulator.http.storage import make_storage
from airflow_provider_bulkexports.simulator.knobs import Knobs
from airflow_provider_bulkexports.simulator.request_log import RequestLog
from airflow_provider_bulkexports.simulator.service.accounts import Account, make_accounts
from airflow_provider_bulkexports.simulator.service.exports import ExportService
from airflow_provider_bulkexports.simulator.service.jobs import SimulatedJob, read_job_request
from airflow_provider_bulkexports.simulator.service.state import SimulatorState
from airflow_provider_bulkexports.simulator.service.webhooks import Delivery, deliver

__all__ = ["Simulator"]


class Simulator:
    """
    Twilio BulkExports on this machine.

    .. code-block:: python

        with Simulator(clock=SimulatedClock(speed=0)) as simulator:
            requests.get(f"{simulator.base_url}/v1/Exports/Messages", auth=simulator.auth)

    :param clock: Simulated time; starts now and runs at real speed by default.
    :param seed: Seed of everything random: the same seed gives the same credentials, sids, records and life cycles.
    :param knobs: Settings of behaviour that Twilio leaves undocumented.
    :param records_per_day: Shorthand for the knob of that name.
    :param host: Address to listen on.
    :param public_host: Host name in the simulator's URLs, if clients reach it by another one than ``host``.
    :param allowed_hosts: Further host names to accept. Any ``Host`` but these, ``host``, ``public_host``, loopback
        names and the address of the connection gets 421, so that no web page can read from here by DNS rebinding.
    :param api_port: Port of the API; 0 takes a free one and keeps it across restarts.
    :param storage_port: Port of the storage; 0 as for ``api_port``.
    :param account_sid: Sid of the parent account; made from the seed by default.
    :param auth_token: Auth token of the parent account; made from the seed by default.
    :param subaccounts: Number of subaccounts.
    """

    def __init__(
        self,
        *,
        clock: SimulatedClock | None = None,
        seed: int = 7,
        knobs: Knobs | None = None,
        records_per_day: int | None = None,
        host: str = "127.0.0.1",
        public_host: str | None = None,
        allowed_hosts: Iterable[str] = (),
        api_port: int = 0,
        storage_port: int = 0,
        account_sid: str | None = None,
        auth_token: str | None = None,
        subaccounts: int = 1,
    ) -> None:
        knobs = knobs or Knobs()
        if records_per_day is not None:
            knobs.records_per_day = records_per_day
        accounts = make_accounts(seed, account_sid=account_sid, auth_token=auth_token, subaccounts=subaccounts)
        self.clock = clock or SimulatedClock()
        self._service = ExportService(clock=self.clock, knobs=knobs, seed=seed, accounts=accounts)
        self.state = SimulatorState(self._service)
        self.faults = FaultPlan()
        self.requests = RequestLog()
        self._host = host.strip("[]")
        self._public_host = (public_host or host).strip("[]")
        self._hosts = ServedHosts([self._host, self._public_host, *allowed_hosts])
        self._ports = [api_port, storage_port]
        self._thread: threading.Thread | None = None
        self._servers: list[_Server] = []

    @property
    def knobs(self) -> Knobs:
        """Settings of undocumented behaviour; can be changed or replaced at any time."""
        return self._service.knobs

    @knobs.setter
    def knobs(self, knobs: Knobs) -> None:
        self._service.knobs = knobs

    @property
    def base_url(self) -> str:
        """Origin of the API, for example ``http://127.0.0.1:4010``; the port is known once it is started."""
        return self._origin(self._ports[0])

    @property
    def storage_url(self) -> str:
        """Origin of the storage that download links lead to."""
        return self._origin(self._ports[1])

    @property
    def account(self) -> Account:
        """The parent account."""
        return self._service.accounts[0]

    @property
    def subaccounts(self) -> Sequence[Account]:
        """Subaccounts of the parent: each has its own data, all share the parent's quota."""
        return self._service.accounts[1:]

    @property
    def account_sid(self) -> str:
        """Sid of the parent account."""
        return self.account.sid

    @property
    def auth_token(self) -> str:
        """Auth token of the parent account."""
        return self.account.auth_token

    @property
    def api_key_sid(self) -> str:
        """Sid of the parent account's API key."""
        return self.account.api_key_sid

    @property
    def api_key_secret(self) -> str:
        """Secret of the parent account's API key."""
        return self.account.api_key_secret

    @property
    def bearer_token(self) -> str:
        """OAuth token of the parent account; needs ``Knobs.accept_bearer``."""
        return self.account.bearer_token

    @property
    def auth(self) -> tuple[str, str]:
        """Account sid and auth token of the parent account."""
        return self.account_sid, self.auth_token

    def connection_json(self, *, api_key: bool = False, account: Account | None = None) -> str:
        """
        Return an Airflow connection to the simulator, as JSON.

        :param api_key: Authenticate with the account's API key, not its auth token.
        :param account: Account to connect as; the parent by default.
        """
        owner = account or self.account
        connection: dict[str, Any] = {"conn_type": "twilio_bulkexports", "host": self.base_url}
        # Airflow 3.3.1 and 3.3.2 test a stored connection with its own port only, and their form sends 0 for none.
        connection["port"] = self._ports[0]
        if api_key:
            connection |= {"login": owner.api_key_sid, "password": owner.api_key_secret}
            connection["extra"] = {"account_sid": owner.sid}
        else:
            connection |= {"login": owner.sid, "password": owner.auth_token}
        return json.dumps(connection)

    def start(self) -> None:
        """
        Start both servers and return when they accept requests; ports and state are kept across restarts.

        :raises OSError: if a port is taken.
        :raises RuntimeError: if it is already running.
        """
        if self._thread is not None:
            raise RuntimeError("the simulator is already running")
        sockets = self._listen()
        self._service.links.base_url = self.storage_url
        api = make_api(self._service, self.faults, lambda: self.base_url)
        storage = make_storage(self._service)
        wiring: dict[str, Any] = {
            "hosts": self._hosts,
            "service": self._service,
            "faults": self.faults,
            "requests": self.requests,
        }
        self._servers = [
            _make_server(FaultMiddleware(api, origin="api", **wiring)),
            _make_server(FaultMiddleware(storage, origin="storage", **wiring)),
        ]
        self._thread = threading.Thread(
            target=lambda: asyncio.run(_serve(self._servers, sockets)), name="twilio-simulator", daemon=True
        )
        self._thread.start()
        for server in self._servers:
            server.is_up.wait()

    def stop(self) -> None:
        """Stop both servers and close every connection; does nothing if it is not running."""
        if self._thread is None:
            return
        for server in self._servers:
            server.end()
        if self._thread.ident is not None:  # absent if the start was interrupted
            self._thread.join()
        self._thread = None

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def create_job(
        self, resource_type: str, start_day: str, end_day: str, *, account: Account | None = None, **form: str
    ) -> SimulatedJob:
        """
        Create a job as a request would, without HTTP.

        :param account: Account that owns it; the parent by default.
        :param form: Further form fields in Twilio's spelling, for example ``FriendlyName``.
        :raises RefusedError: if Twilio would reject it.
        """
        fields = {"FriendlyName": "simulated", "StartDay": start_day, "EndDay": end_day, **form}
        today = self.clock.now().date()
        request = read_job_request(ResourceType(resource_type), fields, today=today, knobs=self.knobs)
        return self._service.create_job(account or self.account, request)

    def fail_day(self, resource_type: str, day: date | str, *, times: int | None = None) -> None:
        """
        Make a day end ``Failed``.

        :param times: How many exports of the day fail; ``None``: all.
        """
        self.state.fail_day(resource_type, day, times=times)

    def empty_day(self, resource_type: str, day: date | str) -> None:
        """Make a day have no records."""
        self.state.empty_day(resource_type, day)

    def set_record_count(self, resource_type: str, day: date | str, records: int) -> None:
        """Set how many records later exports of a day have."""
        self.state.set_record_count(resource_type, day, records)

    def spend_quota(self, days: int = 366) -> None:
        """
        Use up days of today's quota; by default all that Twilio gives an account.

        :raises RefusedError: if fewer are left.
        """
        self.state.spend_quota(days)

    def job_of(self, friendly_name: str) -> SimulatedJob:
        """
        Return the newest job with a friendly name.

        :raises LookupError: if there is none.
        """
        jobs = [job for job in self.state.jobs.values() if job.request.friendly_name == friendly_name]
        if not jobs:
            raise LookupError(f"no job has the friendly name {friendly_name!r}")
        return jobs[-1]

    def finish_jobs(self) -> None:
        """Move the clock forward until every job is finished."""
        for job in self.state.jobs.values():
            self.clock.advance_to(job.finishes_at)
        self._service.settle()

    def deliver_webhooks(self) -> list[Delivery]:
        """Send the webhooks that became due since the last call, to receivers on this machine only."""
        with self._service.lock:
            self._service.settle()
            notices = self._service.outbox.take()
        return [deliver(notice) for notice in notices for _ in range(self.knobs.webhook_copies)]

    def _origin(self, port: int) -> str:
        name = self._public_host
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def _listen(self) -> list[socket.socket]:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        with ExitStack() as stack:
            servers = (socket.create_server((self._host, port), family=family) for port in self._ports)
            sockets = [stack.enter_context(server) for server in servers]
            stack.pop_all()
        for listener in sockets:
            # Connections inherit it. Without it, each response waits 40 ms for the delayed acknowledgement of its head.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ports = [listener.getsockname()[1] for listener in sockets]
        return sockets


class _Server(uvicorn.Server):
    """uvicorn that stops at once, without polling: a test suite starts and stops hundreds of simulators."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_ended = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    async def main_loop(self) -> None:
        self._stopping = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if not self._is_ended:
            await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in [*self.servers, *(sockets or ())]:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def end(self) -> None:
        """Leave the main loop, or do not enter it; thread-safe."""
        self._is_ended = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)


def _make_server(app: FaultMiddleware) -> _Server:
    config = uvicorn.Config(
        app,
        http=BreakableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
    )
    return _Server(config)


async def _serve(servers: Sequence[_Server], sockets: Sequence[socket.socket]) -> None:
    await asyncio.gather(*(server.serve(sockets=[listener]) for server, listener in zip(servers, sockets, strict=True)))
