"""`Report`: what every command returns. Data only; the renderers decide how it looks.

Cells are raw values (integers in SI units, words, True, None); a column's `unit` says how one is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.model import Gap

Cell: TypeAlias = "str | int | float | bool | tuple[str, ...] | None"
"""None is unknown. A tuple is a list of words."""

Row: TypeAlias = tuple[Cell, ...]

Unit: TypeAlias = Literal[
    "text",
    "nodes",
    "state",
    "count",
    "milli",
    "percent_milli",
    "bytes",
    "memory",
    "bps",
    "power_mw",
    "energy_mj",
    "mass_mg",
    "gpu_ms",
    "hz",
    "duration_s",
    "duration_ms",
    "elapsed_ms",
    "time_s",
    "celsius",
    "number",
]
"""`nodes` cells are node names and fold to a node set; `memory` is shown in GiB, `bytes` (storage) in GB;
`milli` is thousandths of one (CPU cores); `percent_milli` is thousandths shown as per cent;
`gpu_ms` is milliseconds of one GPU, shown in GPU hours;
`elapsed_ms` is time since a start, with smaller units than a duration; `number` is a plain figure, with four
significant digits, whose unit the row tells."""

Severity: TypeAlias = Literal["ok", "info", "warn", "crit"]


class Column(Struct, frozen=True):
    """One column. `key` is its name in JSON, CSV, --columns and --sort; `title` its heading in tables."""

    key: str
    title: str
    unit: Unit = "text"
    keep: int = 5
    """How long it stays when the terminal is narrow: 9 stays to the last, 1 goes first."""
    wide: bool = False
    """Shown by `-o wide` alone (and in every machine format)."""
    since_s: int | None = None
    """The present, for times that tables tell from there on as people do: now, 21:40, Mon 08:00."""
    zone: str = ""
    """Whose clocks tell its times: an IANA name, Europe/Berlin; empty: this machine's."""
    spare: bool = False
    """Where room is short and it says the same in all rows, it goes before anything is cut."""
    order: tuple[str, ...] = ()
    """Words in the order in which --sort has them, for words that stand in no order of letters."""


class Table(Struct, frozen=True):
    """Rows under columns. `name` is its key in JSON; `title` a line above it, empty for the first."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    total: int | None = None
    """How many rows there would be if `rows` is only the head of them in a table."""
    head: int = 0
    """So many lines are enough for a screen; `wide` and all other formats have the rest. 0: all are."""
    tail: int = 0
    """So many of the last rows are for `wide` and all other formats; a screen counts them."""
    fold: bool = True
    """Whether rows that differ in the `nodes` column alone become one."""

    def column(self, key: str) -> int:
        """Position of the column `key`. KeyError when there is none."""
        for position, column in enumerate(self.columns):
            if column.key == key:
                return position
        raise KeyError(key)


class Tile(Struct, frozen=True):
    """One square of a heat map: `level_milli` 0..1000, None for unknown; `word` says it without colour."""

    level_milli: int | None
    word: str = ""


class HeatMap(Struct, frozen=True):
    """A picture of the fleet: one row per node, one tile per accelerator."""

    name: str
    title: str
    rows: Sequence[tuple[str, tuple[Tile, ...]]]
    """(node, tiles). May be made only when someone looks: most answers draw no picture of a large fleet."""
    groups: tuple[tuple[str, int], ...] = ()
    """(heading, number of rows below it), e.g. one per rack; empty: one group."""
    command: str = ""
    """How to ask for the whole picture; empty: it was asked for, and is shown whole."""


class Bar(Struct, frozen=True):
    """What takes one row of a Gantt chart for a time; `word` is its name."""

    start: int
    end: int
    word: str = ""


class Gantt(Struct, frozen=True):
    """What each of some rows is taken by, over time."""

    name: str
    """Its key in JSON."""
    title: str
    rows: tuple[tuple[str, tuple[Bar, ...]], ...]
    """(who, bars in the order in which they start)."""
    unit: Unit = "elapsed_ms"
    """Of the times: a length since the start, or `time_s`."""
    now: int | None = None
    """The present, where it lies between the first start and the last end."""
    zone: str = ""
    """Whose clocks tell its times, as of a Column."""


class Line(Struct, frozen=True):
    """One line of a plot: a value for each step, None where nobody knows."""

    name: str
    values: tuple[float | None, ...]
    kind: Literal["measured", "part", "forecast", "limit"] = "measured"
    """What it is, which settles the sign that it is drawn with."""


class Plot(Struct, frozen=True):
    """Quantities over time, from 0 up. All lines begin at the same time and have steps of the same length."""

    name: str
    """Its key in JSON."""
    title: str
    start_s: int
    """Unix time of the first value."""
    step_s: int
    lines: tuple[Line, ...]
    unit: Unit = "milli"
    """Of the values."""

    @property
    def steps(self) -> int:
        """Of the longest line."""
        return max((len(line.values) for line in self.lines), default=0)

    @property
    def top(self) -> float:
        """The largest value; 1 where there is none above 0."""
        return max((v for line in self.lines for v in line.values if v is not None), default=0) or 1


class Branch(Struct, frozen=True):
    """One line of a tree, and what hangs below it."""

    text: str
    below: tuple[Branch, ...] = ()


class Tree(Struct, frozen=True):
    """What lies in what, for people; programs find the same in the tables."""

    title: str
    branches: tuple[Branch, ...]


class Note(Struct, frozen=True):
    """A sentence below the tables: evidence or what to do. `label` is the word before the colon."""

    label: str
    text: str
    severity: Severity = "info"
    command: str = ""
    """The next command to type."""
    detail: str = ""
    """Name of the detail table whose first rows are the evidence: they stand below the sentence."""


class Sample(Struct, frozen=True):
    """One Prometheus sample of this report. `name` ends in its base unit, as Prometheus asks."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()
    help: str = ""
    type: Literal["gauge", "counter"] = "gauge"


