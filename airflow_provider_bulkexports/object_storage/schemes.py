"""Schemes of a destination's URL: which store each one means, and whether what it needs is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from airflow_provider_bulkexports.compat import attached_stores, file_system_registry

__all__ = ["AZURE", "EXTRAS", "GCS", "LOCAL", "S3", "has_file_system"]

LOCAL = ("file", "local")
S3 = ("s3", "s3a", "s3n")
GCS = ("gs", "gcs")
AZURE = ("abfs", "abfss", "adl")

#: The extra of this package that installs what a scheme needs.
EXTRAS = {**dict.fromkeys(S3, "s3"), **dict.fromkeys(GCS, "gcs"), **dict.fromkeys(AZURE, "azure")}

#: The module of Airflow's provider and the library that each extra installs.
_NEEDED = {
    "s3": ("airflow.providers.amazon.aws.fs.s3", "s3fs"),
    "gcs": ("airflow.providers.google.cloud.fs.gcs", "gcsfs"),
    "azure": ("airflow.providers.microsoft.azure.fs.adls", "adlfs"),
}


def has_file_system(scheme: str) -> bool:
    """
    Whether Airflow, a provider or an attached store serves the scheme of a URL.

    Loads no provider if Airflow's own is installed completely, because DAG files are parsed often.
    """
    needed = _NEEDED.get(EXTRAS.get(scheme, ""), ())
    if needed and all(map(_is_installed, needed)):
        return True
    if any(store.protocol == scheme for store in attached_stores()):
        return True
    return bool(file_system_registry().has_fs(scheme)) and not (needed and _is_served_by(needed[0], scheme))


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, RuntimeError):  # its package is missing, or refuses this Airflow
        return False


def _is_served_by(module: str, scheme: str) -> bool:
    """Whether this module of a provider serves the scheme; it registers it even if its library is missing."""
    registered: dict[str, Any] = getattr(file_system_registry(), "_register_filesystems", dict)()
    return str(getattr(registered.get(scheme), "__module__", "")) == module
