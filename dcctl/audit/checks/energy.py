"""Power and cooling: what the plant makes of a watt, what it can carry, and how warm it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.facts.powered import IT, PowerRack, idle_counter, is_idle
from dcctl.audit.facts.telling import some
from dcctl.inventory.nodeexpr import plain
from dcctl.units import power

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.audit.check import Severity
    from dcctl.audit.facts.powered import PowerSite
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.plant import Phase, Plant, Temperature
    from dcctl.inventory.model import PowerMeter

_DAY_S: Final = 86_400
_WH_MJ: Final = 3_600_000
_SAME_START_S: Final = 3600
_LOADED_MILLI: Final = 333
"""Below, every UPS loses a larger share of what it is given."""
_FLOWING_MILLI: Final = 100
"""A feed that carries less than this of its breakers is not judged by its balance."""


def _no_limit(one: PowerSite, _scene: Scene) -> str:
    return "" if one.site.pue_limit_milli is not None else "sites without a limit of their PUE"


@check(
    "ENE-01",
    "PUE is above the limit of the site, or nobody can tell it",
    "medium",
    tier="P",
    over="power_sites",
    refs=("dcctl:pue", "30134-2:PUE"),
    why="Regulators ask for the figure, and every tenth of it is a tenth of the bill.",
    fix="See dcctl assess energy: which meter is silent, and what the cooling takes.",
    applies=_no_limit,
)
def pue(one: PowerSite, scene: Scene) -> Iterator[Fault]:
    """Facility over IT power is at least 1 and within the limit, and no reading of it is stale."""
    facility, it = one.of("facility"), _it_meters(one)
    if not facility or not it:
        yield Fault(f"no meter tells the {'IT' if facility else 'facility'} power", "meters", "low")
        return
    used = (*facility, *it)
    stale = [
        each.name
        for each in used
        if each.read_at_s is not None and scene.now_s - each.read_at_s > scene.policy.energy.meter_age_s
    ]
    if stale:
        yield Fault(f"{some(stale)}: not read for more than the policy allows", "freshness")
        raise Unsure("readings that old tell no PUE")
    if any(each.read_at_s is None for each in used):
        raise Unsure("nobody told when its meters were read")
    milli, limit = _ratio_milli(facility, it), one.site.pue_limit_milli or 0
    if milli < 1000:
        yield Fault(f"is {milli / 1000:.3f}: the facility cannot draw less than what is in it", "below-1")
    elif milli > limit:
        yield Fault(f"is {milli / 1000:.3f}, at most {limit / 1000:.3f}", "pue")


def _it_meters(site: PowerSite) -> tuple[PowerMeter, ...]:
    """The meters of its IT power. Unsure: they are there, and do not cover it all."""
    covered = 0
    for kind in IT:
        meters = site.of(kind)
        names = {name for one in meters for name in plain(one.nodes)}
        if meters and (len(names) >= site.nodes or any(not one.nodes for one in meters)):
            return meters
        covered = max(covered, len(names))
    if covered:
        raise Unsure(f"meters of its IT power cover {covered:,} of {site.nodes:,} nodes")
    return ()


def _ratio_milli(facility: Sequence[PowerMeter], it: Sequence[PowerMeter]) -> int:
    """Of energy where all registers began to count together, else of power. Unsure: a reading is missing."""
    meters = (*facility, *it)
    starts = [one.energy_from_s for one in meters if one.energy_mj is not None and one.energy_from_s]
    if len(starts) == len(meters) and max(starts) - min(starts) <= _SAME_START_S:
        upper, lower = (sum(one.energy_mj or 0 for one in side) for side in (facility, it))
    else:
        silent = [one.name for one in meters if one.power_mw is None]
        if silent:
            raise Unsure(f"{some(silent)}: no reading")
        upper, lower = (sum(one.power_mw or 0 for one in side) for side in (facility, it))
    if not lower:
        raise Unsure("its meters tell no IT power")
    return 1000 * upper // lower


def _no_rating(one: Plant | PowerRack, _scene: Scene) -> str:
    """A rack that nobody limits; a PDU is unknown instead: it has a breaker, and nobody told which."""
    limited = not isinstance(one, PowerRack) or one.rack.power_limit_mw is not None
    return "" if limited else "racks without a limit of their power"


@check(
    "ENE-02",
    "Rack or PDU carries more than it should, or unevenly",
    "high",
    tier="P",
    over="power_feeds",
    refs=("dcctl:power-load", "800-53:PE-9", "soc2:A1.2", "iso:A.7.11"),
    why="A breaker at its limit trips when one more GPU wakes up, or when the other feed of the rack fails.",
    fix="Move nodes to another rack or cap their power (nvidia-smi -pl); spread them over the phases.",
    applies=_no_rating,
)
def overloaded(one: Plant | PowerRack, scene: Scene) -> Iterator[Fault]:
    """Continuous load stays below the limit, phases are even, and one feed may fail."""
    policy = scene.policy.energy
    if isinstance(one, PowerRack):
        yield from _of_rack(one, policy.load_milli)
        return
    rated = one.power_mw is not None and bool(one.nominal_mw)
    known = [each for each in one.phases or () if each.breaker_ma]
    if not rated and not known:
        raise Unsure("nobody told what it carries, or what it is built for")
    if rated and (one.power_mw or 0) * 1000 > policy.load_milli * (one.nominal_mw or 0):
        yield Fault(f"carries {power(one.power_mw or 0)} of {power(one.nominal_mw or 0)}", "load")
    for phase in known:
        if phase.current_ma * 1000 > policy.load_milli * (phase.breaker_ma or 0):
            breaker = f"{phase.current_ma / 1000:.1f} A of {(phase.breaker_ma or 0) / 1000:.0f} A"
            yield Fault(f"{phase.name} carries {breaker}", f"phase {phase.name}")
    yield from _uneven(known, policy.imbalance_milli)


def _uneven(phases: Sequence[Phase], limit_milli: int) -> Iterator[Fault]:
    total = sum(one.current_ma for one in phases)
    flowing = total * 1000 > _FLOWING_MILLI * sum(one.breaker_ma or 0 for one in phases)
    if len(phases) == 3 and flowing:
        worst = max(phases, key=lambda one: abs(3 * one.current_ma - total))
        away_milli = 1000 * abs(3 * worst.current_ma - total) // total
        if away_milli > limit_milli:
            yield Fault(f"{worst.name} is {away_milli // 10} % away from the mean of its phases", "balance")


def _of_rack(one: PowerRack, load_milli: int) -> Iterator[Fault]:
    if not one.feeds or any(feed.power_mw is None for feed in one.feeds):
        raise Unsure("nobody told what its feeds carry")
    drawn, limit = sum(feed.power_mw or 0 for feed in one.feeds), one.rack.power_limit_mw or 0
    if drawn * 1000 > load_milli * limit:
        yield Fault(f"draws {power(drawn)} of {power(limit)}", "load")
    rated = [feed.nominal_mw for feed in one.feeds if feed.nominal_mw]
    if len(rated) == len(one.feeds) > 1 and drawn > sum(rated) - max(rated):
        yield Fault(f"draws {power(drawn)}: more than is left when a feed fails", "redundancy")


_STATES: Final[dict[str, tuple[str, str, Severity | None]]] = {
    "BYPASS": ("is on bypass: nothing stands between the grid and the racks", "bypass", "critical"),
    "OB": ("runs on its battery", "battery power", "critical"),
    "LB": ("its battery is low", "battery low", "critical"),
    "RB": ("asks for a new battery", "battery", None),
    "OVER": ("is overloaded", "overload", "critical"),
    "OFF": ("is off", "off", "critical"),
}
"""By NUT's abbreviation: what it means, where, how grave."""


