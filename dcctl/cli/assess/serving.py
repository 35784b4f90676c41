"""The serving side of `dcctl assess demand`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.cli.assess.asked import Asked
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


def served(session: "Session", asked: "Asked") -> "Report":
    """What serving takes, as a report."""
    from dcctl.assess.demand.inference import needs
    from dcctl.assess.demand.report import DEMAND, serving_report
    from dcctl.assess.demand.serving import ServingSpec
    from dcctl.cli.assess.amounts import count, latency, rate
    from dcctl.cli.assess.subject import hardware_of, model_of

    model = model_of(asked)
    hardware = hardware_of(session, asked, DEMAND)
    spec = ServingSpec(
        model=model,
        gpu=hardware.gpu,
        input_tokens=count("--input-tokens", asked.input_tokens),
        output_tokens=count("--output-tokens", asked.output_tokens),
        rate=rate("--rate", asked.rate) if asked.rate else None,
        ttft_s=latency("--ttft", asked.ttft) if asked.ttft else None,
        tpot_s=latency("--tpot", asked.tpot) if asked.tpot else None,
        tensor=asked.tp or 1,
        data=_groups(asked),
        expert=asked.ep or 1,
        pipeline=asked.pp or 1,
        lora_rank=asked.lora,
        adapters=asked.adapters or 1,
    )
    found = needs(spec)
    gaps = hardware.found.fleet.gaps if hardware.found else ()
    return serving_report(spec, found, gaps, explain=asked.explain)


def _groups(asked: "Asked") -> int:
    """Groups that each hold all of attention: as many as it takes to hold the ranks of --ep."""
    from dcctl.errors import UsageError

    tensor, expert = asked.tp or 1, asked.ep or 1
    if expert > tensor and expert % tensor:
        raise UsageError(f"--ep {expert}", f"is no multiple of --tp {tensor}: experts are on whole groups")
    return max(1, expert // tensor)
