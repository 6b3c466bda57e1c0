"""The simulator's state and behaviour."""
