"""A campaign as it is printed: hooks without what looks like a secret. What is carried out keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.redaction import without_secrets

if TYPE_CHECKING:
    from dcctl.drain.campaign import Campaign, Unit, Wave


def masked(campaign: Campaign) -> Campaign:
    """Return the campaign; in its hooks `…` stands for each word that looks like a secret."""
    return replace(campaign, waves=tuple(_wave(wave) for wave in campaign.waves))


def _wave(wave: Wave) -> Wave:
    return replace(wave, units=tuple(_unit(unit) for unit in wave.units))


def _unit(unit: Unit) -> Unit:
    if unit.hook is None:
        return unit
    hook = unit.hook
    return replace(
        unit, hook=replace(hook, what=without_secrets(hook.what), proof_of=without_secrets(hook.proof_of))
    )
