"""Shared by the contract tests: Twilio's OpenAPI document, reduced to its facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The kept copy of Twilio's document."""
    text = Path(__file__).with_name("openapi.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
