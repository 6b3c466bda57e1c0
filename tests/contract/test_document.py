"""The kept copy of Twilio's OpenAPI document has only its facts, and the package agrees with them."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from airflow_provider_bulkexports.api import client
from airflow_provider_bulkexports.model.details import DayStatus

KEPT = Path(__file__).with_name("openapi.json")
PROSE = {"description", "summary", "title", "example", "examples", "tags", "externalDocs", "contact", "termsOfService"}
OFFICIAL = os.environ.get("BULKEXPORTS_OPENAPI", "")


@pytest.fixture(scope="module")
def reducer() -> ModuleType:
    """The script as a module; the package does not contain it."""
    spec = importlib.util.spec_from_file_location("reduce_openapi", KEPT.with_name("reduce_openapi.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def keys_of(value: Any) -> Iterator[str]:
    """Yield every key at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def page_maximum(document: dict[str, Any], path: str) -> int:
    (size,) = [p for p in document["paths"][path]["get"]["parameters"] if p["name"] == "PageSize"]
    maximum: int = size["schema"]["maximum"]
    return maximum


def test_kept_document_is_already_reduced(reducer: ModuleType, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    reducer.main([str(KEPT), str(again)])
    assert again.read_bytes() == KEPT.read_bytes()


def test_kept_document_has_no_prose(document: dict[str, Any]) -> None:
    in_document = {key for key in keys_of(document | {"info": {}}) if key in PROSE or key.startswith("x-")}
    assert in_document == set()
    assert document["info"].keys() == {"title", "version"}


@pytest.mark.skipif(not OFFICIAL, reason="BULKEXPORTS_OPENAPI does not name the official document")
def test_kept_document_matches_the_official_one(reducer: ModuleType, document: dict[str, Any]) -> None:
    official = json.loads(Path(OFFICIAL).read_text(encoding="utf-8"))
    assert reducer.reduce_document(official) == document
    assert reducer.render(reducer.reduce_document(official)) == KEPT.read_text(encoding="utf-8")


def test_property_named_like_a_prose_keyword_is_kept(reducer: ModuleType) -> None:
    schema = {
        "description": "prose",
        "type": "object",
        "properties": {"description": {"type": "string", "description": "prose", "maxLength": 9}},
    }
    source = {
        "openapi": "3.0.1",
        "info": {"title": "t", "version": "1", "contact": {"name": "n"}},
        "paths": {},
        "components": {"schemas": {"thing": schema}},
    }
    reduced = reducer.reduce_document(source)
    assert reduced["components"]["schemas"]["thing"] == {
        "type": "object",
        "properties": {"description": {"type": "string", "maxLength": 9}},
    }
    assert reduced["info"] == {"title": "t", "version": "1"}


@pytest.mark.parametrize("schema", ["job_enum_status", "export_custom_job_enum_status"])
def test_package_knows_every_documented_status(document: dict[str, Any], schema: str) -> None:
    ours = {status.value for status in DayStatus} - {DayStatus.UNKNOWN.value}
    assert ours == set(document["components"]["schemas"][schema]["enum"])


def test_client_asks_for_pages_of_the_documented_maximum(document: dict[str, Any]) -> None:
    assert page_maximum(document, "/v1/Exports/{ResourceType}/Jobs") == client.JOBS_PAGE_SIZE
    assert page_maximum(document, "/v1/Exports/{ResourceType}/Days") == client.DAYS_PAGE_SIZE
