"""One run of a command: its settings, its fleet, and how its answer is to be shown."""

from __future__ import annotations

import os
import shutil
import sys
import time
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct, field

from dcctl import config
from dcctl.cli.consent import Consent
from dcctl.errors import UsageError
from dcctl.settings import DECLARED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dcctl.app import Surveyed
    from dcctl.interrupts import Stop
    from dcctl.inventory.model import Fleet
    from dcctl.inventory.sources.ssh.source import Asked
    from dcctl.render.progress import Progress
    from dcctl.render.report import Shape
    from dcctl.render.style import Style
    from dcctl.settings import Settings

_LONGEST_WATCH_S = 1e6
"""More than the system can sleep is not meant."""


class Session(Struct, frozen=True):
    """What a command may ask for: the settings, the fleet, the time, and whether to repeat."""

    settings: Settings
    environ: Mapping[str, str]
    config_file: str | None = None
    watch_s: float | None = None
    first: bool = True
    """Whether this is the first round of --watch, or the only one."""
    now_s: int = field(default_factory=lambda: int(time.time()))
    """The clock, in Unix seconds: read once, for the survey and for all that is made of it."""
    consent: Consent = Consent()
    """Whether something may be changed."""
    on_shown: list[Callable[[], None]] = []
    """What is to be done once the answer has reached its reader."""
    met: list[Fleet] = []
    """The whole fleet that is run here, as the first round saw it."""

    @classmethod
    def open(
        cls,
        flags: Mapping[str, object],
        config_file: str | None,
        watch_s: float | None,
        first: bool,
        consent: Consent = Consent(),  # noqa: B008  # a constant
    ) -> Session:
        """Resolve the settings of this run. UsageError before anything is contacted."""
        settings = _with_names(config.resolve(flags, os.environ, config_file))
        session = cls(settings, os.environ, config_file, watch_s, first, consent=consent)
        session.check()
        return session

    def check(self) -> None:
        """UsageError when the answer could not be shown as asked; found before the work is done."""
        if self.watch_s is not None and not 0 < self.watch_s <= _LONGEST_WATCH_S:
            raise UsageError("--watch", f"must be a positive number of seconds, not {self.watch_s:g}")
        if self.watch_s is not None and "-" in self.settings.inventory:
            raise UsageError("--watch", "an inventory on standard input can be read once only")
        from dcctl.render.dispatch import check_format

        check_format(self.format)
        _check_node_sets(self.settings)
        if self.file:
            from dcctl.render.atomic import check_place

            check_place(self.file)

    @property
    def format(self) -> str:
        """The output format, without the file it goes to."""
        return self.settings.output.partition("=")[0]

    @property
    def file(self) -> str:
        """The file that `-o FORMAT=FILE` names, or empty for stdout."""
        return self.settings.output.partition("=")[2]

    def survey(
        self,
        shape: Shape,
        what: str = "",
        asked: Asked | None = None,
        *,
        lenient: bool = False,
        stop: Stop | None = None,
    ) -> Surveyed:
        """Ask every source of this run, or that `-i what` would name; `asked`: and more of nodes over SSH.

        `shape` is the form of the answer to come: UsageError when it cannot be shown as asked, before any
        source is contacted. See app.survey for `lenient`, `stop` and other errors.
        """
        from dcctl import app
        from dcctl.render.dispatch import check_shape

        check_shape(shape, self.style())
        settings = self.settings.having("inventory", (what,)) if what else self.settings
        with self.progress() as progress:
            found = app.survey(settings, progress, self.now_s, asked, lenient=lenient, stop=stop)
        if self.first and not (settings.nodes or settings.exclude) and app.asks_the_fleet(settings):
            self.met.append(found.whole)
        return found

    def progress(self) -> Progress:
        """A bar on stderr for this run."""
        from dcctl.render.progress import Progress

        color = wants_color(self.settings.color, self.environ, sys.stderr.isatty())
        return Progress(sys.stderr, enabled=self.first and not self.settings.quiet, color=color)

    def remember_names(self) -> None:
        """Keep the names of the fleet that was met for completion: called once the answer is shown."""
        for fleet in self.met[-1:]:
            from dcctl.cli.names import remember

            remember(fleet, config.cache_dir(self.environ))
            self.met.clear()

    def was_shown(self) -> None:
        """Do what waits for the answer to have reached its reader: called once standard output is flushed."""
        while self.on_shown:
            self.on_shown.pop()()

    def style(self) -> Style:
        """How this run's answer is shown: width, colour and glyphs as the terminal and the user want."""
        from dcctl.render.style import Style

        terminal = sys.stdout.isatty() and not self.file
        words = [word.strip() for word in self.settings.columns.split(",") if word.strip()]
        return Style(
            output=self.format,
            columns=tuple(words) or None,
            sort=self.settings.sort or None,
            width=shutil.get_terminal_size((100, 40)).columns,
            terminal=terminal,
            color=wants_color(self.settings.color, self.environ, terminal),
            unicode=speaks_unicode(self.environ),
            one_line=self.watch_s is not None and not terminal,
        )


def _check_node_sets(settings: Settings) -> None:
    """UsageError for -w or -x that is empty, which would mean all nodes, or has blanks for commas."""
    for name in ("nodes", "exclude"):
        text, typed = getattr(settings, name), settings.origins[name] == DECLARED[name].option
        if text or typed:
            from dcctl.inventory.nodeexpr import bad, check_commas

            if not text.strip():
                raise bad(text, "is empty")
            check_commas(text)


def _with_names(settings: Settings) -> Settings:
    """The settings, with the names on standard input where -w or -x is `-`."""
    asking = [name for name in ("nodes", "exclude") if getattr(settings, name) == "-"]
    if len(asking) + settings.inventory.count("-") > 1:
        raise UsageError("standard input", "only one -i, -w or -x can read it")
    if not asking:
        return settings
    names = names_on_stdin()
    if not names:
        raise UsageError(f"--{asking[0]} -", "no names came on standard input")
    return settings.having(asking[0], names, "standard input")


@cache
def names_on_stdin() -> str:
    """The names that came one on a line, as one node set; read once, also with --watch.

    Blank lines, and lines that begin with `#`, are no names.
    """
    from dcctl.inventory.nodeexpr import check_commas, join
    from dcctl.inventory.sources.files.documents import read_bytes, text_of

    lines = [line.strip() for line in text_of(read_bytes("-"), "standard input").splitlines()]
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            continue
        try:
            check_commas(line)
        except UsageError as error:
            raise UsageError(f"standard input:{number}: {error.what}", error.why, error.hint) from error
    return join(line for line in lines if not line.startswith("#"))


def wants_color(choice: str, environ: Mapping[str, str], terminal: bool) -> bool:
    """--color, then NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, then whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "0") not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return terminal and environ.get("TERM") != "dumb"


def speaks_unicode(environ: Mapping[str, str]) -> bool:
    """Whether the locale is UTF-8: the first of LC_ALL, LC_CTYPE and LANG that is set decides."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    return locale.upper().replace("-", "").endswith("UTF8")
