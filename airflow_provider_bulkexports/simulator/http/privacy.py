"""What visitors without credentials may see of texts and fields that somebody else chose."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["for_visitors"]

#: Fields of a job that visitors may see; any other, also one that a test invented, shows :data:`_WITHHELD`.
_SHOWN = {
    *("job_sid", "friendly_name", "resource_type", "start_day", "end_day", "details"),
    *("job_queue_position", "estimated_completion_time"),
}
_WITHHELD = "(hidden without credentials)"

#: Parts to hide in shown texts: e-mail addresses and URLs.
_PRIVATE = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+|[A-Za-z][A-Za-z0-9+.\-]*://\S+")


def for_visitors(value: Any) -> str:
    """
    Return what may be shown of a text, or of the JSON value of a job's field.

    :param value: A text, or an object ``{field: value}``, of which the value is shown as JSON.
    """
    if isinstance(value, str):
        return _PRIVATE.sub(_WITHHELD, value)
    shown = [_without_private(part) if name in _SHOWN or not part else _WITHHELD for name, part in value.items()]
    return ", ".join(part if isinstance(part, str) else json.dumps(part) for part in shown)


def _without_private(value: Any) -> Any:
    if isinstance(value, dict):
        return {for_visitors(str(name)): _without_private(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_private(part) for part in value]
    return for_visitors(value) if isinstance(value, str) else value
