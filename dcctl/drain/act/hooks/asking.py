"""Four ways to ask a pod for a checkpoint: a signal, a command, an annotation, a request."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from dcctl.drain.act.hooks.reach import told
from dcctl.drain.backends import NoProof
from dcctl.drain.policy.grammar import asking
from dcctl.drain.request import Call, Exec, Signal
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.rights import RIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcctl.drain.act.hooks.reach import Place, Reach
    from dcctl.drain.act.hooks.remote import Ran
    from dcctl.drain.request import Hook

_NOT_FOUND: Final = (126, 127)
"""Exit codes of who could not find or run a command."""
_NO_SUCH: Final = re.compile(r"executable file not found|no such file or directory|not found", re.IGNORECASE)
_OF_THE_SERVER: Final = re.compile(r'User ".*" cannot \w+ ')
"""How an API server refuses, where the port of a pod may answer 403 as well."""
_CONFLICTS: Final = 10
_NONE_INSIDE: Final = (
    "a distroless image, perhaps: ask by an annotation or over http, prove it by an annotation"
)


class Unsure(Exception):  # noqa: N818  # an answer: it may have been asked
    """Nobody knows whether the work was asked; only a proof can tell."""


def demand_own(hook: Hook, place: Place) -> None:
    """Return if the pod itself has the annotation that asks so. NoProof: then nobody may act on it by that.

    Otherwise who may annotate one pod could have commands run in another that counts as the same work.
    """
    try:
        same = asking(place.asked_by) == hook.ask
    except ValueError:
        same = False
    if not same:
        raise NoProof("its own annotation dcctl.io/checkpoint does not ask for that, and no rule does")


def ask(hook: Hook, reach: Reach, place: Place, stamp: Callable[[], str]) -> str:
    """The pod was asked; return how that ended. `stamp` tells the time, RFC 3339.

    NoProof: it was not, or said no. Unsure: nobody knows.
    """
    asked = hook.ask
    try:
        if isinstance(asked, Signal):
            return _signal(asked.name, reach, place)
        if isinstance(asked, Exec):
            return _command(shlex.split(asked.command), reach, place)
        if isinstance(asked, Call):
            return _request(asked, reach, place)
        return _annotation(asked.key, asked.value, reach, place, stamp)
    except Failure as failure:
        raise _answer(failure, asked.how, place) from failure


def _signal(name: str, reach: Reach, place: Place) -> str:
    """A shell's own `kill` sends it: many images have a shell and no program of that name."""
    if place.shares_processes:
        raise NoProof("its containers share their processes, so PID 1 is not its own: use exec, as `pkill …`")
    ran = reach.run(place, ("sh", "-c", f"kill -{name} 1"))
    if ran.code:
        raise NoProof(_ended(f"kill -{name} 1", ran, place))
    return f"PID 1 was sent {name}"


def _command(words: Sequence[str], reach: Reach, place: Place) -> str:
    ran = reach.run(place, words)
    if ran.code:
        raise NoProof(_ended(words[0], ran, place))
    return f"{words[0]} ended with exit code 0"


def _ended(name: str, ran: Ran, place: Place) -> str:
    if ran.code in _NOT_FOUND and _NO_SUCH.search(ran.err + ran.out):
        return missing(name, place)
    said = told(ran.err) or told(ran.out)
    return f"{name} ended with exit code {ran.code}{f': {said}' if said else ''}"


def missing(name: str, place: Place) -> str:
    """What to say where a container has no such program."""
    return f"container {place.container} has no {name.partition(' ')[0]} ({_NONE_INSIDE})"


def _annotation(key: str, value: str, reach: Reach, place: Place, stamp: Callable[[], str]) -> str:
    """The version is that of the pod that was looked at: an annotation is never put on another one."""
    for _ in range(_CONFLICTS):
        pod = reach.read()
        if pod.metadata.uid != place.uid:
            raise NoProof("another pod has its name now")
        held = {"uid": place.uid, "resourceVersion": pod.metadata.resource_version}
        try:
            reach.patch({"metadata": {**held, "annotations": {key: value or stamp()}}})
        except Failure as failure:
            if failure.status != 409:
                raise
            continue
        return f"it was given the annotation {key}"
    raise NoProof(f"somebody else changed it {_CONFLICTS} times while it was to get its annotation")


def _request(call: Call, reach: Reach, place: Place) -> str:
    answer = reach.request(call.method, _proxied(call, place))
    if answer.status == 202:
        raise Unsure("it answered 202: it has begun, and does not say that it ended")
    return f"{call.method} :{call.port}{call.path.partition('?')[0]} answered {answer.status}"


def _proxied(call: Call, place: Place) -> str:
    """The address at the API server of a port of this pod. NoProof: what is sent would lie elsewhere."""
    from urllib3.util import parse_url

    base, _, name = place.path.rpartition("/")
    port = f"{base}/{'https:' if call.tls else ''}{name}:{call.port}/proxy/"
    target = port.removesuffix("/") + call.path
    sent = parse_url(f"https://host{target}").request_uri  # as the client normalises it
    if sent != target or not sent.startswith(port):
        raise NoProof(f"{call.path} leads away from the pod: it is not asked")
    return target


_NEEDS: Final = {"signal": "execs", "exec": "execs", "annotation": "patches_pods", "http": "requests"}
"""Fields of `Needs`."""


def _answer(failure: Failure, how: str, place: Place) -> NoProof | Unsure:
    """What a failed request says: that nothing was asked, or that nobody knows."""
    if failure.status in (401, 403) and how != "http":
        return NoProof(denied(failure, how))
    if failure.status == 403 and _OF_THE_SERVER.search(failure.reason):
        return NoProof(denied(failure, how))
    if _NO_SUCH.search(failure.reason) and how in ("signal", "exec") and failure.status is None:
        return NoProof(
            missing("sh" if how == "signal" else "such-program", place) + f": {told(failure.reason)}"
        )
    said = told(failure.reason)
    if failure.may_be_done or (how == "http" and failure.status is None and failure.cause != "unreachable"):
        return Unsure(said)
    return NoProof(said)


def denied(failure: Failure, how: str) -> str:
    """What right is lacking."""
    right = next(one.told for one in RIGHTS if one.need == _NEEDS[how])
    return f"we may not ask it: the right to {right} is needed ({told(failure.reason)})"