Grade: TypeAlias = Literal["critical", "high", "medium", "low", "info"]
Verdict: TypeAlias = Literal["fail", "error", "unknown", "manual", "pass", "na"]


class Rule(Struct, frozen=True):
    """One check of an audit, and what came of it."""

    id: str
    title: str
    severity: Grade
    why: str
    fix: str
    refs: tuple[str, ...]
    state: Verdict
    counts: dict[Verdict, int]
    """Subjects by state."""
    not_applicable: tuple[str, ...] = ()
    """Why it does not apply, to all or some of its subjects; each reason once."""


class Waived(Struct, frozen=True):
    """Who bears a finding, why, and until when."""

    owner: str
    ticket: str
    reason: str
    expires_at_s: int


class Result(Struct, frozen=True):
    """One finding of an audit, or what it could not tell."""

    rule: str
    id: str
    """Stable from run to run; empty where it is no finding."""
    object: str
    """Empty: all that the rule is about."""
    says: str
    state: Verdict = "fail"
    severity: Grade = "info"
    status: Literal["new", "known", "gone", "unsure"] = "new"
    """`unsure`: it was there before, and this run was told nothing of it."""
    where: str = ""
    nodes: tuple[str, ...] = ()
    since_s: int = 0
    waived: Waived | None = None


class Control(Struct, frozen=True):
    """One control of a standard, as an audit found it."""

    id: str
    title: str
    state: Verdict
    checks: tuple[str, ...]
    """The rules that decide it."""
    evidence: tuple[str, ...] = ()


class Findings(Struct, frozen=True):
    """What an audit found, for the formats of those who collect findings."""

    at_s: int
    rules: tuple[Rule, ...]
    """All of them, also those that found nothing."""
    results: tuple[Result, ...]
    gone: tuple[Result, ...] = ()
    unknown: tuple[Result, ...] = ()
    """What was not told, and checks that broke."""
    coverage_milli: int | None = None
    target: str = ""
    """What was audited."""
    run: int = 0
    complete: bool = True
    standard: str = ""
    """The id of the standard that is asked for."""
    controls: tuple[Control, ...] = ()
    """Of that standard."""


class Report(Struct, frozen=True):
    """One command's whole answer."""

    kind: str
    """`assess`, `inventory-diff`, …: the JSON schema is `dcctl/<kind>/v1`."""
    headline: str
    """The answer in one line."""
    items: Table
    """The main table; `items` in JSON and the only one in csv, jsonl and name."""
    details: tuple[Table, ...] = ()
    summary: dict[str, Cell | dict[str, Cell]] = {}
    maps: tuple[HeatMap, ...] = ()
    gantts: tuple[Gantt, ...] = ()
    plots: tuple[Plot, ...] = ()
    trees: tuple[Tree, ...] = ()
    notes: tuple[Note, ...] = ()
    samples: tuple[Sample, ...] = ()
    gaps: tuple[Gap, ...] = ()
    name_key: str = "node"
    """The column of `items` that `-o name` prints, one per line."""
    level: Severity = "ok"
    """The worst finding: compared with --fail-on."""
    document_format: str = ""
    """The output format that `documents` are in already: asked for by name, they are printed as they are."""
    data: tuple[str, Struct] | None = None
    """(key, what the answer was made from): told whole in json and yaml."""
    documents: tuple[str, ...] = ()
    """Text to print as it is in place of a table (an export, a man page)."""
    findings: Findings | None = None
    """For the formats of audits: sarif, junit, ocsf, oscal."""
    silent: bool = False
    """Whether nothing is printed: it is asked for news alone, and there are none. Files are written still."""
    aside: str = ""
    """Told on standard error: what the rows leave out, where they are all that is printed."""
    alarms: bool = False
    """Whether its headline and its critical notes are told on standard error too where a text of rows alone
    leaves them out: who acts on a plan must see what blocks it."""
    news: str = ""
    """All that a mail has to tell, gaps too: printed also where the answer itself goes to a file."""


class Shape(Struct, frozen=True):
    """The declared form of one kind of report: its JSON Schema and its documentation come from here."""

    kind: str
    description: str
    items: tuple[Column, ...]
    details: tuple[tuple[str, tuple[Column, ...]], ...] = ()
    """(key of the detail table, its columns)."""
    summary: tuple[Column, ...] = ()
    """Keys of the summary object; `title` explains each."""
    gantts: tuple[tuple[str, Unit], ...] = ()
    """(key of the Gantt chart, unit of its times)."""
    plots: tuple[tuple[str, Unit], ...] = ()
    """(key of the plot, unit of its values)."""
    data: tuple[str, type[Struct]] | None = None
    """(key, type) of the data that such a report tells whole."""
    document_format: str = ""
    """The output format of an answer that is a document; empty: it is a table."""
    findings: bool = False
    """Whether the formats of audits can tell it."""
