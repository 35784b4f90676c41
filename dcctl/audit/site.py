"""The site's own checks: kind, path, operator and value, compiled to a closure. Nothing is evaluated."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from dcctl.audit.check import SEVERITIES, Check, Fault, Unsure
from dcctl.inventory.evidence.collected import Evidence
from dcctl.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence

    from dcctl.audit.check import Severity
    from dcctl.audit.entries import Entry
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.base import Subject

_KEYS: Final = ("id", "title", "kind", "path", "op", "value", "severity", "message", "why", "fix", "refs")
_ID: Final = re.compile(r"[A-Z][A-Z0-9]{1,7}-\d{2,4}")
_PART: Final = re.compile(r'([A-Za-z_]\w*)((?:\["[^"\]]+"\])*)')
_KEY: Final = re.compile(r'\["([^"\]]+)"\]')


class Found(NamedTuple):
    """A value that a path leads to; `where` has the names of the list entries that it went through."""

    value: object
    where: str


def read(entries: Iterable[Entry], known: Container[str]) -> tuple[Check, ...]:
    """Return the checks of a file. UsageError, with file and line, for what is wrong. `known`: ids in use."""
    found: dict[str, Check] = {}
    for entry in entries:
        one = _read(entry)
        if one.id in known or one.id in found:
            raise entry.wrong("id", f"{one.id} is in use")
        found[one.id] = one
    return tuple(found.values())


def _read(entry: Entry) -> Check:
    entry.check_keys(_KEYS)
    name, kind = entry.text("id", needed=True), entry.one_of("kind", KINDS)
    if not _ID.fullmatch(name):
        raise entry.wrong("id", f"must be like SITE-01, not {name!r}")
    severity: Severity = entry.one_of("severity", SEVERITIES)  # type: ignore[assignment]  # one_of sees to it
    message = entry.text("message", needed=True)
    refs = _words(entry, "refs") if entry.told.get("refs") else (f"site:{name}",)
    return Check(
        name,
        entry.text("title") or message,
        severity,
        ("A",),
        kind,
        (),
        entry.text("why") or message,
        entry.text("fix") or f"See {entry.place}.",
        refs,
        _compiled(entry, kind, message),
    )


def _compiled(entry: Entry, kind: str, message: str) -> Callable[[Any, Scene], Iterator[Fault]]:
    steps = _steps(entry, kind)
    op = entry.one_of("op", OPERATORS)
    holds = OPERATORS[op](entry)
    absent_counts = op in ("present", "absent")

    def run(subject: Subject, _scene: Scene) -> Iterator[Fault]:
        for found in _walked(subject, steps, ""):
            if found.value is None and not absent_counts:
                raise Unsure(f"nobody told {entry.text('path')}")
            if not holds(found.value):
                yield Fault(message, found.where)

    run.__doc__ = f"{entry.text('path')} {op} {entry.told.get('value') or ''}".strip() + "."
    return run


def _walked(value: object, steps: Sequence[str], where: str) -> Iterator[Found]:
    """Yield what a path leads to: through every entry of a list, by the name that it has."""
    if isinstance(value, tuple | list | frozenset):
        for one in value:
            name = getattr(one, "name", None)
            yield from _walked(one, steps, f"{where}/{name}".lstrip("/") if isinstance(name, str) else where)
    elif not steps or value is None:
        yield Found(value, where)
    elif isinstance(value, dict):
        yield from _walked(value.get(steps[0]), steps[1:], where)
    else:
        yield from _walked(getattr(value, steps[0], None), steps[1:], where)


def _steps(entry: Entry, kind: str) -> tuple[str, ...]:
    """Return the names on a path. UsageError: it does not lead through the fields of that kind."""
    text = entry.text("path", needed=True)
    steps: list[str] = []
    for part in re.split(r"\.(?![^\[]*\])", text):
        match = _PART.fullmatch(part)
        if match is None:
            raise entry.wrong("path", f'must be like containers.image or labels["team"], not {text!r}')
        steps += [match[1], *_KEY.findall(match[2])]
    _check_path(entry, KINDS[kind], steps)
    return tuple(steps)


def _check_path(entry: Entry, kind: Any, steps: Sequence[str]) -> None:  # noqa: ANN401  # a type of msgspec.inspect
    """UsageError for the first name that no field has."""
    here = _core(kind)
    for step in steps:
        if isinstance(here, msgspec.inspect.StructType):
            fields = {one.name: one.type for one in here.fields}
            if step not in fields:
                near = difflib.get_close_matches(step, fields, 1)
                meant = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(fields))}"
                raise entry.wrong("path", f"there is no {step!r}; {meant}")
            here = _core(fields[step])
        elif isinstance(here, msgspec.inspect.DictType):
            here = _core(here.value_type)
        else:
            raise entry.wrong("path", f"{step!r} is below a value that has no parts")


def _core(kind: Any) -> Any:  # noqa: ANN401  # the same
    """Return the type without None, and of a list that of its entries."""
    while True:
        if isinstance(kind, msgspec.inspect.UnionType):
            kind = next(
                (one for one in kind.types if not isinstance(one, msgspec.inspect.NoneType)), kind.types[0]
            )
        elif isinstance(
            kind, msgspec.inspect.VarTupleType | msgspec.inspect.ListType | msgspec.inspect.FrozenSetType
        ):
            kind = kind.item_type
        elif isinstance(kind, msgspec.inspect.Metadata):
            kind = kind.type
        else:
            return kind


def _kinds() -> dict[str, Any]:
    """Return the kinds of subjects with their types, by name."""
    whole = msgspec.inspect.type_info(Evidence)
    found = {one.name: _core(one.type) for one in whole.fields}  # type: ignore[attr-defined]  # it is a struct
    return {name: kind for name, kind in found.items() if _is_subject(kind)}


def _is_subject(kind: Any) -> bool:  # noqa: ANN401  # the same
    return isinstance(kind, msgspec.inspect.StructType) and any(one.name == "silent" for one in kind.fields)


KINDS: Final = _kinds()


def _words(entry: Entry, key: str) -> tuple[str, ...]:
    value = entry.told.get(key)
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in values) or not values:
        raise entry.wrong(key, "must be a word, or a list of words")
    return tuple(str(one) for one in values)


def _text(value: object) -> str:
    """Return a value as it stands in a file."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(entry: Entry) -> float:
    text = entry.text("value", needed=True)
    try:
        return float(text)
    except ValueError as error:
        raise entry.wrong("value", f"must be a number, not {text!r}") from error


