"""The declared shape is a JSON Schema that takes every report of the kind and refuses another."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from dcctl.render.dispatch import render
from dcctl.render.schema import json_schema
from dcctl.render.style import Style
from tests.unit.render.samples import SHAPE, report

if TYPE_CHECKING:
    from dcctl.render.report import Report


def document(of: Report, **style: object) -> dict[str, object]:
    out = io.StringIO()
    render(of, Style("json", **style), out)  # type: ignore[arg-type]
    loaded: dict[str, object] = json.loads(out.getvalue())
    return loaded


def errors(found: dict[str, object]) -> list[str]:
    return [error.message for error in Draft202012Validator(json_schema(SHAPE)).iter_errors(found)]


def test_the_schema_is_one_of_its_draft() -> None:
    Draft202012Validator.check_schema(json_schema(SHAPE))


def test_a_report_of_the_shape_is_valid() -> None:
    assert errors(document(report())) == []
    assert errors(document(replace(report(), documents=("text",)), one_line=True)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "dcctl/assess/v2"}, "dcctl/assess/v1"),
        ({"gaps": [{"source": "ssh"}]}, "'subject' is a required property"),
        ({"extra": 1}, "'extra' was unexpected"),
        ({"summary": {"nodes": 1, "gpus": {"H100": "many"}, "busy_milli": 1}}, "not valid"),
        ({"details": {"idel": []}}, "'idel' was unexpected"),
    ],
)
def test_another_document_is_refused(change: dict[str, object], words: str) -> None:
    assert any(words in error for error in errors(document(report()) | change))


@pytest.mark.parametrize("value", ["8", 8.5, [8]])
def test_a_quantity_is_an_integer_or_unknown(value: object) -> None:
    found = document(report())
    items = found["items"]
    assert isinstance(items, list)
    items[0]["power_mw"] = value
    assert errors(found)
    items[0]["power_mw"] = None
    assert not errors(found)


def test_units_are_told() -> None:
    text = json.dumps(json_schema(SHAPE))
    assert "POWER, in milliwatts; null: unknown" in text
