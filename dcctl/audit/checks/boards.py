"""Boards: memory errors, throttling, temperatures and modes of each accelerator in its slot."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING

from dcctl.audit.check import Fault, Unsure, check, told
from dcctl.audit.facts.pools import pools_of, profile_of
from dcctl.audit.policy.gpu import DAY_S
from dcctl.units import count, percent, power

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.boards import Board

NOT_COUNTED = "nothing was counted before"
_NS_PER_S = 1_000_000_000
SLOWED = {
    "hw_slowdown": "the hardware has halved its clocks or worse",
    "hw_thermal_slowdown": "it is too hot",
    "hw_power_brake_slowdown": "the power supply asked it to brake",
}
HOLDS = {"thermal": "heat", "board_limit": "the limit of the board", "reliability": "reliability"}


def foreign(board: Board) -> str:
    """Return why NVML's readings do not apply to a board; empty: they do."""
    if board.vendor != "nvidia":
        return f"boards of {board.vendor}, which tell this in another way"
    return "slices of a hypervisor's board, which keeps its counters and modes" if board.guest else ""


def tells(*fields: str) -> Callable[[Board, Scene], str]:
    """Return what says why a check does not apply: the board supports none of the fields."""

    def why(board: Board, _: Scene) -> str:
        return foreign(board) or unsupported(board, *fields)

    return why


def unsupported(board: Board, *fields: str) -> str:
    """Return why a board need not tell any of the fields; empty: it tells one, or should."""
    for name in fields:
        silence = board.silent.get(name)
        if getattr(board, name) is not None or silence is None or silence.cause != "unsupported":
            return ""
    return f"boards that have no {_plain(fields[0])}"


def _plain(field: str) -> str:
    """The name of a field for a person: without its unit."""
    return " ".join(word for word in field.split("_") if word not in {"c", "hz", "mw"})


def all_told(board: Board, *fields: str) -> None:
    """Unsure: the board should have told one of the fields, and did not."""
    for name in fields:
        if getattr(board, name) is None and not unsupported(board, name):
            silence = board.silent.get(name)
            raise Unsure(silence.reason if silence else f"nobody told {_plain(name)}")


@check(
    "GPU-02",
    "Uncorrectable memory errors since the driver was loaded",
    "critical",
    tier="N",
    over="boards",
    needs=("ecc_uncorrected",),
    refs=("dcctl:ecc", "gcm:ecc_uncorrected_volatile_total"),
    why="Memory has lost data that no code could restore: results may be wrong, and jobs on it die.",
    fix="Drain the node, nvidia-smi -r -i INDEX; have the board replaced when the errors come back.",
    applies=tells("ecc_uncorrected"),
)
def uncorrected(board: Board, _: Scene) -> Iterator[Fault]:
    """No uncorrectable error was counted since the driver was loaded."""
    if board.ecc_uncorrected:
        where = {"DRAM": board.ecc_dram_uncorrected, "SRAM": board.ecc_sram_uncorrected}
        parts = ", ".join(f"{count(number)} in {name}" for name, number in where.items() if number)
        yield Fault(f"{count(board.ecc_uncorrected)} uncorrectable errors" + (f" ({parts})" if parts else ""))


def _corrected_apply(board: Board, scene: Scene) -> str:
    why = tells("ecc_corrected")(board, scene)
    if why or board.ecc_corrected is None or board.ecc_corrected > scene.policy.gpu.ecc_corrected_total:
        return why
    return NOT_COUNTED if scene.grew(board, "ecc_corrected", board.ecc_corrected) is None else ""


@check(
    "GPU-03",
    "Correctable memory errors come fast",
    "medium",
    tier=("N", "L"),
    over="boards",
    needs=("ecc_corrected",),
    refs=("dcctl:ecc", "aznhc:ecc", "gcm:ecc_corrected"),
    why="A flood of corrected errors comes before the ones that cannot be corrected.",
    fix="Watch it for a day (nvidia-smi -q -d ECC); when it goes on, drain the node and run dcgmi diag -r 3.",
    applies=_corrected_apply,
)
def corrected(board: Board, scene: Scene) -> Iterator[Fault]:
    """Corrected errors stay below the limit of a day, and of a board's life."""
    total, limits = told(board.ecc_corrected), scene.policy.gpu
    grew = scene.grew(board, "ecc_corrected", total)
    days = max(1.0, (scene.now_s - (scene.read_at_s(board.object) or 0)) / DAY_S)
    if grew is not None and grew > limits.ecc_corrected_per_day * days:
        yield Fault(f"{count(grew)} corrected errors in {days:.3g} d", "rate")
    if total > limits.ecc_corrected_total:
        yield Fault(f"{count(total)} corrected errors over its life", "total")


