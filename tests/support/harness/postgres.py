"""A PostgreSQL cluster for the duration of the tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from support.harness.deadlines import free_port, tail, wait_until

__all__ = ["MissingPostgresError", "Postgres"]

#: PostgreSQL refuses to run as root.
_USER = "postgres"

#: The data is disposable, so durability would only cost time.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


class MissingPostgresError(Exception):
    """PostgreSQL is not installed, or cannot be used."""


class Postgres:
    """
    A cluster in a temporary folder, on a free port.

    :raises MissingPostgresError: saying what to install.
    """

    def __init__(self) -> None:
        self._binaries = _binaries()
        self._as = {"user": _USER, "group": _USER, "extra_groups": []} if os.geteuid() == 0 else {}
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the database, for SQLAlchemy."""
        return f"postgresql+psycopg2://airflow@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Create the cluster and start it; returns when it accepts connections."""
        self._folder = Path(tempfile.mkdtemp(prefix="bulkexports-postgres-"))
        if self._as:
            shutil.chown(self._folder, _USER, _USER)
        data, self._log = self._folder / "data", self._folder / "log"
        made = self._run("initdb", "-D", data, "-U", "airflow", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
        if made.wait():
            raise AssertionError(f"initdb failed:\n{self._log.read_text()}")
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        self._process = self._run("postgres", "-D", data, "-p", self._port, *settings)
        wait_until(
            self._accepts_connections, timeout=30, otherwise=lambda: f"PostgreSQL\n{tail(self._log.read_text())}"
        )

    def stop(self) -> None:
        """Stop it and remove its files."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # "immediate" shutdown: ends its children without syncing
            self._process.wait(timeout=30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and commit; return its rows."""
        import psycopg2

        url = self.url.replace("+psycopg2", "")
        with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: object) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [str(self._binaries / program), *map(str, arguments)],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as,
            )

    def _accepts_connections(self) -> bool:
        import psycopg2

        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"PostgreSQL ended:\n{self._log.read_text()}")
        try:
            return bool(self.query("SELECT 1"))
        except psycopg2.OperationalError:
            return False


def _binaries() -> Path:
    """Folder of PostgreSQL's programs; on Debian they are not on the PATH."""
    try:
        import psycopg2  # noqa: F401
    except ModuleNotFoundError:
        raise MissingPostgresError("psycopg2 is missing: run with `uv run --group system`") from None
    on_path = shutil.which("initdb")
    places = [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    usable = [place for place in places if (place / "initdb").is_file() and (place / "postgres").is_file()]
    if not usable:
        raise MissingPostgresError("PostgreSQL's server is missing: apt-get install postgresql")
    return usable[-1]
