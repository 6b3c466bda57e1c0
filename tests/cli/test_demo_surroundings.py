"""The command on machines that are not the author's: behind a proxy, with a terminal that has few characters."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from rich.console import Console

from airflow_provider_bulkexports.cli.demo_view import DemoView
from airflow_provider_bulkexports.cli.main import main
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import Job

COMMAND = [sys.executable, "-c", "import sys; from airflow_provider_bulkexports.cli.main import main; sys.exit(main())"]

#: Surroundings in which Python's standard streams are not UTF-8, or might not be.
FEW_CHARACTERS = {
    "ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "C locale": {"LC_ALL": "C", "LANG": "C"},
}


def run(
    *arguments: str, home: Path, surroundings: Mapping[str, str], encoding: str = "latin-1"
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; whatever it writes can be read."""
    (home / "tmp").mkdir(exist_ok=True)
    environment = os.environ | {"HOME": str(home), "TMPDIR": str(home / "tmp"), "COLUMNS": "120"} | surroundings
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, cwd=home, capture_output=True, encoding=encoding, timeout=290
    )


@pytest.mark.parametrize("surroundings", FEW_CHARACTERS)
def test_a_mistake_is_named_and_the_exit_status_is_that_of_a_mistake(tmp_path: Path, surroundings: str) -> None:
    ended = run("demo", "--fail-day", "Freitag…→\udcff", home=tmp_path, surroundings=FEW_CHARACTERS[surroundings])

    assert (ended.returncode, ended.stdout) == (2, "")
    said = ended.stderr.splitlines()[-1]  # Airflow 2.11 may warn of its own configuration before
    assert said.startswith("bulkexports: --fail-day Freitag")
    assert "name one of them, or 1 to 7" in said


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "koi8-r", "utf-16"])
@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["simulate", "--help"]], ids=" ".join)
def test_every_help_text_can_be_printed(encoding: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))

    with pytest.raises(SystemExit, match="0"):
        main(arguments)

    sys.stdout.flush()
    assert "usage: bulkexports" in written.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp437"])
def test_characters_that_an_output_has_not_are_written_legibly(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    with pytest.raises(SystemExit):
        main(["--version"])

    print("3 → 2 …, ключ, \ud83d, Grüße", flush=True)

    shown = written.getvalue().decode(encoding)
    assert ("3 → 2 …, ключ, ?, Grüße" if encoding == "utf-8" else "3 -> 2 ..., ????, ?, Gr") in shown


@pytest.mark.parametrize(("encoding", "is_plain"), [("ascii", True), ("utf-8", False)])
def test_a_terminal_gets_a_table_that_it_can_show(encoding: str, is_plain: bool) -> None:
    written = io.BytesIO()
    # Strict: nothing but what the encoding has may be written.
    stream = io.TextIOWrapper(written, encoding=encoding, errors="strict")
    view = DemoView(Console(file=stream, force_terminal=True, width=100), DayRange.parse("2026-01-01", "2026-01-02"))

    with view.live():
        view.update(Job(job_sid="JS" + "0" * 32))
    view.show_end("success", None, [], "")
    stream.flush()

    assert written.getvalue().isascii() is is_plain


@contextmanager
def recording_proxy() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that refuses everything, and what it was asked."""
    asked: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        finally:
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def proxied(url: str, *, lower: bool) -> dict[str, str]:
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {name.lower() if lower else name: url for name in names}


# A whole demo takes its time, so each shows two things at once.
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("characters", "lower"), [("ascii", False), ("C locale", True)])
def test_the_demo_ends_well_whatever_its_output_can_show_and_asks_no_proxy(
    tmp_path: Path, characters: str, lower: bool
) -> None:
    with recording_proxy() as (url, asked):
        surroundings = {**FEW_CHARACTERS[characters], **proxied(url, lower=lower), "NO_PROXY": "", "no_proxy": ""}
        ended = run("demo", "--days", "2", "--log", home=tmp_path, surroundings=surroundings)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "2/2 days final: 2 completed" in ended.stdout
    assert re.search(r"Queue position: 3 \S+ 2 ", ended.stdout)
    assert len(re.findall(r"\d{4}-\d\d-\d\d +\S+ Completed ", ended.stdout)) == 2
    assert "UnicodeEncodeError" not in ended.stdout
    assert asked == []


def test_the_simulator_serves_and_calls_back_without_a_proxy(tmp_path: Path) -> None:
    with recording_proxy() as (url, asked):
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
    assert asked == []
