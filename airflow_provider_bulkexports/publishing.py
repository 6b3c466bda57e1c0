"""Put whole files into any store that Airflow's ObjectStoragePath reaches: they appear in one step, or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_bulkexports.compat import object_storage_path
from airflow_provider_bulkexports.exceptions import BulkExportsInputError

__all__ = ["Destination"]

_PIECE = 1 << 20

#: Arguments of ``put_file`` that bound its memory; s3fs would hold ten parts of 50 MiB.
_UPLOAD_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "s3": {"chunksize": 8 << 20, "max_concurrency": 2},
    "s3a": {"chunksize": 8 << 20, "max_concurrency": 2},
    "gs": {"chunksize": 8 << 20},
    "gcs": {"chunksize": 8 << 20},
}


class Destination:
    """
    A folder in a store.

    :param url: ``s3://bucket/folder``, ``gs://…``, ``abfs://…``, ``file:///folder`` or a local path.
    :param conn_id: Airflow connection of the store; without it the credentials of the environment.
    :raises BulkExportsInputError: for an address in which Airflow would take the container for a connection.
    """

    def __init__(self, url: str, conn_id: str | None = None) -> None:
        _check(url)
        self._url = url.rstrip("/")
        self._root = object_storage_path(self._url, conn_id)
        self._protocol = self._root.protocol
        self.is_local = self._protocol in ("file", "local", "")

    def uri(self, path: str) -> str:
        """Address of a file, without the connection that the destination's URL may name."""
        parts = urlsplit(f"{self._url}/{path}")
        if not parts.scheme:
            return f"file://{Path(self._url).resolve()}/{path}"
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    @property
    def folder_uri(self) -> str:
        """Address of the folder itself."""
        return self.uri("").rstrip("/")

    @property
    def local_root(self) -> Path:
        """The folder itself, of a local destination."""
        return Path(self._root.path)

    def local_path(self, path: str) -> Path:
        """Where a file of a local destination is; its folder is made."""
        target = Path(self._full(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def upload(self, file: Path, path: str) -> None:
        """
        Copy a complete local file to the store: one put, or a multipart upload that is completed at its end.

        :raises OSError: if the store has another size afterwards.
        """
        self._root.fs.put_file(str(file), self._full(path), **_UPLOAD_OPTIONS.get(self._protocol, {}))
        size = self.size(path)
        if size != file.stat().st_size:
            raise OSError(f"{self.uri(path)} has {size} bytes after an upload of {file.stat().st_size}")

    def write_json(self, path: str, value: Any) -> None:
        """Write a small JSON file in one step."""
        text = (json.dumps(value, indent=1) + "\n").encode()
        if not self.is_local:
            self._root.fs.pipe_file(self._full(path), text)
            return
        target = self.local_path(path)
        spool = target.with_name(f".{target.name}.part")
        spool.write_bytes(text)
        spool.replace(target)

    def read_json(self, path: str) -> Any:
        """Read a JSON file; ``None`` if there is none, or it is none."""
        try:
            return json.loads(self._root.fs.cat_file(self._full(path)))
        except (FileNotFoundError, ValueError):
            return None

    def size(self, path: str) -> int | None:
        """Bytes of a file; ``None`` if there is none."""
        self._root.fs.invalidate_cache()
        try:
            return int(self._root.fs.info(self._full(path))["size"])
        except FileNotFoundError:
            return None

    def sha256(self, path: str) -> str:
        """Hexadecimal SHA-256 of a file, read piece by piece."""
        digest = hashlib.sha256()
        with self._root.fs.open(self._full(path), "rb", block_size=8 * _PIECE, cache_type="none") as file:
            read: Callable[[], bytes] = lambda: file.read(_PIECE)  # noqa: E731
            for piece in iter(read, b""):
                digest.update(piece)
        return digest.hexdigest()

    def _full(self, path: str) -> str:
        """The file's path as the store's file system takes it."""
        return f"{self._root.path.rstrip('/')}/{path}"


def _check(url: str) -> None:
    """Refuse Azure's own way to write addresses: what stands before ``@`` names a connection in Airflow."""
    parts = urlsplit(url)
    container, _, account = parts.netloc.rpartition("@")
    if container and ".dfs." in account:
        raise BulkExportsInputError(
            f"destination {url!r}: Airflow takes {container!r} for a connection. Write "
            f"{parts.scheme}://{container}{parts.path} and name the connection of {account} in object_storage_conn_id"
        )
