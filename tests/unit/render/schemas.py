"""The outputs of an audit held against the schemas of those who made the formats."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import xmlschema
from oscal_bindings.v1.models import AssessmentResultsDocument
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = Path(__file__).parents[2] / "data" / "schemas"
_NOT_IN_MODELS = {"compliance.status", "compliance.status_detail"}
"""Of OCSF 1.3, and not of the package that has its models."""


@cache
def _sarif() -> jsonschema.Draft4Validator:
    return jsonschema.Draft4Validator(json.loads((FOLDER / "sarif-2.1.0-rtm.5.json").read_text()))


@cache
def _junit() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(FOLDER / "junit-10.xsd"))


def sarif(text: str) -> None:
    """Fail unless it is a SARIF log, with ids of rules that are there once."""
    log = json.loads(text)
    _sarif().validate(log)
    for run in log["runs"]:
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert len(rules) == len(set(rules))
        named = [one for one in run["results"] if "ruleIndex" in one]
        assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in named)


def junit(text: str) -> None:
    """Fail unless it is a JUnit report."""
    _junit().validate(text)


def ocsf(text: str) -> None:
    """Fail unless each line is a Compliance Finding of which every field is known to the class."""
    for line in text.splitlines():
        event = json.loads(line)
        model = ComplianceFinding.model_validate(event)
        read = json.loads(model.model_dump_json(exclude_unset=True))
        assert set(_lost(event, read)) <= _NOT_IN_MODELS


def oscal(text: str) -> None:
    """Fail unless it is OSCAL, with ids that are there once and observations that are."""
    AssessmentResultsDocument.model_validate_json(text)
    (result,) = json.loads(text)["assessment-results"]["results"]
    seen = [one["uuid"] for one in result.get("observations", ())]
    found = [one["uuid"] for one in result.get("findings", ())]
    assert len({*seen, *found}) == len(seen) + len(found)
    for one in result.get("findings", ()):
        assert {each["observation-uuid"] for each in one.get("related-observations", ())} <= set(seen)


def _lost(wrote: Any, read: Any, at: str = "") -> Iterator[str]:
    """Yield the places that a model does not know, or understood as something else."""
    if isinstance(wrote, dict):
        for key, value in wrote.items():
            yield from _lost(value, read[key], f"{at}{key}.") if key in read else (f"{at}{key}",)
    elif isinstance(wrote, list):
        for one, other in zip(wrote, read, strict=True):
            yield from _lost(one, other, at)
    elif wrote != read:
        yield f"{at} {wrote!r} is read as {read!r}"


VALID: dict[str, Callable[[str], None]] = {"sarif": sarif, "junit": junit, "ocsf": ocsf, "oscal": oscal}
"""By output."""
