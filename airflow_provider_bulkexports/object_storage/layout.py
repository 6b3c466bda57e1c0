"""Path of a day's file below a destination: a template that cannot lead out of it."""

from __future__ import annotations

import glob
import re
from contextlib import suppress
from datetime import date
from pathlib import PurePosixPath
from string import Formatter

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ResourceType

__all__ = [
    "DEFAULT_LAYOUT",
    "EMPTY_DAYS",
    "MANIFESTS",
    "check_format",
    "check_layout",
    "day_and_account",
    "day_folders",
    "day_path",
    "files_pattern",
    "layout_for",
    "sidecar_of",
    "table_folder",
]

DEFAULT_LAYOUT = "resource_type={resource_type}/day={day}/part-0.json.gz"

_PARQUET_LAYOUT = "resource_type={resource_type}/day={day}/part-0.parquet"

#: Whether a day without records has a file.
EMPTY_DAYS = ("store", "skip")

#: Where a file's manifest goes.
MANIFESTS = ("beside", "aside", "none")

_FIELDS = ("resource_type", "account_sid", "day", "year", "month", "format")


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


def layout_for(file_format: str, layout: str = DEFAULT_LAYOUT) -> str:
    """Return the layout, or the default of the format where nobody chose one."""
    return _PARQUET_LAYOUT if file_format == "parquet" and layout == DEFAULT_LAYOUT else layout


def check_format(layout: str, file_format: str) -> None:
    """
    Refuse a layout whose files would have the name of another format.

    :raises BulkExportsInputError: says what to write instead.
    """
    if layout.endswith(".parquet") is not (file_format == "parquet") and not layout.endswith("{format}"):
        end = ".parquet" if file_format == "parquet" else ".json.gz"
        raise BulkExportsInputError(f"layout {layout!r}: files of file_format {file_format!r} have to end in {end!r}")


def table_folder(layout: str, *, resource_type: ResourceType, account_sid: str | None, file_format: str) -> str:
    """Relative path of the folder of all days of a resource type: what a query engine reads as one table."""
    before_days = re.split(r"[^/]*\{(?:day|year|month)\}", layout, maxsplit=1)[0]
    return before_days.format(resource_type=resource_type.value, account_sid=account_sid, format=file_format).rstrip(
        "/"
    )


def day_path(
    layout: str, *, resource_type: ResourceType, day: date, account_sid: str | None, file_format: str = "json"
) -> str:
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
        format=file_format,
    )


def files_pattern(
    layout: str, *, resource_type: ResourceType, account_sid: str | None, file_format: str = "json"
) -> str:
    """
    Pattern of the paths of all days' files, in the manner of :mod:`glob`.

    :param account_sid: Account of the files; ``None`` for every account.
    """
    return glob.escape(layout).format(
        resource_type=resource_type.value,
        account_sid=account_sid or "*",
        day="*",
        year="*",
        month="*",
        format=file_format,
    )


def day_folders(layout: str, *, resource_type: ResourceType, account_sid: str | None, file_format: str = "json") -> str:
    """Pattern of the folders of all days' files, for :meth:`pathlib.Path.glob`."""
    pattern = files_pattern(layout, resource_type=resource_type, account_sid=account_sid, file_format=file_format)
    return str(PurePosixPath(pattern).parent)


def day_and_account(
    layout: str, path: str, *, resource_type: ResourceType, file_format: str = "json"
) -> tuple[date, str | None] | None:
    """
    Read the day, and the account if the layout has it, from the path of a day's file.

    :return: ``None`` if the layout makes no such path.
    """
    patterns = {"day": r"\d{4}-\d{2}-\d{2}", "account_sid": r"[^/]+", "year": r"\d+", "month": r"\d+"}
    patterns |= {"resource_type": re.escape(resource_type.value), "format": re.escape(file_format)}
    expression, seen = "", set()
    for text, name, _, _ in Formatter().parse(layout):
        expression += re.escape(text)
        if name is not None:
            expression += f"(?P={name})" if name in seen else f"(?P<{name}>{patterns[name]})"
            seen.add(name)
    found = re.fullmatch(expression, path)
    if found is None:
        return None
    fields = found.groupdict()
    with suppress(ValueError):
        day, account_sid = date.fromisoformat(fields["day"]), fields.get("account_sid")
        own = day_path(layout, resource_type=resource_type, day=day, account_sid=account_sid, file_format=file_format)
        return (day, account_sid) if own == path else None
    return None


def sidecar_of(path: str, manifests: str = "beside") -> str:
    """
    Relative path of the manifest of a day's file. Its underscore hides it from readers of partitioned data.

    :param manifests: ``beside`` the file, or ``aside``: below ``_manifests`` in the destination.
    """
    file = PurePosixPath(path)
    if manifests == "aside":
        return str(PurePosixPath("_manifests", file.with_name(f"{file.name}.manifest.json")))
    return str(file.with_name(f"_{file.name}.manifest.json"))
