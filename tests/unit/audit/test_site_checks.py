"""The site's own checks: what they find, and what is wrong with a file of them."""

from __future__ import annotations

import json

import pytest

from dcctl.audit.evaluate import evaluate
from dcctl.audit.scene import Scene
from dcctl.audit.site import read
from dcctl.cli.audit.setup import entries_of
from dcctl.errors import UsageError
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.rbac import Role, Rule
from tests.unit.audit.cases import NOW_S

ROLES = (
    Role(name="dev", labels={"team": "nlp", "dcctl.io/tier": "2"}, rules=(Rule(verbs=("get", "list")),)),
    Role(name="ops", labels={"team": ""}, rules=(Rule(verbs=("get", "*")), Rule(verbs=("*",)))),
)


def wrong(path: str, op: str, value: str = "") -> list[str]:
    """The roles that a check finds wrong."""
    text = (
        f"checks:\n- {{id: SITE-01, kind: roles, path: '{path}', op: {op}, severity: low, message: is wrong"
    )
    text += f", value: {value}}}\n" if value else "}\n"
    (one,) = read(entries_of(text, "c.yaml", "checks", ""), ())
    (tally,) = evaluate(Scene(Evidence(roles=ROLES), NOW_S), [one])
    assert not tally.error, tally.error
    return [each.subject.partition("/")[2] for each in tally.outcomes if each.state == "fail"]


@pytest.mark.parametrize(
    ("path", "op", "value", "found"),
    [
        ("name", "equals", "dev", ["ops"]),
        ("name", "not-equals", "dev", ["dev"]),
        ("name", "matches", "'^d'", ["ops"]),
        ("name", "not-matches", "'^d'", ["dev"]),
        ("name", "in", "[dev, ops]", []),
        ("name", "not-in", "[dev]", ["dev"]),
        ('labels["team"]', "present", "", ["ops"]),
        ('labels["dcctl.io/tier"]', "present", "", ["ops"]),
        ('labels["dcctl.io/tier"]', "absent", "", ["dev"]),
        ("rules.verbs", "not-equals", "'*'", ["ops", "ops"]),
        ("aggregated", "equals", "false", []),
        ("aggregated", "equals", "true", ["dev", "ops"]),
        ("rules.verbs", "at-most", "5", ["dev", "dev", "ops", "ops", "ops"]),
    ],
)
def test_operators(path: str, op: str, value: str, found: list[str]) -> None:
    assert wrong(path, op, value) == found


def test_what_was_not_told_is_unknown() -> None:
    entry = SOUND | {"path": 'labels["x"]', "op": "equals", "value": "a"}
    text = f"checks: [{json.dumps(entry)}]"
    checks = read(entries_of(text, "c.yaml", "checks", ""), ())
    assert evaluate(Scene(Evidence(roles=ROLES[:1]), NOW_S), checks)[0].counts == {"unknown": 1}
    dark = Evidence(silent={"roles": Silence("403")})
    assert evaluate(Scene(dark, NOW_S), checks)[0].counts == {"unknown": 1}


SOUND = {"id": "SITE-01", "kind": "roles", "path": "name", "op": "present", "severity": "low", "message": "m"}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"kind": "rolls"}, "kind: must be one of"),
        ({"id": "site1"}, "id: must be like SITE-01"),
        ({"id": "RBAC-03"}, "id: RBAC-03 is in use"),
        ({"path": "nam"}, "did you mean 'name'?"),
        ({"path": "rules.verb"}, "did you mean 'verbs'?"),
        ({"path": "name.x"}, "below a value that has no parts"),
        ({"path": "__class__"}, "there is no '__class__'"),
        ({"path": "name()"}, "must be like"),
        ({"op": "is"}, "op: must be one of equals"),
        ({"op": "matches", "value": "("}, "no regular expression"),
        ({"op": "at-most", "value": "x"}, "must be a number, not 'x'"),
        ({"value": "x"}, "present takes none"),
        ({"severity": "grave"}, "severity: must be one of"),
        ({"message": ""}, "message: is missing"),
        ({"eval": "x"}, "eval: is no key"),
    ],
)
def test_a_broken_file_tells_file_line_and_why(changed: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError) as error:
        read(entries_of(f"checks:\n\n- {json.dumps(SOUND | changed)}\n", "c.yaml", "checks", ""), {"RBAC-03"})
    assert str(error.value).startswith("c.yaml:3: ")
    assert says in str(error.value)


def test_a_search_without_end_is_given_up_and_what_it_is_for_is_unknown() -> None:
    """Whoever names an object does not stop the audit."""
    fields = "kind: roles, path: name, op: matches, value: '^(a+)+$', severity: low, message: is wrong"
    text = f"checks:\n- {{id: SITE-01, {fields}}}\n"
    (one,) = read(entries_of(text, "checks.yaml", "checks", ""), ())
    roles = tuple(Role(name=name) for name in ("aaa", "a" * 28 + "b", "bbb"))
    found = evaluate(Scene(Evidence(roles=roles), NOW_S), [one])[0]
    assert dict(found.counts) == {"pass": 1, "unknown": 1, "fail": 1}
