"""Checks that look at several things of one subject: a control of a standard may ask for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from dcctl.audit.attest import attested
from dcctl.audit.check import CATALOGUE, Fault, Unattested, Unsure, check, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dcctl.audit.check import Severity, State, Tier
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.base import Subject


class Part(NamedTuple):
    """What came of one thing that a check looked at."""

    where: str
    state: State
    says: str = ""
    severity: Severity | None = None


Look: TypeAlias = "Callable[[Any, Scene], Iterable[Part]]"
"""What looks at one subject."""
PARTS: Final[dict[str, Look]] = {}
"""By id of the check."""


def in_parts(  # noqa: PLR0913  # each is a fact that the catalogue tells of a check
    name: str,
    title: str,
    severity: Severity,
    *,
    tier: tuple[Tier, ...] | Tier,
    over: str,
    why: str,
    fix: str,
    needs: tuple[str, ...] = (),
    refs: tuple[str, ...] = (),
    applies: Callable[[Any, Scene], str] | None = None,
) -> Callable[[Look], Look]:
    """Enter a check that yields Parts. It fails where one does; where none does, one unknown makes it so.

    Where there are no parts, or each of them does not apply, the check does not.
    """

    def entered(parts: Look) -> Look:
        def run(subject: Subject, scene: Scene) -> Iterator[Fault]:
            return _faults(parts(subject, scene))

        run.__doc__ = parts.__doc__
        PARTS[name] = parts
        concerns = _concerns(parts, needs, applies)
        check(
            name,
            title,
            severity,
            tier=tier,
            over=over,
            why=why,
            fix=fix,
            needs=needs,
            refs=refs,
            applies=concerns,
        )(run)
        return parts

    return entered


def _concerns(
    parts: Look, needs: tuple[str, ...], applies: Callable[[Any, Scene], str] | None
) -> Callable[[Any, Scene], str]:
    """What says why a check does not apply: for the reason that it has itself, or since no part does."""

    def concerns(subject: Subject, scene: Scene) -> str:
        reason = applies(subject, scene) if applies else ""
        if reason or unknown(subject, needs):
            return reason
        found = list(parts(subject, scene))
        if any(one.state != "na" for one in found):
            return ""
        return found[0].says if found else "it has none"

    return concerns


def _faults(parts: Iterable[Part]) -> Iterator[Fault]:
    found = list(parts)
    failed = [one for one in found if one.state == "fail"]
    if not failed:
        _demand_answers({one.state: one.says for one in reversed(found)})
    for one in failed:
        yield Fault(one.says, one.where, one.severity)


def _demand_answers(says: Mapping[State, str]) -> None:
    """Raise Unsure where a part was not told, Unattested where a person has to tell one."""
    if "unknown" in says:
        raise Unsure(says["unknown"])
    if "manual" in says:
        raise Unattested(says["manual"])


def parts_of(name: str, subject: Subject, scene: Scene) -> tuple[Part, ...] | None:
    """Return the parts of a check over one subject, one where it cannot be told; None: the check has none."""
    parts, one = PARTS.get(name), CATALOGUE[name]
    if parts is None:
        return None
    reason = one.applies(subject, scene) if one.applies else ""
    if reason:
        return (Part("", "na", reason),)
    silence = unknown(subject, one.needs)
    if silence is not None:
        return (Part("", "unknown", silence.reason),)
    return tuple(_settled(name, part, subject, scene) for part in parts(subject, scene))


def _settled(name: str, part: Part, subject: Subject, scene: Scene) -> Part:
    """A part, passed where it is for a person to attest and somebody did."""
    by = attested(name, subject.object, scene) if part.state == "manual" else ""
    return part._replace(state="pass", says=by) if by else part
