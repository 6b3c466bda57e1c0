"""Many waits in one event loop, as the triggerer has them."""

from support.waits import complete, pending

__all__ = ["complete", "pending"]