@check(
    "GPU-04",
    "ECC is off, or changes with the next reset",
    "high",
    tier="N",
    over="boards",
    needs=("ecc_enabled", "ecc_pending"),
    refs=("dcctl:ecc",),
    why="Without ECC a flipped bit goes into the weights and nobody hears of it.",
    fix="nvidia-smi -i INDEX -e 1, then drain the node and nvidia-smi -r -i INDEX.",
    applies=tells("ecc_enabled"),
)
def ecc_mode(board: Board, _: Scene) -> Iterator[Fault]:
    """ECC is on, and stays on after a reset."""
    if not board.ecc_enabled:
        yield Fault("ECC is off", "mode")
    if board.ecc_pending != board.ecc_enabled:
        yield Fault(f"ECC will be {'on' if board.ecc_pending else 'off'} after the next reset", "pending")


@check(
    "GPU-05",
    "Rows of memory that were replaced, or could not be",
    "critical",
    tier="N",
    over="boards",
    needs=("remap_pending", "remap_failed", "remapped_uncorrected"),
    refs=("dcctl:row-remap", "gcm:row_remap", "aznhc:row_remap"),
    why="Until a reset the bad row is still in use; without spare rows the board is at its end.",
    fix="Drain the node, nvidia-smi -r -i INDEX; where rows failed or are used up, have it replaced.",
    applies=tells("remap_pending"),
)
def rows(board: Board, scene: Scene) -> Iterator[Fault]:
    """No row waits for a reset, none failed, and spare rows are left."""
    if board.remap_failed:
        yield Fault("a bad row could not be replaced", "failed")
    if board.remap_pending:
        yield Fault("a bad row is in use until the board is reset", "pending")
    replaced = told(board.remapped_uncorrected)
    if replaced > scene.policy.gpu.remapped_uncorrected:
        yield Fault(f"{count(replaced)} rows replaced after errors", "many")
    if board.remap_histogram and board.remap_histogram[-1]:
        yield Fault(f"{count(board.remap_histogram[-1])} banks have no spare row left", "spare", "high")


@check(
    "GPU-08",
    "Held back by heat, the power supply or its hardware",
    "high",
    tier=("N", "L"),
    over="boards",
    needs=("throttle",),
    refs=("dcctl:throttle", "aznhc:throttle", "nvsentinel:890"),
    why="A collective runs at the pace of its slowest board.",
    fix="nvidia-smi -q -d PERFORMANCE says by what; look at fans, inlet, power supplies and cables.",
    applies=tells("throttle"),
)
def throttled(board: Board, scene: Scene) -> Iterator[Fault]:
    """No reason of hardware, heat or power brake; idle clocks and the power cap are as they should be."""
    for reason, says in SLOWED.items():
        if reason in told(board.throttle):
            yield Fault(says, reason)
    elapsed_s = scene.now_s - (scene.read_at_s(board.object) or 0)
    for name, held_ns in (board.violations_ns or {}).items():
        grew = scene.grew(board, f"violation {name}", held_ns)
        if name not in HOLDS or grew is None or elapsed_s <= 0:
            continue
        share = grew * 1000 // (elapsed_s * _NS_PER_S)
        if share > scene.policy.gpu.held_back_milli:
            yield Fault(
                f"held back by {HOLDS[name]} for {percent(share)} of the time since it was last asked", name
            )


def _busy(board: Board, scene: Scene) -> bool:
    return board.busy_milli is not None and board.busy_milli >= scene.policy.gpu.busy_milli


def busy_medians(scene: Scene) -> Mapping[tuple[object, ...], float]:
    """Return the median temperature of busy boards by pools and model, where enough of them are busy."""
    found: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for board in scene.evidence.boards or ():
        if board.temperature_c is not None and _busy(board, scene):
            found[pools_of(scene, board.node), board.model].append(board.temperature_c)
    least = scene.policy.gpu.least_peers
    return {alike: median(values) for alike, values in found.items() if len(values) >= least}


def _peers_c(board: Board, scene: Scene) -> float | None:
    """The median of busy boards like this one; None where it is not busy, or has too few peers."""
    if not _busy(board, scene):
        return None
    return scene.once(busy_medians).get((pools_of(scene, board.node), board.model))


@check(
    "GPU-09",
    "Too near to the temperature where it slows down",
    "medium",
    tier="N",
    over="boards",
    needs=("temperature_c",),
    refs=("dcctl:temperature", "gcm:gpu_temperature"),
    why="What is hotter than its peers has a fan, a heat sink or a hose that gives way.",
    fix="Compare with its neighbours; clean or reseat the heat sink, look at fans and coolant.",
    applies=tells("temperature_c"),
)
def hot(board: Board, scene: Scene) -> Iterator[Fault]:
    """It stays below its limits by a margin, and near the median of busy boards of its kind."""
    limits, here = scene.policy.gpu, told(board.temperature_c)
    peers = _peers_c(board, scene)
    if board.slowdown_c is None and peers is None:
        raise Unsure("neither its limit nor enough busy peers are known")
    if board.slowdown_c is not None and here > board.slowdown_c - limits.temperature_margin_c:
        yield Fault(f"{here} °C, slows down at {board.slowdown_c} °C", "gpu")
    memory, most = board.memory_temperature_c, board.memory_max_c
    if memory is not None and most is not None and memory > most - limits.temperature_margin_c:
        yield Fault(f"memory at {memory} °C, its limit is {most} °C", "memory")
    if peers is not None and here > peers + limits.temperature_outlier_c:
        yield Fault(f"{here} °C, busy boards like it have {peers:g} °C", "outlier")


