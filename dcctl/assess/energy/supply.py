"""UPSes as they are: what flows through them, what their data sheets say, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.energy import ups
from dcctl.units import percent, power

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.energy import Figures, UpsModel
    from dcctl.inventory.model import Fleet, PowerMeter
    from dcctl.render.report import Severity

_MOST_MISFIT: Final = 0.02
"""Of what a UPS is built for: a curve that is further off a point of the data sheet is not used."""
_STATES: Final[dict[str, tuple[str, Severity]]] = {
    "OB": ("runs on its battery", "crit"),
    "LB": ("has a battery that is nearly empty", "crit"),
    "FSD": ("is shutting down what it feeds", "crit"),
    "OFF": ("is off", "crit"),
    "OVER": ("has more to feed than it is built for", "crit"),
    "RB": ("needs a new battery", "warn"),
    "BYPASS": ("is bypassed: what it feeds is not protected", "warn"),
    "ALARM": ("raises an alarm", "warn"),
}
"""Words of `ups.status` that somebody should look at (docs/new-drivers.txt of NUT)."""


class Finding(NamedTuple):
    """Something that is wrong with a UPS."""

    text: str
    severity: Severity


class Ups(NamedTuple):
    """One UPS as it is, and as its data sheet says."""

    meter: PowerMeter | None
    model: UpsModel | None
    fitted: ups.LossCurve | None
    """The nearest to its data sheet, however far off."""

    @property
    def name(self) -> str:
        """As its meter or its data sheet has it."""
        return self.meter.name if self.meter else self.model.name if self.model else ""

    @property
    def curve(self) -> ups.LossCurve | None:
        """Of its losses; None: none is known that goes through the points of a data sheet."""
        return self.fitted if self.fitted and self.fitted.misfit <= _MOST_MISFIT else None

    @property
    def efficiency_milli(self) -> int | None:
        """As measured, else as it tells it; None: unknown, or more than all, which cannot be."""
        found = self._told_milli
        return found if found is not None and found <= 1000 else None

    @property
    def loss_mw(self) -> int | None:
        """What it draws and does not give; None: unknown, or below nothing, which cannot be."""
        out, drawn = self._flow
        return drawn - out if out is not None and drawn is not None and drawn >= out else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, in words."""
        return (*self._states(), *self._doubts())

    @property
    def _flow(self) -> tuple[int | None, int | None]:
        """Output and input, in milliwatts."""
        return (self.meter.power_mw, self.meter.input_mw) if self.meter else (None, None)

    @property
    def _told_milli(self) -> int | None:
        out, drawn = self._flow
        if out is not None and drawn:
            return out * 1000 // drawn
        return self.meter.efficiency_milli if self.meter else None

    def _states(self) -> Iterator[Finding]:
        words = self.meter.status.split() if self.meter else ()
        for word in words:
            if word in _STATES:
                text, severity = _STATES[word]
                yield Finding(f"{text} ({word})", severity)

    def _doubts(self) -> Iterator[Finding]:
        out, drawn = self._flow
        told = self.meter.efficiency_milli if self.meter else None
        if out is not None and drawn is not None and out > drawn and not self._on_battery:
            text = (
                f"gives {power(out)} and draws {power(drawn)}, which cannot be: one of the readings is wrong"
            )
            yield Finding(text, "warn")
        if told is not None and told > 1000:
            yield Finding(f"tells an efficiency of {percent(told)}, which cannot be", "warn")
        if self.fitted is not None and self.curve is None:
            off = f"the nearest curve is {percent(self.fitted.misfit * 1000)} of the nameplate power off"
            yield Finding(f"no a + bL + cL^2 goes through its data sheet: {off}, and is not used", "warn")

    @property
    def _on_battery(self) -> bool:
        """What it gives then, it need not draw."""
        return self.meter is not None and "OB" in self.meter.status.split()


def supplies(fleet: Fleet, figures: Figures) -> list[Ups]:
    """Return each UPS that a meter tells of or a data sheet names, by name."""
    models = {model.name: (model, ups.fit(model)) for model in figures.ups}
    there = {meter.name: meter for meter in fleet.meters if meter.kind == "ups"}
    return [
        Ups(there.get(name), *models.get(name, (None, None))) for name in sorted(there.keys() | models.keys())
    ]
