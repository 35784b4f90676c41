"""Man pages in roff, made from the command tree, the settings and the exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl import __version__
from dcctl.cli.exits import MEANING, Exit
from dcctl.settings import DECLARED

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.cli.generate.tree import Command, Parameter

_EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "dcctl": (
        ("What this machine has and does:", "dcctl assess"),
        ("The embedded fleet, to try things on:", "dcctl assess -i demo"),
    ),
    "dcctl assess": (
        ("Fifty nodes over SSH:", "dcctl assess -w 'gpu[001-050]'"),
        (
            "Nodes with idle accelerators:",
            "dcctl assess --by node -o json | jq -r '.items[]|select(.idle>0)|.name'",
        ),
        ("For node_exporter's textfile collector:", "dcctl assess -o prom=/var/lib/node_exporter/dcctl.prom"),
    ),
    "dcctl audit": (
        ("What is new, every night, and nothing when nothing is:", "dcctl audit --cron"),
        ("A critical finding out of service:", "dcctl audit --select 'GPU-*' --severity crit -o name"),
        ("For a code host:", "dcctl audit -o sarif=audit.sarif"),
        ("Every control of a standard:", "dcctl audit --standard cis-1.12"),
    ),
    "dcctl drain": (
        (
            "What it would take, and what stands in the way:",
            "dcctl drain @rack2 --reason 'PDU swap' --dry-run",
        ),
        (
            "Four nodes at a time, on nights of the weekend:",
            "dcctl drain @rack2 --max-unavailable 4 --window 'Sat,Sun 22:00-06:00 Europe/Berlin'",
        ),
        ("After maintenance:", "dcctl drain --return @rack2"),
        ("As a script that knows kubectl:", "dcctl drain --compat kubectl gpu017 --ignore-daemonsets"),
    ),
    "dcctl inventory": (
        ("Keep what is known now:", "dcctl inventory snapshot > fleet.json"),
        ("What changed since:", "dcctl inventory diff fleet.json live"),
    ),
}


def pages(root: Command) -> dict[str, str]:
    """Every page by file name: dcctl.1, dcctl-COMMAND.1, dcctl.toml.5, dcctl-exit-codes.7."""
    made = {"dcctl.1": _root_page(root), "dcctl.toml.5": _config_page(), "dcctl-exit-codes.7": _exits_page()}
    for command in root.verbs:
        made[f"dcctl-{command.name}.1"] = _command_page(command)
    return made


def _root_page(root: Command) -> str:
    lines = [
        *_head("DCCTL", 1),
        *_name("dcctl", root.summary),
        ".SH SYNOPSIS",
        ".B dcctl",
        ".I COMMAND",
        "[options]",
    ]
    lines += [".SH COMMANDS"]
    for command in root.verbs:
        lines += [".TP", f"\\fBdcctl\\-{_roff(command.name)}\\fR(1)", _roff(command.summary)]
    return _text([*lines, *_examples(root), *_see_also(root)])


def _command_page(command: Command) -> str:
    title = "-".join(command.path)
    lines = [*_head(title.upper(), 1), *_name(title, command.summary), ".SH SYNOPSIS"]
    for each in command.walk():
        if not each.verbs or each.default:
            lines += [f".B {_roff(' '.join(each.path))}", f"[options] {_roff(_usage(each))}".rstrip(), ".br"]
    lines += [".SH DESCRIPTION", *_paragraphs(command.help)]
    for each in command.walk():
        if each is not command:
            lines += [f".SS {_roff(' '.join(each.path[1:]))}", *_paragraphs(each.help)]
        lines += _parameters(command, each)
    lines += _SECTIONS.get(title, list)()
    return _text([*lines, *_examples(command), *_see_also(command)])


def _checks() -> list[str]:
    """The catalogue of audit, so that a person finds an id without running anything."""
    from dcctl.audit.catalogue import CATALOGUE

    rows: list[str] = []
    for one in CATALOGUE.values():
        rows += [".TP", f"\\fB{_roff(one.id)}\\fR ({one.severity})", _roff(f"{one.title}. {one.why}")]
    return [".SH CHECKS", *rows, *_kinds()]


def _kinds() -> list[str]:
    """What a site's own check may name as its kind and its path."""
    from dcctl.audit.site import KINDS
    from dcctl.cli.generate.fields import evidence_fields

    rows = [".SH KINDS AND PATHS", _roff(_KINDS_TEXT)]
    for kind in KINDS:
        paths = ", ".join(f"{one.path} ({one.kind})" for one in evidence_fields(kind))
        rows += [".TP", f"\\fB{_roff(kind)}\\fR", _roff(paths)]
    return rows


def _policy() -> list[str]:
    """The keys of the tables below [context.NAME.audit]."""
    from dcctl.audit.limits import shown
    from dcctl.cli.generate.fields import policy_fields

    rows = [".SH POLICY OF AUDITS", _roff("Keys below [context.NAME.audit], each with its default.")]
    for one in policy_fields():
        rows += [".TP", f"\\fB{_roff(one.path)}\\fR", _roff(f"{one.about} Default: {shown(one.default)}.")]
    return rows


