"""``bulkexports simulate``: its options, what it prints, how it ends."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import pytest
import requests
from support.command import COMMAND
from support.harness.deadlines import wait_until

from airflow_provider_bulkexports.cli.main import main

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]
FORM = {"StartDay": DAYS[0], "EndDay": DAYS[-1], "FriendlyName": "three days"}

BAD_VALUES = [
    ("--port", "99999", "write a whole number from 0 to 65535"),
    ("--port", "-1", "write a whole number from 0 to 65535"),
    ("--port", "abc", "write a whole number from 0 to 65535"),
    ("--port", "", "write a whole number from 0 to 65535"),
    ("--port", "80.5", "write a whole number from 0 to 65535"),
    ("--speed", "-1", "write a number from 0.01 to 1000000"),
    ("--speed", "0", "write a number from 0.01 to 1000000"),
    ("--speed", "nan", "write a number from 0.01 to 1000000"),
    ("--speed", "inf", "write a number from 0.01 to 1000000"),
    ("--speed", "1e308", "write a number from 0.01 to 1000000"),
    ("--speed", "1e-308", "write a number from 0.01 to 1000000"),
    ("--speed", "fast", "write a number from 0.01 to 1000000"),
    ("--seed", "x", "write a whole number"),
    ("--seed", "9" * 5000, "write a whole number"),
    ("--quota", "-1", "write a whole number from 0 to"),
    ("--quota", "1e3", "write a whole number from 0 to"),
    ("--records", "-1", "write a whole number from 0 to"),
    ("--records", "1000000000000", "write a whole number from 0 to"),
    ("--accounts", "0", "write a whole number from 1 to 100"),
    ("--accounts", "101", "write a whole number from 1 to 100"),
    ("--resource-type", "messages", "write 'Messages'"),
    ("--fail-day", "soon", "write it as YYYY-MM-DD"),
    ("--fail-once", "2026-02-30", "is not a valid date"),
    ("--empty-day", "1", "write it as YYYY-MM-DD"),
    ("--port", "8\n9", "write a whole number from 0 to 65535"),
    ("--fail-day", "2026-01-0\n1", "write it as YYYY-MM-DD"),
]


@pytest.mark.parametrize(
    ("option", "value", "sentence"), BAD_VALUES, ids=[f"{option} {value[:20]!r}" for option, value, _ in BAD_VALUES]
)
def test_bad_value_is_one_line_and_nothing_starts(
    option: str, value: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--port", "0", option, value]) == 2

    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert line.startswith(f"bulkexports: {option} ")
    assert sentence in line
    assert len(line) < 250
    assert shown.out == ""


@pytest.mark.parametrize("other", ["--empty-day", "--fail-once"])
def test_day_cannot_always_fail_and_not_fail(other: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--port", "0", "--fail-day", "2026-01-02", other, "2026-01-02"]) == 2

    said = f"bulkexports: {other} 2026-01-02: --fail-day has this day already; remove one of them\n"
    assert capsys.readouterr().err == said


def test_port_in_use_is_named(sim, capsys: pytest.CaptureFixture[str]) -> None:
    port = sim.base_url.rpartition(":")[2]

    assert main(["simulate", "--port", port]) == 2
    said = f"bulkexports: --port {port}: Address already in use; choose another port, or 0 for a free one\n"
    assert capsys.readouterr().err == said


@contextmanager
def simulate(
    *arguments: str, variables: Mapping[str, str] | None = None, stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A running command, which handles SIGINT even if the tests' own parent ignores it."""
    handle = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        [*COMMAND, "simulate", "--port", "0", *arguments],
        env=dict(variables) if variables else None,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        preexec_fn=handle,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


LAST_WORDS = "not kept.\n"


def banner_of(process: subprocess.Popen[str]) -> str:
    """What the command prints, to its last line."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].endswith(LAST_WORDS):
        line = process.stdout.readline()
        assert line, "".join(lines)
        lines.append(line)
    return "".join(lines)


def connections_in(banner: str) -> dict[str, dict[str, Any]]:
    """The printed connections by id; each is printed in two forms."""
    exported = dict(re.findall(r"^ +export AIRFLOW_CONN_(\w+)='(.*)'$", banner, re.MULTILINE))
    added = dict(re.findall(r"^ +airflow connections add (\w+) --conn-json '(.*)'$", banner, re.MULTILINE))
    assert {name.upper(): connection for name, connection in added.items()} == exported
    return {name: json.loads(connection) for name, connection in added.items()}


class Account:
    """A client of one printed connection."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self.sid = connection["login"]
        self.url = connection["host"]
        assert connection["port"] == int(self.url.rpartition(":")[2])
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.auth = (connection["login"], connection["password"])

    def get(self, path: str) -> requests.Response:
        return self._session.get(f"{self.url}/v1/Exports{path}", timeout=10, allow_redirects=False)

    def submit(self, resource_type: str = "Messages") -> requests.Response:
        return self._session.post(f"{self.url}/v1/Exports/{resource_type}/Jobs", data=FORM, timeout=10)

    def statuses(self, job: Mapping[str, Any]) -> dict[str, str]:
        """Wait until a job is finished; its days' statuses."""

        def finished() -> dict[str, str] | None:
            details = self.get(f"/Jobs/{job['job_sid']}").json()["details"]
            shown = {day: group["status"] for group in details or () for day in group["days"]}
            is_finished = shown and not {"Submitted", "Running", "ErrorDuringRun"} & {*shown.values()}
            return dict(sorted(shown.items())) if is_finished else None

        return wait_until(finished, timeout=60, otherwise=lambda: f"{job['job_sid']} is not finished")

    def records(self, day: str) -> list[Any]:
        """The content of a day's file."""
        link = self.get(f"/Messages/Days/{day}").json()["redirect_to"]
        lines = gzip.decompress(requests.get(link, timeout=10, proxies={"http": ""}).content).splitlines()
        return [json.loads(line) for line in lines]


