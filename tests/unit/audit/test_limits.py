"""Checks say which keys of the policy they go by."""

from __future__ import annotations

import inspect
import re
from datetime import date

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.limits import Limit, limits_of, shown
from dcctl.audit.listing import explain_report
from dcctl.audit.policy import Policy
from dcctl.audit.policy.network import Approved
from dcctl.cli.generate.fields import evidence_fields, policy_fields

KEYS = {one.path for one in policy_fields()}


def test_each_key_is_told_by_a_check_that_there_is() -> None:
    found = {limit.key for name in CATALOGUE for limit in limits_of(name)}
    assert found == {f"audit.{key}" for key in KEYS}


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_check_tells_each_key_that_it_asks_for_itself(name: str) -> None:
    one = CATALOGUE[name]
    source = "".join(inspect.getsource(part) for part in (one.run, one.applies) if part)
    asked = {".".join(key) for key in re.findall(r"policy\.(\w+)\.(\w+)", source)} & KEYS
    assert asked <= {limit.key.removeprefix("audit.") for limit in limits_of(name)}


def test_explain_tells_limits_with_what_holds_by_itself() -> None:
    (text,) = explain_report(CATALOGUE["NOD-10"]).documents
    assert "audit.hosts.clock_offset_ns = 1000000" in str(text)
    usual = Policy().hosts.clock_offset_ns
    assert Limit("audit.hosts.clock_offset_ns", usual) in limits_of("NOD-10")
    assert not list(limits_of("POD-17"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (7, "7"),
        ("a", '"a"'),
        (date(2026, 3, 31), '"2026-03-31"'),
        (("a", 1), '["a", 1]'),
        (tuple(range(13)), "[0, 1, 2, … 13 in all]"),
        ({"a": (1,)}, '{"a" = [1]}'),
        (Approved("n", ("m",)), '{"network" = "n", "namespaces" = ["m"]}'),
    ],
)
def test_values_are_told_as_toml_has_them(value: object, text: str) -> None:
    assert shown(value) == text


def test_paths_lead_through_the_records_that_a_kind_holds() -> None:
    found = {one.path: one for one in evidence_fields("roles")}
    assert found["rules.verbs"].kind == "list of text"
    assert found["rules.groups"].about == "API groups; the core group is empty."
    assert found["labels"].kind == "table of text"
    assert "silent" not in found
