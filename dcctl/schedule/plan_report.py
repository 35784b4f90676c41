"""The report of a plan: what fits where and why there, what does not fit and why not.

In JSON it is the plan file: `assignments` say who stands where.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.inventory.folding import fold
from dcctl.packing.problem import LEVELS, WHOLE
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.schedule import plan_time, plan_tree
from dcctl.schedule.broken_budgets import broken_by, budget_notes
from dcctl.schedule.commands import Typed
from dcctl.schedule.cuts_report import CUTS, cut_notes, cut_row, uncut_notes
from dcctl.schedule.never import together
from dcctl.schedule.samples import with_samples
from dcctl.units import percent, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.inventory.asked import Asked
    from dcctl.inventory.model import Gap
    from dcctl.packing.plan import Assignment, Plan, Unplaced
    from dcctl.packing.preemption.preempt import Victims
    from dcctl.packing.problem import Bin, Job, Problem
    from dcctl.packing.timed.bill import Bill
    from dcctl.render.report import Cell, Row

_ITEMS = (
    Column("job", "WORKLOAD", keep=9),
    Column("state", "FITS", "state", keep=8),
    Column("members", "MEMBERS", "count", keep=5),
    Column("placed", "PLACED", "count", wide=True),
    Column("gpu_milli", "GPUS", "milli", keep=7),
    Column("where", "WHERE", keep=8),
    Column("racks", "RACKS", keep=4),
    Column("start_s", "START", "time_s", wide=True),
    Column("end_s", "END", "time_s", wide=True),
    Column("why", "WHY", keep=6),
    Column("priority", "PRIORITY", "count", wide=True),
    Column("owner", "OWNER", wide=True),
    *plan_time.BILL,
    Column("earliest_end_s", "COULD END", "time_s", wide=True),
    Column("data_cost_milli", "DATA COST", "milli", wide=True),
)
_ASSIGNMENTS = (
    Column("job", "WORKLOAD"),
    Column("member", "MEMBER"),
    Column("node", "NODE", "nodes"),
    Column("devices", "DEVICES"),
    Column("share_milli", "SHARE", "milli"),
    Column("start_s", "START", "time_s"),
    Column("end_s", "END", "time_s"),
)
_REFUSALS = (
    Column("job", "WORKLOAD", keep=9),
    Column("members", "MEMBERS", "count"),
    Column("reason", "REASON", keep=8),
    Column("nodes", "NODES", "count", keep=8),
)
_SUMMARY = (
    Column("jobs", "workloads that were asked for", "count"),
    Column("fits", "of those, workloads of which every member has a place", "count"),
    Column("members", "members that were asked for", "count"),
    Column("placed", "of those, members that have a place", "count"),
    Column("gpu_milli", "accelerators that the placed ask for, in thousandths; a share as one", "milli"),
    Column("held_gpu_milli", "boards held before, in thousandths, shares and slices as parts", "milli"),
    Column("free_gpu_milli", "boards free before, in thousandths", "milli"),
    Column("out_gpu_milli", "boards neither held nor to be had before, in thousandths", "milli"),
    Column("total_gpu_milli", "boards there are: held, free and out of service", "milli"),
    Column("held_after_gpu_milli", "boards held once what starts at once has started", "milli"),
    Column("bound_gpu_milli", "no plan of as many members takes more accelerators, in thousandths", "milli"),
    Column("gap_gpu_milli", "how far the plan is from that bound, in thousandths", "milli"),
    Column("bound_end_s", "no plan of the same members ends all of them before", "time_s"),
    Column("energy_mj", "energy at the limits of the accelerators and of the sites' PUE", "energy_mj"),
    Column("energy_unknown", "workloads of which nobody knows the energy", "count"),
    Column("cost_milli", "what it costs, in thousandths of the currency of the prices", "milli"),
    Column("cost_unknown", "workloads of which nobody knows the cost", "count"),
    Column("data_cost_milli", "to bring data over links costs, in thousandths; null: no data", "milli"),
    Column("carbon_mg", "CO2 of it in milligrams", "count"),
    Column("carbon_unknown", "workloads of which nobody knows the carbon", "count"),
    Column("now_s", "when the inventory was learned: the plan begins then", "time_s"),
    Column("pushed_out", "members that are pushed out for work of higher priority", "count"),
    Column("placed_again", "of those, members that have a place in the plan", "count"),
    Column("policy", "how places were chosen"),
    Column("seed", "of what was chosen by chance", "count"),
    Column("snapshot", "digest of the fleet that the plan was made for"),
    Column("clusters", "UIDs of kube-system of the clusters that the plan was made for", "nodes"),
)
PLAN = Shape(
    "schedule-plan",
    "Which work fits where, and why the rest does not. `dcctl schedule apply` reads it back.",
    _ITEMS,
    (("assignments", _ASSIGNMENTS), ("refusals", _REFUSALS), ("victims", plan_time.VICTIMS), ("cuts", CUTS)),
    _SUMMARY,
    ((plan_time.GANTT, "time_s"),),
)


class Planned(NamedTuple):
    """A problem with its plan, and what could not be read."""

    problem: Problem
    plan: Plan
    gaps: tuple[Gap, ...] = ()
    asked: Typed = Typed()
    """The work and the options, as typed."""
    victims: tuple[Victims, ...] = ()
    """Who is pushed out; they are among the jobs of the problem."""
    waited: bool = False
    """Whether work without a deadline may start later than it could."""
    tree: bool = False
    """Whether a tree by site and rack is asked for."""
    gantt: bool = False
    """Whether a chart is asked for."""
    searched: bool = False
    """Whether more than one pass was made: then the bound is worth telling."""
    passed: tuple[str, ...] = ()
    """Parts of the files that no plan looks at."""

    @property
    def pushed(self) -> frozenset[str]:
        """The jobs that are pushed out: nobody asked for them."""
        return frozenset(member.job for one in self.victims for member in one.members)


def passed_over(asked: Asked) -> tuple[str, ...]:
    """What files say that is for sharing alone: the plan is of the fleet."""
    parts = (("`models:`", asked.elastic), ("`supply:`", asked.supply is not None))
    return tuple(word for word, there in parts if there)


def plan_report(found: Planned) -> Report:
    """One row per workload, those that do not fit last; why not, below."""
    problem, plan = found.problem, found.plan
    found_bills = plan_time.bill_of(problem, plan)
    rows = _rows(found, found_bills)
    asked = [row for row in rows if row[0] not in found.pushed]
    victims = tuple(plan_time.victim_rows(problem, plan, found.victims))
    answer = Report(
        kind=PLAN.kind,
        headline=_headline(found, asked) + plan_time.pushed_out(found.victims),
        items=Table("items", _columns(plan, problem.now_s), tuple(rows), fold=False),
        details=(
            Table("assignments", _ASSIGNMENTS, tuple(map(_assignment_row, plan.assignments)), fold=False),
            Table("refusals", _REFUSALS, tuple(_refusal_rows(plan)), fold=False),
            Table("victims", plan_time.VICTIMS, victims, "pushed out", fold=False),
            Table("cuts", CUTS, tuple(map(cut_row, plan.cuts)), fold=False),
        ),
        summary={
            **_summary(found, asked),
            **plan_time.bill_summary(problem, found_bills),
            **plan_time.data_summary(problem, plan),
        },
        trees=(plan_tree.tree(plan, problem),) if found.tree and plan.assignments else (),
        gantts=(plan_time.gantt(plan, problem.now_s),) if found.gantt else (),
        notes=(
            *_notes(found),
            *plan_time.bill_note(problem, found_bills),
            *plan_time.data_cost_note(problem, plan),
        ),
        gaps=found.gaps,
        name_key="job",
        level="crit" if plan.unplaced or problem.unreadable else "ok",
    )
    return with_samples(answer)


def _columns(plan: Plan, now_s: int) -> tuple[Column, ...]:
    """Starts and ends are shown where there are any, in the place of racks."""
    if not plan_time.is_timed(plan):
        return _ITEMS
    shown = {"start_s": False, "end_s": False, "racks": True}
    changed = (replace(one, wide=shown.get(one.key, one.wide)) for one in _ITEMS)
    return tuple(replace(one, since_s=now_s) if one.unit == "time_s" else one for one in changed)


def _rows(found: Planned, known: Mapping[str, Bill]) -> list[Row]:
    problem, plan = found.problem, found.plan
    placed: dict[str, list[Assignment]] = {job.id: [] for job in problem.jobs}
    for one in plan.assignments:
        placed[one.job].append(one)
    bins = {one.name: one for one in problem.bins}
    left = {one.job: one for one in plan.unplaced}
    ways = plan_time.data_ways(problem, plan)
    rows = [
        (
            *_row(job, placed[job.id], found, bins, left.get(job.id)),
            *plan_time.bill_cells(known.get(job.id)),
            left[job.id].earliest_end_s if job.id in left else None,
            plan_time.data_cost(problem, ways.get(job.id, ())),
        )
        for job in problem.jobs
    ]
    return sorted(rows, key=lambda row: _ORDER.index(str(row[1])))


_ORDER = ("yes", "partly", "no", *plan_time.PUSHED)


def _row(
    job: Job,
    stands: Sequence[Assignment],
    found: Planned,
    bins: Mapping[str, Bin],
    left: Unplaced | None,
) -> Row:
    problem = found.problem
    state = "yes" if len(stands) == job.size else "partly" if stands else "no"
    if job.id in found.pushed:
        state = plan_time.pushed_state(stands, problem.now_s)
    homes = [bins[name] for name in dict.fromkeys(one.node for one in stands)]
    then = plan_time.why_then(problem, job, stands, waited=found.waited)
    return (
        job.id,
        state,
        job.size,
        len(stands),
        _asked_milli(job, problem),
        fold(one.name for one in homes) or None,
        fold({one.part("rack") for one in homes if one.part("rack")}) or None,
        min((one.start_s for one in stands if one.start_s is not None), default=None),
        max((one.end_s for one in stands if one.end_s is not None), default=None),
        _why(", ".join((*_why_there(stands, homes), *then)), left),
        job.priority,
        job.owner or None,
    )


def _asked_milli(job: Job, problem: Problem) -> int:
    return sum(problem.classes[task.of].need.gpu_milli * len(task.members) for task in job.tasks)


def _why_there(stands: Sequence[Assignment], homes: Sequence[Bin]) -> Iterable[str]:
    """The narrowest part that holds all of it, and how many nodes it has to itself."""
    if not homes:
        return ()
    if len(homes) == 1:
        boards = homes[0].device_count
        alone = "all on one node" + (f" of {plural(boards, 'accelerator')}" if boards else "")
        return (alone,) if len(stands) > 1 else ()
    taken = Counter(one.node for one in stands for _ in one.devices)
    whole = sum(one.device_count > 0 and taken[one.name] == one.device_count for one in homes)
    words = [_part(homes)]
    if whole:
        words.append("whole nodes" if whole == len(homes) else f"{whole:,} of {len(homes):,} nodes whole")
    return filter(None, words)


def _why(there: str, left: Unplaced | None) -> str | None:
    """Why it stands there, and the most common reason of nodes that refuse what has no place."""
    reasons = [f"{nodes:,} {reason}" for reason, nodes in _counted(left)[:1]] if left is not None else []
    return "; ".join(filter(None, (there, *reasons))) or None


_LEVEL_WORDS = {"domain": "one NVLink domain", "leaf": "one leaf switch", "rack": "one rack"}


def _part(homes: Sequence[Bin]) -> str:
    for level in LEVELS:
        if homes[0].part(level) and len({one.part_of_site(level) for one in homes}) == 1:
            return _LEVEL_WORDS.get(level, f"one {level}")
    sites = {one.path[-1] for one in homes}
    if len(sites) > 1 and "" not in sites:
        return f"{len(sites):,} sites"
    racks = {one.part_of_site("rack") for one in homes}
    return f"{len(racks):,} racks" if all(one.part("rack") for one in homes) and len(racks) > 1 else ""


def _headline(found: Planned, rows: Sequence[Row]) -> str:
    problem, plan, searched = found.problem, found.plan, found.searched
    fits = sum(row[1] == "yes" for row in rows)
    if not rows and not _unread(problem):
        passed = [gap.subject for gap in found.gaps if gap.source.startswith("file:")][:_NAMED]
        return "nothing to place" + (f": {', '.join(passed)} passed over" if passed else "")
    words = [f"fits: {fits:,} of {plural(len(rows) + _unread(problem), 'workload')}"]
    if plan_time.is_timed(plan):
        words.append(plan_time.headline(plan, problem))
    elif plan.before.total_milli:
        total = plan.before.total_milli
        after = plan.held_after_gpu_milli * 1000 // total
        words.append(f"{percent(after)} of {plural(total // WHOLE, 'accelerator')} held after it")
    text = ", ".join(words)
    return text + (_gap(plan) if searched else "")


def _gap(plan: Plan) -> str:
    """`; proven bound 97.4 %, gap 1.3 points`."""
    total = plan.before.total_milli
    if plan.gap_gpu_milli is None or not total:
        return ""
    most = min(total, plan.held_after_gpu_milli + plan.gap_gpu_milli) * 1000 // total
    gap = plan.gap_gpu_milli * 100 / total
    return f"; proven bound {percent(most)}, gap {gap:.1f} points"


def _unread(problem: Problem) -> int:
    known = {job.id for job in problem.jobs}
    return len({job for job, _ in problem.unreadable} - known)


def _assignment_row(one: Assignment) -> Row:
    devices = tuple(map(str, one.devices))
    return one.job, one.member, one.node, devices, one.share_milli or None, one.start_s, one.end_s


def _refusal_rows(plan: Plan) -> Iterable[Row]:
    for one in plan.unplaced:
        for reason, nodes in _counted(one):
            yield one.job, one.members, reason, nodes


def _counted(one: Unplaced) -> list[tuple[str, int]]:
    """Reasons with their nodes, the most common first; the counts add up to all nodes."""
    rows = sorted(one.why.items(), key=lambda pair: (-pair[1], pair[0]))
    return [*rows, ("fits one member, not all of it", one.fits)] if one.fits else rows


def _notes(found: Planned) -> Iterable[Note]:
    problem, plan = found.problem, found.plan
    yield from cut_notes(plan.cuts, found.asked)
    jobs = {job.id: job for job in problem.jobs}
    worst = sorted(plan.unplaced, key=lambda one: (-jobs[one.job].priority, -one.members, one.job))
    for one in worst[:_NAMED]:
        label = "pushed out" if one.job in found.pushed else "does not fit"
        yield Note(label, f"{one.job}: {_missing(jobs[one.job], one, problem.now_s)}", "warn")
        yield from (Note("never", text, "warn") for text in together(problem, jobs[one.job]))
        counts = " · ".join(f"{nodes:,} {reason}" for reason, nodes in _counted(one))
        command = found.asked.naming("explain", one.job)
        yield Note(plural(len(problem.bins), "node"), counts or "nothing refuses it", command=command)
    if len(worst) > _NAMED:
        yield Note(
            "does not fit",
            f"{len(worst) - _NAMED:,} more",
            "warn",
            found.asked.asking("plan", "-o wide"),
        )
    yield from budget_notes("pushed out", broken_by(problem, plan_time.all_of(found.victims)))
    yield from plan_time.data_notes(problem, plan)
    yield from uncut_notes(problem, plan)
    if found.searched and plan.bound_gpu_milli is None:
        yield Note("effort", "has no effect on a plan in time: one pass is made")
    if found.passed:
        text = f"{' and '.join(found.passed)} of the files: they are for `dcctl schedule share`"
        yield Note("not planned", text)
    if problem.unreadable:
        names = ", ".join(sorted({job for job, _ in problem.unreadable})[:_NAMED])
        members = plural(len(problem.unreadable), "member")
        yield Note("not planned", f"what {members} ask for could not be read: {names}", "warn")


_NAMED = 3
"""Workloads of one sort that are told by name below the table."""


def _missing(job: Job, one: Unplaced, now_s: int) -> str:
    text = f"{one.members:,} of {plural(job.size, 'member')} without a place"
    if job.minimum > 1:
        text += f" (a gang: at least {job.minimum:,} or none)"
    late = plan_time.too_late(job, one, now_s)
    return text + (f", all within one {job.within}" if job.within else "") + (f"; {late}" if late else "")


def _summary(found: Planned, rows: Sequence[Row]) -> dict[str, Cell | dict[str, Cell]]:
    problem, plan = found.problem, found.plan
    again = sum(one.job in found.pushed for one in plan.assignments)
    return {
        "jobs": len(rows),
        "fits": sum(row[1] == "yes" for row in rows),
        "members": sum(job.size for job in problem.jobs if job.id not in found.pushed),
        "placed": plan.placed - again,
        "gpu_milli": plan.gpu_milli,
        "held_gpu_milli": plan.before.held_milli,
        "free_gpu_milli": plan.before.free_milli,
        "out_gpu_milli": plan.before.out_milli,
        "total_gpu_milli": plan.before.total_milli,
        "held_after_gpu_milli": plan.held_after_gpu_milli,
        "bound_gpu_milli": plan.bound_gpu_milli,
        "gap_gpu_milli": plan.gap_gpu_milli,
        "bound_end_s": plan.bound_end_s,
        "pushed_out": sum(len(one.members) for one in found.victims),
        "placed_again": again,
        "now_s": problem.now_s,
        "policy": plan.policy,
        "seed": plan.seed,
        "snapshot": plan.snapshot,
        "clusters": plan.clusters,
    }
