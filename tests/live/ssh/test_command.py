"""What may go wrong after the login: commands that hang, die, flood or lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.sources.ssh.run import Reply, Script, Session
from dcctl.inventory.sources.ssh.source import Target
from dcctl.inventory.sources.ssh.transport import Deadlines

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.ssh.client import Client
    from tests.live.ssh.sshd import Sshd


def _begin(text: str, rest: str = "") -> str:
    """A command that prints the beginning of a document."""
    return f"cat >/dev/null; echo '@@dcctl python'; printf '%s\\n' '{text}'; {rest}"


@pytest.mark.parametrize(
    ("command", "cause", "words"),
    [
        ("sleep 60", "timeout", "the command did not end within 2 s"),
        ("while :; do echo drip; sleep 0.1; done", "timeout", "the command did not end within 2 s"),
        ("kill -9 $PPID; sleep 5", "failed", "the host went away half-way: after "),
        (
            _begin('{"hostname": "x"', "kill -9 $PPID; sleep 5"),
            "failed",
            "the host went away half-way: after ",
        ),
        (_begin('{"hostname": "x"'), "truncated", "the answer ends half-way"),
        ("cat /dev/zero", "truncated", "more than 8 MiB of output"),
        ("head -c 100000000 /dev/urandom", "truncated", "more than 8 MiB of output"),
        (
            "echo This account is closed.; exit 1",
            "failed",
            "the probe ended with status 1: This account is closed.",
        ),
        ("echo no >&2; exit 127", "failed", "the probe ended with status 127: no"),
        ("true", "invalid", "the probe ended with status 0 and said nothing"),
        ("kill -9 $$", "failed", "the probe was killed"),
        ("head -c 3000 /dev/urandom", "invalid", "the probe ended with status 0"),
        (_begin("{nonsense", "echo '@@dcctl end'"), "invalid", "the answer makes no sense"),
        (_begin('{"mounts": 3}', "echo '@@dcctl end'"), "invalid", "the answer makes no sense"),
        (_begin('{"hostname": ["x"]}', "echo '@@dcctl end'"), "invalid", "the answer makes no sense"),
        (
            _begin('{"hostname": "\\u001b[2J"}', "echo '@@dcctl end'"),
            "invalid",
            "the answer has control characters",
        ),
        (
            _begin("", "head -c 1000000 /dev/zero | tr '\\0' '['; echo; echo '@@dcctl end'"),
            "invalid",
            "the answer makes no sense",
        ),
    ],
)
def test_each_failure_is_named(
    command: str, cause: str, words: str, client: Client, start: Callable[..., Sshd]
) -> None:
    start(options={"ForceCommand": command})
    gap = client.gap("node", Deadlines(command_s=2) if cause == "timeout" else Deadlines())
    assert (gap.cause, words in gap.reason) == (cause, True), gap
    assert gap.reason.isprintable()


def test_what_the_login_prints_does_no_harm(client: Client, start: Callable[..., Sshd]) -> None:
    noise = "echo Welcome to gpu001; printf '\\033[31mred\\033[0m\\n'; "
    start(options={"ForceCommand": noise + 'eval "$SSH_ORIGINAL_COMMAND"; echo Bye'})
    fleet = client.collect("node")
    assert (len(fleet.nodes), fleet.gaps) == (1, ())


def test_a_command_that_does_not_read_its_input(client: Client, start: Callable[..., Sshd]) -> None:
    start()
    with Session(client.overrides()) as session:
        (answer,) = session.run([Target("node")], Script("exec 0<&-; echo done", b"x" * 5_000_000))
    assert isinstance(answer.result, Reply)
    assert (answer.result.stdout, answer.result.status) == (b"done\n", 0)


def test_leaving_early_cuts_what_still_runs(client: Client, start: Callable[..., Sshd]) -> None:
    """As Ctrl-C does: the slow host's deadline is a minute, and nobody waits for it."""
    start("quick")
    start("slow", options={"ForceCommand": "sleep 60"})
    with Session(client.overrides(), Deadlines(command_s=60)) as session:
        for answer in session.run([Target("slow"), Target("quick")], Script("true")):
            assert answer.target.name == "quick"
            break
