"""Rules of a file, with the place of what is wrong, and which of them holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from dcctl.drain.policy.document import entries
from dcctl.drain.policy.rules import annotated, rule_of, rules_of
from dcctl.drain.request import Rule
from dcctl.errors import UsageError
from dcctl.inventory.disruption import Disruption
from dcctl.inventory.sources.files.documents import documents
from tests.asked import hook_of
from tests.unit.drain.standing import work

_EXAMPLE = Path(__file__).parents[4] / "examples" / "drain" / "policy.yaml"


def _read(text: str) -> tuple[Rule, ...]:
    return rules_of(entries(documents(text, "drain.yaml"), "drain.yaml"))


def _rules(text: str) -> str:
    """A file whose first rule begins on line 2."""
    return "rules:\n" + text


def test_the_example_is_read() -> None:
    assert _read(_EXAMPLE.read_text("utf-8")) == (
        Rule(kinds=("Notebook",), mode="never"),
        Rule(workloads=("vision/*", "eval/*"), mode="wait", wait_s=14_400, after_wait="evict"),
        Rule(
            workloads=("pretrain/*",),
            kinds=("PyTorchJob", "JobSet"),
            hook=hook_of("signal USR1", "file /ckpt/latest", container="trainer", timeout_s=900, of="all"),
        ),
        Rule(workloads=("rl/*",), hook=hook_of("http POST :8080/checkpoint")),
        Rule(
            labels={"team": "speech"},
            waived="the owners accept to lose half an hour",
            checkpoint_every_s=1800,
        ),
    )


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("- {workloads: nlp/*}", Rule(workloads=("nlp/*",))),
        ("- {mode: wait}", Rule(mode="wait")),
        ("- {wait: 10m}", Rule(mode="wait", wait_s=600)),
        ("- {wait: 10m, then: stop}", Rule(mode="wait", wait_s=600)),
        ("- {checkpoint: {exec: save, proof: file /c}}", Rule(hook=hook_of("exec save", "file /c"))),
        ("- {checkpoint: {exec: save, of: all}}", Rule(hook=hook_of("exec save", of="all"))),
        ("- {checkpoint: {exec: save, proof: exit}}", Rule(hook=hook_of("exec save"))),
        ("- {checkpoint: {exec: save, proof: {exit: }}}", Rule(hook=hook_of("exec save"))),
    ],
)
def test_short_forms(text: str, rule: Rule) -> None:
    assert _read(_rules(text)) == (rule,)


def test_a_file_may_hold_no_rule() -> None:
    assert _read("rules: []") == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "drain.yaml: is empty"),
        ("rules: []\n---\nrules: []", "drain.yaml:3: a second document: one is read"),
        ("- a", "drain.yaml:1: must be a mapping with the key `rules`"),
        ("rules: []\nmore: 1", "drain.yaml:1: must be a mapping with the key `rules`"),
        ("rules: a", "drain.yaml:1: `rules` must be a list"),
        (_rules("- a"), "drain.yaml:2: a rule must be a mapping"),
        (_rules("- mode: wait\n  wiat: 4h"), "drain.yaml:3: wiat: is no key here; did you mean 'wait'?"),
        (_rules("- mode: kill"), "drain.yaml:2: mode: must be one of evict, wait, never, not 'kill'"),
        (_rules("- mode: wait\n  wait: soon"), "drain.yaml:3: wait: 'soon' is no length of time"),
        (_rules("- wait: 4h\n  then: kill"), "drain.yaml:3: then: then 'kill' is neither evict nor stop"),
        (_rules("- mode: wait\n  then: evict"), "drain.yaml:3: then: then evict needs a length of time"),
        (_rules("- mode: evict\n  wait: 4h"), "drain.yaml:3: wait: means nothing with mode evict"),
        (_rules("- then: evict"), "drain.yaml:2: then: means nothing with mode evict"),
        (_rules("- workloads: []"), "drain.yaml:2: workloads: is empty: leave it out to select any"),
        (_rules("- workloads: [[a]]"), "drain.yaml:2: workloads: must be a list of words"),
        (_rules("- kinds: {a: b}"), "drain.yaml:2: kinds: must be a list of words"),
        (_rules("- labels: a=b"), "drain.yaml:2: labels: must be a mapping of labels to values"),
        (_rules("- labels:\n    team: [a]"), "drain.yaml:3: labels.team: must be text"),
        (_rules("- waived:"), "drain.yaml:2: waived: is empty"),
        (_rules("- checkpoint-every: often"), "drain.yaml:2: checkpoint-every: 'often' is no length of time"),
        (_rules("- checkpoint: pray"), "drain.yaml:2: checkpoint: 'pray' begins with none of"),
        (_rules("- checkpoint:\n    signal: USR1"), "drain.yaml:3: checkpoint.signal: signal needs a proof"),
        (_rules("- checkpoint:\n    proof: exit"), "checkpoint: must say one of signal, exec, annotation"),
        (_rules("- checkpoint:\n    exec: a\n    http: b"), "and says exec and http"),
        (_rules("- checkpoint:\n    exec: a\n    proof: file c"), "drain.yaml:4: checkpoint.proof: 'c'"),
        (_rules("- checkpoint:\n    exec: a\n    time: 1m"), "drain.yaml:4: checkpoint.time: is no key here"),
        (_rules("- checkpoint:\n    exec: a\n    of: both"), "drain.yaml:4: checkpoint.of: must be first"),
        (_rules("- checkpoint:\n    exec: a\n    timeout: 1"), "drain.yaml:4: checkpoint.timeout: '1' is no"),
        (
            _rules("- checkpoint:\n    exec: a\n    proof:\n      flie: /c"),
            "drain.yaml:5: checkpoint.proof.flie: is no key here; did you mean 'file'?",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        _read(text)
    assert says in str(caught.value)
    assert str(caught.value).startswith("drain.yaml")
    assert caught.value.hint


def test_the_first_rule_that_selects_holds() -> None:
    rules = (
        Rule(workloads=("nlp/*",), kinds=("Job",), mode="never"),
        Rule(labels={"team": "a"}, mode="wait"),
        Rule(workloads=("nlp/*", "rl/*")),
    )
    told = Disruption(when_drained="never")
    assert rule_of(work("nlp/x", kind="Job", labels={"team": "a"}), told, rules) is rules[0]
    assert rule_of(work("nlp/x", labels={"team": "a"}), told, rules) is rules[1]
    assert rule_of(work("rl/x"), told, rules) is rules[2]
    assert rule_of(work("db/x"), told, rules) == Rule(mode="never")
    assert rule_of(work("db/x"), None, rules) == rule_of(work("db/x"), Disruption(), ()) == Rule()


def test_a_rule_that_selects_makes_annotations_that_cannot_be_read_good() -> None:
    assert rule_of(work("nlp/x"), Disruption(checkpoint="pray"), (Rule(),)) == Rule()


def test_annotations_make_the_same_rule_as_a_file() -> None:
    told = Disruption(
        checkpoint="signal USR1", proof="file /ckpt/latest", patience="15m", when_drained="wait 4h then evict"
    )
    written = _rules(
        "- checkpoint: {signal: USR1, proof: {file: /ckpt/latest}, timeout: 15m}\n  wait: 4h\n  then: evict"
    )
    (rule,) = _read(written)
    assert rule.hook is not None
    assert annotated(told) == replace(rule, hook=replace(rule.hook, annotated=True))


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (Disruption(when_drained="later"), "dcctl.io/when-drained: 'later' is none of"),
        (Disruption(checkpoint="pray"), "dcctl.io/checkpoint: 'pray' begins with none of"),
        (Disruption(checkpoint="exec a", proof="pray"), "dcctl.io/checkpoint-proof: 'pray' is no proof"),
        (Disruption(checkpoint="exec a", patience="1"), "dcctl.io/checkpoint-timeout: '1' is no length"),
        (Disruption(proof="exit"), "dcctl.io/checkpoint-proof stands there without dcctl.io/checkpoint"),
        (Disruption(patience="1m"), "dcctl.io/checkpoint-timeout stands there without dcctl.io/checkpoint"),
    ],
)
def test_annotations_that_cannot_be_read_are_named(told: Disruption, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        annotated(told)
