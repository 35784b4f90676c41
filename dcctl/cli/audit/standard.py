"""`dcctl audit --standard NAME`: the controls of a standard in place of the findings."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.audit.judge import Verdict
    from dcctl.audit.scene import Scene
    from dcctl.audit.standards import Standard
    from dcctl.render.report import Report


def standard(name: str) -> "Standard":
    """The standard of that name. UsageError: there is none."""
    from dcctl.audit.controls import named
    from dcctl.audit.standards import Standard
    from dcctl.inventory.sources.catalogue import standards

    return named(name, standards(Standard))


def by_control(report: "Report", name: str, verdict: "Verdict", scene: "Scene") -> "Report":
    """The report with one row per control: its checks, state and evidence."""
    from msgspec.structs import replace

    from dcctl.audit.controls import controls
    from dcctl.audit.shape import CONTROLS

    headline, table = controls(standard(name), verdict.tallies, scene)
    return replace(report, kind=CONTROLS.kind, headline=headline, items=table, name_key="control")
