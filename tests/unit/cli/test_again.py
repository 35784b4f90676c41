"""Hints ask the fleet that the answer is about."""

import pytest
from msgspec.structs import replace

from dcctl import config
from dcctl.cli.again import complete, with_options
from dcctl.cli.session import Session
from dcctl.errors import UsageError
from dcctl.render.report import Column, Note, Report, Table
from dcctl.settings import Value

EMPTY = Report(kind="k", headline="", items=Table("items", (), ()))


def run(**flags: Value) -> Session:
    file = flags.pop("config", None)
    settings = config.resolve(flags, {"HOME": "/nowhere", "DCCTL_TIMEOUT": "9"}, None)
    return Session(settings, {}, str(file) if file else None)


def hint(command: str, **flags: Value) -> str:
    report = replace(EMPTY, notes=(Note("n", "t", command=command),))
    return with_options(report, run(**flags)).notes[0].command


def hint_of_error(command: str, **flags: Value) -> str:
    error = UsageError("what", "why", command)
    session = run(**flags)
    complete(error, session.config_file, session)
    return error.hint


@pytest.mark.parametrize(
    ("command", "asks"),
    [
        ("dcctl assess --by node -w 'gpu[1-2]'", "dcctl assess -i demo --by node -w 'gpu[1-2]'"),
        ("dcctl inventory sources", "dcctl inventory sources -i demo"),
        ("dcctl inventory sources --rbac | kubectl apply -f -",) * 2,
        ("dcctl assess --help",) * 2,
        ("dcctl assess -i live",) * 2,
        ("dcctl config show",) * 2,
        ("ssh gpu001",) * 2,
        ("",) * 2,
    ],
)
def test_a_command_that_asks_sources_asks_the_same(command: str, asks: str) -> None:
    assert hint(command, inventory=("demo",)) == asks
    assert hint_of_error(command, inventory=("demo",)) == asks


def test_words_are_quoted_for_the_shell() -> None:
    assert hint("dcctl assess --map", inventory=("my fleet.json", "v1.0"), config="$x.toml") == (
        "dcctl assess -i 'my fleet.json' -i v1.0 --config '$x.toml' --map"
    )


def test_standard_input_has_to_come_again_and_not_from_this_machine() -> None:
    assert hint("dcctl assess --map", inventory=("-",)) == "dcctl assess -i - --map"
    assert hint("dcctl assess --map") == "dcctl assess --map"


def test_the_same_nodes_unless_the_command_names_others() -> None:
    flags: dict[str, Value] = {
        "nodes": "gpu[1-9]",
        "exclude": "gpu3",
        "context": "lab",
        "timeout": 120.0,
        "fanout": 7,
    }
    assert hint("dcctl assess --by workload", **flags) == (
        "dcctl assess --context lab --timeout 120 -w 'gpu[1-9]' -x gpu3 --by workload"
    )
    assert hint("dcctl assess --by node -w gpu1", **flags) == (
        "dcctl assess --context lab --timeout 120 --by node -w gpu1"
    )


def test_names_from_standard_input_are_written_out() -> None:
    session = run()
    session = replace(session, settings=session.settings.having("nodes", "gpu[1-2]", "standard input"))
    report = with_options(replace(EMPTY, notes=(Note("n", "t", command="dcctl assess"),)), session)
    assert report.notes[0].command == "dcctl assess -w 'gpu[1-2]'"


def test_the_hint_of_an_error_leaves_out_what_may_be_wrong() -> None:
    flags: dict[str, Value] = {
        "inventory": ("old.json",),
        "nodes": "gpu999",
        "context": "lab",
        "config": "c.toml",
    }
    told = hint_of_error("dcctl inventory -o name", **flags)
    assert told == "dcctl inventory -i old.json --context lab --config c.toml -o name"
    assert hint_of_error("dcctl inventory snapshot", **flags) == (
        "dcctl inventory snapshot --context lab --config c.toml"
    )
    assert hint_of_error("dcctl config show", **flags) == "dcctl config show --config c.toml"


def test_where_no_setting_could_be_read_the_file_is_all_there_is() -> None:
    error = UsageError("c.toml", "is wrong", "dcctl config check")
    complete(error, "c.toml", None)
    assert error.hint == "dcctl config check --config c.toml"


def test_commands_in_details_are_complete_too() -> None:
    table = Table(
        "cures", (Column("cure", "CURE"), Column("command", "TRY")), (("add", "dcctl schedule status"),)
    )
    found = with_options(replace(EMPTY, details=(table,)), run(inventory=("demo",)))
    assert found.details[0].rows == (("add", "dcctl schedule status -i demo"),)


def test_work_from_standard_input_cannot_be_asked_about_again() -> None:
    assert hint("dcctl schedule explain job-1 - --links l.yaml", inventory=("demo",)) == ""
    assert (
        hint("dcctl schedule explain job-1 a-b.yaml", inventory=("demo",))
        == "dcctl schedule explain -i demo job-1 a-b.yaml"
    )
