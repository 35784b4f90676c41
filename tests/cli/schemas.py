"""The schemas of documents, made and checked once; test_documents holds `dcctl schema` against them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema

from dcctl.cli.schema import document


@cache
def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind, as it is read from what dcctl prints."""
    found: dict[str, Any] = json.loads(json.dumps(document(kind)))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


@cache
def _validator(kind: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema(kind))


def validate(given: object, kind: str = "") -> None:
    """ValidationError when a document is not what the schema of its kind says; empty: the kind it names."""
    if not kind:
        assert isinstance(given, dict)
        prefix, kind, version = str(given["schema"]).split("/")
        assert (prefix, version) == ("dcctl", "v1")
    _validator(kind).validate(given)
