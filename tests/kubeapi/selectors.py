"""Label selectors (equality and set based) and field selectors, parsed and matched as the API server does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tests.kubeapi.kinds import META_LABELS
from tests.kubeapi.status import Obj, bad_request

if TYPE_CHECKING:
    from tests.kubeapi.kinds import Kind

Predicate = Callable[[Obj], bool]
LabelTest = Callable[[Mapping[str, str]], bool]

_COMMA = re.compile(r",(?![^(]*\))")
_SET = re.compile(r"^\s*(?P<key>[\w./-]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)\s*$")
_EQUALITY = re.compile(r"^\s*(?P<key>[\w./-]+)\s*(?P<op>==|=|!=)\s*(?P<value>[\w.-]*)\s*$")
_EXISTS = re.compile(r"^\s*(?P<no>!?)\s*(?P<key>[\w./-]+)\s*$")
_FIELD = re.compile(r"^(?P<key>[^=!]+)(?P<op>==|!=|=)(?P<value>.*)$")


def label_selector(text: str) -> LabelTest | None:
    """A test on labels; None when the selector selects everything. 400 when it cannot be parsed."""
    tests = [_label_term(term) for term in _COMMA.split(text) if term.strip()]
    return (lambda labels: all(test(labels) for test in tests)) if tests else None


def _label_term(term: str) -> LabelTest:
    if found := _SET.match(term):
        values = {value.strip() for value in found["values"].split(",")}
        return _in(found["key"], values, positive=found["op"] == "in")
    if found := _EQUALITY.match(term):
        return _in(found["key"], {found["value"]}, positive=found["op"] != "!=")
    if found := _EXISTS.match(term):
        key, wanted = found["key"], not found["no"]
        return lambda labels: (key in labels) is wanted
    raise bad_request(f"unable to parse requirement: found '{term}', expected: identifier")


def _in(key: str, values: set[str], *, positive: bool) -> LabelTest:
    # A missing label satisfies != and notin: only the positive forms need the key.
    if positive:
        return lambda labels: labels.get(key) in values
    return lambda labels: labels.get(key) not in values


def match_labels(selector: Obj | None) -> LabelTest:
    """A test for the object form (`matchLabels`, `matchExpressions`); None selects nothing, {} everything."""
    if selector is None:
        return lambda _labels: False
    tests = [_in(key, {value}, positive=True) for key, value in (selector.get("matchLabels") or {}).items()]
    tests += [_expression(term) for term in selector.get("matchExpressions") or []]
    return lambda labels: all(test(labels) for test in tests)


def _expression(term: Obj) -> LabelTest:
    key, operator = term["key"], term["operator"]
    if operator in {"In", "NotIn"}:
        return _in(key, set(term.get("values") or []), positive=operator == "In")
    return lambda labels: (key in labels) is (operator == "Exists")


def field_selector(kind: Kind, text: str) -> Predicate | None:
    """A test on an object; None when the selector selects everything. 400 for a label the type has not."""
    tests = [_field_term(kind, term) for term in text.split(",") if term]
    return (lambda obj: all(test(obj) for test in tests)) if tests else None


def _field_term(kind: Kind, term: str) -> Predicate:
    found = _FIELD.match(term)
    if not found:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    key, value, equal = found["key"], found["value"], found["op"] != "!="
    _check_field(kind, key)
    steps = key.split(".")
    return lambda obj: (_field(obj, steps) == value) is equal


def _check_field(kind: Kind, key: str) -> None:
    own_conversion = bool(kind.field_labels)
    if key in kind.field_labels or key == "metadata.name":
        return
    if key == "metadata.namespace" and (kind.namespaced or not own_conversion):
        return
    if own_conversion:
        raise bad_request(f"field label not supported: {key}")
    quoted = ", ".join(f'"{label}"' for label in META_LABELS)  # both are named for cluster-wide types too
    raise bad_request(f'"{key}" is not a known field selector: only {quoted}')


def _field(obj: Obj, steps: list[str]) -> str:
    value: Any = obj
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "false" if steps[-1] in {"unschedulable", "hostNetwork"} else ""
    return str(value)


def predicate(kind: Kind, labels: str, fields: str) -> Predicate | None:
    """Both selectors in one test; None when every object passes, which lets a page be counted and joined."""
    label_test, field_test = label_selector(labels), field_selector(kind, fields)
    if label_test is None:
        return field_test
    by_label = label_test

    def passes(obj: Obj) -> bool:
        return by_label(obj["metadata"].get("labels") or {}) and (field_test is None or field_test(obj))

    return passes
