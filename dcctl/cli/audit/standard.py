"""`dcctl audit --standard NAME`: the controls of a standard in place of the findings."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.audit.judge import Verdict
    from dcctl.render.report import Report


def by_control(report: "Report", name: str, verdict: "Verdict") -> "Report":
    """The report with one row per control: its checks, state and evidence."""
    from msgspec.structs import replace

    from dcctl.audit.controls import controls
    from dcctl.audit.shape import CONTROLS

    headline, table = controls(name, verdict.tallies)
    return replace(report, kind=CONTROLS.kind, headline=headline, items=table, name_key="control")
