"""The command line of `kubectl drain` is read as kubectl reads it, complaints and all."""

from __future__ import annotations

import pytest

from dcctl.drain.compat.durations import duration_ns, told_ns
from dcctl.drain.compat.flags import FlagError, Flags, check, parse

SEE = "See 'kubectl drain --help' for usage."


def test_options_may_stand_anywhere_and_in_every_form() -> None:
    found = parse(
        ["gpu001", "--force", "--grace-period", "0x10", "--timeout=1h30m", "-lrack=r2", "--dry-run=server",
         "--ignore-daemonsets=false", "--chunk-size=0", "--", "--gpu002"],
    )  # fmt: skip
    assert found == Flags(
        nodes=("gpu001", "--gpu002"), selector="rack=r2", selector_given=True, force=True, grace_period=16,
        timeout_ns=5_400 * 10**9, dry_run="server", chunk_size=0,
    )  # fmt: skip


def test_the_last_of_two_holds() -> None:
    assert parse(["a", "--force", "--force=false", "-l", "a=b", "-l=c=d"]).selector == "c=d"
    assert not parse(["a", "--force", "--force=0"]).force


def test_what_is_deprecated_is_said() -> None:
    assert parse(["a", "--dry-run"]).dry_run == "client"
    assert parse(["a", "--dry-run", "server"]).nodes == ("a", "server")
    found = parse(["a", "--delete-local-data", "--dry-run=false"])
    assert (found.delete_emptydir_data, found.dry_run, len(found.notes)) == (True, "none", 2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--foo"], f"error: unknown flag: --foo\n{SEE}"),
        (["-z"], f"error: unknown shorthand flag: 'z' in -z\n{SEE}"),
        (["x", "-l"], f"error: flag needs an argument: 'l' in -l\n{SEE}"),
        (["x", "--timeout"], f"error: flag needs an argument: --timeout\n{SEE}"),
        (
            ["x", "--force=maybe"],
            (
                'error: invalid argument "maybe" for "--force" flag: '
                f'strconv.ParseBool: parsing "maybe": invalid syntax\n{SEE}'
            ),
        ),
        (
            ["x", "--grace-period=a"],
            (
                'error: invalid argument "a" for "--grace-period" flag: '
                f'strconv.ParseInt: parsing "a": invalid syntax\n{SEE}'
            ),
        ),
        (
            ["x", "--timeout=3"],
            'error: invalid argument "3" for "--timeout" flag: time: missing unit in duration "3"\n' + SEE,
        ),
        (
            ["x", "--dry-run=foo"],
            'error: Invalid dry-run value (foo). Must be "none", "server", or "client".',
        ),
        ([], "error: USAGE: drain NODE [flags]\nSee 'kubectl drain -h' for help and examples"),
        (
            ["x", "-l", "a=b"],
            (
                "error: cannot specify both a node name and a --selector option\n"
                "See 'kubectl drain -h' for help and examples"
            ),
        ),
    ],
)
def test_complaints_are_those_of_kubectl(words: list[str], says: str) -> None:
    with pytest.raises(FlagError) as found:
        check(parse(words))
    assert str(found.value) == says


@pytest.mark.parametrize(
    ("text", "amount_ns", "told"),
    [
        ("0", 0, "0s"), ("1s", 10**9, "1s"), ("90s", 90 * 10**9, "1m30s"), ("1.5h", 5400 * 10**9, "1h30m0s"),
        ("-1.5s", -1_500_000_000, "-1.5s"), (".5s", 500_000_000, "500ms"), ("1h1m1s", 3661 * 10**9, "1h1m1s"),
        ("1us", 1000, "1µs"), ("+2m", 120 * 10**9, "2m0s"), ("3.0001s", 3_000_100_000, "3.0001s"),
    ],
)  # fmt: skip
def test_durations_are_those_of_go(text: str, amount_ns: int, told: str) -> None:
    assert (duration_ns(text), told_ns(amount_ns)) == (amount_ns, told)


@pytest.mark.parametrize("text", ["", "s", "-", ".s", "1", "1x", "1 s", "9999999999h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"^time: "):
        duration_ns(text)
