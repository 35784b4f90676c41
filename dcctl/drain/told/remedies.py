"""What would make work fit that does not, each way with the command that tries it where there is one."""

from __future__ import annotations

import shlex
from itertools import dropwhile
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.drain.campaign import WORST
from dcctl.inventory.folding import fold
from dcctl.units import duration

if TYPE_CHECKING:
    from dcctl.drain.campaign import Campaign, Relief


def remedies(campaign: Campaign, command: str) -> tuple[Relief, ...]:
    """Return the reliefs of a campaign as they are told. `command`: that asks for the campaign again."""
    return tuple(replace(one, **_told(one, campaign, command)) for one in campaign.reliefs)


def _told(one: Relief, campaign: Campaign, command: str) -> dict[str, str]:
    if one.command:
        return {}
    if one.nodes:
        return {"command": _without(one, campaign, command) if command else ""}
    if one.at_s is not None:
        left = duration(max(one.at_s - campaign.made_at_s, 0))
        return {"says": f"{one.says}, {left} more; then plan again"}
    if one.more:
        return {"command": f"{_whatif(campaign)} --add {one.more}x{_like(one, campaign)}"}
    if one.workloads:
        stops = "; its scheduler does so unasked, by priority" if one.by_itself else ""
        evicted = " ".join(f"--evict {shlex.quote(name)}" for name in one.workloads)
        return {"says": f"{one.says}{stops}", "command": f"{_whatif(campaign)} {evicted}"}
    return {}


def _without(one: Relief, campaign: Campaign, command: str) -> str:
    """The same campaign for the other nodes, as a dry run."""
    words = shlex.split(command.removesuffix(" --yes"))[2:]
    options = list(dropwhile(lambda word: not word.startswith("-"), words))
    left = [target.name for target in campaign.targets if target.name not in one.nodes]
    return shlex.join(["dcctl", "drain", fold(left), *options, "--dry-run"]) if left else ""


def _whatif(campaign: Campaign) -> str:
    """Asks what becomes of the work of nodes that are out of service together."""
    nodes = [one.name for one in campaign.targets]
    if campaign.max_unavailable is not None:
        nodes = [name for wave in campaign.waves if wave.verdict in WORST[:2] for name in wave.nodes]
    return f"dcctl schedule whatif --remove {shlex.quote(fold(nodes))}"


def _like(one: Relief, campaign: Campaign) -> str:
    """The node that more are to be like, of those in the words of a relief."""
    names = {target.name for target in campaign.targets}
    return shlex.quote(next((word for word in one.says.split() if word in names), min(names)))
