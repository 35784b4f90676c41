"""What a check is: a pure function about one subject, and all that is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypeVar, get_args

from dcctl.audit.drains import DRAINS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.base import Silence, Subject

S = TypeVar("S", bound="Subject")
T = TypeVar("T")

Severity: TypeAlias = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "high", "medium", "low", "info")
"""Gravest first."""
State: TypeAlias = Literal["fail", "error", "unknown", "manual", "pass", "na"]
"""`na`: it does not apply, and is not counted as passed. `unknown`: what it needs was not told.
`error`: the check itself broke. `manual`: no program can decide it; a person attests it, with a date."""
STATES: Final[tuple[State, ...]] = get_args(State)
"""A check is in the first of these that any of its subjects is in, a control in the first of its checks'."""
OWN: Final = ("SLF-02", "SLF-03", "SLF-04")
"""Checks that judge what the others found: they run last."""
Tier: TypeAlias = Literal["A", "F", "S", "R", "N", "P", "B", "M", "L", "net"]
"""What access it needs: A Kubernetes lists, F effective configuration of its components, S SSH, R SSH with
sudo, N NVML, P Prometheus and meters, B backup and object stores, M bytes of model files, L own records."""


class Fault(NamedTuple):
    """One thing that is wrong with a subject."""

    says: str
    """One line for a person; never a secret."""
    where: str = ""
    """Which part of the subject, by names and never by positions: it is part of the finding's identity."""
    severity: Severity | None = None
    """Where it is graver, or less grave, than the check's own."""


class Unsure(Exception):  # noqa: N818  # it says that nothing can be said
    """A check raises it where what it was told does not suffice: the state is `unknown`.

    Faults that it told before stand, and none that was open before is gone.
    """

    state: State = "unknown"

    def __init__(self, reason: str) -> None:
        """`reason`: one line for a person."""
        super().__init__(reason)
        self.reason = reason


class Unattested(Unsure):
    """A check raises it where no program can tell, and nobody has said that they looked."""

    state: State = "manual"


def told(value: T | None) -> T:
    """Return a value that `needs` has seen to. Unsure: it was not told after all."""
    if value is None:
        raise Unsure("it was not told")
    return value


class Check(NamedTuple):
    """One check of the catalogue."""

    id: str
    title: str
    severity: Severity
    tier: tuple[Tier, ...]
    over: str
    """Name of the subjects in the scene: `workloads`, `nodes`, …"""
    needs: tuple[str, ...]
    """Fields of the subject without which it is unknown."""
    why: str
    """What an attacker, a failure or an auditor makes of it."""
    fix: str
    refs: tuple[str, ...]
    """Controls of standards: `cis-1.12:5.1.1`, `nsa:C-0035`, `800-53:AC-6(2)`, `mlps:8.1.4.2`."""
    run: Callable[[Any, Scene], Iterable[Fault]]
    applies: Callable[[Any, Scene], str] | None = None
    """Why it does not apply to a subject; empty: it does."""
    drains: bool = False
    """Whether taking the node out of service is what an administrator does about it."""


CATALOGUE: Final[dict[str, Check]] = {}
"""All checks by id, in the order of their modules. Ids are stable for ever and never used again."""


def check(  # noqa: PLR0913  # each is a fact that the catalogue tells of a check
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
    applies: Callable[[S, Scene], str] | None = None,
    drains: bool = False,
) -> Callable[[Callable[[S, Scene], Iterable[Fault]]], Callable[[S, Scene], Iterable[Fault]]]:
    """Enter a function into the catalogue. ValueError when the id is there already."""

    def entered(run: Callable[[S, Scene], Iterable[Fault]]) -> Callable[[S, Scene], Iterable[Fault]]:
        if name in CATALOGUE:
            raise ValueError(f"two checks have the id {name}")
        tiers = (tier,) if isinstance(tier, str) else tier
        out = drains or name in DRAINS
        CATALOGUE[name] = Check(name, title, severity, tiers, over, needs, why, fix, refs, run, applies, out)
        return run

    return entered


def unknown(subject: Subject, needs: Iterable[str]) -> Silence | None:
    """Return why the first of these fields was not told; None: all of them were."""
    from dcctl.inventory.evidence.base import Silence

    for name in needs:
        if getattr(subject, name) is None:
            return subject.silent.get(name, Silence(f"nobody told {name.replace('_', ' ')}", "missing"))
    return None
