"""Fixtures of the object storage tests."""

from __future__ import annotations

from support.s3 import proxy, s3

__all__ = ["proxy", "s3"]
