"""Pickles are followed, never run: every hostile one of the corpus is told, and no benign one."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import pickletools
import struct
from typing import TYPE_CHECKING, NoReturn

import pytest

from dcctl.audit.policy.models import ALLOWED
from dcctl.inventory.sources.models.contents import Contents
from dcctl.inventory.sources.models.limits import Bounded, Budget
from dcctl.inventory.sources.models.opcodes import Pickles
from tests.unit.inventory.sources.models.corpus import BENIGN, EVIL, HOSTILE, OS, archive, text

if TYPE_CHECKING:
    from dcctl.inventory.evidence.models import Import


def look(data: bytes, name: str = "model.pt", budget: Budget | None = None) -> Contents:
    contents = Contents(budget or Budget())
    contents.look(io.BytesIO(data), name)
    return contents


def strange(contents: Contents) -> list[Import]:
    return [one for one in contents.imports if one.name not in ALLOWED]


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def ran(*_args: object, **_names: object) -> NoReturn:
        raise AssertionError("something of a model was run")

    for module, name in ((os, "system"), (pickle, "loads"), (pickle, "load"), (builtins, "eval")):
        monkeypatch.setattr(module, name, ran)


def test_the_corpus_is_large_enough() -> None:
    assert len(HOSTILE) >= 40
    assert len(BENIGN) >= 9


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_told(name: str) -> None:
    found = look(HOSTILE[name])
    assert strange(found) or found.broken
    assert found.kind in {"pickle", "archive"}


@pytest.mark.parametrize("name", BENIGN)
def test_a_benign_file_is_nothing(name: str) -> None:
    found = look(BENIGN[name])
    assert (strange(found), list(found.broken), found.kind) == ([], [], "pickle")


@pytest.mark.parametrize(
    "name", [name for name in HOSTILE if "cut" not in name and "7z" not in name and "memo that" not in name]
)
def test_a_hostile_file_under_another_name_is_told_too(name: str) -> None:
    """What calls something is found whatever it is called; what is only broken may be anything."""
    named, found = look(HOSTILE[name]), look(HOSTILE[name], "vocabulary.txt")
    if strange(named) and not named.broken and "never called" not in name:
        assert strange(found) or "dots" in name or "space" in name


@pytest.mark.parametrize(
    "words",
    [
        b"# Model card\nIt was trained on text.\n",
        b"changes\n=======\n\n- one\n",
        b"import os\nos.system('id')\n",
        b"configuration\nof the model\n(see below)\n",
        b"",
        b".",
        bytes(range(256)),
        b"\x0a\x0e\x0a\x05<unk>\x15\x00\x00\x00\x00\x18\x02",
    ],
)
def test_texts_and_numbers_are_no_pickles(words: bytes) -> None:
    found = look(words, "notes.txt")
    assert (found.kind, list(found.imports), list(found.broken)) == ("other", [], [])


_CALLS = b"0cposix\nsystem\n(S'id'\ntR."


@pytest.mark.parametrize(
    "start",
    [
        b"I0x10\n",
        b"I010\n",
        b"I7\x00 and more\n",
        b"L0x10L\n",
        b"L0b1\n",
        b"F1e3\n",
        b"F-inf\n",
        b"Nc\xc3\xa9\nx\n",
        b"S'\xff'\n",
        b"S'" + b"x" * (2 << 20) + b"'\n",
        b"V" + b"x" * (2 << 20) + b"\n",
        b"\x80\x04\x8f",
    ],
    ids=lambda start: repr(start[:12]),
)
@pytest.mark.parametrize("name", ["pytorch_model.bin", "x.zip"])
def test_what_the_unpickler_takes_is_followed(start: bytes, name: str) -> None:
    data = start + _CALLS
    found = look(archive({"x/model.bin": data}) if name == "x.zip" else data, name)
    assert "posix.system" in {one.name for one in found.imports}
    assert not found.broken


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (b"Nq\x00(" + OS, False),
        (b"N0cevil\nx\n\x00", False),
        (b"cevil\nx\n.", True),
        (bytes(64), True),
        (b"\x0a\x0e\x0a\x05<unk>", True),
    ],
)
def test_a_file_that_may_be_a_pickle_and_breaks_is_unknown(data: bytes, known: bool) -> None:
    """A framework loads .bin as a pickle; of others the same bytes are anything."""
    found = look(data, "pytorch_model.bin")
    assert bool(found.unread) != known
    assert (found.kind == "pickle") == (data[-1:] == b".")
    assert look(data, "vocabulary.txt").unread == ""


def test_a_signed_pickle_that_breaks_fails() -> None:
    assert look(b"\x80\x04\x8f", "pytorch_model.bin").broken


def test_what_opcodes_say_is_what_pickletools_says() -> None:
    """Every global of a stream without tricks is found, as pickletools lists them."""
    data = pickle.dumps([NotImplementedError, os.path.join, len], 4)
    listed = [arg for op, arg, _ in pickletools.genops(data) if "UNICODE" in op.name]
    found = {name for one in look(data).imports for name in one.name.rsplit(".", 1)}
    assert set(listed) == found


def test_a_constant_of_gigabytes_is_passed_over() -> None:
    class Zeros(io.RawIOBase):
        """A file of 8 GiB that nobody ever wrote."""

        def __init__(self) -> None:
            self.start = b"\x80\x04\x8e" + struct.pack("<Q", 8 << 30)
            self.at, self.most = 0, 0

        def read(self, count: int = -1) -> bytes:
            self.most = max(self.most, count)
            data = self.start[self.at : self.at + count]
            data += bytes(max(0, min(count, 11 + (8 << 30) - self.at) - len(data)))
            if self.at >= 11 + (8 << 30):
                data = b"."
            self.at += len(data)
            return data

        def seek(self, offset: int, whence: int = 0) -> int:
            self.at = offset + (self.at if whence == 1 else 0)
            return self.at

    zeros, budget = Zeros(), Budget()
    found = Pickles(budget)
    found.follow(Bounded(zeros, budget, seekable=True))  # type: ignore[arg-type]  # it has what is used
    assert (found.broken, found.whole) == ("", 1)
    assert zeros.most <= 1 << 20


@pytest.mark.parametrize(
    ("data", "budget", "why"),
    [
        (b"\x80\x02" + b"N0" * 5000 + b"N.", Budget(steps=100), "opcodes"),
        (archive({"x": bytes(1 << 20)}, 8), Budget(inflated=1 << 16), "unpacks"),
        (archive({f"{at}": b"" for at in range(20)}), Budget(members=10), "members"),
        (archive({"a": archive({"b": archive({"c": EVIL})})}), Budget(depth=1), "deeper"),
        (b"\x80\x02" + b"N0" * 50_000 + b"N.", Budget(iter(range(10**6)).__next__, seconds=3), "longer"),
    ],
)
def test_limits_are_told(data: bytes, budget: Budget, why: str) -> None:
    assert why in " ".join(look(data, "model.pt", budget).broken)


def test_nesting_is_followed_to_its_limit_and_said_to_be_deeper() -> None:
    data = EVIL
    for _ in range(6):
        data = b"\x80\x04B" + struct.pack("<L", len(data)) + data + b"."
    found = look(data)
    assert strange(found) or any("deeper" in why for why in found.broken)


def test_where_it_lies_is_told() -> None:
    (one,) = look(archive({"a/data.pkl": OS + b"."})).imports
    assert (one.name, one.member) == ("os.system", "a/data.pkl")
    (one,) = look(b"\x80\x04" + b"C" + bytes([len(EVIL)]) + EVIL + b".").imports
    assert (one.name, one.member) == ("os.system", "nested")
    (one,) = look(b"\x80\x04" + text("a") + text("b.c") + b"\x93.").imports
    assert one.name == "a:b.c", "of dots in a name nobody may make a name that is allowed"
