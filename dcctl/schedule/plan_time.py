"""What a plan in time adds to its report: starts and ends, what the energy costs, who is pushed out."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from dcctl.inventory.conditions import curve_of
from dcctl.inventory.folding import fold
from dcctl.packing.greedy.sites import arrival, site_of, sites_of
from dcctl.packing.timed.bill import Bill, bills
from dcctl.render.report import Bar, Column, Gantt, Note
from dcctl.schedule.broken_budgets import broken_by
from dcctl.units import cores, duration, energy, mass, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dcctl.inventory.conditions import Curves
    from dcctl.inventory.model import Dataset
    from dcctl.packing.plan import Assignment, Plan, Unplaced
    from dcctl.packing.preemption.preempt import Victims
    from dcctl.packing.problem import Held, Job, Problem
    from dcctl.render.report import Cell, Row

VICTIMS = (
    Column("job", "WORKLOAD", keep=9),
    Column("members", "MEMBERS", "count", keep=7),
    Column("nodes", "NODES", "nodes", keep=6),
    Column("priority", "PRIORITY", "count", keep=5),
    Column("by", "MAKES ROOM FOR", keep=8),
    Column("placed", "PLACED AGAIN", "count", keep=7),
    Column("budgets", "BREAKS BUDGETS", wide=True),
)
BILL = (
    Column("energy_mj", "ENERGY", "energy_mj", wide=True),
    Column("cost_milli", "COST", "milli", wide=True),
    Column("carbon_mg", "CO2 mg", "count", wide=True),
)
GANTT = "workloads"


def is_timed(plan: Plan) -> bool:
    """Whether anything has a start."""
    return any(one.start_s is not None for one in plan.assignments)


def headline(plan: Plan, problem: Problem) -> str:
    """How much of it starts at once, when the last of it has ended, and when at the earliest in any plan.

    Where work starts by price or carbon it is not meant to end early: then nothing is said of that.
    """
    now_s = problem.now_s
    first: dict[str, int] = {}
    for one in plan.assignments:
        start_s = now_s if one.start_s is None else one.start_s
        first[one.job] = min(start_s, first.get(one.job, start_s))
    now = sum(start_s == now_s for start_s in first.values())
    ends = [one.end_s for one in plan.assignments]
    known = [end_s for end_s in ends if end_s is not None]
    words = f"{now:,} of them now" if now else "none of them now"
    if known and len(known) == len(ends):
        words += f", all done in {duration(max(known) - now_s)}"
        if plan.bound_end_s is not None and not (problem.prices or problem.carbon):
            words += f" (no plan before {duration(plan.bound_end_s - now_s)})"
    return words


def pushed_out(victims: Sequence[Victims]) -> str:
    """Who makes room for whom, for the headline."""
    if not victims:
        return ""
    jobs = {member.job for one in victims for member in one.members}
    return f"; pushes out {plural(len(jobs), 'workload')} for {', '.join(one.by for one in victims[:3])}"


PUSHED = ("moves", "starts again", "pushed out")
"""What becomes of work that is pushed out: it stands elsewhere at once, runs later, or waits."""


def pushed_state(stands: Sequence[Assignment], now_s: int) -> str:
    """One of PUSHED, for where and when it stands in the plan."""
    if not stands:
        return PUSHED[2]
    return PUSHED[0] if all(one.start_s in (None, now_s) for one in stands) else PUSHED[1]


def all_of(victims: Iterable[Victims]) -> list[Held]:
    """All members that are pushed out."""
    return [member for one in victims for member in one.members]


def victim_rows(problem: Problem, plan: Plan, victims: Iterable[Victims]) -> Iterable[Row]:
    """One row per workload that is pushed out. `problem` has it among its jobs."""
    placed = Counter(one.job for one in plan.assignments)
    victims = tuple(victims)
    broken = {one.budget for one in broken_by(problem, all_of(victims))}
    for one in victims:
        for name in sorted({member.job for member in one.members}):
            mine = [member for member in one.members if member.job == name]
            nodes = tuple(sorted({problem.bins[member.bin].name for member in mine}))
            known = problem.running[name]
            budgets = tuple(each.name for each in known.budgets if each in broken)
            yield name, len(mine), nodes, known.priority, one.by, placed[name], budgets


def why_then(problem: Problem, job: Job, stands: Sequence[Assignment], *, waited: bool) -> Iterable[str]:
    """Why it starts when it does. `waited`: it may start later than it could."""
    end_s = max((one.end_s for one in stands if one.end_s is not None), default=None)
    if end_s is None:
        return
    if job.deadline_s is not None or waited:
        if _known_of(problem, problem.prices, stands):
            every = all(curve_of(problem.prices, site) is not None for site in sites_of(problem.bins))
            yield "cheapest hours" if every else "cheapest hours of those whose price is known"
        elif _known_of(problem, problem.carbon, stands):
            yield "hours of least carbon"
    if job.deadline_s is not None:
        yield f"ends before its deadline by {duration(job.deadline_s - end_s)}"


def _known_of(problem: Problem, curves: Curves, stands: Iterable[Assignment]) -> bool:
    """Whether a curve tells all of a run, wherever its members stand."""
    sites = {one.name: site_of(one) for one in problem.bins}
    runs = {(sites[one.node], one.start_s, one.end_s) for one in stands}
    told = ((curve_of(curves, site), start_s, end_s) for site, start_s, end_s in runs)
    return all(
        curve is not None
        and end_s is not None
        and curve.integral(problem.now_s if start_s is None else start_s, end_s) is not None
        for curve, start_s, end_s in told
    )


def too_late(job: Job, one: Unplaced, now_s: int) -> str:
    """What else is to be said of work without a place."""
    words = [one.says] if one.says else []
    if job.deadline_s is not None and job.deadline_s <= now_s:
        words.append(f"its deadline was {duration(now_s - job.deadline_s)} ago")
    if one.earliest_end_s is not None and job.deadline_s is not None:
        late = duration(one.earliest_end_s - job.deadline_s)
        words.append(f"at the earliest it ends {late} after its deadline")
    return "; ".join(words)


def data_notes(problem: Problem, plan: Plan) -> Iterable[Note]:
    """Which work is kept to some sites by data that cannot be brought elsewhere, why, and when it starts."""
    starts: dict[str, int] = {}
    for one in plan.assignments:
        start_s = problem.now_s if one.start_s is None else one.start_s
        starts[one.job] = min(start_s, starts.get(one.job, start_s))
    for job in problem.jobs:
        for data in job.data:
            why = _kept_there(data, problem)
            if why:
                when = (
                    f", {_from(starts[job.id] - problem.now_s)}"
                    if job.id in starts
                    else "; no start was found there"
                )
                yield Note("data", f"{data.name} of {job.id}: {why}{when}", "warn")


def _from(after_s: int) -> str:
    return f"in {duration(after_s)}" if after_s > 0 else "from now on"


def _kept_there(data: Dataset, problem: Problem) -> str:
    """Why one dataset keeps work to the sites that have it; empty: it can be brought to all."""
    barred = [
        site for site in sites_of(problem.bins) if arrival((data,), site, problem.links).after_s is None
    ]
    if not barred or not data.sites:
        return "nobody says where a copy of it is" if barred else ""
    home = f"at {' or '.join(data.sites)} only"
    return f"size unknown: {home}" if data.size_bytes is None else f"no link to {', '.join(barred)}: {home}"


def bill_of(problem: Problem, plan: Plan) -> dict[str, Bill]:
    """What each job takes, by id; nothing where no curve is given."""
    return bills(problem, plan.assignments) if problem.prices or problem.carbon else {}


def bill_cells(bill: Bill | None) -> tuple[Cell, Cell, Cell]:
    """Energy, cost and carbon of one job; None where they are not known."""
    return (None, None, None) if bill is None else (bill.energy_mj, bill.cost_milli, bill.carbon_mg)


def bill_summary(problem: Problem, found: Mapping[str, Bill]) -> dict[str, Cell]:
    """What is known of all of it, and of how many workloads each is not; None: nobody asked."""
    cells: dict[str, Cell] = {}
    for sort, key, asked in (
        ("energy", "energy_mj", bool(found)),
        ("cost", "cost_milli", bool(problem.prices)),
        ("carbon", "carbon_mg", bool(problem.carbon)),
    ):
        told: list[int | None] = [getattr(one, key) for one in found.values()]
        known = [value for value in told if value is not None]
        cells[key] = sum(known) if asked and known else None
        cells[f"{sort}_unknown"] = len(told) - len(known) if asked else None
    return cells


def bill_note(problem: Problem, found: Mapping[str, Bill]) -> Iterable[Note]:
    """What the plan takes, costs and emits, and for whom nobody knows."""
    cells = bill_summary(problem, found)
    words = []
    for sort, key, say in _SAY:
        value, unknown = cells[key], cells[f"{sort}_unknown"]
        if isinstance(value, int):
            words.append(say(value))
        if isinstance(unknown, int) and unknown:
            words.append(f"{sort} unknown for {plural(unknown, 'workload')}")
    if words:
        yield Note("energy", ", ".join(words))


def data_cost(problem: Problem, ways: Iterable[tuple[Dataset, str]]) -> int | None:
    """What it costs to bring each of these to a site, in thousandths; None: there are none."""
    found = [arrival((data,), site, problem.links).cost_milli for data, site in dict.fromkeys(ways)]
    return sum(found) if found else None


def data_ways(problem: Problem, plan: Plan) -> dict[str, list[tuple[Dataset, str]]]:
    """Where the data of each job that is placed has to be, by id."""
    bins = {one.name: one for one in problem.bins}
    sites: dict[str, set[str]] = {}
    for one in plan.assignments:
        sites.setdefault(one.job, set()).add(site_of(bins[one.node]))
    return {
        job.id: [(data, site) for data in job.data for site in sorted(sites[job.id])]
        for job in problem.jobs
        if job.data and job.id in sites
    }


def data_summary(problem: Problem, plan: Plan) -> dict[str, int | None]:
    """What it costs to bring all data: what is brought for one job is there for all."""
    ways = chain.from_iterable(data_ways(problem, plan).values())
    return {"data_cost_milli": data_cost(problem, ways)}


def data_cost_note(problem: Problem, plan: Plan) -> Iterable[Note]:
    """What links cost beside energy, if anything."""
    cost = data_summary(problem, plan)["data_cost_milli"]
    if cost:
        yield Note("links", f"to bring the data of workloads over costs {cores(cost)}")


_SAY: tuple[tuple[str, str, Callable[[int], str]], ...] = (
    ("energy", "energy_mj", energy),
    ("cost", "cost_milli", lambda value: f"costs {cores(value)}"),
    ("carbon", "carbon_mg", lambda value: f"{mass(value)} of CO2"),
)


def gantt(plan: Plan, now_s: int) -> Gantt:
    """One row per workload, the first to start on top; what nobody knows the end of goes on to the edge."""
    runs: dict[str, set[tuple[int, int | None]]] = {}
    nodes: dict[str, set[str]] = {}
    for one in plan.assignments:
        nodes.setdefault(one.job, set()).add(one.node)
        runs.setdefault(one.job, set()).add((now_s if one.start_s is None else one.start_s, one.end_s))
    times = [time for row in runs.values() for pair in row for time in pair if time is not None]
    edge = max(times, default=now_s)
    edge = edge if edge > now_s else now_s + 1
    rows = [(job, _bars(row, edge, fold(nodes[job]))) for job, row in runs.items()]
    rows.sort(key=lambda row: (row[1][0].start, row[0]))
    return Gantt(GANTT, "when each workload runs", tuple(rows), "time_s", now_s)


def _bars(runs: Iterable[tuple[int, int | None]], edge: int, word: str) -> tuple[Bar, ...]:
    """Runs of one workload, those that overlap as one."""
    bars: list[Bar] = []
    for start_s, end_s in sorted((start_s, edge if end_s is None else end_s) for start_s, end_s in runs):
        if bars and start_s <= bars[-1].end:
            bars[-1] = Bar(bars[-1].start, max(end_s, bars[-1].end), word)
        else:
            bars.append(Bar(start_s, end_s, word))
    return tuple(bars)
