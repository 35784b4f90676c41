"""A value in a file that knows its place, so that whoever refuses it can say where it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import yaml

from dcctl.errors import UsageError
from dcctl.inventory.nodeexpr import HIDDEN, nearest, shown
from dcctl.inventory.sources.files.documents import Converter, is_null

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

T = TypeVar("T")
STDIN = "stdin"
HINT = "dcctl schema jobs"
_MAX_NAME = 253


class Cursor:
    """One value of a document. Every reading method raises UsageError with file, line, path and reason."""

    __slots__ = ("_line", "hint", "node", "path", "where")

    def __init__(
        self, node: yaml.Node, where: str, path: str = "", key: yaml.Node | None = None, hint: str = HINT
    ) -> None:
        """`path` is how a person finds it, `key` what stands before it, on whose line one looks for it.

        `hint` is the command that tells what may stand in such a file.
        """
        self.node, self.where, self.path, self.hint = node, where, path, hint
        self._line: int = (node if key is None else key).start_mark.line + 1

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.where}:{self._line}"

    @property
    def file(self) -> str:
        """The file, as a command takes it."""
        return "-" if self.where == STDIN else self.where

    def error(self, why: str, hint: str = "") -> UsageError:
        """Return what to raise about this value."""
        return UsageError(f"{self.place}: {self.path}" if self.path else self.place, why, hint or self.hint)

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    def keys(self) -> dict[str, Cursor]:
        """Return what stands under each key, whatever the keys; what is null is left out."""
        return {name: value for name, value in self._values().items() if not is_null(value.node)}

    def entries(self) -> dict[str, Cursor]:
        """Return what stands under each key, whatever the keys; null is refused."""
        found = self.keys()
        for name, value in self._values().items():
            if name not in found:
                raise value.error("has no value")
        return found

    def _values(self) -> dict[str, Cursor]:
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error(f"{self._shown()} is not a set of `key: value`")
        pairs = Converter(self.where).pairs(self.node)
        return {
            name: Cursor(value, self.where, self._below(shown(name)[1:-1]), key, self.hint)
            for name, (key, value) in pairs.items()
        }

    def fields(self, known: Collection[str], required: Collection[str] = ()) -> dict[str, Cursor]:
        """Return what stands under each key; a key that is not known is refused with the nearest."""
        found = self.keys()
        for name, value in found.items():
            if name not in known:
                near = nearest(name, known, 1) or f"; known are {', '.join(known)}"
                raise value.error(f"the key is not known{near}")
        for name in required:
            if name not in found:
                raise self.error(f"the key `{name}` is missing, or has no value")
        return found

    def items(self) -> list[Cursor]:
        """Return the entries of a list."""
        if not self.is_list:
            raise self.error(f"{self._shown()} is not a list; write `- ` before each entry, or [a, b]")
        nodes: list[yaml.Node] = self.node.value
        return [
            Cursor(node, self.where, f"{self.path}[{at}]", hint=self.hint) for at, node in enumerate(nodes)
        ]

    def text(self, *, may_be_empty: bool = False) -> str:
        """Return a text without control characters."""
        if not isinstance(self.node, yaml.ScalarNode) or is_null(self.node):
            raise self.error(f"{self._shown()} is not a text or number")
        text = str(self.node.value).strip()
        if not text and not may_be_empty:
            raise self.error("is empty")
        if HIDDEN.search(text):
            raise self.error(f"{shown(text)} has control characters in it")
        return text

    def name(self) -> str:
        """Return a text that can be shown and typed: without blanks and control characters."""
        text = self.text()
        if len(text) > _MAX_NAME or len(text.split()) > 1:
            raise self.error(f"{shown(text)} is no name: at most {_MAX_NAME} characters, without blanks")
        return text

    def names(self) -> tuple[str, ...]:
        """Return a list of names, each of them once."""
        found: dict[str, None] = {}
        for item in self.items():
            if item.name() in found:
                raise item.error(f"{item.name()} is there twice")
            found[item.name()] = None
        return tuple(found)

    def flag(self) -> bool:
        """Return true or false."""
        return self.choice({"true": True, "false": False})

    def choice(self, words: Mapping[str, T]) -> T:
        """Return what a word of a fixed set stands for."""
        text = self.text()
        if text not in words:
            near = nearest(text, words, 1)
            raise self.error(f"{shown(text)} is none of {', '.join(words)}{near}")
        return words[text]

    def integer(self, least: int, most: int) -> int:
        """Return a whole number of a range."""
        text = self.text()
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text, re.ASCII):
            raise self.error(f"{shown(text)} is not a whole number")
        if not least <= int(text) <= most:
            raise self.error(f"{text} is not from {least:,} to {most:,}")
        return int(text)

    def at(self, steps: Collection[str]) -> Cursor:
        """Return the value at the end of a path, or the last one on the way that is there."""
        here = self
        for step in steps:
            if here.is_list and step.isdecimal() and int(step) < len(here.node.value):
                here = here.items()[int(step)]
            elif here.is_mapping and step in (found := here.keys()):
                here = found[step]
            else:
                return here
        return here

    def _below(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _shown(self) -> str:
        """What stands there, for a sentence."""
        if is_null(self.node):
            return "nothing"
        return (
            "a set of keys" if self.is_mapping else "a list" if self.is_list else shown(str(self.node.value))
        )
