"""Rules: how they are read from a file, and which of them holds for a pod."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal

from msgspec.structs import replace

from dcctl.drain.policy.grammar import HOWS, MODES, PROOFS, asking, proving, waiting, when
from dcctl.drain.request import Hook, Rule
from dcctl.inventory.lengths import duration
from dcctl.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from dcctl.drain.policy.entry import Entry
    from dcctl.inventory.disruption import Disruption
    from dcctl.inventory.model import Workload

    A = TypeVar("A")
    R = TypeVar("R")

_KEYS: Final = (
    "workloads", "kinds", "labels", "mode", "wait", "then", "checkpoint", "waived", "checkpoint-every",
)  # fmt: skip
DEFAULT: Final = Rule()
"""Of work that nothing is said of: it is evicted."""


def rules_of(entries: Iterable[Entry]) -> tuple[Rule, ...]:
    """Return the rules of the list `rules` of a file, in its order. UsageError with file and line."""
    return tuple(map(_rule, entries))


def rule_of(work: Workload, told: Disruption | None, rules: Sequence[Rule]) -> Rule:
    """Return what holds for a pod of this work: the first rule that selects it, else its annotations.

    ValueError: no rule selects it, and its annotations cannot be read; it says which, and why.
    """
    for rule in rules:
        if selects(rule, work):
            return rule
    return annotated(told) if told is not None else DEFAULT


def selects(rule: Rule, work: Workload) -> bool:
    """Tell whether a rule is about this work: all that it names must be so."""
    if rule.workloads and not any(fnmatchcase(work.id, pattern) for pattern in rule.workloads):
        return False
    if rule.kinds and work.kind not in rule.kinds:
        return False
    return all(work.labels.get(key) == value for key, value in rule.labels.items())


def annotated(told: Disruption) -> Rule:
    """Return the rule that the annotations of a pod make. ValueError names the one that is wrong."""
    rule = DEFAULT
    if told.when_drained:
        mode, wait_s, after = _named("when-drained", when, told.when_drained)
        rule = replace(rule, mode=mode, wait_s=wait_s, after_wait=after)
    if told.checkpoint:
        return replace(rule, hook=_annotated_hook(told))
    for key, value in (("checkpoint-proof", told.proof), ("checkpoint-timeout", told.patience)):
        if value:
            raise ValueError(f"dcctl.io/{key} stands there without dcctl.io/checkpoint")
    return rule


def _annotated_hook(told: Disruption) -> Hook:
    ask = _named("checkpoint", asking, told.checkpoint)
    key = "checkpoint-proof" if told.proof else "checkpoint"
    proof = _named(key, lambda text: proving(text, ask), told.proof)
    found = Hook(ask, proof, annotated=True)
    if told.patience:
        found = replace(found, timeout_s=_named("checkpoint-timeout", duration, told.patience))
    return found


def _named(key: str, read: Callable[[A], R], value: A) -> R:
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"dcctl.io/{key}: {without_secrets(str(error))}") from error


def _rule(entry: Entry) -> Rule:
    entry.check_keys(_KEYS)
    rule = Rule(
        workloads=entry.texts("workloads"),
        kinds=entry.texts("kinds"),
        labels=entry.pairs("labels"),
        hook=_hook(entry) if "checkpoint" in entry.told else None,
        waived=entry.text("waived"),
    )
    every = entry.text("checkpoint-every")
    if every:
        seconds = entry.read("checkpoint-every", lambda: duration(every))
        rule = replace(rule, checkpoint_every_s=seconds)
    return _with_mode(rule, entry)


def _with_mode(rule: Rule, entry: Entry) -> Rule:
    wait, then = entry.text("wait"), entry.text("then")
    mode = entry.text("mode") or ("wait" if wait else "evict")
    if mode not in MODES:
        raise entry.wrong("mode", f"must be one of {', '.join(MODES)}, not {mode!r}")
    for key, value in (("wait", wait), ("then", then)):
        if value and mode != "wait":
            raise entry.wrong(key, f"means nothing with mode {mode}")
    if mode != "wait":
        return replace(rule, mode="never" if mode == "never" else "evict")
    key = "then" if then and (then not in ("evict", "stop") or not wait) else "wait"
    found = entry.read(key, lambda: waiting(wait, then))
    return replace(rule, mode="wait", wait_s=found.wait_s, after_wait=found.after_wait)


def _hook(entry: Entry) -> Hook:
    """The hook of a rule: words as in an annotation, or a mapping of the same."""
    if not isinstance(entry.told["checkpoint"], dict):
        text = entry.text("checkpoint")
        ask = entry.read("checkpoint", lambda: asking(text))
        return Hook(ask, entry.read("checkpoint", lambda: proving("", ask)))
    inner = entry.below("checkpoint")
    inner.check_keys((*HOWS, "proof", "timeout", "container", "of"))
    word = _only(inner, HOWS)
    asked = f"{word} {inner.text(word)}"
    ask = inner.read(word, lambda: asking(asked))
    shows = _proof(inner)
    proof = inner.read("proof" if shows else word, lambda: proving(shows, ask))
    found = Hook(ask, proof, inner.text("container"))
    if "of" in inner.told:
        found = replace(found, of=_members(inner))
    timeout = inner.text("timeout")
    return replace(found, timeout_s=inner.read("timeout", lambda: duration(timeout))) if timeout else found


def _members(inner: Entry) -> Literal["first", "all"]:
    """Which members are asked."""
    word = inner.text("of")
    if word not in ("first", "all"):
        raise inner.wrong("of", f"must be first or all, not {word!r}")
    return "all" if word == "all" else "first"


def _proof(inner: Entry) -> str:
    """The words of a proof; empty without one."""
    if not isinstance(inner.told.get("proof"), dict):
        return inner.text("proof")
    proof = inner.below("proof")
    proof.check_keys(PROOFS)
    word = _only(proof, PROOFS)
    return f"{word} {proof.text(word)}" if word != "exit" else word


def _only(entry: Entry, words: Sequence[str]) -> str:
    """The one of these keys that is there. UsageError: none is, or several."""
    found = [word for word in words if word in entry.told]
    if len(found) != 1:
        said = " and ".join(found) if found else "nothing"
        raise entry.wrong("", f"must say one of {', '.join(words)}, and says {said}")
    return found[0]