@check(
    "ENE-03",
    "UPS is on bypass, or its battery is old, weak or untested",
    "high",
    tier="P",
    over="power_supplies",
    needs=("status",),
    refs=("dcctl:ups", "800-53:PE-11", "soc2:A1.2", "iso:A.7.11"),
    why="A battery is found out in the second in which the grid fails, with every training run behind it.",
    fix="Take it off bypass, run a battery test (upscmd … test.battery.start), order a new battery.",
)
def ups_health(one: Plant, scene: Scene) -> Iterator[Fault]:
    """It is on line, wastes little, and its battery is young, tested and passed."""
    policy, sound = scene.policy.energy, True
    for word in one.status or ():
        if word in _STATES:
            sound = False
            says, where, severity = _STATES[word]
            yield Fault(says, where, severity)
    loaded = one.load_milli is not None and one.load_milli >= _LOADED_MILLI
    if loaded and one.efficiency_milli is not None and one.efficiency_milli < policy.ups_efficiency_milli:
        sound = False
        yield Fault(f"gives {one.efficiency_milli / 10:.1f} % of what it takes", "efficiency", "medium")
    made_s, tested_s = one.battery_made_s, one.tested_at_s
    if made_s is not None and scene.now_s - made_s > policy.battery_age_s:
        sound = False
        yield Fault(f"its battery is {(scene.now_s - made_s) // _DAY_S:,} days old", "battery age")
    if one.test_passed is False:
        yield Fault("its last battery test failed", "test")
    elif tested_s is not None and scene.now_s - tested_s > policy.battery_test_age_s:
        yield Fault(f"its battery was tested {(scene.now_s - tested_s) // _DAY_S:,} days ago", "test")
    elif sound and tested_s is None:
        raise Unsure("nobody told when its battery was last tested")


