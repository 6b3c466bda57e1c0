"""
Files and folders on their way, and what killed processes left of them.

Each is named for its process and locked while that lives, so that a later one can tell what is left over.
Something that is locked is never touched. What nobody holds is removed at once if its process was one of this machine
and is gone, and after :data:`ABANDONED_AFTER` seconds without a write whoever made it: a container's name is random, a
shared folder has many machines, and a process number says nothing in another container. Where the file system has no
locks, the age alone decides.
"""

from __future__ import annotations

import fcntl
import glob
import os
import platform
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from airflow_provider_bulkexports.exceptions import BulkExportsInputError

__all__ = ["ABANDONED_AFTER", "clear_left_over", "spool_folder", "spooled", "sweep"]

#: Seconds without a write after which something that nobody holds is left over; a transfer gives up much sooner.
ABANDONED_AFTER = 6 * 3600.0

_HOST = re.sub(r"\W", "-", platform.node()) or "host"
_FILE = re.compile(r"(?P<host>.+)\.(?P<pid>[0-9]{1,10})\.\w+")
_ANY_FILE = re.compile(r"\..+\.(?P<host>[\w-]+)\.(?P<pid>[0-9]{1,10})\.[0-9a-f]{8}\.part")
_FOLDER = re.compile(r"\.?bulkexports-spool-(?P<host>.+)-(?P<pid>[0-9]{1,10})-\w+")
#: What the first version made.
_FORMER_FOLDER = re.compile(r"\.?bulkexports-(?P<host>(?P<pid>[a-z0-9_]{8}))")
_FORMER_CONTENT = re.compile(r"day\.json\.gz|\.day\.json\.gz\..+\.part")
_LOCK = ".lock"


@contextmanager
def spooled(target: Path) -> Iterator[BinaryIO]:
    """
    Open a file for reading and writing that becomes the target in one step when the block ends well.

    If it does not, the target is as it was. What killed processes left of the same target is removed first.
    """
    clear_left_over(target)
    file, path = _locked_file(target)
    try:
        with file:
            yield file
            file.flush()
            path.replace(target)  # while it is locked
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def spool_folder(parent: str | Path | None = None, *, is_hidden: bool = False) -> Iterator[Path]:
    """
    Make a folder that lives as long as the block. What killed processes left of such folders is removed first.

    :param parent: Where; by default where temporary files go.
    :param is_hidden: Whether readers of the parent must not see it.
    :raises BulkExportsInputError: if no folder can be made there.
    """
    base = Path(parent or tempfile.gettempdir())
    hidden = "." if is_hidden else ""
    folder = base / f"{hidden}bulkexports-spool-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        _clear_folders(base)
        folder.mkdir(mode=0o700)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise BulkExportsInputError(
            f"No folder for files on their way can be made in {str(base)!r} ({error.strerror}): "
            "pass a spool_dir that exists and is writable"
        ) from error
    try:
        with (folder / _LOCK).open("xb") as lock:
            _lock(lock.fileno())
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path, folders: str) -> None:
    """
    Remove what killed processes left in many folders, whatever it was to become.

    A day is fetched by another process after a kill, on another machine perhaps, and never again: what the first one
    left is not old enough then.

    :param folders: Pattern of folders below the root, as :meth:`pathlib.Path.glob` takes it; ``.`` is the root.
    """
    for folder in [root] if folders == "." else root.glob(folders):
        for path in folder.glob(".*.part"):
            if made_by := _ANY_FILE.fullmatch(path.name):
                _remove_if_left_over(path, path, made_by)
        _clear_folders(folder)


def _locked_file(target: Path) -> tuple[BinaryIO, Path]:
    while True:
        path = target.with_name(f".{target.name}.{_HOST}.{os.getpid()}.{secrets.token_hex(4)}.part")
        file = path.open("x+b")
        if _lock(file.fileno()) is not False and os.fstat(file.fileno()).st_nlink:
            return file, path
        file.close()  # somebody who clears up was faster: to him it was nobody's
        path.unlink(missing_ok=True)


def clear_left_over(target: Path) -> None:
    """Remove what killed processes left of a file on its way to the target."""
    prefix = f".{target.name}."
    for path in target.parent.glob(f"{glob.escape(prefix)}*.part"):
        if made_by := _FILE.fullmatch(path.name[len(prefix) : -len(".part")]):
            _remove_if_left_over(path, path, made_by)


def _clear_folders(base: Path) -> None:
    for folder in (*base.glob("bulkexports-*"), *base.glob(".bulkexports-*")):
        with suppress(OSError):  # somebody else's, or gone in the meantime
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            made_by = _FOLDER.fullmatch(folder.name)
            if made_by is None and all(_FORMER_CONTENT.fullmatch(path.name) for path in folder.iterdir()):
                made_by = _FORMER_FOLDER.fullmatch(folder.name)
            if made_by:
                _remove_if_left_over(folder, folder / _LOCK, made_by)


def _remove_if_left_over(path: Path, locked: Path, made_by: re.Match[str]) -> None:
    with suppress(OSError), _try_lock(locked) as is_free:
        age = time.time() - max(part.lstat().st_mtime for part in (path, *_content(path)))
        is_dead = is_free is True and made_by["host"] == _HOST and not _is_alive(int(made_by["pid"]))
        if is_free is not False and (is_dead or age > ABANDONED_AFTER):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _content(path: Path) -> list[Path]:
    return list(path.iterdir()) if path.is_dir() else []


@contextmanager
def _try_lock(path: Path) -> Iterator[bool | None]:
    """Hold a lock in the block if nobody else has it: true, false, or ``None`` if it cannot be known."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        yield None
        return
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    """Lock a file as long as it is open; false if somebody else has, ``None`` if the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
