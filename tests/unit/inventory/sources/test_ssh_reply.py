"""What a hostile or broken node may write: an answer, or one error with a cause; never anything else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.sources.machine.facts import Facts
from dcctl.inventory.sources.machine.parse import parse_facts
from dcctl.inventory.sources.ssh.error import SshError, printable
from dcctl.inventory.sources.ssh.reply import parse_lines, read_reply
from dcctl.inventory.sources.ssh.run import Reply

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(Facts.__struct_fields__), inner)
    ),
    max_leaves=20,
)


def _reply(document: bytes, kind: str = "python") -> Reply:
    return Reply(b"@@dcctl " + kind.encode() + b"\n" + document + b"\n@@dcctl end\n", "", 0)


def _cause(reply: Reply) -> str | None:
    """Return the cause of the error that a reply is; None for facts, which then make a node."""
    try:
        facts, _ = read_reply(reply)
    except SshError as error:
        return error.cause if error.reason.isprintable() else "unprintable"
    assert parse_facts(facts).name
    return None


@given(JSON)
def test_any_json_is_facts_or_invalid(value: object) -> None:
    assert _cause(_reply(msgspec.json.encode(value))) in {None, "invalid"}


@given(st.binary(max_size=300))
def test_any_bytes_are_facts_or_an_error(data: bytes) -> None:
    for reply in (Reply(data, "", 0), _reply(data), _reply(data, "sh")):
        assert _cause(reply) in {None, "invalid", "truncated", "failed"}


@given(
    st.dictionaries(
        st.from_regex(r"(net|disk|pci|memory|cpu|dmi|os)(\.[a-z0-9:.]{0,8}){0,3}"), st.text(max_size=9)
    )
)
def test_any_lines_of_the_shell_probe_are_facts(pairs: dict[str, str]) -> None:
    node = parse_facts(parse_lines("\n".join(f"{key}={value}" for key, value in pairs.items())))
    assert node.accelerators is None, "the shell probe does not look for boards"


def test_nesting_that_exhausts_a_parser_is_invalid() -> None:
    with pytest.raises(SshError) as caught:
        read_reply(_reply(b'{"unknown": ' + b"[" * 500_000))
    assert caught.value.cause == "invalid"


def test_lines_of_the_shell_probe() -> None:
    text = (
        'hostname=gpu1\nuptime=12.5 3\nloadavg=0.50 1 2\nmemory.MemTotal=1024\nos.PRETTY_NAME="Debian"\n'
        "cpu_stat=cpu 1 2 3 4 5 6 7 8\ncpu.threads=2\ncpu_stat=cpu 2 2 3 4 5 6 7 8\n"
        "net.eth0.100.mtu=9000\nnet.eth0.100.pci=0000:01:00.0\npci.looked=1\n"
        "pci.0000:3b:00.0.class=0x030200\npci.0000:3b:00.0.vendor=0x10de\ngarbage\n=x\n"
    )
    facts = parse_lines(text)
    assert (facts.hostname, facts.uptime_s, facts.load1, facts.memory_total_bytes) == (
        "gpu1",
        12.5,
        0.5,
        1024 * 1024,
    )
    assert facts.nics is not None
    assert (facts.nics[0].name, facts.nics[0].files) == ("eth0.100", {"mtu": "9000"})
    node = parse_facts(facts)
    assert node.accelerator_counts == {"pci": 1}
    assert node.accelerators is None  # there is an NVIDIA board, and nobody asked NVML
    assert node.use is not None
    assert node.use.cpu_milli == 2000
    assert node.mounts is None


@given(st.text(), st.integers(1, 200))
def test_printable_text_is_one_short_line(text: str, limit: int) -> None:
    line = printable(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert "\x1b" not in line
    assert "\x9b" not in line
