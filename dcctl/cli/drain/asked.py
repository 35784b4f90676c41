"""What was typed, and what the site says, as a `Request`: all that a plan depends on beside the fleet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from msgspec import Struct

from dcctl.drain.request import Gates, Request
from dcctl.errors import RefusedError, UsageError
from dcctl.inventory.folding import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dcctl.cli.drain.options import How, Open, Which
    from dcctl.cli.session import Session
    from dcctl.drain.request import Board, Rule, Window
    from dcctl.drain.targets import Begun
    from dcctl.drain_specs import DrainSpec
    from dcctl.inventory.model import Fleet

_HELP: Final = "dcctl drain --help"
_AUDIT: Final = "dcctl audit -o json=FILE"


class _Audit(Struct):
    """What is read of the answer of an audit."""

    schema: Literal["dcctl/audit/v1"]
    items: tuple[dict[str, object], ...]


class Words(NamedTuple):
    """What can be read before anything is asked."""

    nodes: tuple[str, ...]
    """Node sets; empty: all that meet the rest."""
    spec: DrainSpec
    rules: tuple[Rule, ...]
    grace_s: int | None
    not_before_s: int | None
    deadline_s: int | None


def words_of(session: Session, which: Which, how: How, spec: DrainSpec) -> Words:
    """Read the words of the command. UsageError for what is wrong with them; nothing is contacted."""
    from dcctl.drain.waves.calendar import window

    for text in _windows(how, spec):
        window(text)
    policy = how.policy or spec.policy
    if which.gpu and (how.max_unavailable or how.by):
        option = "--max-unavailable" if how.max_unavailable else "--by"
        raise UsageError(f"--gpu {option}", "do not go together: the node stays in service", _HELP)
    if not (which.targets or which.labels or which.findings):
        raise UsageError("NODES", "no node is named", _HELP)
    not_before_s = _moment("--not-before", how.not_before, session.now_s)
    deadline_s = _moment("--deadline", how.deadline, session.now_s)
    if not_before_s is not None and deadline_s is not None and deadline_s <= not_before_s:
        what = f"--not-before {how.not_before} --deadline {how.deadline}"
        raise UsageError(what, "contradict each other: it is to be over before it begins", _HELP)
    return Words(
        node_sets(session, which.targets or []),
        spec,
        _rules(policy) if policy else (),
        _seconds("--grace", how.grace),
        not_before_s,
        deadline_s,
    )


def node_sets(session: Session, given: list[str]) -> tuple[str, ...]:
    """Return the node sets, with the names on standard input in place of `-`. UsageError: there are none."""
    from dcctl.cli.session import names_on_stdin

    if "-" not in given:
        return tuple(given)
    if "-" in session.settings.inventory or session.settings.origins["nodes"] == "standard input":
        raise UsageError("standard input", "can be read once only", _HELP)
    names = names_on_stdin()
    if not names and given == ["-"]:
        raise UsageError("NODES -", "no names came on standard input")
    return tuple(names if one == "-" else one for one in given if one != "-" or names)


def _rules(path: str) -> tuple[Rule, ...]:
    from dcctl.cli.drain.policy import rules

    return rules(Path(path).expanduser())


def _seconds(option: str, text: str) -> int | None:
    from dcctl.inventory.lengths import duration

    return _read(option, text, duration)


def _moment(option: str, text: str, now_s: int) -> int | None:
    from dcctl.inventory.moments import moment_or_length

    return _read(option, text, lambda told: moment_or_length(told, now_s))


def _read(option: str, text: str, how: Callable[[str], int]) -> int | None:
    try:
        return how(text) if text else None
    except ValueError as error:
        raise UsageError(option, str(error), _HELP) from error


def _windows(how: How, spec: DrainSpec) -> tuple[str, ...]:
    return tuple(how.window or ()) or spec.windows


def request_of(fleet: Fleet, session: Session, words: Words, which: Which, how: How, gates: Open) -> Request:
    """Return what is asked of a fleet. UsageError, RefusedError: see `targets.chosen` and `targets.check`."""
    from dcctl.drain.targets import check
    from dcctl.drain.waves.calendar import zone_of

    spec = words.spec
    nodes = nodes_of(fleet, session, words.nodes, which)
    request = Request(
        nodes=nodes,
        asked=" ".join(words.nodes) or _narrowed(which),
        reason=how.reason,
        max_unavailable=None if which.gpu else how.max_unavailable or spec.max_unavailable,
        by=how.by or "",
        windows=_read_windows(_windows(how, spec), zone_of(fleet)),
        not_before_s=words.not_before_s,
        deadline_s=words.deadline_s,
        grace_s=words.grace_s,
        rules=words.rules,
        gates=gates_of(gates),
        boards=boards_of(fleet, nodes, which.gpu or ()),
    )
    finished, begun = _runs(session)
    check(fleet, request, reason_needed=spec.demand_reason, finished=finished, begun=begun)
    _refuse_protected(fleet, request, spec)
    return request


def boards_of(fleet: Fleet, nodes: tuple[str, ...], words: Iterable[str]) -> tuple[Board, ...]:
    """Return the accelerators that --gpu names, each once. UsageError, RefusedError: see `board_of`."""
    from dcctl.drain.work.devices import board_of

    found: dict[str, Board] = {}
    for word in words:
        if len(nodes) > 1:
            raise UsageError(f"--gpu {word}", f"is of one node, and {fold(nodes)} are named", _HELP)
        board = board_of(fleet, nodes[0], word)
        found.setdefault(board.id, board)
    return tuple(found.values())


def _runs(session: Session) -> tuple[tuple[str, ...], dict[str, Begun]]:
    """The runs of this machine: those that have ended and hold their nodes no more, and the others."""
    from dcctl import journal, runs
    from dcctl.cli.drain.live import journals
    from dcctl.drain.act.order import KIND
    from dcctl.drain.targets import Begun

    every = journal.journals(journals(session), KIND)
    newest = runs.unfinished(every)
    begun = {}
    for one in every:
        if not one.outcome:
            run = "" if one is newest else f" --run {one.header.run}"
            told = one.header
            begun[told.run] = Begun(told.resume + run, told.undo + run, journal.under_way(one.path))
    return tuple(one.header.run for one in every if one.outcome), begun


def _refuse_protected(fleet: Fleet, request: Request, spec: DrainSpec) -> None:
    """RefusedError for nodes that the site never drains: no option opens that."""
    from dcctl.inventory.nodeset import select

    for text in spec.protected:
        met = {node.name for node in select(fleet, text).nodes} & set(request.nodes)
        if met:
            why = f"the configuration never drains {text} ([context.NAME.drain] protected)"
            raise RefusedError(fold(met), why, "dcctl config show")


def _read_windows(texts: Iterable[str], zone: str) -> tuple[Window, ...]:
    from dcctl.drain.waves.calendar import window

    return tuple(window(text, zone) for text in texts)


def _narrowed(which: Which) -> str:
    return " ".join(filter(None, (f"-l {which.labels}" if which.labels else "", which.findings)))


def gates_of(gates: Open) -> Gates:
    """Return which gates are open."""
    return Gates(
        force=gates.force,
        delete_emptydir_data=gates.delete_emptydir_data,
        allow_pdb_violation=tuple(gates.allow_pdb_violation or ()),
        waive_checkpoint=tuple(gates.waive_checkpoint or ()),
        disturb_protected=gates.disturb_protected,
        whole_cluster=gates.whole_cluster,
        control_plane=gates.control_plane,
        foreign_cordons=gates.foreign_cordons,
        without_fit=gates.without_fit,
    )


def nodes_of(fleet: Fleet, session: Session, sets: tuple[str, ...], which: Which) -> tuple[str, ...]:
    """Return the nodes that meet all that is asked. UsageError: see `targets.chosen`."""
    from dcctl.drain.targets import chosen

    if len(sets) > 1:
        sets = (fold(name for one in sets for name in chosen(fleet, one)),)
    return chosen(
        fleet,
        sets[0] if sets else None,
        exclude=session.settings.exclude or None,
        labels=which.labels,
        found=_found(which.findings, fleet) if which.findings else None,
    )


def _found(path: str, fleet: Fleet) -> tuple[str, ...]:
    """The nodes of the findings of a file. UsageError: it is no audit, or names none that draining mends."""
    import msgspec

    from dcctl.audit.drains import DRAINS
    from dcctl.drain.targets import named_by
    from dcctl.inventory.sources.files.documents import read_bytes

    try:
        document = msgspec.json.decode(read_bytes(path), type=_Audit)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(path, f"is not what `dcctl audit -o json` prints: {error}", _AUDIT) from error
    return named_by(document.items, DRAINS, fleet, path)
