"""Whether a training run finds room in the fleet, and when: the packing core decides."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dcctl.app import Surveyed
    from dcctl.assess.demand.training import TrainingNeeds
    from dcctl.cli.assess.subject import Hardware
    from dcctl.packing.plan import Plan
    from dcctl.render.report import Note


class Room(NamedTuple):
    """What the fleet says to a run."""

    fits: bool
    """At once."""
    notes: "tuple[Note, ...]"
    missing: str = ""
    """What it lacks, in words."""


def placed(needs: "TrainingNeeds", hardware: "Hardware", found: "Surveyed", now_s: int) -> Room:
    """Place the run as a gang of whole nodes, now or when running work has ended."""
    from dcctl.assess.demand.gang import gang
    from dcctl.packing.intake.fleet import problem_of
    from dcctl.packing.planning import plan_for
    from dcctl.packing.solve import Options
    from dcctl.render.report import Note
    from dcctl.units import duration, plural

    each = min(hardware.each, needs.spec.layout.gpus)
    nodes = -(-needs.spec.layout.gpus // each)
    lasts_s = None if needs.time_s is None else round(needs.time_s.value)
    asked = gang("training", nodes, each, hardware.models, hardware.resource, lasts_s)
    problem = problem_of(found.whole, found.fleet.nodes, asked, now_s=now_s)
    plan = plan_for(problem, Options(cut=False)).plan
    if plan.unplaced:
        return _lacking(plan, nodes, each)
    wait_s = max(one.start_s or problem.now_s for one in plan.assignments) - problem.now_s
    whole = f"{plural(nodes, 'node')} of {each}"
    if wait_s <= 0:
        return Room(True, (Note("room", f"{whole} are free now"),))
    text = f"{whole} are free in {duration(wait_s)} at the latest, when running work has ended"
    return Room(False, (Note("room", text, "warn"),), f"the fleet has no room for {duration(wait_s)}")


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


def _lacking(plan: "Plan", nodes: int, each: int) -> Room:
    from dcctl.render.report import Note
    from dcctl.units import plural

    unplaced = plan.unplaced[0]
    why = ", ".join(f"{reason} ({plural(count, 'node')})" for reason, count in list(unplaced.why.items())[:3])
    free = f"{plural(unplaced.fits, 'node')} would take a member of {each}, {nodes} are needed"
    short = f"the fleet lacks {nodes - unplaced.fits:,} free nodes of {each}"
    return Room(False, (Note("room", f"{free}; of the others: {why}" if why else free, "warn"),), short)
