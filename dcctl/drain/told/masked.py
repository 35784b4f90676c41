"""A campaign as it is printed: hooks without what looks like a secret. What is carried out keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.drain.request import Annotate, Call, Exec, WrittenFile
from dcctl.redaction import without_secrets

if TYPE_CHECKING:
    from dcctl.drain.campaign import Campaign, Unit, Wave
    from dcctl.drain.request import Ask


def masked(campaign: Campaign) -> Campaign:
    """Return the campaign; in its hooks `…` stands for each word that looks like a secret."""
    return replace(campaign, waves=tuple(_wave(wave) for wave in campaign.waves))


def _wave(wave: Wave) -> Wave:
    return replace(wave, units=tuple(_unit(unit) for unit in wave.units))


def _unit(unit: Unit) -> Unit:
    if unit.hook is None:
        return unit
    proof = unit.hook.proof
    if isinstance(proof, WrittenFile):
        proof = WrittenFile(without_secrets(proof.path))
    return replace(unit, hook=replace(unit.hook, ask=_ask(unit.hook.ask), proof=proof))


def _ask(ask: Ask) -> Ask:
    if isinstance(ask, Exec):
        return Exec(without_secrets(ask.command))
    if isinstance(ask, Annotate):
        pair = without_secrets(f"{ask.key}={ask.value}")
        return replace(ask, value=pair.removeprefix(f"{ask.key}="))
    return replace(ask, path=without_secrets(ask.path)) if isinstance(ask, Call) else ask
