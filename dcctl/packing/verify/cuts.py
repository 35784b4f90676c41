"""The part of `verify` about boards that are cut: whether each can be, and what the nodes have after it."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.packing.mig import PREFIX, WHOLE_BOARD, geometry
from dcctl.packing.problem import WHOLE, Device, Sliced

if TYPE_CHECKING:
    from dcctl.packing.mig import Geometry
    from dcctl.packing.plan import Cut, Plan
    from dcctl.packing.problem import Bin, Problem


def cut(plan: Plan, problem: Problem, wrong: list[str]) -> Problem:
    """The problem after the plan's cuts; what of them cannot be done is `wrong`, and not done."""
    bins = {one.name: one for one in problem.bins}
    seen = Counter((one.node, one.device) for one in plan.cuts)
    for one in plan.cuts:
        name, home = f"accelerator {one.device} of {one.node}", bins.get(one.node)
        if home is None or seen[one.node, one.device] > 1:
            wrong.append(f"{name} cannot be cut: its node does not exist, or it is cut twice")
            continue
        why = _refused(problem, home, one)
        if why:
            wrong.append(f"{name} cannot be cut: {why}")
        else:
            bins[one.node] = _after(problem, home, one)
    for node in {one.node for one in plan.cuts} & bins.keys():
        free = zip(problem.space.dimensions, bins[node].free, strict=True)
        wrong += [f"{node} gives up {name} that is held" for name, amount in free if _short(name, amount)]
    return replace(problem, bins=tuple(bins[one.name] for one in problem.bins))


def _short(name: str, amount: int) -> bool:
    return amount < 0 and (name.startswith(PREFIX) or name == WHOLE_BOARD)


def _board(home: Bin, one: Cut) -> Device | Sliced | None:
    """The idle board that is to be cut."""
    whole = [device for device in home.devices if device.index == one.device]
    sliced = [board for board in home.sliced if board.index == one.device]
    if len(whole) == 1 and not sliced and not one.before:
        return whole[0] if whole[0].free_milli == WHOLE else None
    if len(sliced) == 1 and not whole and Counter(sliced[0].resources) == Counter(one.before):
        return sliced[0] if sliced[0].free else None
    return None


def _refused(problem: Problem, home: Bin, one: Cut) -> str:
    board = _board(home, one)
    if board is None:
        return "it is held, or it is not cut as the plan says"
    if one.device not in one.must_be_idle:
        return "the plan does not say that it must be idle"
    kind = problem.space.kinds[board.kind]
    known = geometry(kind.model, board.memory_bytes)
    if kind.resource != WHOLE_BOARD or not (one.before or one.after):
        return "it is none that is handed out whole or in slices"
    if one.after and (known is None or not _possible(known, one.after)):
        return "no board of its model holds these slices"
    return ""


def _possible(known: Geometry, resources: tuple[str, ...]) -> bool:
    """Whether slices that do not overlap can begin somewhere: every combination of starts is tried."""
    profiles = [profile for name in resources for profile in known.profiles if profile.resource == name]
    counts = Counter(profiles)
    if len(profiles) < len(resources) or any(count > one.most for one, count in counts.items()):
        return False
    if sum("me" in one.name for one in profiles) > 1:
        return False
    spans = [[range(at, at + one.memory) for at in one.starts] for one in profiles]
    return any(
        all(a.stop <= b.start or b.stop <= a.start for a, b in combinations(chosen, 2))
        for chosen in product(*spans)
    )


def _after(problem: Problem, home: Bin, one: Cut) -> Bin:
    board = _board(home, one)
    change = Counter(one.after or (WHOLE_BOARD,))
    change.subtract(one.before or (WHOLE_BOARD,))
    free, total = (
        tuple(have + change[name] for name, have in zip(problem.space.dimensions, row, strict=True))
        for row in (home.free, home.total)
    )
    devices = [device for device in home.devices if device.index != one.device]
    sliced = [other for other in home.sliced if other.index != one.device]
    if board is not None and one.after:
        sliced.append(Sliced(board.kind, board.index, one.after, free=True))
    elif board is not None:
        devices.append(Device(board.kind, board.index, memory_bytes=board.memory_bytes))
    return replace(home, free=free, total=total, devices=tuple(devices), sliced=tuple(sliced))
