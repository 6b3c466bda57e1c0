"""
Temporary files and folders, and the removal of those that killed processes left.

The name of each contains its host and process, and it is locked while the process lives. A locked one is never touched.
An unlocked one is removed at once if its process ran on this machine and has ended, else after
:data:`ABANDONED_AFTER` seconds without a write: container names are random, many machines share a folder, and a process
number means nothing in another container. Where the file system has no locks, the age alone decides.
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

#: Seconds without a write after which an unlocked file or folder is abandoned; a transfer ends much sooner.
ABANDONED_AFTER = 6 * 3600.0

_HOST = re.sub(r"\W", "-", platform.node()) or "host"
_FILE = re.compile(r"(?P<host>.+)\.(?P<pid>[0-9]{1,10})\.\w+")
_ANY_FILE = re.compile(r"\..+\.(?P<host>[\w-]+)\.(?P<pid>[0-9]{1,10})\.[0-9a-f]{8}\.part")
_FOLDER = re.compile(r"\.?bulkexports-spool-(?P<host>.+)-(?P<pid>[0-9]{1,10})-\w+")
#: Names that the first version used.
_FORMER_FOLDER = re.compile(r"\.?bulkexports-(?P<host>(?P<pid>[a-z0-9_]{8}))")
_FORMER_CONTENT = re.compile(r"day\.json\.gz|\.day\.json\.gz\..+\.part")
_LOCK = ".lock"


@contextmanager
def spooled(target: Path) -> Iterator[BinaryIO]:
    """
    Open a temporary file that replaces the target in one step if the block succeeds.

    If it fails, the target stays as it was. First removes what killed processes left for the same target.
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
    Make a temporary folder that exists during the block. First removes those that killed processes left.

    :param parent: Its parent folder; by default the system's folder for temporary files.
    :param is_hidden: Whether its name starts with a dot.
    :raises BulkExportsInputError: if it cannot be created.
    """
    base = Path(parent or tempfile.gettempdir())
    hidden = "." if is_hidden else ""
    folder = base / f"{hidden}bulkexports-spool-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        _clear_folders(base)
        folder.mkdir(mode=0o700)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise BulkExportsInputError(
            f"Cannot create a temporary folder in {str(base)!r} ({error.strerror}): "
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
    Remove what killed processes left in many folders, for any target.

    After a kill, another process downloads the day, perhaps on another machine, when the remains of the first one are
    too young to be removed. Nobody downloads that day again.

    :param folders: Pattern of folders below the root, as for :meth:`pathlib.Path.glob`; ``.`` is the root.
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
        file.close()  # another process removed it before it was locked
        path.unlink(missing_ok=True)


def clear_left_over(target: Path) -> None:
    """Remove the temporary files that killed processes left for a target."""
    prefix = f".{target.name}."
    for path in target.parent.glob(f"{glob.escape(prefix)}*.part"):
        if made_by := _FILE.fullmatch(path.name[len(prefix) : -len(".part")]):
            _remove_if_left_over(path, path, made_by)


def _clear_folders(base: Path) -> None:
    for folder in (*base.glob("bulkexports-*"), *base.glob(".bulkexports-*")):
        with suppress(OSError):  # of another user, or removed in the meantime
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
    """Hold a lock during the block if it is free: true, false, or ``None`` if that cannot be known."""
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
    """Lock an open file; false if another process holds the lock, ``None`` if the file system has no locks."""
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
