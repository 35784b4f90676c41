"""The serving side of `dcctl assess demand`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.serving import ServingNeeds, ServingSpec
    from dcctl.assess.demand.shape import Told
    from dcctl.cli.assess.asked import Asked
    from dcctl.cli.assess.subject import Hardware
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


def served(session: "Session", asked: "Asked") -> "Report":
    """What serving takes, as a report."""
    from dcctl.assess.demand.bill import bill
    from dcctl.assess.demand.estimate import Estimate
    from dcctl.assess.demand.inference import needs
    from dcctl.assess.demand.serving_report import in_all, serving_report
    from dcctl.assess.demand.serving_search import best_replica
    from dcctl.assess.demand.shape import DEMAND
    from dcctl.cli.assess.rates import prices_of
    from dcctl.cli.assess.subject import hardware_of, model_of

    model = model_of(asked)
    hardware = hardware_of(session, asked, DEMAND)
    spec = _spec(asked, model, hardware)
    if asked.tp is None and asked.pp is None and asked.ep is None:
        spec = best_replica(spec)
    found = needs(spec)
    hour_s = Estimate.exact(3600) if found.fits else None
    hour = bill(in_all(spec, found), spec.gpu, hour_s, prices_of(asked, hardware))
    return serving_report(spec, found, hour, _told(session, asked, spec, found, hardware))


def _spec(asked: "Asked", model: "Architecture", hardware: "Hardware") -> "ServingSpec":
    from dcctl.assess.demand.serving import ServingSpec
    from dcctl.cli.assess.amounts import count, latency, rate

    return ServingSpec(
        model=model,
        gpu=hardware.gpu,
        input_tokens=count("--input-tokens", asked.input_tokens),
        output_tokens=count("--output-tokens", asked.output_tokens),
        context=count("--longest", asked.longest) if asked.longest else None,
        rate=rate("--rate", asked.rate) if asked.rate else None,
        ttft_s=latency("--ttft", asked.ttft) if asked.ttft else None,
        tpot_s=latency("--tpot", asked.tpot) if asked.tpot else None,
        batch=asked.batch,
        weight_bits=asked.weight_bits,
        kv_bits=asked.kv_bits or 16,
        tensor=asked.tp or 1,
        data=_groups(asked),
        expert=asked.ep or 1,
        pipeline=asked.pp or 1,
        lora_rank=asked.lora,
        adapters=asked.adapters or 1,
    )


def _told(
    session: "Session", asked: "Asked", spec: "ServingSpec", needs: "ServingNeeds", hardware: "Hardware"
) -> "Told":
    """Whether the fleet has room for all replicas; for one where no rate was told."""
    from dcctl.assess.demand.shape import Told
    from dcctl.cli.assess.placing import group_of, placed

    found = hardware.found
    if found is None:
        return Told(explain=asked.explain)
    if not needs.fits:
        return Told(False, (), found.fleet.gaps, asked.explain, "room for one sequence beside the weights")
    copies = round(needs.replicas.value) if needs.replicas else 1
    room = placed(group_of("replica", spec.gpus, hardware, copies), hardware, found, session.now_s)
    return Told(room.fits, room.notes, found.fleet.gaps, asked.explain, room.missing)


def _groups(asked: "Asked") -> int:
    """Groups that each hold all of attention: as many as it takes to hold the ranks of --ep."""
    from dcctl.errors import UsageError

    tensor, expert = asked.tp or 1, asked.ep or 1
    if expert > tensor and expert % tensor:
        raise UsageError(f"--ep {expert}", f"is no multiple of --tp {tensor}: experts are on whole groups")
    return max(1, expert // tensor)
