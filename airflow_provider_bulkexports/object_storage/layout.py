"""Path of a day's file below a destination: a template that cannot lead out of it."""

from __future__ import annotations

import glob
from datetime import date
from pathlib import PurePosixPath
from string import Formatter

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ResourceType

__all__ = ["DEFAULT_LAYOUT", "MANIFESTS", "check_layout", "day_folders", "day_path", "sidecar_of"]

DEFAULT_LAYOUT = "resource_type={resource_type}/day={day}/part-0.json.gz"

#: Where a file's manifest goes.
MANIFESTS = ("beside", "aside", "none")

_FIELDS = ("resource_type", "account_sid", "day", "year", "month")


def check_layout(layout: object) -> None:
    """
    Refuse a layout that would lose days or leave the destination.

    :raises BulkExportsInputError: says what to write instead.
    """
    if not isinstance(layout, str) or not layout.strip() or not layout.isprintable():
        raise BulkExportsInputError(f"layout {layout!r}: write a relative path of a file, such as {DEFAULT_LAYOUT!r}")
    try:
        parsed = list(Formatter().parse(layout))
    except ValueError as error:
        raise BulkExportsInputError(f"layout {layout!r}: {error}; write it like {DEFAULT_LAYOUT!r}") from error
    names = [name for _, name, _, _ in parsed if name is not None]
    if unknown := [name for name in names if name not in _FIELDS]:
        known = ", ".join(f"{{{name}}}" for name in _FIELDS)
        raise BulkExportsInputError(f"layout {layout!r}: {{{unknown[0]}}} is unknown; use {known}")
    if any(spec or conversion for _, _, spec, conversion in parsed):
        raise BulkExportsInputError(f"layout {layout!r}: write the fields without ':' or '!'")
    if "day" not in names:
        raise BulkExportsInputError(f"layout {layout!r}: without {{day}} the days would overwrite each other")
    path = PurePosixPath(layout)
    if path.is_absolute() or ".." in path.parts or "\\" in layout or "://" in layout or layout.endswith("/"):
        raise BulkExportsInputError(f"layout {layout!r}: write a relative path of a file, such as {DEFAULT_LAYOUT!r}")


def day_path(layout: str, *, resource_type: ResourceType, day: date, account_sid: str | None) -> str:
    """
    Relative path of a day's file.

    :raises BulkExportsInputError: if the layout cannot be used, or uses an account that is unknown.
    """
    check_layout(layout)
    if account_sid is None and "{account_sid}" in layout:
        raise BulkExportsInputError(
            "layout uses {account_sid}, but the API key's account is unknown: add account_sid to the connection's extra"
        )
    return layout.format(
        resource_type=resource_type.value,
        account_sid=account_sid,
        day=day.isoformat(),
        year=f"{day:%Y}",
        month=f"{day:%m}",
    )


def day_folders(layout: str, *, resource_type: ResourceType, account_sid: str | None) -> str:
    """Pattern of the folders of all days' files, for :meth:`pathlib.Path.glob`."""
    pattern = glob.escape(layout).format(
        resource_type=resource_type.value, account_sid=account_sid, day="*", year="*", month="*"
    )
    return str(PurePosixPath(pattern).parent)


def sidecar_of(path: str, manifests: str = "beside") -> str:
    """
    Relative path of the manifest of a day's file. Its underscore hides it from readers of partitioned data.

    :param manifests: ``beside`` the file, or ``aside``: below ``_manifests`` in the destination.
    """
    file = PurePosixPath(path)
    if manifests == "aside":
        return str(PurePosixPath("_manifests", file.with_name(f"{file.name}.manifest.json")))
    return str(file.with_name(f"_{file.name}.manifest.json"))
