"""The command behind a proxy, and in terminals with limited encodings."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from rich.console import Console
from support.command import COMMAND, run_command

from airflow_provider_bulkexports.cli.demo_view import DemoView
from airflow_provider_bulkexports.cli.main import main
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import Job

#: Environments in which Python's standard streams are not UTF-8, or might not be.
LIMITED_ENCODINGS = {
    "ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "C locale": {"LC_ALL": "C", "LANG": "C"},
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", LIMITED_ENCODINGS)
def test_bad_input_is_reported_in_any_encoding(tmp_path: Path, name: str) -> None:
    arguments = ["demo", "--fail-day", "Freitag…→\udcff"]
    ended = run_command(*arguments, home=tmp_path, variables=LIMITED_ENCODINGS[name], encoding="latin-1")

    assert (ended.returncode, ended.stdout) == (2, "")
    said = ended.stderr.splitlines()[-1]
    assert said.startswith("bulkexports: --fail-day 'Freitag")
    assert "name one of them, or 1 to 7" in said


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "koi8-r", "utf-16"])
@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["simulate", "--help"]], ids=" ".join)
def test_help_can_be_printed_in_any_encoding(
    encoding: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))

    with pytest.raises(SystemExit, match="0"):
        main(arguments)

    sys.stdout.flush()
    assert "usage: bulkexports" in written.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp437"])
def test_missing_characters_are_replaced_legibly(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    with pytest.raises(SystemExit):
        main(["--version"])

    print("3 → 2 …, ключ, \ud83d, Grüße", flush=True)

    shown = written.getvalue().decode(encoding)
    assert ("3 → 2 …, ключ, ?, Grüße" if encoding == "utf-8" else "3 -> 2 ..., ????, ?, Gr") in shown


@pytest.mark.parametrize(("encoding", "is_plain"), [("ascii", True), ("utf-8", False)])
def test_terminal_gets_a_table_that_it_can_show(encoding: str, is_plain: bool) -> None:
    written = io.BytesIO()
    # Strict: a character that the encoding lacks raises.
    stream = io.TextIOWrapper(written, encoding=encoding, errors="strict")
    view = DemoView(Console(file=stream, force_terminal=True, width=100), DayRange.parse("2026-01-01", "2026-01-02"))

    with view.live():
        view.update(Job(job_sid="JS" + "0" * 32))
    view.show_end("success", None, [], "")
    stream.flush()

    assert written.getvalue().isascii() is is_plain


@contextmanager
def recording_proxy() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that refuses everything, and the requests that it got."""
    received: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                received.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", received
        finally:
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def proxied(url: str, *, lower: bool) -> dict[str, str]:
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {name.lower() if lower else name: url for name in names}


# A whole demo is slow, so each case checks two things.
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "lower"), [("ascii", False), ("C locale", True)])
def test_demo_succeeds_in_any_encoding_and_uses_no_proxy(tmp_path: Path, name: str, lower: bool) -> None:
    with recording_proxy() as (url, received):
        variables = {**LIMITED_ENCODINGS[name], **proxied(url, lower=lower), "NO_PROXY": "", "no_proxy": ""}
        ended = run_command("demo", "--days", "2", "--log", home=tmp_path, variables=variables, encoding="latin-1")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "2/2 days final: 2 completed" in ended.stdout
    assert re.search(r"Queue position: 3 \S+ 2 ", ended.stdout)
    assert len(re.findall(r"\d{4}-\d\d-\d\d +\S+ Completed ", ended.stdout)) == 2
    assert "UnicodeEncodeError" not in ended.stdout
    assert received == []


def test_simulator_uses_no_proxy() -> None:
    with recording_proxy() as (url, received):
        environment = os.environ | proxied(url, lower=False) | proxied(url, lower=True)
        command = [*COMMAND, "simulate", "--port", "0"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                first = process.stdout.readline()
                origin = re.findall(r"http://127\.0\.0\.1:\d+", first)[0]
                assert requests.get(f"{origin}/v1/Exports/Messages", timeout=10).status_code == 401
            finally:
                process.send_signal(signal.SIGTERM)
    assert received == []
