"""Whether a training run or replicas find room in the fleet, and when: the packing core decides."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dcctl.app import Surveyed
    from dcctl.assess.demand.gang import Group
    from dcctl.assess.demand.training import TrainingNeeds
    from dcctl.cli.assess.subject import Hardware
    from dcctl.packing.plan import Plan
    from dcctl.render.report import Note


class Room(NamedTuple):
    """What the fleet says to it."""

    fits: bool
    """At once."""
    notes: "tuple[Note, ...]"
    missing: str = ""
    """What it lacks, in words."""


def placed(group: "Group", hardware: "Hardware", found: "Surveyed", now_s: int) -> Room:
    """Place it on whole nodes, now or when running work has ended."""
    from dcctl.assess.demand.gang import work_of
    from dcctl.packing.intake.fleet import problem_of
    from dcctl.packing.planning import plan_for
    from dcctl.packing.solve import Options
    from dcctl.render.report import Note
    from dcctl.units import duration

    asked = work_of(group, hardware.models, hardware.resource)
    problem = problem_of(found.whole, found.fleet.nodes, asked, now_s=now_s)
    plan = plan_for(problem, Options(cut=False)).plan
    if plan.unplaced:
        return _lacking(plan, group)
    wait_s = max(one.start_s or problem.now_s for one in plan.assignments) - problem.now_s
    if wait_s <= 0:
        return Room(True, (Note("room", f"{_words(group)} are free now"),))
    text = f"{_words(group)} are free in {duration(wait_s)} at the latest, when running work has ended"
    return Room(False, (Note("room", text, "warn"),), f"the fleet has no room for {duration(wait_s)}")


def group_of(
    name: str, gpus: int, hardware: "Hardware", copies: int = 1, lasts_s: int | None = None
) -> "Group":
    """So many accelerators on as few nodes as can be."""
    from dcctl.assess.demand.gang import Group

    each = min(hardware.each, gpus)
    return Group(name, -(-gpus // each), each, copies, lasts_s)


def _words(group: "Group") -> str:
    from dcctl.units import plural

    nodes = f"{plural(group.members, 'node')} of {group.each}"
    return nodes if group.copies == 1 else f"{nodes} for each of {group.copies} replicas"


def too_few(
    needs: "TrainingNeeds", hardware: "Hardware", instead: "TrainingNeeds | None", command: str
) -> Room:
    """A run that takes more accelerators than there are; `instead`: the same on all there are."""
    from dcctl.render.report import Note
    from dcctl.units import duration, memory

    gpus = needs.spec.layout.gpus
    text = f"it takes {gpus:,} x {needs.spec.gpu.name}; the fleet has {hardware.there:,} of them"
    if instead is not None:
        took = f": {duration(instead.time_s.value)}" if instead.time_s else ""
        text += f". On {instead.spec.layout.gpus:,}{took}, {memory(instead.memory.total.value)} each"
    note = Note("room", text, "warn", command=command)
    return Room(False, (note,), f"the fleet lacks {gpus - hardware.there:,} accelerators")


def _lacking(plan: "Plan", group: "Group") -> Room:
    from dcctl.render.report import Note
    from dcctl.units import plural

    unplaced = plan.unplaced[0]
    why = ", ".join(f"{reason} ({plural(count, 'node')})" for reason, count in list(unplaced.why.items())[:3])
    if group.copies > 1:
        left = len(plan.unplaced)
        free = f"{group.copies - left} of {group.copies} replicas fit now"
        short = f"the fleet lacks room for {plural(left, 'replica')}"
    else:
        free = (
            f"{plural(unplaced.fits, 'node')} would take a member of {group.each}, {group.members} are needed"
        )
        short = f"the fleet lacks {group.members - unplaced.fits:,} free nodes of {group.each}"
    return Room(False, (Note("room", f"{free}; of the others: {why}" if why else free, "warn"),), short)
