"""Hints ask the fleet that the answer is about."""

import pytest
from msgspec.structs import replace

from dcctl import config
from dcctl.cli.again import with_inventory
from dcctl.cli.session import Session
from dcctl.render.report import Note, Report, Table

EMPTY = Report(kind="k", headline="", items=Table("items", (), ()))


def hint(command: str, *inventory: str) -> str:
    settings = config.resolve({"inventory": inventory}, {"HOME": "/nowhere"}, None)
    report = replace(EMPTY, notes=(Note("n", "t", command=command),))
    return with_inventory(report, Session(settings, {})).notes[0].command


@pytest.mark.parametrize(
    ("command", "asks"),
    [
        ("dcctl assess --by node -w 'gpu[1-2]'", "dcctl assess -i demo --by node -w 'gpu[1-2]'"),
        ("dcctl inventory sources", "dcctl inventory sources -i demo"),
        ("dcctl assess -i live", "dcctl assess -i live"),
        ("ssh gpu001", "ssh gpu001"),
        ("", ""),
    ],
)
def test_a_command_that_asks_sources_asks_the_same(command: str, asks: str) -> None:
    assert hint(command, "demo") == asks


def test_files_are_quoted_and_standard_input_cannot_be_asked_again() -> None:
    assert hint("dcctl assess --map", "my fleet.json", "b") == "dcctl assess -i 'my fleet.json' -i b --map"
    assert hint("dcctl assess --map", "-") == "dcctl assess --map"
    assert hint("dcctl assess --map") == "dcctl assess --map"
