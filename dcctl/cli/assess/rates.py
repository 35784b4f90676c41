"""What an accelerator-hour, a kWh, carbon and cooling cost a run: as told, else as the fleet's sites tell."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.assess.demand.bill import Prices
    from dcctl.assess.demand.estimate import Estimate
    from dcctl.cli.assess.asked import Asked
    from dcctl.cli.assess.subject import Hardware


def prices_of(asked: "Asked", hardware: "Hardware") -> "Prices":
    """Options prevail. Of several sites: the mean by accelerators, from the lowest to the highest."""
    from dcctl.assess.demand.bill import Prices

    if hardware.found is None:
        return Prices(_told(asked.price), _told(asked.energy_price), _told(asked.carbon), _told(asked.pue))
    from dcctl.assess.energy.sites import measured_pue

    weights = _boards_by_site(hardware)
    sites = {one.name: one for one in hardware.found.whole.sites}
    kwh = {name: one.energy_price_milli_per_mwh for name, one in sites.items()}
    carbon = {name: one.carbon_mg_per_kwh for name, one in sites.items()}
    pue = {} if asked.pue else measured_pue(hardware.found.whole)
    paid = {sites[name].currency or "" for name in weights if name in sites}
    told = asked.price is not None or asked.energy_price is not None
    one_currency = len(paid) <= 1
    return Prices(
        _told(asked.price),
        _told(asked.energy_price) or (_mean(kwh, weights, 1_000_000, "inventory") if one_currency else None),
        _told(asked.carbon) or _mean(carbon, weights, 1000, "inventory"),
        _told(asked.pue) or _mean(pue, weights, 1000, "meters"),
        "" if told or not one_currency else "".join(paid),
    )


def _told(value: float | None) -> "Estimate | None":
    from dcctl.assess.demand.estimate import Estimate

    return None if value is None else Estimate.exact(value, source="as told")


def _boards_by_site(hardware: "Hardware") -> dict[str, int]:
    """Accelerators that are meant, by site; nobody knows where those of the empty name are."""
    from collections import Counter

    found: Counter[str] = Counter()
    assert hardware.found is not None, "whoever asks has a fleet"  # noqa: S101
    for node in hardware.found.fleet.nodes:
        found[node.site or ""] += sum(one.model in hardware.models for one in node.accelerators or ())
    return {site: boards for site, boards in sorted(found.items()) if boards}


def _mean(
    values: "Mapping[str, int | None]", weights: "Mapping[str, int]", scale: int, whence: str
) -> "Estimate | None":
    """None where it is not known of one of the sites."""
    from dcctl.assess.demand.estimate import Estimate

    found = [(values.get(site), boards) for site, boards in weights.items()]
    known = [(value / scale, boards) for value, boards in found if value is not None]
    if not known or len(known) < len(found):
        return None
    mean = sum(value * boards for value, boards in known) / sum(boards for _, boards in known)
    ends = sorted(value for value, _ in known)
    return Estimate(mean, ends[0], ends[-1], source=f"{whence} of {', '.join(weights)}")
