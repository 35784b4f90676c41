"""What frameworks run of formats that are no pickles: remote code, Lambda layers, operators, templates."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, BinaryIO, Final, Literal

from dcctl.inventory.evidence.models import Payload
from dcctl.inventory.sources.models.limits import TooMuch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.sources.models.limits import Budget, Guarded

_ESCAPES: Final = re.compile(r"__[a-z]+__|\|\s*attr\b|\bmro\s*\(|\bpopen\b|\blipsum\b|\bcycler\s*\.")
"""How a template of Jinja leaves its sandbox; the templates of well-known models have none of it."""
_LAMBDAS: Final = ("Lambda", "TFOpLambda", "__lambda__")
_LAMBDA: Final = re.compile(rb'"class_name"\s*:\s*"(Lambda|TFOpLambda|__lambda__)"')
_OPERATORS: Final = re.compile(rb"\b(PyFunc|PyFuncStateless|EagerPyFunc|ReadFile|WriteFile|MatchingFiles)\b")
_PIECE: Final = 1 << 20
_SCANNED: Final = 1 << 30
_OVERLAP: Final = 128
_TEMPLATE_BYTES: Final = 4 << 20
_DEEPEST: Final = 64
_WIDTHS: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of the types of GGUF, without strings (8) and arrays (9)."""


def template_payloads(text: str) -> Iterator[Payload]:
    """Yield what in a chat template is no part of talking."""
    for found in dict.fromkeys(_ESCAPES.findall(text)):
        yield Payload("template", found.strip())


def config_payloads(text: bytes, name: str) -> Iterator[Payload]:
    """Yield what a configuration in JSON names to be run; a template by itself is looked at as one.

    It is read as frameworks read it, with NaN, with a byte order mark, as UTF-16. ValueError: it is no JSON.
    """
    if name.endswith(".jinja"):
        yield from template_payloads(text.decode("utf-8", "replace"))
        return
    try:
        told = json.loads(text)
    except RecursionError as error:
        raise TooMuch("is nested deeper than it is read") from error
    yield from _told(told, 0)


def _told(told: object, depth: int) -> Iterator[Payload]:
    if depth > _DEEPEST:
        raise TooMuch("is nested deeper than it is looked at")
    if isinstance(told, list):
        for each in told:
            yield from _told(each, depth + 1)
    if not isinstance(told, dict):
        return
    for key, value in told.items():
        if key in ("auto_map", "custom_pipelines"):
            yield from _remote(key, value)
        elif key == "_class_name" and isinstance(value, list):  # diffusers: a file beside it, its class
            yield Payload("remote-code", f"{key}: {_text(value)}")
        elif key == "class_name" and value in _LAMBDAS:
            yield Payload("lambda", str(value))
        elif key in ("chat_template", "template"):
            yield from _templates(value, depth + 1)
        else:
            yield from _told(value, depth + 1)


def _remote(key: str, value: object) -> Iterator[Payload]:
    """What transformers loads from files beside the configuration: by class, by task, or for one of old."""
    if not isinstance(value, dict):
        yield Payload("remote-code", f"{key}: {_text(value)}")
        return
    for kind, what in value.items():
        told = what.get("impl") if isinstance(what, dict) else what
        yield Payload("remote-code", f"{kind}: {_text(told)}")


def _templates(value: object, depth: int) -> Iterator[Payload]:
    """One template, or several by name."""
    for each in value.values() if isinstance(value, dict) else [value]:
        yield from template_payloads(each) if isinstance(each, str) else _told(each, depth)


def _text(what: object) -> str:
    if isinstance(what, list):
        return ", ".join(str(each) for each in what if each is not None)[:200]
    return str(what)[:200]


def scan_payloads(file: BinaryIO, kind: Literal["lambda", "operator"], budget: Budget) -> Iterator[Payload]:
    """Yield what the bytes of a file say of Lambda layers (HDF5) or operators (SavedModel).

    Raises TooMuch where it is larger than is looked through.
    """
    pattern, before, read = (_LAMBDA if kind == "lambda" else _OPERATORS), b"", 0
    while piece := file.read(_PIECE):
        read += len(piece)
        if read > _SCANNED:
            raise TooMuch("is larger than is looked through")
        budget.check_time()
        for found in pattern.finditer(before + piece):
            yield Payload(kind, found[1].decode())
        before = piece[-_OVERLAP:]


class _Gguf:
    """Reads the pairs of keys and values of a GGUF file (ggml/docs/gguf.md)."""

    def __init__(self, file: Guarded, budget: Budget) -> None:
        self._file, self._budget = file, budget
        self._size = file.seek(0, 2)
        file.seek(4)
        self._wide = self.number(4) > 1

    def number(self, width: int) -> int:
        data = self._file.read(width)
        if len(data) < width:
            raise ValueError("it is cut")
        return int.from_bytes(data, "little")

    def length(self) -> int:
        found = self.number(8 if self._wide else 4)
        if found > self._size:
            raise ValueError("a length goes beyond the file")
        return found

    def text(self, most: int = _TEMPLATE_BYTES) -> str:
        length = self.length()
        if length > most:
            raise TooMuch("has a string longer than is read")
        return self._file.read(length).decode("utf-8", "replace")

    def skip(self, kind: int, depth: int = 0) -> None:
        """Pass over a value."""
        self._budget.step()
        if kind == 8:
            self._file.seek(self.length(), 1)
        elif kind == 9 and depth < 4:
            inner, count = self.number(4), self.length()
            if inner in _WIDTHS:
                self._file.seek(count * _WIDTHS[inner], 1)
            else:
                for _ in range(count):
                    self.skip(inner, depth + 1)
        elif kind in _WIDTHS:
            self._file.seek(_WIDTHS[kind], 1)
        else:
            raise ValueError(f"a value has type {kind}")


def gguf_payloads(file: Guarded, budget: Budget) -> Iterator[Payload]:
    """Yield what the chat templates of a GGUF file do beside talking. ValueError: its header is cut."""
    reader = _Gguf(file, budget)
    reader.length()
    for _ in range(reader.length()):
        key, kind = reader.text(1 << 16), reader.number(4)
        if kind == 8 and key.startswith("tokenizer.chat_template"):
            yield from template_payloads(reader.text())
        else:
            reader.skip(kind)