_SECTIONS: dict[str, Callable[[], list[str]]] = {"dcctl-audit": _checks}
"""What a page has beside what its command tells."""


def _usage(command: Command) -> str:
    return " ".join(p.metavar.removesuffix("...") + ("..." if p.repeats else "") for p in command.arguments)


def _parameters(top: Command, command: Command) -> list[str]:
    """Arguments and options; those that the command shares with its default verb are told once."""
    shared = set(top.options) if command is not top else set()
    rows: list[str] = []
    for parameter in (*command.arguments, *command.options):
        if parameter not in shared:
            rows += [".TP", _signature(parameter), _roff(parameter.help) or "."]
    return [".PP", *rows] if rows else []


def _signature(parameter: Parameter) -> str:
    value = f" \\fI{_roff(parameter.metavar)}\\fR" if parameter.takes_value else ""
    if not parameter.names:
        return value.strip()
    return ", ".join(f"\\fB{_roff(name)}\\fR" for name in parameter.names) + value


def _config_page() -> str:
    lines = [
        *_head("DCCTL.TOML", 5),
        *_name("dcctl.toml", "configuration of dcctl"),
        ".SH DESCRIPTION",
        *_paragraphs(_CONFIG_TEXT),
        ".SH KEYS",
    ]
    for setting in DECLARED.values():
        allowed = f" One of {', '.join(setting.choices)}." if setting.choices else ""
        default = setting.default
        shown = ", ".join(default) if isinstance(default, tuple) else str(default)
        default_text = f"Default: {shown}." if shown else "No default."
        names = f"\\fB{setting.key}\\fR, \\fB{setting.variable}\\fR"
        lines += [".TP", names, _roff(default_text + allowed)]
    return _text(
        [
            *lines,
            *_policy(),
            ".SH EXAMPLE",
            ".EX",
            *(_roff(line) for line in _CONFIG_EXAMPLE.splitlines()),
            ".EE",
        ]
    )


def _exits_page() -> str:
    lines = [*_head("DCCTL-EXIT-CODES", 7), *_name("dcctl-exit-codes", "exit codes of dcctl"), ".SH CODES"]
    for code in Exit:
        lines += [".TP", f"\\fB{int(code)}\\fR", _roff(MEANING[code])]
    return _text(lines)


def _head(title: str, section: int) -> list[str]:
    return [
        '.\\" Made from the command tree by `make man`; do not edit.',
        f'.TH {_roff(title)} {section} "" "dcctl {__version__}" "dcctl manual"',
    ]


def _name(name: str, summary: str) -> list[str]:
    return [".SH NAME", f"{_roff(name)} \\- {_roff(summary.rstrip('.'))}"]


def _examples(command: Command) -> list[str]:
    rows: list[str] = []
    for about, line in _EXAMPLES.get(" ".join(command.path), ()):
        rows += [_roff(about), ".PP", ".EX", f"    {_roff(line)}", ".EE", ".PP"]
    return [".SH EXAMPLES", *rows[:-1]] if rows else []


def _see_also(command: Command) -> list[str]:
    others = ["dcctl.toml(5)", "dcctl-exit-codes(7)"]
    if len(command.path) > 1:
        others.insert(0, "dcctl(1)")
    return [".SH SEE ALSO", _roff(", ".join(others))]


def _paragraphs(text: str) -> list[str]:
    lines: list[str] = []
    for block in text.split("\n\n"):
        lines += [".PP", _roff(" ".join(block.split()))]
    return lines[1:]


def _roff(text: str) -> str:
    """Text that roff prints as it is: backslashes, hyphens, and a dot or quote at the start of a line."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


_KINDS_TEXT = """\
What kind and path of a check in the file of --checks may be. A path leads through lists to every entry, and \
into a table by labels["app"]."""

_CONFIG_TEXT = """\
Settings are taken from flags, then from DCCTL_* variables, then from $XDG_CONFIG_HOME/dcctl/config.toml, \
then from /etc/dcctl/config.toml. dcctl config show --origin says which one won.

A context names the sources of one environment. Kinds of source: local, ssh, kubernetes, file, ansible, \
terraform, nut, redfish, ipmi, snmp, rapl, prometheus, demo; for audits alone models, s3, declared, \
diagnostics. An ssh source without nodes asks those that the files of its context name. Secrets never stand \
in this file: SSH takes keys from files and the agent, Kubernetes from its kubeconfig, others from \
password_file, secret_file and the like, or from commands."""

_CONFIG_EXAMPLE = """\
default_context = "prod"
fanout = 64

[[context.prod.source]]
kind = "kubernetes"
kubeconfig_context = "prod"
site = "dc1"

[[context.prod.source]]
kind = "ssh"
nodes = "gpu[001-128]"
user = "ops"
site = "dc1"

[context.prod.site.dc1]
pue_limit = 1.3"""