def _not_counted(one: PowerSite, scene: Scene) -> str:
    if not one.boards:
        return "sites without accelerators"
    return "" if scene.counted_at_s is not None else "nothing was counted before"


@check(
    "ENE-04",
    "Idle boards draw more energy than the budget",
    "low",
    tier=("P", "N"),
    over="power_sites",
    refs=("dcctl:idle-power",),
    why="A board at rest still draws a tenth of its power, day and night, and its cooling draws more on top.",
    fix="See who holds them (dcctl assess -o wide); drain nodes that nobody needs and switch them off.",
    applies=_not_counted,
)
def idle_power(one: PowerSite, scene: Scene) -> Iterator[Fault]:
    """What boards that stand idle have drawn since they were first seen so is within the budget."""
    policy, drawn_mj, count, unread = scene.policy.energy, 0, 0, 0
    for node, board in one.boards:
        since_s = scene.before(*idle_counter(one, node, board))
        if since_s is None or not is_idle(board, policy.idle_milli):
            continue
        count += 1
        if board.power_mw is None:
            unread += 1
        else:
            drawn_mj += board.power_mw * (scene.now_s - since_s)
    if drawn_mj > policy.idle_budget_wh * _WH_MJ:
        yield Fault(f"{count:,} idle boards have drawn {drawn_mj // _WH_MJ:,} Wh", "idle")
    elif unread or any(board.busy_milli is None for _, board in one.boards):
        raise Unsure("not every board tells how busy it is, or what it draws")


def _no_sensor(one: Plant, _scene: Scene) -> str:
    return "plants without sensors" if one.temperatures == () else ""


@check(
    "ENE-05",
    "Air or coolant is outside of the range that machines are built for",
    "high",
    tier="P",
    over="sensed_plants",
    needs=("temperatures",),
    refs=("dcctl:inlet", "800-53:PE-14", "soc2:A1.2", "iso:A.7.8"),
    why="Warm air slows GPUs down for hours before any of them calls it a fault; cold air drips.",
    fix="Look at blanking panels, fans and the chiller of that row; move heavy jobs away from it.",
    applies=_no_sensor,
)
def climate(one: Plant, scene: Scene) -> Iterator[Fault]:
    """Every sensor is within the range of its medium."""
    for sensor in one.temperatures or ():
        policy = scene.policy.energy
        low, high = policy.coolant_mc if sensor.medium == "coolant" else policy.inlet_mc
        yield from _outside(sensor, low, high)


def _outside(sensor: Temperature, low_mc: int, high_mc: int) -> Iterator[Fault]:
    told = f"{sensor.name} has {sensor.temperature_mc / 1000:.1f} °C"
    if sensor.temperature_mc > high_mc:
        yield Fault(f"{told}, at most {high_mc / 1000:.0f} °C", sensor.name)
    elif sensor.temperature_mc < low_mc:
        yield Fault(f"{told}, at least {low_mc / 1000:.0f} °C", sensor.name, "low")
