"""The columns of `dcctl assess energy`, and its shape."""

from __future__ import annotations

from typing import Final

from dcctl.render.report import Column, Shape

KPIS: Final = (
    Column("site", "SITE", keep=9),
    Column("pue_milli", "PUE", "milli", keep=9),
    Column("category", "CATEGORY", "count", keep=8),
    Column("state", "STATE", "state", keep=8),
    Column("period_s", "OVER", "duration_s", keep=7),
    Column("coverage_milli", "COVERAGE", "percent_milli", keep=7),
    Column("facility_mj", "FACILITY", "energy_mj", keep=6),
    Column("it_mj", "IT", "energy_mj", keep=6),
    Column("ref_milli", "REF", "percent_milli", keep=5),
    Column("erf_milli", "ERF", "percent_milli", keep=4),
    Column("cue_milli", "CUE kg/kWh", "milli", keep=5),
    Column("cue_market_milli", "CUE MARKET", "milli", keep=4),
    Column("wue_milli", "WUE l/kWh", "milli", keep=4),
    Column("start_s", "FROM", "time_s", wide=True),
    Column("end_s", "TO", "time_s", wide=True),
    Column("told_by", "TOLD BY", wide=True),
)
BALANCE: Final = (
    Column("site", "SITE", keep=8),
    Column("from", "FROM", keep=9),
    Column("to", "TO", keep=9),
    Column("in_mw", "IN", "power_mw", keep=7),
    Column("out_mw", "OUT", "power_mw", keep=7),
    Column("residual_mw", "RESIDUAL", "power_mw", keep=6),
    Column("residual_milli", "OF IN", "percent_milli", keep=8),
    Column("state", "STATE", "state", keep=9),
    Column("read", "READ", "count", keep=6),
    Column("nodes", "NODES", "count", keep=5),
)
OPEN: Final = (
    Column("site", "SITE", keep=8),
    Column("meters", "METERS", keep=9),
    Column("to", "TO", keep=8),
    Column("in_mw", "IN", "power_mw", keep=7),
    Column("out_mw", "OUT", "power_mw", keep=7),
    Column("residual_milli", "OF IN", "percent_milli", keep=8),
    Column("state", "STATE", "state", keep=9),
)
UPS: Final = (
    Column("name", "UPS", keep=9),
    Column("site", "SITE", keep=7),
    Column("status", "STATUS", keep=7),
    Column("nominal_mw", "NAMEPLATE", "power_mw", keep=5),
    Column("load_milli", "LOAD", "percent_milli", keep=7),
    Column("out_mw", "OUT", "power_mw", keep=6),
    Column("in_mw", "IN", "power_mw", keep=6),
    Column("loss_mw", "LOSS", "power_mw", keep=8),
    Column("efficiency_milli", "EFFICIENCY", "percent_milli", keep=8),
    Column("curve_milli", "BY CURVE", "percent_milli", keep=6),
    Column("best_load_milli", "BEST AT", "percent_milli", keep=5),
    Column("a", "a", keep=4, wide=True),
    Column("b", "b", keep=4, wide=True),
    Column("c", "c", keep=4, wide=True),
    Column("misfit", "MISFIT", keep=3, wide=True),
)
WORKLOADS: Final = (
    Column("workload", "WORKLOAD", keep=9),
    Column("owner", "OWNER", keep=5),
    Column("nodes", "NODES", "count", keep=4),
    Column("power_mw", "POWER", "power_mw", keep=8),
    Column("idle_mw", "IDLE", "power_mw", keep=6),
    Column("dynamic_mw", "DYNAMIC", "power_mw", keep=6),
    Column("energy_mj", "ENERGY", "energy_mj", keep=7),
    Column("cost_milli", "COST", "milli", keep=7),
    Column("carbon_mg", "CO2 LOCATION", "mass_mg", keep=6),
    Column("carbon_market_mg", "CO2 MARKET", "mass_mg", keep=5),
)
CAPS: Final = (
    Column("model", "ACCELERATOR", keep=9),
    Column("boards", "BOARDS", "count", keep=6),
    Column("limit_mw", "NOW AT", "power_mw", keep=6),
    Column("cap_mw", "CAP", "power_mw", keep=9),
    Column("energy_milli", "ENERGY", "percent_milli", keep=8),
    Column("time_milli", "TIME", "percent_milli", keep=8),
    Column("power_milli", "POWER", "percent_milli", keep=6),
    Column("basis", "BY", keep=5),
)
HOURS: Final = (
    Column("workload", "WORKLOAD", keep=9),
    Column("duration_s", "LENGTH", "duration_s", keep=6),
    Column("cheapest_s", "CHEAPEST", "time_s", keep=8),
    Column("cheapest_site", "AT", keep=6),
    Column("cost_saved_milli", "SAVES", "percent_milli", keep=8),
    Column("greenest_s", "GREENEST", "time_s", keep=7),
    Column("greenest_site", "AT", keep=5),
    Column("carbon_saved_milli", "SAVES CO2", "percent_milli", keep=7),
)
_SUMMARY: Final = (
    Column("nodes", "nodes", "count"),
    Column("nodes_read", "nodes whose power was read", "count"),
    Column("measured_mw", "what those draw now", "power_mw"),
    Column("nobody_mw", "of that, what no work holds", "power_mw"),
    Column("nameplate_mw", "limits of the boards of the others: nameplate, not measured", "power_mw"),
    Column("open", "steps of the balance that should close within 1 % and do not", "count"),
    Column("horizon_s", "time for which work is billed, from now on", "duration_s"),
    Column("currency", "currency of the costs"),
)
DETAILS: Final = {
    "balance": (BALANCE, "WHERE POWER GOES"),
    "open": (OPEN, "NOT CLOSED"),
    "ups": (UPS, "UPS"),
    "workloads": (WORKLOADS, "WHO DRAWS WHAT"),
    "caps": (CAPS, "POWER CAPS"),
    "hours": (HOURS, "WORK THAT CAN WAIT"),
}
ENERGY: Final = Shape(
    "assess-energy",
    "PUE and its kin by site and category; where power goes; what work draws, costs and emits; what saves.",
    KPIS,
    tuple((name, columns) for name, (columns, _) in DETAILS.items()),
    _SUMMARY,
)
SHAPES: Final = (ENERGY,)
