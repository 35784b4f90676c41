"""Settings as reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl import specs
from dcctl.cli.checks import check_context, check_values
from dcctl.render.report import Cell, Column, Report, Shape, Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dcctl.settings import Context, Settings

_SETTING = (Column("key", "KEY", keep=9), Column("value", "VALUE", keep=8))
_ORIGIN = Column("origin", "ORIGIN", keep=7)
_SOURCE = (
    Column("context", "CONTEXT"),
    Column("kind", "KIND", keep=9),
    Column("what", "WHAT", keep=8),
    Column("origin", "ORIGIN", wide=True),
)
_CHECKED = (
    Column("file", "FILE", keep=9),
    Column("contexts", "CONTEXTS", "count"),
    Column("sources", "SOURCES", "count"),
)

SETTINGS = Shape("config", "Settings in force.", (*_SETTING, _ORIGIN), (("sources", _SOURCE),))
CHECK = Shape("config-check", "Configuration files that were read and found right.", _CHECKED)


def settings_report(settings: Settings, *, with_origin: bool) -> Report:
    """Every key with its value (and its origin), and the sources of the context in force."""
    columns = (*_SETTING, _ORIGIN) if with_origin else (*_SETTING, _hidden(_ORIGIN))
    rows = tuple(
        (name, value if value != () else None, settings.origins[name])
        for name, value in sorted(settings.values())
    )
    context = settings.context_in_force
    return Report(
        kind=SETTINGS.kind,
        headline=_headline(settings),
        items=Table("items", columns, rows, fold=False),
        details=(Table("sources", _SOURCE, _sources(context), "SOURCES", fold=False),) if context else (),
        name_key="key",
    )


def _headline(settings: Settings) -> str:
    context = settings.context_in_force
    if context:
        return f"context {context.name} ({context.origin})"
    if settings.contexts:
        return f"no context is chosen; configured: {', '.join(sorted(settings.contexts))}"
    return "no context: this machine"


def _hidden(column: Column) -> Column:
    return Column(column.key, column.title, column.unit, column.keep, wide=True)


def _sources(context: Context) -> tuple[tuple[Cell, ...], ...]:
    """One row per source: its kind and its own keys, none of which can hold a secret."""
    rows = []
    for table, spec in zip(context.sources, specs.of_context(context), strict=True):
        stated = {key: getattr(spec, key) for key in spec.__struct_fields__}
        what = " ".join(f"{key}={value}" for key, value in stated.items() if value not in (None, "", ()))
        rows.append((context.name, str(table.get("kind")), what, context.origin))
    return tuple(rows)


def check_report(settings: Settings, paths: Sequence[Path]) -> Report:
    """The files that were read; UsageError says what in them could not work, as far as can be told here."""
    rows = []
    _ = settings.context_in_force  # UsageError when the one that is chosen does not exist
    check_values(settings)
    for path in paths:
        contexts = [context for context in settings.contexts.values() if context.origin == str(path)]
        sources = sum(len(specs.of_context(context)) for context in contexts)
        for context in contexts:
            check_context(context)
        rows.append((str(path), len(contexts), sources))
    word = "1 file is" if len(rows) == 1 else f"{len(rows)} files are"
    return Report(
        kind=CHECK.kind,
        headline=f"{word} right" if rows else "no configuration file: dcctl assess looks at this machine",
        items=Table("items", _CHECKED, tuple(rows), fold=False),
        name_key="file",
    )
