"""`dcctl audit --standard NAME`: the controls of a standard in place of the findings."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.judge import Verdict
    from dcctl.audit.scene import Scene
    from dcctl.audit.standards import Standard
    from dcctl.render.report import Control, Note, Report


def standard(name: str) -> "Standard":
    """The standard of that name. UsageError: there is none."""
    from dcctl.audit.controls import named
    from dcctl.audit.standards import Standard
    from dcctl.inventory.sources.catalogue import standards

    return named(name, standards(Standard))


def by_control(report: "Report", name: str, verdict: "Verdict", scene: "Scene") -> "Report":
    """The report with one row per control: its checks, state and evidence."""
    from msgspec.structs import replace

    from dcctl.audit.controls import controls, headline, table
    from dcctl.audit.shape import CONTROLS
    from dcctl.render.text import natural

    asked = standard(name)
    found = tuple(sorted(controls(asked, verdict.tallies, scene), key=lambda one: natural(one.id)))
    findings = replace(report.findings, standard=asked.id, controls=found) if report.findings else None
    return replace(
        report,
        kind=CONTROLS.kind,
        headline=headline(asked.title, found),
        items=table(found),
        name_key="control",
        findings=findings,
        notes=tuple(_notes(report.notes, found, verdict)),
    )


def _notes(notes: "tuple[Note, ...]", found: "tuple[Control, ...]", verdict: "Verdict") -> "Iterator[Note]":
    """The notes of the run, but the check to explain is one of the first control that failed."""
    from msgspec.structs import replace

    failed = {tally.check.id for tally in verdict.tallies if tally.counts.get("fail")}
    first = next((each for one in found for each in one.checks if one.state == "fail" and each in failed), "")
    for note in notes:
        if note.label != "why":
            yield note
        elif first:
            yield replace(note, command=f"dcctl audit explain {first}")