@check(
    "GPU-15",
    "Persistence mode is off",
    "low",
    tier="N",
    over="boards",
    needs=("persistence",),
    refs=("dcctl:persistence", "aznhc:persistence"),
    why="The driver unloads between jobs: starts are slow, and counters and settings are lost.",
    fix="systemctl enable --now nvidia-persistenced.",
    applies=tells("persistence"),
)
def persistent(board: Board, _: Scene) -> Iterator[Fault]:
    """The driver stays loaded."""
    if not board.persistence:
        yield Fault("persistence mode is off")


def _cap(board: Board, scene: Scene) -> int | None:
    wanted_w = profile_of(scene, board.node).power_cap_w
    return board.power_default_cap_mw if wanted_w is None else wanted_w * 1000


@check(
    "GPU-16",
    "Power cap is not that of the pool",
    "medium",
    tier="N",
    over="boards",
    needs=("power_cap_mw",),
    refs=("dcctl:power-cap",),
    why="One board with a lower cap holds up every job that it takes part in.",
    fix="nvidia-smi -i INDEX -pl WATTS, or put the cap that is meant into audit.gpu.profiles.",
    applies=tells("power_cap_mw"),
)
def capped(board: Board, scene: Scene) -> Iterator[Fault]:
    """The cap is what the profile says, else the board's own."""
    wanted, here = _cap(board, scene), told(board.power_cap_mw)
    if wanted is None:
        raise Unsure("neither the profile of the pool nor the board tells which cap it should have")
    if abs(here - wanted) > scene.policy.gpu.power_cap_slack_w * 1000:
        yield Fault(f"capped at {power(here)}, should be {power(wanted)}")


def _modes(board: Board, scene: Scene) -> Iterator[tuple[str, object, object]]:
    """(mode, what it is, what it should be), of those that are told."""
    profile = profile_of(scene, board.node)
    clock = profile.sm_clock_mhz
    clock_hz = board.default_sm_clock_hz if clock is None else clock * 1_000_000
    if board.app_sm_clock_hz is not None and clock_hz is not None:
        yield "clock", board.app_sm_clock_hz, clock_hz
    if board.compute_mode is not None:
        yield "compute mode", board.compute_mode, profile.compute_mode or "default"
    if board.mig_enabled is not None:
        yield "mig", board.mig_enabled, board.mig_enabled if profile.mig is None else profile.mig
        if board.mig_pending is not None:
            yield "mig pending", board.mig_pending, board.mig_enabled


@check(
    "GPU-17",
    "Clocks, compute mode or MIG differ from the pool",
    "medium",
    tier="N",
    over="boards",
    refs=("dcctl:modes", "aznhc:app_clocks"),
    why="A forgotten clock or mode makes one node slow, or refuses the second process of a job.",
    fix="nvidia-smi -rgc, -rac, -c DEFAULT or -mig 0; or put what is meant into audit.gpu.profiles.",
    applies=tells("app_sm_clock_hz", "compute_mode", "mig_enabled"),
)
def modes(board: Board, scene: Scene) -> Iterator[Fault]:
    """Each mode that is told is what the profile says, else the vendor's default."""
    found = [
        Fault(f"{name} is {_shown(here)}, should be {_shown(wanted)}", name)
        for name, here, wanted in _modes(board, scene)
        if here != wanted
    ]
    yield from found
    if not found:
        all_told(board, "app_sm_clock_hz", "compute_mode", "mig_enabled")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value // 1_000_000} MHz" if isinstance(value, int) else str(value)


@check(
    "GPU-18",
    "InfoROM corrupt, pages retired, or the driver asks for a recovery",
    "high",
    tier="N",
    over="boards",
    refs=("dcctl:inforom", "gcm:retired_pages"),
    why="The board's own record of its defects is gone, or says that it has had enough.",
    fix="Do what the driver asks for (reset, reboot, drain); have a board with a corrupt InfoROM replaced.",
    applies=tells("inforom_valid", "retired_pages", "recovery_action"),
)
def worn(board: Board, scene: Scene) -> Iterator[Fault]:
    """The InfoROM is valid, few pages are retired, and nothing is asked for."""
    found = list(_worn(board, scene))
    yield from found
    if not found:
        all_told(board, "inforom_valid", "retired_pages", "recovery_action")


def _worn(board: Board, scene: Scene) -> Iterator[Fault]:
    if board.inforom_valid is False:
        yield Fault("its InfoROM is corrupt", "inforom")
    pages = board.retired_pages
    if pages is not None and pages > scene.policy.gpu.retired_pages:
        yield Fault(f"{count(pages)} pages retired", "pages")
    if board.retire_pending:
        yield Fault("a bad page is in use until the driver is loaded anew", "pending")
    if board.recovery_action not in {None, "none"}:
        yield Fault(f"the driver asks for {str(board.recovery_action).replace('_', ' ')}", "recovery")
