"""The options that mean the same on every command: those of the settings, and two of the run itself."""

from inspect import Parameter

import typer

from dcctl.settings import DECLARED, Flag, Setting

_ACTING = {
    "dry_run": Flag("Print what would be changed, and change nothing."),
    "yes": Flag("Do not ask. Safety gates have options of their own, which this opens not."),
}
"""Options of every command that changes something."""


def common(*, asks_sources: bool = True, acts: bool = False) -> list[Parameter]:
    """The common options as parameters of a command; None where one is not given."""
    found = [
        _of_setting(setting, setting.flag)
        for setting in DECLARED.values()
        if setting.flag and (asks_sources or setting.flag.everywhere)
    ]
    if acts:
        found += [
            _parameter(name, bool, flag, f"--{name.replace('_', '-')}") for name, flag in _ACTING.items()
        ]
    elif asks_sources:
        found.append(_parameter("watch", float, Flag("Repeat until Ctrl-C.", "SECONDS"), "--watch"))
    found.append(_parameter("config", str, Flag("Read this configuration alone.", "FILE"), "--config"))
    return found


def _of_setting(setting: Setting, flag: Flag) -> Parameter:
    kind: type = list[str] if isinstance(setting.default, tuple) else type(setting.default)
    return _parameter(setting.name, kind, flag, setting.option)


def _parameter(name: str, kind: type, flag: Flag, option: str) -> Parameter:
    names = filter(None, (option, flag.letter))
    declared = typer.Option(None, *names, metavar=flag.metavar or None, help=flag.help)
    return Parameter(name, Parameter.KEYWORD_ONLY, default=declared, annotation=kind | None)