def test_days_end_as_asked_and_once_failed_day_succeeds_when_submitted_again() -> None:
    days = ["--fail-day", DAYS[0], "--fail-once", DAYS[1], "--empty-day", DAYS[2], "--empty-day", DAYS[2]]
    with simulate("--speed", "100000", *days) as process:
        (connection,) = connections_in(banner_of(process)).values()
        account = Account(connection)

        first, second = (account.statuses(account.submit().json()) for _ in range(2))
        calls = account.statuses(account.submit("Calls").json())

    assert list(first.values()) == ["Failed", "Failed", "CompletedEmptyRecords"]
    assert list(second.values()) == ["Failed", "Completed", "CompletedEmptyRecords"]
    assert list(calls.values()) == ["Completed"] * 3


def test_quota_is_shared_by_the_accounts_and_can_be_renewed() -> None:
    with simulate("--quota", "5", "--accounts", "2", "--seed", "11", "--resource-type", "Calls") as process:
        banner = banner_of(process)
        connections = connections_in(banner)
        assert list(connections) == ["twilio_bulkexports_default", "twilio_bulkexports_2"]
        one, two = map(Account, connections.values())
        assert one.sid != two.sid
        (renew,) = re.findall(r"^ +curl -X POST (\S+)$", banner, re.MULTILINE)

        assert one.submit().status_code == 201
        assert two.submit().status_code == 400
        assert requests.post(renew, timeout=10).text == "Renewed: 5 days left today.\n"
        assert two.submit().status_code == 201

        listed = [account.get("/Messages/Jobs").json()["jobs"] for account in (one, two)]
        assert [len(jobs) for jobs in listed] == [1, 1]


@pytest.mark.parametrize("records", ["0", "3"])
def test_each_day_has_the_asked_number_of_records(records: str) -> None:
    with simulate("--speed", "100000", "--records", records) as process:
        (connection,) = connections_in(banner_of(process)).values()
        account = Account(connection)
        account.statuses(account.submit().json())
        assert [len(account.records(day)) for day in DAYS] == [int(records)] * 3


@pytest.mark.sample(2)
@pytest.mark.parametrize("speed", ["0.01", "1", "60", "1000000"])
def test_days_and_estimates_follow_the_real_clock_at_any_speed(speed: str) -> None:
    """So tasks need no settings of their own: their clock, and the midnights they wait for, are the simulator's."""
    with simulate("--speed", speed) as process:
        (connection,) = connections_in(banner_of(process)).values()
        account = Account(connection)
        before = datetime.now(timezone.utc).replace(microsecond=0)
        response = account.submit()
        told = parsedate_to_datetime(response.headers["Date"])
        after = datetime.now(timezone.utc)

    assert before <= told <= after
    expected = datetime.fromisoformat(response.json()["estimated_completion_time"][:26]).replace(tzinfo=timezone.utc)
    # Queue, and three days at once of 22.5 to 67.5 s.
    assert 37 / float(speed) <= (expected - before).total_seconds()
    assert (expected - after).total_seconds() <= 83 / float(speed)


def test_verbose_logs_a_line_for_each_request_without_secrets() -> None:
    with simulate("--speed", "100000", "--verbose", stderr=subprocess.PIPE) as process:
        (connection,) = connections_in(banner_of(process)).values()
        account = Account(connection)
        job = account.submit().json()
        account.statuses(job)
        account.records(DAYS[0])
        account.get("/Messages/Jobs?PageSize=1&Secret=pssst%0Afoo")
        account.get("/a%0Ab/" + "x" * 5000)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr is not None
        lines = process.stderr.read().splitlines()

    parts = [re.fullmatch(r"\d\d:\d\d:\d\dZ ([A-Z]+) (\S+) (\d{3})", line) for line in lines]
    assert all(parts), lines
    logged = [part.groups() for part in parts if part]
    assert logged[0] == ("POST", "/v1/Exports/Messages/Jobs", "201")
    assert ("GET", f"/v1/Exports/Jobs/{job['job_sid']}", "200") in logged
    assert logged[-4:-2][0] == ("GET", f"/v1/Exports/Messages/Days/{DAYS[0]}", "307")
    assert logged[-3][1].startswith(f"/daily/day={DAYS[0]}/")
    assert logged[-2] == ("GET", "/v1/Exports/Messages/Jobs", "200")
    assert logged[-1][1].startswith("/v1/Exports/a%0Ab/xxx")
    assert max(map(len, lines)) < 250
    assert "pssst" not in "".join(lines)
    assert connection["password"] not in "".join(lines)


