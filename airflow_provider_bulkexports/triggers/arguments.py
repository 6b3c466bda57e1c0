"""What Airflow stores of a trigger."""

from __future__ import annotations

import inspect
from typing import Any

from airflow_provider_bulkexports.compat import BaseTrigger

__all__ = ["serialized"]


def serialized(trigger: BaseTrigger) -> tuple[str, dict[str, Any]]:
    """
    Name a trigger's class by its public path, and its arguments as its constructor has them.

    Airflow stores both. The path of the file in which a class is defined would strand stored triggers when it moves.
    """
    arguments = {name: getattr(trigger, name) for name in inspect.signature(type(trigger)).parameters}
    module = type(trigger).__module__
    if module.startswith(f"{__package__}."):
        module = f"{__package__}.bulkexports"
    return f"{module}.{type(trigger).__qualname__}", arguments