def _pattern(entry: Entry) -> Pattern:
    try:
        return Pattern(entry.text("value", needed=True))
    except re.error as error:
        raise entry.wrong("value", f"is no regular expression: {error}") from error


def _nothing(entry: Entry) -> None:
    if "value" in entry.told:
        raise entry.wrong("value", f"{entry.text('op')} takes none")


def _at_most(entry: Entry) -> Callable[[object], bool]:
    limit = _number(entry)
    return lambda value: isinstance(value, int | float) and value <= limit


def _at_least(entry: Entry) -> Callable[[object], bool]:
    limit = _number(entry)
    return lambda value: isinstance(value, int | float) and value >= limit


def _equals(entry: Entry) -> Callable[[object], bool]:
    wanted = entry.text("value")
    return lambda value: _text(value) == wanted


def _in(entry: Entry) -> Callable[[object], bool]:
    words = frozenset(_words(entry, "value"))
    return lambda value: _text(value) in words


def _not(made: Callable[[Entry], Callable[[object], bool]]) -> Callable[[Entry], Callable[[object], bool]]:
    def turned(entry: Entry) -> Callable[[object], bool]:
        holds = made(entry)
        return lambda value: not holds(value)

    return turned


def _matches(entry: Entry) -> Callable[[object], bool]:
    pattern = _pattern(entry)

    def holds(value: object) -> bool:
        try:
            return pattern.found_in(_text(value))
        except TimeoutError as error:
            raise Unsure(str(error)) from error

    return holds


def _present(entry: Entry) -> Callable[[object], bool]:
    _nothing(entry)
    return lambda value: value is not None and value != ""


OPERATORS: Final[dict[str, Callable[[Entry], Callable[[object], bool]]]] = {
    "equals": _equals,
    "not-equals": _not(_equals),
    "in": _in,
    "not-in": _not(_in),
    "matches": _matches,
    "not-matches": _not(_matches),
    "at-most": _at_most,
    "at-least": _at_least,
    "present": _present,
    "absent": _not(_present),
}
"""What has to hold of every value that the path leads to."""
