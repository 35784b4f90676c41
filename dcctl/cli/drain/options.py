"""What `dcctl drain` takes: which nodes, how and when, which gates are open, and what else it can do."""

from typing import Annotated, Final, Literal, NamedTuple, get_args

import typer

from dcctl.errors import UsageError

By = Literal["node", "domain", "leaf", "rack", "feed", "zone"]
HELP: Final = "dcctl drain --help"


class Which(NamedTuple):
    """Which nodes."""

    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NODES...", help="gpu[001-008], @rack2, @feed:pdu-a, @leaf:l3; - reads names from stdin."
        ),
    ] = None
    labels: Annotated[
        str, typer.Option("--selector", "-l", metavar="LABELS", help="Nodes with these labels: a=b,c!=d,e.")
    ] = ""
    gpu: Annotated[
        list[str] | None,
        typer.Option(
            "--gpu", metavar="GPU", help="This GPU of the one node alone, by index or UUID. Repeat. (DRA)"
        ),
    ] = None
    findings: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="FILE",
            help="Nodes of the findings that draining mends, of `dcctl audit -o json`.",
        ),
    ] = ""


class How(NamedTuple):
    """How many at once, in which order, when."""

    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands on the nodes.")] = ""
    max_unavailable: Annotated[
        int | None,
        typer.Option("--max-unavailable", metavar="N", min=1, help="So many nodes at once; the rest follow."),
    ] = None
    by: Annotated[
        By | None,
        typer.Option("--by", metavar="PART", help=f"One part at a time: {', '.join(get_args(By))}."),
    ] = None
    window: Annotated[
        list[str] | None,
        typer.Option(
            "--window", metavar="WHEN", help="Move work then alone: 'Sat,Sun 22:00-06:00 Europe/Berlin'."
        ),
    ] = None
    not_before: Annotated[
        str, typer.Option("--not-before", metavar="TIME", help="2026-11-28T22:00Z, or 6h from now.")
    ] = ""
    deadline: Annotated[
        str, typer.Option("--deadline", metavar="TIME", help="By then the last wave has ended.")
    ] = ""
    grace: Annotated[
        str, typer.Option("--grace", metavar="TIME", help="In place of the pods' own: 30s, 5m.")
    ] = ""
    policy: Annotated[
        str, typer.Option("--policy", metavar="FILE", help="YAML: wait, checkpoint or never, by workload.")
    ] = ""


class Open(NamedTuple):
    """What is dangerous: `--yes` opens none of these."""

    force: Annotated[bool, typer.Option("--force", help="Evict what nobody makes anew: it is gone.")] = False
    delete_emptydir_data: Annotated[
        bool, typer.Option("--delete-emptydir-data", help="Lose the files of emptyDir volumes on disk.")
    ] = False
    allow_pdb_violation: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-pdb-violation",
            metavar="NS/NAME",
            help="Break this budget: its pods are deleted. Repeat.",
        ),
    ] = None
    waive_checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--waive-checkpoint", metavar="PATTERN", help="Evict this work without proof: nlp/*. Repeat."
        ),
    ] = None
    disturb_protected: Annotated[
        bool, typer.Option("--disturb-protected", help="Evict pods whose annotations ask to be left alone.")
    ] = False
    whole_cluster: Annotated[
        bool, typer.Option("--whole-cluster", help="Yes, every node of the cluster is meant.")
    ] = False
    control_plane: Annotated[
        bool, typer.Option("--control-plane", help="Yes, nodes of the control plane are meant.")
    ] = False
    foreign_cordons: Annotated[
        bool,
        typer.Option(
            "--foreign-cordons",
            help="Drain nodes that another tool took out of service; --return those of another machine.",
        ),
    ] = False
    without_fit: Annotated[
        bool,
        typer.Option(
            "--without-fit", help="Evict work that finds no room: it waits, or stops less urgent work."
        ),
    ] = False


class Else(NamedTuple):
    """What it does in place of draining."""

    return_: Annotated[
        bool, typer.Option("--return", help="Check the health of NODES, and put them back into service.")
    ] = False
    without_checks: Annotated[
        bool, typer.Option("--without-checks", help="With --return: ask for nothing but Ready.")
    ] = False
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that did not finish.")] = False
    undo: Annotated[
        bool, typer.Option("--undo", help="Put the nodes of the last run back as they were before it.")
    ] = False
    run: Annotated[
        str, typer.Option("--run", metavar="RUN", help="With --resume or --undo: this run, not the newest.")
    ] = ""
    status: Annotated[bool, typer.Option("--status", help="The runs so far, from their journals.")] = False
    rbac: Annotated[
        bool, typer.Option("--rbac", help="Print the smallest ClusterRole that it needs, and ask nothing.")
    ] = False
    compat: Annotated[
        str, typer.Option("--compat", metavar="kubectl", help="Take all other words as kubectl drain does.")
    ] = ""


_VERBS: Final = ("return_", "resume", "undo", "status", "rbac")
_WITH: Final = {"without_checks": ("return_",), "run": ("resume", "undo")}
"""What means something beside one of these alone."""


def verb_of(which: Which, how: How, gates: Open, rest: Else) -> str:
    """Return what is asked for: `drain`, `return`, `resume`, `undo`, `status` or `rbac`.

    UsageError for options that do not go together: none is dropped in silence.
    """
    verbs = [one for one in _VERBS if getattr(rest, one)]
    if len(verbs) > 1:
        raise _wrong(" ".join(map(_flag, verbs)), "exclude each other")
    for one, owners in _WITH.items():
        if getattr(rest, one) and not set(owners) & set(verbs):
            raise _wrong(_flag(one), f"means something with {' or '.join(map(_flag, owners))} alone")
    told = [*_given(which), *_given(how), *_given(gates)]
    if not verbs:
        return "drain"
    allowed = {*Which._fields, "foreign_cordons"} if verbs[0] == "return_" else set()
    for one in told:
        if one not in allowed:
            raise _wrong(f"{_flag(verbs[0])} {_flag(one)}", _why(verbs[0]))
    return verbs[0].rstrip("_")


def _why(verb: str) -> str:
    return "the journal knows what was asked" if verb in ("resume", "undo") else "do not go together"


def typed(which: Which, how: How, gates: Open) -> list[str]:
    """Return the words that ask for the same again, as one would type them."""
    named = list(which.targets or ())
    return [*named, *(word for group in (which._replace(targets=None), how, gates) for word in _words(group))]


def _words(group: Which | How | Open) -> list[str]:
    found: list[str] = []
    for name in _given(group):
        value = getattr(group, name)
        if value is True:
            found.append(_flag(name))
            continue
        for each in value if isinstance(value, list) else [value]:
            found += [_flag(name), str(each)]
    return found


def _given(options: NamedTuple) -> list[str]:
    defaults = options._field_defaults
    return [name for name, value in options._asdict().items() if value not in (defaults[name], [])]


_FLAGS: Final = {"targets": "NODES", "labels": "-l", "findings": "--for"}


def _flag(name: str) -> str:
    return _FLAGS.get(name, f"--{name.strip('_').replace('_', '-')}")


def _wrong(what: str, why: str) -> UsageError:
    return UsageError(what, why, HELP)
