"""Files that killed processes left are removed, and none that a process still writes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_bulkexports.api import temporary_files as spool
from airflow_provider_bulkexports.api.temporary_files import ABANDONED_AFTER, spool_folder, spooled, sweep
from airflow_provider_bulkexports.exceptions import BulkExportsInputError

#: Begins a file or a folder, says so, and waits to be killed. With an argument it calls itself another machine.
WRITER = """
import sys, time
from pathlib import Path
from airflow_provider_bulkexports.api import temporary_files as spool
if len(sys.argv) > 3:
    spool._HOST = sys.argv[3]
if sys.argv[1] == "file":
    with spool.spooled(Path(sys.argv[2]) / "day.gz") as file:
        file.write(b"half")
        file.flush()
        print("begun", flush=True)
        time.sleep(600)
else:
    with spool.spool_folder(sys.argv[2]) as folder:
        (folder / "day.json.gz").write_bytes(b"half")
        print("begun", flush=True)
        time.sleep(600)
"""


class Writer:
    """A process in the middle of writing."""

    def __init__(self, kind: str, folder: Path, *host: str) -> None:
        before = set(folder.iterdir())
        self._process = subprocess.Popen(
            [sys.executable, "-c", WRITER, kind, str(folder), *host], stdout=subprocess.PIPE
        )
        assert self._process.stdout and self._process.stdout.readline() == b"begun\n"
        (self.left,) = set(folder.iterdir()) - before

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self.left.exists()


@pytest.fixture
def write(request: pytest.FixtureRequest) -> Callable[..., Writer]:
    def begin(*arguments: object) -> Writer:
        writer = Writer(*arguments)  # type: ignore[arg-type]
        request.addfinalizer(writer._process.wait)
        request.addfinalizer(writer._process.kill)
        return writer

    return begin


def run(kind: str, folder: Path) -> None:
    """A later run of the same task."""
    if kind == "file":
        with spooled(folder / "day.gz") as file:
            file.write(b"whole")
    else:
        with spool_folder(str(folder)):
            pass


def make_old(path: Path, seconds: float = ABANDONED_AFTER + 60) -> None:
    moment = time.time() - seconds
    for part in (path, *(path.iterdir() if path.is_dir() else ())):
        os.utime(part, (moment, moment))


kinds = pytest.mark.parametrize("kind", ["file", "folder"])


@kinds
def test_leftover_of_this_machine_is_removed_at_once(kind: str, tmp_path: Path, write: Callable[..., Writer]) -> None:
    writer = write(kind, tmp_path)
    writer.kill()

    run(kind, tmp_path)
    assert not writer.left.exists()


@kinds
@pytest.mark.parametrize("host", [(), ("another-machine",)], ids=["here", "elsewhere"])
def test_locked_file_is_never_removed(
    kind: str, tmp_path: Path, write: Callable[..., Writer], host: tuple[str, ...]
) -> None:
    writer = write(kind, tmp_path, *host)
    run(kind, tmp_path)
    assert writer.left.exists()

    make_old(writer.left)
    run(kind, tmp_path)
    assert writer.left.exists()


@kinds
def test_process_number_of_another_container_is_ignored(
    kind: str, tmp_path: Path, write: Callable[..., Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two containers of one name each see the other's process numbers as dead."""
    writer = write(kind, tmp_path)
    monkeypatch.setattr(spool, "_is_alive", lambda _: False)

    run(kind, tmp_path)
    assert writer.left.exists()


@kinds
def test_leftover_of_another_machine_is_removed_when_old(
    kind: str, tmp_path: Path, write: Callable[..., Writer]
) -> None:
    writer = write(kind, tmp_path, "another-machine")
    writer.kill()
    run(kind, tmp_path)
    assert writer.left.exists(), "its lock may not be seen here"

    make_old(writer.left)
    run(kind, tmp_path)
    assert not writer.left.exists()


