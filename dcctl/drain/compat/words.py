"""What `kubectl drain` prints, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dcctl.drain.compat.flags import DryRun, Flags
    from dcctl.drain.compat.rules import Pod

_TRIED: Final[Mapping[DryRun, str]] = {"none": "", "client": " (dry run)", "server": " (server dry run)"}


class Wrong(NamedTuple):
    """One error; `server` is how kubectl names the answer of a server that is behind it."""

    says: str
    server: str = ""

    @property
    def full(self) -> str:
        """With who says so."""
        return f"{self.server}: {self.says}" if self.server else self.says

    @property
    def line(self) -> str:
        """As the last line of a command."""
        return self.full if self.server or self.says.startswith("error: ") else f"error: {self.says}"


class Failed(NamedTuple):
    """Why a node was not drained."""

    node: str
    errors: tuple[Wrong, ...]
    listed: bool = True
    """Whether kubectl lists its errors, if it be one; else it is an error of its own."""

    @property
    def text(self) -> str:
        """All of it on one line; what several say the same is said once."""
        return joined(one.says for one in self.errors)


def joined(texts: Iterable[str]) -> str:
    """One text as it is, several in brackets; what is said twice is said once."""
    found = tuple(dict.fromkeys(texts))
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"


def done(kind: str, name: str, what: str, flags: Flags) -> str:
    """`node/gpu001 cordoned`."""
    return f"{kind}/{name} {what}{_TRIED[flags.dry_run]}"


def evicting(pod: Pod, flags: Flags) -> str:
    """Before it is asked to leave."""
    return f"evicting pod {pod.title}{_TRIED[flags.dry_run]}"


def undrained(failed: Failed) -> str:
    """Said at once, before the next node."""
    return f'error: unable to drain node "{failed.node}" due to error: {failed.text}, continuing command...'


def left_to_do(failed: Sequence[Failed]) -> Iterator[str]:
    """Said after the last node."""
    yield "There are pending nodes to be drained:"
    yield from (f" {one.node}" for one in failed)
    if len(failed) > 1:
        yield from (one.text if one.listed else one.errors[0].full for one in failed)
    elif failed[0].listed:
        yield from (each.full for each in failed[0].errors)
    else:
        yield failed[0].errors[0].line


def left_behind(node: str, why: str, pods: Iterable[Pod]) -> Iterator[str]:
    """Pods that still stand when a node was given up."""
    yield f'There are pending pods in node "{node}" when an error occurred: {why}'
    yield from (f"pod/{pod.metadata.name}" for pod in pods)
