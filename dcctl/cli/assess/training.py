"""The training side of `dcctl assess demand`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.bill import Prices
    from dcctl.assess.demand.durability import Habits
    from dcctl.assess.demand.shape import Told
    from dcctl.assess.demand.training import TrainingNeeds
    from dcctl.assess.demand.training_spec import TrainingSpec
    from dcctl.cli.assess.asked import Asked
    from dcctl.cli.assess.placing import Room
    from dcctl.cli.assess.subject import Hardware
    from dcctl.cli.session import Session
    from dcctl.render.report import Note, Report


def trained(session: "Session", asked: "Asked") -> "Report":
    """What training takes, as a report."""
    from dcctl.assess.demand.bill import bill
    from dcctl.assess.demand.estimate import Estimate
    from dcctl.assess.demand.shape import DEMAND
    from dcctl.assess.demand.training_report import training_report
    from dcctl.cli.assess.rates import prices_of
    from dcctl.cli.assess.subject import hardware_of, model_of
    from dcctl.errors import UsageError

    model = model_of(asked)
    hardware = hardware_of(session, asked, DEMAND)
    try:
        needs = _needs(asked, _base(asked, model, hardware), hardware)
    except UsageError as error:  # the command to type next is about the same work
        more = f" --tokens {asked.tokens}" if asked.tokens and error.hint.endswith("--search") else ""
        raise UsageError(error.what, error.why, f"{error.hint}{more}") from error
    prices = prices_of(asked, hardware)
    gpus = Estimate.exact(needs.spec.layout.gpus)
    costs = bill(gpus, needs.spec.gpu, needs.time_s, prices)
    return training_report(needs, costs, _told(session, asked, needs, hardware, prices))


def _base(asked: "Asked", model: "Architecture", hardware: "Hardware") -> "TrainingSpec":
    """What was told, with one accelerator where no size was."""
    from dcctl.assess.demand.layout import Layout
    from dcctl.assess.demand.refusals import lacking
    from dcctl.assess.demand.training_spec import SEQUENCE, TrainingSpec, stack_of
    from dcctl.cli.assess.amounts import count
    from dcctl.errors import UsageError

    if why := lacking(hardware.gpu, asked.precision):
        raise UsageError(f"--precision {asked.precision}", why)

    layout = Layout(
        tensor=asked.tp or 1,
        pipeline=asked.pp or 1,
        context=asked.cp or 1,
        expert=asked.ep or 1,
        virtual=asked.vp or 1,
        micro_batch=asked.micro_batch or 1,
        batch=asked.batch or 0,
        zero=1 if asked.zero is None else asked.zero,  # type: ignore[arg-type]  # the option takes 0 to 3
        recompute=asked.recompute or "selective",
    )
    longest = min(SEQUENCE, model.context or SEQUENCE)
    return TrainingSpec(
        model=model,
        gpu=hardware.gpu,
        layout=layout,
        sequence=count("--seq", asked.seq) if asked.seq else longest,
        precision=asked.precision,
        optimizer=asked.optimizer,
        lora_rank=asked.lora,
        stack=stack_of(layout),
    )


def _needs(asked: "Asked", spec: "TrainingSpec", hardware: "Hardware") -> "TrainingNeeds":
    from dcctl.assess.demand.plans import BATCH_TOKENS, for_deadline, searched
    from dcctl.errors import UsageError

    tokens, deadline_s = _tokens(asked), _deadline_s(asked)
    habits, batch = _habits(asked), None if asked.batch else BATCH_TOKENS
    if asked.sizes and not asked.search:
        return _as_told(asked, spec, tokens, habits, hardware)
    if asked.gpus is None and deadline_s is not None:
        if tokens is None:
            raise UsageError("--deadline", "needs --tokens: how much is to be done by then")
        return for_deadline(spec, tokens, deadline_s, habits, batch, min(8, hardware.each))
    gpus = asked.gpus or hardware.there
    if not gpus:
        why = "is missing: how many accelerators (or --tokens and --deadline, or a fleet with -i)"
        raise UsageError("--gpus", why, "dcctl assess demand llama-3-70b --gpu H100 --gpus 64")
    return searched(spec, gpus, tokens, habits, batch)


def _tokens(asked: "Asked") -> float | None:
    from dcctl.cli.assess.amounts import count

    return float(count("--tokens", asked.tokens)) if asked.tokens else None


def _deadline_s(asked: "Asked") -> int | None:
    from dcctl.cli.assess.amounts import seconds

    return seconds("--deadline", asked.deadline) if asked.deadline else None


def _as_told(
    asked: "Asked", spec: "TrainingSpec", tokens: float | None, habits: "Habits", hardware: "Hardware"
) -> "TrainingNeeds":
    """The layout that was told; UsageError when it cannot be."""
    from msgspec.structs import replace

    from dcctl.assess.demand.plans import BATCH_TOKENS, at_rest
    from dcctl.assess.demand.refusals import refuse, refuse_split
    from dcctl.assess.demand.training import needs

    refuse_split(spec, asked.gpus)
    one = spec.layout.tensor * spec.layout.pipeline * spec.layout.context
    spec = at_rest(spec, asked.gpus or (hardware.there // one * one) or one)
    if not spec.layout.batch:
        each = (
            spec.layout.data
            * spec.layout.micro_batch
            * (spec.layout.pipeline if spec.layout.virtual > 1 else 1)
        )
        batch = each * max(1, round(BATCH_TOKENS / spec.sequence / each))
        spec = replace(spec, layout=replace(spec.layout, batch=batch))
    refuse(spec, asked.gpus)
    return needs(spec, tokens, habits)


def _habits(asked: "Asked") -> "Habits":
    from dcctl.assess.demand.durability import STALL_S, Habits
    from dcctl.cli.assess.amounts import disk_rate, seconds

    return Habits(
        stall_s=float(seconds("--stall", asked.stall)) if asked.stall else STALL_S,
        bandwidth_bytes_per_s=disk_rate("--storage", asked.storage) if asked.storage else None,
    )


def _told(
    session: "Session", asked: "Asked", needs: "TrainingNeeds", hardware: "Hardware", prices: "Prices"
) -> "Told":
    """Whether the fleet has room, and what is not known."""
    from dcctl.assess.demand.shape import Told
    from dcctl.cli.assess.placing import group_of, placed

    deadline = _deadline_notes(asked, needs)
    late = any(note.severity == "crit" for note in deadline)
    notes = (*deadline, *_unknown(needs, prices))
    found = hardware.found
    if found is None:
        return Told(notes=notes, explain=asked.explain, late=late)
    if needs.spec.layout.gpus > hardware.there:
        room = _too_few(asked, needs, hardware)
    else:
        lasts_s = None if needs.time_s is None else round(needs.time_s.value)
        group = group_of("training", needs.spec.layout.gpus, hardware, lasts_s=lasts_s)
        room = placed(group, hardware, found, session.now_s)
    return Told(room.fits, (*room.notes, *notes), found.fleet.gaps, asked.explain, room.missing, late=late)


def _deadline_notes(asked: "Asked", needs: "TrainingNeeds") -> "tuple[Note, ...]":
    """Whether it is made, if there is one."""
    from dcctl.render.report import Note
    from dcctl.units import duration

    deadline_s = _deadline_s(asked)
    if deadline_s is None:
        return ()
    if needs.time_s is not None and needs.time_s.value <= deadline_s:
        spare, most = duration(deadline_s - needs.time_s.value), duration(needs.time_s.high)
        return (Note("deadline", f"made with {spare} to spare; by the interval it may take {most}"),)
    if _tokens(asked) is None:
        text = "nobody told --tokens, so it is not known"
    elif needs.time_s is None:
        text = "the run has no end"
    else:
        text = (
            f"missed by {duration(needs.time_s.value - deadline_s)}; without --gpus and sizes: what makes it"
        )
    return (Note("deadline", text, "crit"),)


def _too_few(asked: "Asked", needs: "TrainingNeeds", hardware: "Hardware") -> "Room":
    """What the fleet can do instead: the same work on all whole nodes that it has."""
    from dcctl.assess.demand.plans import BATCH_TOKENS, searched
    from dcctl.cli.assess.placing import too_few
    from dcctl.errors import UsageError

    there = hardware.there // hardware.each * hardware.each
    batch = None if asked.batch else BATCH_TOKENS
    try:
        instead = searched(needs.spec, there, _tokens(asked), _habits(asked), batch)
    except UsageError:
        instead = None
    command = f"dcctl assess demand {asked.spec} --gpus {there}" if asked.spec and instead else ""
    return too_few(needs, hardware, instead, command)


def _unknown(needs: "TrainingNeeds", prices: "Prices") -> "Iterator[Note]":
    """What nobody knows, and what could be known if it was told."""
    from dcctl.render.report import Note

    gpu = needs.spec.gpu
    if gpu.power_mw is None:
        yield Note(
            "unknown", f"nobody states the power of {gpu.name}: energy, its price and carbon follow from it"
        )
    options = []
    if needs.operations is None:
        options.append("--tokens for time, energy and failures")
    if prices.gpu_hour is None and prices.kwh is None:
        options.append("--price (accelerator-hour) or --energy-price (kWh) for money")
    if prices.carbon_g_per_kwh is None and gpu.power_mw is not None:
        options.append("--carbon (g per kWh) for carbon")
    if options:
        yield Note("unknown", f"tell {', '.join(options)}")
