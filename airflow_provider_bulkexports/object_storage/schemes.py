"""The part of ``compat.py`` that is about object storage: it moved in Airflow 3."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk.io.path import ObjectStoragePath

__all__ = ["has_file_system", "object_storage_path"]


_S3 = ("airflow.providers.amazon.aws.fs.s3", "s3fs")
_GCS = ("airflow.providers.google.cloud.fs.gcs", "gcsfs")
_AZURE = ("airflow.providers.microsoft.azure.fs.adls", "adlfs")

#: The provider's module and the library of each scheme that Airflow's own providers bring.
_NEEDED = {
    **dict.fromkeys(("s3", "s3a", "s3n"), _S3),
    **dict.fromkeys(("gs", "gcs"), _GCS),
    **dict.fromkeys(("abfs", "abfss", "adl"), _AZURE),
}


def object_storage_path(url: str, conn_id: str | None = None) -> ObjectStoragePath:
    """Make the path; imported here, since few processes need it and it brings the file systems along."""
    path: ObjectStoragePath = _module("path").ObjectStoragePath(url, conn_id=conn_id)
    return path


def has_file_system(scheme: str) -> bool:
    """
    Whether Airflow, a provider or an attached store serves the scheme of a URL.

    Loads no provider where Airflow's own is installed as it should be, since DAG files are parsed often.
    """
    needed = _NEEDED.get(scheme, ())
    if needed and all(map(_is_installed, needed)):
        return True
    attached = getattr(_module("store"), "_STORE_CACHE", {})
    if any(store.protocol == scheme for store in attached.values()):
        return True
    return bool(_registry().has_fs(scheme)) and not (needed and _is_airflow_s_own(scheme))


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, RuntimeError):  # its package is missing, or refuses this Airflow
        return False


def _is_airflow_s_own(scheme: str) -> bool:
    """Whether the scheme is served by Airflow's own provider, which registers it without its library, too."""
    registered: dict[str, Any] = getattr(_registry(), "_register_filesystems", dict)()
    return str(getattr(registered.get(scheme), "__module__", "")) == _NEEDED[scheme][0]


def _registry() -> Any:
    """The module that knows the file systems."""
    try:
        return import_module("airflow.sdk.io.fs")
    except ImportError:  # before Airflow 3.1
        return import_module("airflow.io")


def _module(*name: str) -> Any:
    try:
        return import_module(".".join(("airflow.sdk.io", *name)))
    except ImportError:  # Airflow 2.11
        return import_module(".".join(("airflow.io", *name)))
