"""The kept copy of Twilio's OpenAPI document is its facts and nothing else, and the package agrees with them."""

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
    """The script, which is no module of the package."""
    spec = importlib.util.spec_from_file_location("reduce_openapi", KEPT.with_name("reduce_openapi.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def keys_of(value: Any) -> Iterator[str]:
    """Every key at any depth."""
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


def test_reducing_the_copy_again_changes_nothing(reducer: ModuleType, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    reducer.main([str(KEPT), str(again)])
    assert again.read_bytes() == KEPT.read_bytes()


def test_the_copy_has_no_prose(document: dict[str, Any]) -> None:
    in_document = {key for key in keys_of(document | {"info": {}}) if key in PROSE or key.startswith("x-")}
    assert in_document == set()
    assert document["info"].keys() == {"title", "version"}


@pytest.mark.skipif(not OFFICIAL, reason="BULKEXPORTS_OPENAPI names no official document to compare with")
def test_the_copy_is_what_the_official_document_says(reducer: ModuleType, document: dict[str, Any]) -> None:
    official = json.loads(Path(OFFICIAL).read_text(encoding="utf-8"))
    assert reducer.reduce_document(official) == document
    assert reducer.render(reducer.reduce_document(official)) == KEPT.read_text(encoding="utf-8")


def test_reducing_keeps_a_property_whose_name_is_a_keyword_for_prose(reducer: ModuleType) -> None:
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
def test_the_package_knows_every_status_of_the_document(document: dict[str, Any], schema: str) -> None:
    ours = {status.value for status in DayStatus} - {DayStatus.UNKNOWN.value}
    assert ours == set(document["components"]["schemas"][schema]["enum"])


def test_pages_are_as_large_as_the_document_allows(document: dict[str, Any]) -> None:
    assert page_maximum(document, "/v1/Exports/{ResourceType}/Jobs") == client.JOBS_PAGE_SIZE
    assert page_maximum(document, "/v1/Exports/{ResourceType}/Days") == client.DAYS_PAGE_SIZE