def test_without_verbose_requests_are_not_logged() -> None:
    with simulate(stderr=subprocess.PIPE) as process:
        (connection,) = connections_in(banner_of(process)).values()
        assert Account(connection).submit().status_code == 201
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert (process.wait(10), process.stderr.read()) == (130, "")


TERMINALS = [
    {"COLUMNS": "60"},
    {"COLUMNS": "80"},
    {"COLUMNS": "120"},
    {"COLUMNS": "80", "NO_COLOR": "1"},
    {"COLUMNS": "80", "PYTHONIOENCODING": "ascii:strict"},
    {"COLUMNS": "40"},
    {},
]


@pytest.mark.sample(2)
@pytest.mark.parametrize("terminal", TERMINALS, ids=[" ".join(map("=".join, each.items())) for each in TERMINALS])
def test_banner_fits_the_terminal(terminal: dict[str, str]) -> None:
    """Commands stay on one line, to be copied."""
    variables = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")} | terminal
    with simulate("--accounts", "2", "--speed", "60", variables=variables) as process:
        banner = banner_of(process)

    width = int(terminal.get("COLUMNS", 80))
    prose = [line for line in banner.splitlines() if not line.startswith("    ")]
    assert max(map(len, prose)) <= width
    assert banner.isascii()
    assert "\x1b" not in banner
    assert len(connections_in(banner)) == 2
    assert "Jobs run at 60 times their usual speed." in banner


@pytest.mark.parametrize("output", ["closed pipe", "full disk"])
def test_output_that_cannot_be_written_is_one_line(output: str) -> None:
    if output == "closed pipe":
        reader, writer = os.pipe()
        os.close(reader)
        said = "Broken pipe"
    else:
        writer, said = os.open("/dev/full", os.O_WRONLY), "No space left on device"
    try:
        ended = subprocess.run(
            [*COMMAND, "simulate", "--port", "0"], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60
        )
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (2, f"bulkexports: cannot print the connection: {said}\n")


#: Functions that the command calls in its main thread, from reading the options to stopping the servers.
MOMENTS = [
    "read_options",
    "make_accounts",
    "fail_day",
    "_listen",
    "make_api",
    "_make_server",
    "start",
    "is_set",
    "_instructions",
    "connection_json",
    "_print",
    "stop",
    "end",
]

#: Interrupts itself in each call of a function, as two nervous Ctrl-C would; prints what is left of it afterwards.
INTERRUPTED = """
import os, signal, sys, threading
moment = sys.argv.pop(1)
pressed = []
def interrupt(frame, event, argument):
    if event == "call" and frame.f_code.co_name == moment and len(pressed) < 2:
        pressed.append(moment)
        os.kill(os.getpid(), signal.SIGINT)
from airflow_provider_bulkexports.cli import main as command, simulate
signal.signal(signal.SIGINT, signal.default_int_handler)
if moment in ("stop", "end"):  # reached by an interrupt only
    wait = threading.Event.wait
    def wait_interrupted(self, timeout=None):
        if sys._getframe(1).f_code.co_name == "run" and "simulate" in sys._getframe(1).f_code.co_filename:
            os.kill(os.getpid(), signal.SIGINT)
        return wait(self, timeout)
    threading.Event.wait = wait_interrupted
sys.setprofile(interrupt)
status = command.main()
sys.setprofile(None)
print("pressed:", len(pressed), "threads:", threading.active_count(), file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.sample(3)
@pytest.mark.parametrize("moment", MOMENTS)
def test_interrupt_at_any_moment_ends_with_130_and_frees_the_port(moment: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-c", INTERRUPTED, moment, "simulate", "--port", port, "--fail-day", "2026-01-01"]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 130, ended.stderr
    # A second Ctrl-C while it stops ends it at once, without a word.
    assert re.fullmatch(r"(pressed: [12] threads: [12]\n)?", ended.stderr)
    socket.create_server(("127.0.0.1", int(port))).close()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_with_130_and_frees_the_port(end: signal.Signals) -> None:
    with simulate(stderr=subprocess.PIPE) as process:
        (connection,) = connections_in(banner_of(process)).values()
        assert Account(connection).get("/Messages").status_code == 200
        process.send_signal(end)
        assert process.wait(10) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""
    socket.create_server(("127.0.0.1", connection["port"])).close()


def test_sigint_ends_it_in_the_background_of_a_shell() -> None:
    """A shell without job control starts background commands with SIGINT ignored."""
    ignore = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    command = [*COMMAND, "simulate", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=ignore) as process:
        try:
            banner_of(process)
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 130
        finally:
            process.kill()
