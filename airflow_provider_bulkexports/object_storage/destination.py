"""Publish files in any store that Airflow's ObjectStoragePath reaches: each appears in one step, or not at all."""

from __future__ import annotations

import glob
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_bulkexports.api.first_record import HEAD_BYTES, account_of_gzip
from airflow_provider_bulkexports.compat import object_storage_path
from airflow_provider_bulkexports.exceptions import BulkExportsStorageError
from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.object_storage.abandoned_uploads import abort_abandoned
from airflow_provider_bulkexports.object_storage.destination_url import check_scheme
from airflow_provider_bulkexports.object_storage.errors import store_errors
from airflow_provider_bulkexports.object_storage.schemes import EXTRAS, LOCAL, S3
from airflow_provider_bulkexports.object_storage.upload_options import (
    check_supported,
    check_upload_options,
    pipe_arguments,
    put_arguments,
)

__all__ = ["Destination"]

_PIECE = 1 << 20

#: A manifest is smaller than a kilobyte; a far larger file is not one.
_MAX_JSON = 1 << 20

#: Hidden from readers of the folder. Always the same name, so that a role that may not delete leaves one object.
_PROBE = "_bulkexports_check"

#: Folders between a table and its files that are looked into.
_DEEPEST_SAMPLE = 6

log = logging.getLogger(__name__)


