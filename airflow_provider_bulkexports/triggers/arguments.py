"""What Airflow stores of a trigger."""

from __future__ import annotations

import inspect
from typing import Any

from airflow_provider_bulkexports.compat import BaseTrigger

__all__ = ["serialized"]


def serialized(trigger: BaseTrigger) -> tuple[str, dict[str, Any]]:
    """Name a trigger's class and its arguments, as its constructor has them."""
    arguments = {name: getattr(trigger, name) for name in inspect.signature(type(trigger)).parameters}
    return f"{type(trigger).__module__}.{type(trigger).__qualname__}", arguments