@kinds
def test_age_decides_without_locks(
    kind: str, tmp_path: Path, write: Callable[..., Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_lock", lambda _: None)
    writer = write(kind, tmp_path)
    writer.kill()
    run(kind, tmp_path)
    assert writer.left.exists()

    make_old(writer.left)
    run(kind, tmp_path)
    assert not writer.left.exists()


@pytest.mark.parametrize("name", [".day.gz.host.4711.140000.part", ".day.gz.{host}.999999999.1.part"])
def test_leftover_of_the_first_version_is_removed(tmp_path: Path, name: str) -> None:
    left = tmp_path / name.format(host=spool._HOST)
    left.write_bytes(b"half")
    make_old(left)

    run("file", tmp_path)
    assert not left.exists()


def test_folder_of_the_first_version_is_removed(tmp_path: Path) -> None:
    left, foreign, fresh = (Path(tempfile.mkdtemp(prefix="bulkexports-", dir=tmp_path)) for _ in range(3))
    (left / "day.json.gz").write_bytes(b"whole")
    (left / ".day.json.gz.host.4711.140000.part").write_bytes(b"half")
    (foreign / "day.json.gz").write_bytes(b"whole")
    (foreign / "airflow.db").write_bytes(b"somebody's")
    make_old(left)
    make_old(foreign)

    run("folder", tmp_path)
    assert [path.exists() for path in (left, foreign, fresh)] == [False, True, True]


def test_sweep_removes_leftovers_of_any_file(tmp_path: Path, write: Callable[..., Writer]) -> None:
    folders = [tmp_path / f"type=Messages/day={number}" for number in range(4)]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "day.gz").write_bytes(b"whole")
    written, killed = write("file", folders[0]), write("file", folders[1])
    far, kept = write("file", folders[2], "another-machine"), write("folder", folders[3], "another-machine")
    for writer in (killed, far, kept):
        writer.kill()
    make_old(far.left)
    make_old(written.left)

    sweep(tmp_path, "type=Messages/day=*")
    assert [writer.left.exists() for writer in (written, killed, far, kept)] == [True, False, False, True]
    sweep(folders[3], ".")
    assert kept.left.exists()
    make_old(kept.left)
    sweep(folders[3], ".")
    assert not kept.left.exists()
    assert all((folder / "day.gz").exists() for folder in folders)
    sweep(tmp_path / "missing", "type=*")


@pytest.mark.parametrize(
    "name",
    [
        ".other.gz.host.1.1.part",
        ".day.gz.part",
        ".day.gz.host.part",
        "day.gz.host.1.1.part",
        ".day.gz.host.1.1.partial",
    ],
)
def test_file_with_another_name_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"somebody's")
    make_old(tmp_path / name)

    run("file", tmp_path)
    assert (tmp_path / name).exists()


@pytest.mark.parametrize(
    "name", ["bulkexports-airflow-x", "bulkexports-demo-abcdefgh", "bulkexports-spool-", "bulkexports"]
)
def test_folder_with_another_name_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    make_old(tmp_path / name)

    run("folder", tmp_path)
    assert (tmp_path / name).exists()


def test_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "day.json.gz").write_bytes(b"mine")
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "bulkexports-spool-host-1-abcd").symlink_to(mine)
    make_old(mine)

    run("folder", shared)
    assert (mine / "day.json.gz").exists()


def test_temporary_file_becomes_its_target_or_nothing(tmp_path: Path) -> None:
    run("file", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["day.gz"]

    def fail() -> None:
        with spooled(tmp_path / "day.gz") as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["day.gz"]
    assert (tmp_path / "day.gz").read_bytes() == b"whole"


def test_temporary_folder_is_removed_after_its_block(tmp_path: Path) -> None:
    with spool_folder(str(tmp_path)) as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700, "records are nobody else's"
        (folder / "day.json.gz").write_bytes(b"records")
    assert not list(tmp_path.iterdir())


def test_error_names_an_unusable_spool_dir(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "missing", tmp_path / "file"):
        with (
            pytest.raises(BulkExportsInputError, match=rf"in '{folder}' .*: pass a spool_dir"),
            spool_folder(str(folder)),
        ):
            pass


REWRITE = """
import sys
from pathlib import Path

from airflow_provider_bulkexports.api.temporary_files import spooled

for _ in range(200):
    with spooled(Path(sys.argv[1])) as file:
        file.write(b"x" * 100_000)
"""


def test_many_processes_can_write_the_same_file(tmp_path: Path) -> None:
    """Each removes leftovers first, but nothing that another process has just started."""
    workers = [subprocess.Popen([sys.executable, "-c", REWRITE, str(tmp_path / "day.gz")]) for _ in range(4)]

    assert [worker.wait() for worker in workers] == [0] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["day.gz"]
    assert (tmp_path / "day.gz").read_bytes() == b"x" * 100_000