class Destination:
    """
    A folder in a store.

    Every method raises :exc:`BulkExportsStorageError` if the store refuses or fails.

    :param url: ``s3://bucket/folder``, ``gs://…``, ``abfs://…``, ``file:///folder`` or an absolute local path.
    :param conn_id: Airflow connection of the store; without it the credentials of the environment.
    :param upload_options: The store's own arguments for everything written, for example encryption.
    :raises BulkExportsInputError: for a URL that cannot be right, or a store whose library is not installed.
    """

    def __init__(self, url: str, conn_id: str | None = None, upload_options: Mapping[str, Any] | None = None) -> None:
        scheme = check_scheme(url)
        folder = url.rstrip("/")
        if "://" in url and "://" not in folder:  # the root of a file system
            folder += "///"
        self._url = folder or "/"
        self._conn_id = conn_id or (urlsplit(url).username if "://" in url else None)
        self._options = check_upload_options(upload_options)
        with store_errors("open", self.folder_uri, protocol=scheme, conn_id=self._conn_id):
            self._root = object_storage_path(self._url, conn_id)
            self._protocol = self._root.protocol
            self._fs = self._root.fs
            check_supported(self._fs, self._protocol, self._options)
        self.is_local = self._protocol in (*LOCAL, "")

    def uri(self, path: str) -> str:
        """URL of a file, without the connection that the destination's URL may name."""
        parts = urlsplit(f"{self._url.rstrip('/')}/{path}")
        if not parts.scheme:
            return f"file://{self._url.rstrip('/')}/{path}"
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    @property
    def folder_uri(self) -> str:
        """URL of the folder itself."""
        uri = self.uri("")
        return uri if uri.endswith(":///") else uri.rstrip("/")

    def local_path(self, path: str) -> Path:
        """Path of a file in a local destination; creates its folder."""
        target = Path(self._full(path))
        with self._errors("write", path):
            target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def publish(self, file: Path, path: str, *, only_new: bool = False) -> bool:
        """
        Move or upload a complete local file: one rename, one put, or one multipart upload.

        :param only_new: Do not replace an existing file, if the store can guarantee that.
        :return: ``False`` if ``only_new`` is set and the file exists.
        """
        try:
            if self.is_local:
                self._place(file, path, only_new=only_new)
            else:
                self._upload(file, path, only_new=only_new)
        except BulkExportsStorageError as error:
            if only_new and error.is_conflict and self._is_file(path):
                return False
            raise
        return True

    def write_json(self, path: str, value: Any) -> None:
        """Write a small JSON file in one step."""
        self.write(path, (json.dumps(value, indent=1) + "\n").encode())

    def write(self, path: str, content: bytes) -> None:
        """Write a small file in one step."""
        if not self.is_local:
            with self._errors("write", path):
                self._fs.pipe_file(self._full(path), content, **pipe_arguments(self._protocol, self._options))
            return
        target = self.local_path(path)
        spool = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
        with self._errors("write", path):
            try:
                spool.write_bytes(content)
                spool.replace(target)
            finally:
                spool.unlink(missing_ok=True)

    def read_json(self, path: str, *, is_needed: bool = False) -> Any:
        """
        Read a JSON file; ``None`` if it does not exist, is not JSON, or may not be read.

        :param is_needed: Raise if the store refuses to read it.
        """
        try:
            content = self._head(path, _MAX_JSON, is_needed=is_needed)
            return json.loads(content, parse_constant=_refuse_constant) if len(content) < _MAX_JSON else None
        except (ValueError, RecursionError):
            return None

    def size(self, path: str) -> int | None:
        """Bytes of a file; ``None`` if there is none."""
        with self._errors("find", path):
            self._fs.invalidate_cache()
            try:
                found = self._fs.info(self._full(path))
            except FileNotFoundError:
                return None
        return int(found["size"] or 0) if found.get("type") != "directory" else None

    def sha256(self, path: str) -> str:
        """Hexadecimal SHA-256 of a file, read in pieces."""
        digest = hashlib.sha256()
        for piece in self.pieces(path):
            digest.update(piece)
        return digest.hexdigest()

    def pieces(self, path: str) -> Iterator[bytes]:
        """Read a file in pieces."""
        with (
            self._errors("read", path),
            self._fs.open(self._full(path), "rb", block_size=8 * _PIECE, cache_type="none") as file,
        ):
            read: Callable[[], bytes] = lambda: file.read(_PIECE)  # noqa: E731
            yield from iter(read, b"")

    def matching(self, pattern: str) -> list[str]:
        """
        List the files whose paths match a pattern.

        :param pattern: Relative, with ``*`` for anything within one folder's name.
        :return: Relative paths, sorted.
        """
        with self._errors("list", pattern):
            self._fs.invalidate_cache()
            found = self._fs.glob(f"{glob.escape(self._full(''))}{pattern}", detail=True)
        depth = pattern.count("/") + 1
        return sorted(
            "/".join(name.split("/")[-depth:]) for name, entry in found.items() if entry["type"] != "directory"
        )

    def account_of(self, path: str) -> str | None:
        """Account whose records a day's file holds; ``None`` if it has none, is damaged, or may not be read."""
        return account_of_gzip(self._head(path, HEAD_BYTES))

    def sample(self, folder: str) -> list[str]:
        """Names of files below a folder: those of the last subfolder, by name; empty if it may not be listed."""
        place = self._full(folder).rstrip("/")
        self._fs.invalidate_cache()
        with suppress(BulkExportsStorageError), self._errors("list", folder):
            for _ in range(_DEEPEST_SAMPLE):
                try:
                    found = {
                        entry["name"].rstrip("/").rpartition("/")[2]: entry for entry in self._fs.ls(place, detail=True)
                    }
                except (FileNotFoundError, NotADirectoryError):
                    return []
                visible = {name: entry for name, entry in found.items() if not name.startswith(("_", "."))}
                files = [name for name, entry in visible.items() if entry["type"] != "directory"]
                if files or not visible:
                    return files
                place = visible[max(visible)]["name"].rstrip("/")
        return []

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""
        with self._errors("remove", path), suppress(FileNotFoundError):
            self._fs.rm_file(self._full(path))

    def check(self) -> None:
        """
        Write a small object and remove it, to find out early whether storing would fail.

        A role that may not delete leaves the object; its name hides it.
        """
        self.write(_PROBE, b"Written and removed by airflow-provider-bulkexports to check the destination.\n")
        try:
            self.remove(_PROBE)
        except BulkExportsStorageError as error:
            log.warning("The destination check could not remove its test object %s: %s", self.uri(_PROBE), error)

    def clean_up(self, paths: Collection[str]) -> None:
        """Remove unfinished uploads of these files that killed tasks left in the store."""
        if self._protocol in S3:
            abort_abandoned(self._fs, [self._full(path).lstrip("/") for path in paths])

    def _head(self, path: str, count: int, *, is_needed: bool = False) -> bytes:
        """First bytes of a file; empty if it does not exist, is a folder, or may not be read and is not needed."""
        try:
            with self._errors("read", path):
                content: bytes = self._fs.cat_file(self._full(path), start=0, end=count)
                return content
        except BulkExportsStorageError as error:
            if error.is_transient or (is_needed and not error.is_absent):
                raise
            return b""

    def _place(self, file: Path, path: str, *, only_new: bool) -> None:
        target = self.local_path(path)
        with self._errors("write", path):
            if only_new:
                try:
                    os.link(file, target)
                except FileExistsError:
                    raise
                except OSError:  # the file system has no links
                    file.replace(target)
            else:
                file.replace(target)

    def _upload(self, file: Path, path: str, *, only_new: bool) -> None:
        before = self._size_or_none(path)
        arguments = put_arguments(self._fs, self._protocol, self._options, file=file, only_new=only_new)
        try:
            with self._errors("write", path):
                try:
                    self._fs.put_file(str(file), self._full(path), **arguments)
                except Exception as error:
                    if "mode" not in arguments or not _says_not_implemented(error):
                        raise
                    del arguments["mode"]
                    self._fs.put_file(str(file), self._full(path), **arguments)
        except BulkExportsStorageError as error:
            if not error.is_conflict and not self._is_atomic:
                self._take_back(path, before, expected=file.stat().st_size, because=error.what)
            raise
        self._require_size(path, before, expected=file.stat().st_size)

    @property
    def _is_atomic(self) -> bool:
        """Whether an interrupted upload leaves nothing under the object's name."""
        return self._protocol in EXTRAS

    def _require_size(self, path: str, before: int | None, *, expected: int) -> None:
        try:
            size = self.size(path)
        except BulkExportsStorageError as error:
            if not error.is_forbidden:
                raise
            log.info("Cannot read %s to check its size; relying on the store's own check of the upload", self.uri(path))
            return
        if size != expected:
            self._take_back(
                path, before, expected=expected, because=f"the uploaded object has {counted(size or 0, 'byte')}"
            )

    def _take_back(self, path: str, before: int | None, *, expected: int, because: str) -> NoReturn:
        """Remove what a failed upload left, but not the file that existed before it."""
        uri, size = self.uri(path), self._size_or_none(path)
        if size is None:
            remains = "Nothing was left behind"
        elif before is not None and size == before != expected:
            remains = "The existing file is unchanged"
        else:
            try:
                self.remove(path)
                remains = "The incomplete object was removed"
            except BulkExportsStorageError as error:
                remains = f"Remove the incomplete object by hand ({error.what})"
        raise BulkExportsStorageError(
            f"{uri} was not stored completely ({counted(expected, 'byte')}): {because}. {remains}",
            remedy="Run the task again.",
        )

    def _size_or_none(self, path: str) -> int | None:
        with suppress(BulkExportsStorageError):
            return self.size(path)
        return None

    def _is_file(self, path: str) -> bool:
        """Whether a file exists, or may exist; a folder does not count."""
        try:
            return self.size(path) is not None
        except BulkExportsStorageError as error:
            return error.is_forbidden

    @contextmanager
    def _errors(self, operation: str, path: str) -> Iterator[None]:
        with store_errors(operation, self.uri(path), protocol=self._protocol, conn_id=self._conn_id):
            yield

    def _full(self, path: str) -> str:
        """Path of a file for the store's file system."""
        return f"{self._root.path.rstrip('/')}/{path}"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _says_not_implemented(error: Exception) -> bool:
    return "NotImplemented" in repr(error) or "not implemented" in str(error).lower()
