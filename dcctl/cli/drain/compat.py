"""`dcctl drain --compat kubectl`: kubectl's own flags, decisions and words."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from typer.core import TyperCommand

from dcctl.cli.exits import Exit

if TYPE_CHECKING:
    from typer import Context

    from dcctl.drain.compat.flags import Flags

_WORD = "--compat"
_KEY = "dcctl.drain.compat"


class Compatible(TyperCommand):
    """A command that hands all other words to kubectl's rules when `--compat` is among them."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:  # type: ignore[override] # vendored Click
        """Leave the words to kubectl's parser if they are kubectl's."""
        found = taken_out(args)
        if found is None:
            return super().parse_args(ctx, args)
        ctx.meta[_KEY] = found
        return []

    def invoke(self, ctx: "Context") -> object:  # type: ignore[override] # vendored Click
        """Run as kubectl does, or as every command."""
        found = ctx.meta.get(_KEY)
        return super().invoke(ctx) if found is None else run(found)


def taken_out(words: Sequence[str]) -> list[str] | None:
    """The words without `--compat kubectl`; None where that is not among them. UsageError: another tool."""
    from dcctl.errors import UsageError

    options = words[: words.index("--")] if "--" in words else words
    at = next((at for at, word in enumerate(options) if word.partition("=")[0] == _WORD), None)
    if at is None:
        return None
    _, equals, value = words[at].partition("=")
    tool, after = (value, at + 1) if equals else ("".join(words[at + 1 : at + 2]), at + 2)
    if tool != "kubectl":
        raise UsageError(f"{_WORD} {tool}".strip(), "known: kubectl", "dcctl drain --help")
    return [*words[:at], *words[after:]]


def run(words: Sequence[str]) -> Exit:
    """Drain as kubectl does: its lines, and 0 or 1."""
    from dcctl.drain.compat.flags import FlagError, check, parse

    try:
        flags = parse(words)
        if flags.help:
            _tell(_HELP)
            return Exit.OK
        check(flags)
        for note in flags.notes:
            _aside(note)
        return _drain(_of_context(flags))
    except FlagError as error:
        _aside(str(error))
        return Exit.FINDINGS


def _drain(flags: "Flags") -> Exit:
    from dcctl.drain.act.compat import World, drain, failure_line
    from dcctl.drain.act.compat_cluster import cluster_of
    from dcctl.errors import DcctlError
    from dcctl.inventory.sources.http.failure import Failure

    try:
        drained = drain(World(cluster_of(flags), _tell, _aside), flags)
    except Failure as failure:
        _aside(failure_line(failure))
        return Exit.FINDINGS
    except DcctlError as error:
        _aside(f"error: {error}")
        return Exit.FINDINGS
    return Exit.OK if drained else Exit.FINDINGS


def _of_context(flags: "Flags") -> "Flags":
    """With the context that `-i kubernetes:CONTEXT` names. FlagError: it names no such cluster."""
    from dcctl.drain.compat.flags import FlagError

    kind, _, context = flags.inventory.partition(":")
    if kind not in ("", "live", "kubernetes"):
        raise FlagError(f"error: --inventory {flags.inventory}: kubectl drains live clusters only")
    return flags._replace(context=flags.context or context)


def _tell(line: str) -> None:
    """At once: scripts follow it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _aside(line: str) -> None:
    from dcctl.streams import tell_aside

    tell_aside(f"{line}\n")


_HELP = """\
Usage: dcctl drain --compat kubectl NODE... [options of kubectl drain]

  Drain as kubectl does: its decisions, its words, and its exit codes 0 and 1. All nodes are cordoned,
  then one is drained after the other. Nothing is planned before, no journal is kept.

Options:
  -l, --selector SELECTOR             Nodes by label, in place of names.
  --pod-selector SELECTOR             Only pods with these labels.
  --force                             Evict pods that declare no controller.
  --ignore-daemonsets                 Leave pods of DaemonSets where they are.
  --delete-emptydir-data              Evict pods with emptyDir volumes.
  --grace-period SECONDS              For each pod to end; negative: as it says itself.
  --timeout DURATION                  Give up a node after that long: 90s, 1h30m; 0: never.
  --disable-eviction                  Delete instead: budgets do not hold.
  --skip-wait-for-delete-timeout N    Do not wait for pods that are being deleted for longer (seconds).
  --chunk-size N                      So many objects in one answer; 0: all.
  --dry-run none|client|server        Only tell, or let the server only try.
  --kubeconfig FILE, --context NAME   Where the cluster is; also -i kubernetes:CONTEXT.
  --request-timeout DURATION          Of one request.\
"""
