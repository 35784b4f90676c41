"""Whether a training run finds room in the fleet: the packing core decides."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.app import Surveyed
    from dcctl.assess.demand.training import TrainingNeeds
    from dcctl.cli.assess.subject import Hardware
    from dcctl.render.report import Note


def placed(
    needs: "TrainingNeeds", hardware: "Hardware", found: "Surveyed", now_s: int, model: str
) -> "tuple[bool, tuple[Note, ...], str]":
    """(whether it fits now, sentences about it, what is missing). `model`: as it was typed."""
    from dcctl.assess.demand.gang import gang
    from dcctl.packing.intake.fleet import problem_of
    from dcctl.packing.planning import plan_for
    from dcctl.packing.solve import Options
    from dcctl.render.report import Note
    from dcctl.units import plural

    gpus, each = needs.spec.layout.gpus, min(hardware.each, needs.spec.layout.gpus)
    nodes = -(-gpus // each)
    if gpus > hardware.there:
        text = f"it takes {gpus:,} x {needs.spec.gpu.name}; the fleet has {hardware.there:,} of them"
        hint = f"dcctl assess demand {model} --gpus {hardware.there // each * each}" if model else ""
        return (
            False,
            (Note("room", text, "warn", command=hint),),
            f"the fleet lacks {gpus - hardware.there:,} accelerators",
        )
    asked = gang("training", nodes, each, hardware.models, hardware.resource)
    problem = problem_of(found.whole, found.fleet.nodes, asked, now_s=now_s)
    plan = plan_for(problem, Options(cut=False)).plan
    if not plan.unplaced:
        return True, (Note("room", f"{plural(nodes, 'node')} of {each} are free now"),), ""
    unplaced = plan.unplaced[0]
    why = ", ".join(f"{reason} ({plural(count, 'node')})" for reason, count in list(unplaced.why.items())[:3])
    free = f"{plural(unplaced.fits, 'node')} would take a member of {each}, {nodes} are needed"
    short = f"the fleet lacks {nodes - unplaced.fits:,} free nodes of {each}"
    return False, (Note("room", f"{free}; of the others: {why}" if why else free, "warn"),), short
