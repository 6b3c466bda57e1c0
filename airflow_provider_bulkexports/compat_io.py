"""The part of ``compat.py`` that is about object storage: it moved in Airflow 3."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk.io.path import ObjectStoragePath

__all__ = ["has_file_system", "object_storage_path"]


def object_storage_path(url: str, conn_id: str | None = None) -> ObjectStoragePath:
    """Make the path; imported here, since few processes need it and it brings the file systems along."""
    path: ObjectStoragePath = _module("path").ObjectStoragePath(url, conn_id=conn_id)
    return path


def has_file_system(scheme: str) -> bool:
    """Whether Airflow, a provider or an attached store knows the scheme of a URL."""
    if _module().has_fs(scheme):
        return True
    attached = getattr(_module("store"), "_STORE_CACHE", {})
    return any(store.protocol == scheme for store in attached.values())


def _module(*name: str) -> Any:
    try:
        return import_module(".".join(("airflow.sdk.io", *name)))
    except ImportError:  # Airflow 2.11
        return import_module(".".join(("airflow.io", *name)))
