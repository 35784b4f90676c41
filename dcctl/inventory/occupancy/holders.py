"""Which workload holds which board: by the ids the scheduler tells, by processes, else by elimination."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from dcctl.inventory.occupancy.boards import Board, units_of
from dcctl.inventory.occupancy.resources import is_accelerator

if TYPE_CHECKING:
    from dcctl.inventory.model import Accelerator
    from dcctl.inventory.occupancy.demand import Demand, Placed


def hold(boards: list[Board], demand: Demand, last: frozenset[int] = frozenset()) -> dict[str, int]:
    """Mark the boards that members hold, with their holders; returns the requests that no board answers to.

    In this order: ids of devices that a member names; processes that run in a member's cgroup; then, for what
    is still asked for, the boards that look most used. These last get a name only if one workload is left.
    Boards at the positions `last` are taken only when no other is left.
    """
    placed = demand.holding
    if not placed:
        return {}
    if len(placed) == 1 and not last and _by_only_one(boards, placed[0]):
        return {}
    left = [_accelerators(one) for one in placed]
    free = [units_of(board) for board in boards]
    _by_id(boards, placed, left, free)
    _by_process(boards, placed, left, free)
    return _by_elimination(boards, placed, left, free, last)


def _accelerators(one: Placed) -> dict[str, int]:
    """What it asks for; nothing where nobody could read that, or where it is less than nothing."""
    devices = {} if one.member.requests is None else one.member.requests.devices
    return {name: devices[name] for name in devices if devices[name] > 0 and is_accelerator(name)}


def _by_only_one(boards: list[Board], one: Placed) -> bool:
    """The common case, without counting units: one member asks for some of a node's equal boards."""
    asked = _accelerators(one)
    if len(asked) != 1 or one.member.devices:
        return False
    ((resource, wanted),) = asked.items()
    if wanted > len(boards):
        return False
    for board in boards:
        if board.resource != resource or board.shares != 1 or board.slices:
            return False
    since_s = _since_s(one)
    for board in boards if wanted == len(boards) else _most_likely(boards, one)[:wanted]:
        board.state, board.holders, board.held_since_s = "allocated", (one,), since_s
    return True


def _most_likely(boards: list[Board], one: Placed) -> list[Board]:
    """Uncut boards, those first on which processes of the member run, then those that look most used."""
    running, others = [], []
    for at, board in enumerate(boards):
        if _runs_on(one, board):
            running.append(board)
        else:
            others.append((_rank(board, at), board))
    others.sort(key=itemgetter(0))
    return running + [board for _, board in others]


def _runs_on(one: Placed, board: Board) -> bool:
    """Whether a process of the member, or of its job, uses an uncut board."""
    processes = board.reading.processes if board.reading is not None else None
    if processes:
        uid, job = one.member.uid, one.workload.id
        for process in processes:
            if process.job_id == job or (uid and process.pod_uid == uid):
                return True
    return False


def _take(board: Board, one: Placed, *, named: bool = True) -> None:
    """The member holds some of the board; not `named`: it or other work does, and nobody knows which."""
    board.state = "allocated"
    since_s = _since_s(one)
    if since_s is not None and (board.held_since_s is None or since_s > board.held_since_s):
        board.held_since_s = since_s
    if not named:
        return
    if not board.holders:
        board.holders = (one,)
    elif all(known.workload is not one.workload for known in board.holders):
        board.holders = (*board.holders, one)


def _since_s(one: Placed) -> int | None:
    """Unix time when the member started, else when its workload did."""
    return one.member.started_at_s or one.workload.started_at_s


def _claim(free: dict[str, int], left: dict[str, int], resource: str) -> None:
    """One unit of the board goes to the member."""
    free[resource] = max(0, free.get(resource, 0) - 1)
    left[resource] = max(0, left.get(resource, 0) - 1)


def _by_id(
    boards: list[Board], placed: list[Placed], left: list[dict[str, int]], free: list[dict[str, int]]
) -> None:
    if not any(one.member.devices for one in placed):
        return
    where = {
        part.id: (i, part.resource) for i, board in enumerate(boards) for part in _all_parts(board) if part.id
    }
    for position, one in enumerate(placed):
        for device in one.member.devices:
            if device in where:
                i, resource = where[device]
                _take(boards[i], one)
                _claim(free[i], left[position], resource)


def _all_parts(board: Board) -> tuple[Accelerator, ...]:
    return board.slices if board.reading is None else (*board.slices, board.reading)


def _by_process(
    boards: list[Board], placed: list[Placed], left: list[dict[str, int]], free: list[dict[str, int]]
) -> None:
    by_uid: dict[str | None, int] = {one.member.uid: at for at, one in enumerate(placed) if one.member.uid}
    by_job: dict[str | None, int] = {one.workload.id: at for at, one in enumerate(placed)}
    for board, rest in zip(boards, free, strict=True):
        for part in board.parts():
            resource = part.resource
            for process in part.processes or ():
                at = by_uid.get(process.pod_uid)
                if at is None:
                    at = by_job.get(process.job_id)
                if at is not None and _asks(placed[at], left[at], resource) and rest.get(resource):
                    _take(board, placed[at])
                    _claim(rest, left[at], resource)


def _asks(one: Placed, left: dict[str, int], resource: str) -> bool:
    """Whether the member still asks for such a device, or may: nobody knows what it asked for."""
    return one.member.requests is None or bool(left.get(resource))


def _by_elimination(
    boards: list[Board],
    placed: list[Placed],
    left: list[dict[str, int]],
    free: list[dict[str, int]],
    last: frozenset[int],
) -> dict[str, int]:
    usual = [at for at in range(len(boards)) if at not in last]
    unanswered: dict[str, int] = {}
    for resource in sorted({name for part in left for name in part}):
        wanting = [
            (one, part[resource]) for one, part in zip(placed, left, strict=True) if part.get(resource)
        ]
        if not wanting:
            continue
        takers = _takers(wanting)
        named = len({id(one.workload) for one in takers}) == 1
        for positions in (usual, sorted(last)):
            open_now = [at for at in positions if free[at].get(resource)]
            takers = takers[_hand_out(boards, open_now, free, resource, takers, named) :]
        if takers:
            unanswered[resource] = len(takers)
    return unanswered


def _takers(wanting: list[tuple[Placed, int]]) -> list[Placed]:
    """Each member as often as it wants a unit, those first that have run longest."""
    oldest_first = sorted(wanting, key=lambda pair: _since_s(pair[0]) or 0)
    return [one for one, count in oldest_first for _ in range(count)]


def _hand_out(
    boards: list[Board],
    positions: list[int],
    free: list[dict[str, int]],
    resource: str,
    takers: list[Placed],
    named: bool,
) -> int:
    """Give a unit to each, from the boards at these positions that look most used; returns how many got one.

    Shares are spread over the boards, one each in turn, as NVIDIA's device plugin prefers it. Who has run
    longest comes first: so no board is called idle of which the holder may have just begun.
    """
    order = sorted(positions, key=lambda at: _rank(boards[at], at))
    given = 0
    while given < len(takers) and order:
        for at, one in zip(order, takers[given:], strict=False):
            _take(boards[at], one, named=named)
            free[at][resource] -= 1
            given += 1
        order = [at for at in order if free[at][resource]]
    return given


def _rank(board: Board, index: int) -> tuple[bool, int, int, int]:
    """Untouched boards first, then the most used first, ties by index."""
    used = sum(len(part.processes or ()) for part in board.parts())
    return (board.state == "allocated", -used, -(board.busy_milli() or 0), index)
