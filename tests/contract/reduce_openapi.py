"""
Reduce an OpenAPI document to its facts.

It keeps what defines requests and responses: paths, operations, parameters, bodies, statuses, schemas, the security
scheme. It removes prose, examples, CORS headers and vendor extensions, also the response descriptions that OpenAPI
requires. ``openapi.json`` was made from Twilio's own document (``twilio_bulkexports_v1.json`` of
https://github.com/twilio/twilio-oai, Apache-2.0)::

    python tests/contract/reduce_openapi.py twilio_bulkexports_v1.json tests/contract/openapi.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_PLAIN_SCHEMA_FACTS = (
    *("$ref", "type", "format", "enum", "nullable", "required", "default", "readOnly", "writeOnly"),
    *("pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
)
_SECURITY_FACTS = ("type", "scheme", "bearerFormat", "in", "name")
_PARAMETER_FACTS = ("$ref", "name", "in", "required", "style", "explode", "allowReserved", "allowEmptyValue")


def reduce_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a document; reducing them again changes nothing."""
    components = document.get("components", {})
    facts: dict[str, Any] = {
        "openapi": document["openapi"],
        "info": _kept(document["info"], "title", "version"),
        "servers": [_kept(server, "url") for server in document.get("servers", [])],
        "security": document.get("security", []),
        "paths": _each(document["paths"], _path),
        "components": {
            "schemas": _each(components.get("schemas", {}), _schema),
            "securitySchemes": _each(
                components.get("securitySchemes", {}), lambda scheme: _kept(scheme, *_SECURITY_FACTS)
            ),
        },
    }
    return facts


def render(document: Mapping[str, Any]) -> str:
    """Return a document as JSON; equal documents give equal text."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _path(item: Mapping[str, Any]) -> dict[str, Any]:
    facts = {method: _operation(item[method]) for method in METHODS if method in item}
    return facts | _parameters(item)


def _operation(operation: Mapping[str, Any]) -> dict[str, Any]:
    facts = _kept(operation, "operationId", "security", "deprecated") | _parameters(operation)
    if "requestBody" in operation:
        facts["requestBody"] = _body(operation["requestBody"])
    facts["responses"] = _each(operation["responses"], _body)
    return facts


def _parameters(owner: Mapping[str, Any]) -> dict[str, Any]:
    return {"parameters": [_parameter(parameter) for parameter in owner["parameters"]]} if "parameters" in owner else {}


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    facts = _kept(parameter, *_PARAMETER_FACTS)
    if "schema" in parameter:
        facts["schema"] = _schema(parameter["schema"])
    return facts


def _body(body: Mapping[str, Any]) -> dict[str, Any]:
    facts = _kept(body, "$ref", "required")
    if "content" in body:
        facts["content"] = _each(body["content"], lambda media: {"schema": _schema(media.get("schema", {}))})
    return facts


def _schema(schema: Any) -> Any:
    """Reduce a schema keyword by keyword, because a property may be named ``description`` or ``title``."""
    if not isinstance(schema, Mapping):
        return schema
    facts: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _PLAIN_SCHEMA_FACTS:
            facts[keyword] = value
        elif keyword == "properties":
            facts[keyword] = _each(value, _schema)
        elif keyword in ("items", "additionalProperties", "not"):
            facts[keyword] = _schema(value)
        elif keyword in ("allOf", "anyOf", "oneOf"):
            facts[keyword] = [_schema(one) for one in value]
    return facts


def _kept(mapping: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: mapping[name] for name in names if name in mapping}


def _each(mapping: Mapping[str, Any], reduce: Callable[[Any], Any]) -> dict[str, Any]:
    return {name: reduce(value) for name, value in mapping.items()}


def main(arguments: list[str] | None = None) -> None:
    """Read the source file, write the target file."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("source", type=Path, help="an OpenAPI 3.0 document in JSON")
    parser.add_argument("target", type=Path, help="the file to write")
    options = parser.parse_args(arguments)
    document = json.loads(options.source.read_text(encoding="utf-8"))
    options.target.write_text(render(reduce_document(document)), encoding="utf-8")


if __name__ == "__main__":
    main()
