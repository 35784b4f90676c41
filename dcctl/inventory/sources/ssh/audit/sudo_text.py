"""Sudoers as text, where nothing better reads it: what is not understood is a doubt, never nothing. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from dcctl.inventory.evidence.hosts import Grant

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAIN: Final = "/etc/sudoers"
_FOLDER: Final = "/etc/sudoers.d"
_INCLUDE: Final = re.compile(r"\s*[@#]include(dir)?\s+(.*\S)")
_COMMENT: Final = re.compile(r"(?<!\\)#(?!-?\d).*")
_ALIAS: Final = re.compile(r"(?:User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)")
_NEXT_ALIAS: Final = re.compile(r"(?<!\\):(?=\s*[A-Z][A-Z0-9_]*\s*=)")
_DEFAULTS: Final = re.compile(r"Defaults(?:([@:!>])\s*(\S+))?\s+(.*)")
_SPEC: Final = re.compile(r'((?:"[^"]*"|\\.|[^\s"=\\])+)\s+((?:\\.|[^\s=\\])+)\s*=\s*(.+)')
_COMMA: Final = re.compile(r"\s*(?<!\\),\s*")
_BEFORE: Final = re.compile(r"\([^)]*\)\s*|(?:ROLE|TYPE|PRIVS|LIMITPRIVS|CWD|CHROOT|TIMEOUT)\s*=\s*\S+\s+")
_TAG: Final = re.compile(r"(NO)?(PASSWD|EXEC|SETENV|FOLLOW|LOG_INPUT|LOG_OUTPUT|MAIL|INTERCEPT)\s*:\s*")
_MORE: Final = re.compile(r"(?<!\\)[:=]")
_DIGEST: Final = re.compile(r"sha\d+:")


class SudoersText:
    """Rows of (file, line); what was not understood of them is in `doubts` once grants were asked for."""

    def __init__(self, rows: list[tuple[str, str]]) -> None:
        self.doubts: list[str] = []
        self._lines = list(self._joined([row for row in rows if _is_read(row[0])]))
        self._aliases = {name: words for _, line in self._lines for name, words in _aliases_of(line)}

    def _joined(self, rows: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Lines without comments, joined where a backslash continues them; a comment ends with its line."""
        begun = ""
        for number, (path, line) in enumerate(rows):
            if include := _INCLUDE.match(line):
                self._include(path, bool(include[1]), include[2].strip('"'))
                continue
            if '"' in line.partition("#")[0] and "#" in line:
                self.doubts.append(f"{path} has a # beside quotes")
            begun += _COMMENT.sub("", line)
            last = number + 1 == len(rows) or rows[number + 1][0] != path
            if begun.endswith("\\") and not last:
                begun = begun[:-1] + " "
                continue
            text, begun = begun.strip(), ""
            if text:
                yield path, text

    def _include(self, path: str, folder: bool, name: str) -> None:
        full = name if name.startswith("/") else f"/etc/{name}"
        if (folder and full.rstrip("/") != _FOLDER) or (not folder and not _is_read(full)):
            self.doubts.append(f"{path} includes {name}, which nobody read")

    def grants(self) -> Iterator[Grant]:
        """Yield what needs no password."""
        for path, line in self._lines:
            if defaults := _DEFAULTS.fullmatch(line):
                yield from self._of_defaults(path, *defaults.groups(""))
            elif _ALIAS.match(line):
                continue
            elif spec := _SPEC.fullmatch(_COMMA.sub(",", line)):
                yield from self._of_spec(path, spec[1], spec[3])
            else:
                self.doubts.append(f"{path} has a line that is not understood: {line[:60]}")

    def _of_defaults(self, path: str, kind: str, bound: str, settings: str) -> Iterator[Grant]:
        if exempt := re.search(r"\bexempt_group\s*=\s*\"?([^\s\",]+)", settings):
            yield Grant(f"%{exempt[1]}", "ALL", path)
        if re.search(r"!\s*authenticate\b", settings):
            words = [word for one in bound.split(",") for word in self._expanded(one)] if kind == "!" else []
            for who in _names(bound) if kind == ":" else ["ALL"]:
                yield Grant(who, ", ".join(words) or "ALL", path)

    def _of_spec(self, path: str, users: str, rest: str) -> Iterator[Grant]:
        words, free, told = [], False, False
        for one in re.split(r"(?<!\\),", re.sub(r"(^|(?<!\\),)\([^)]*\)\s*", r"\1", rest)):
            command, tags = _untagged(one)
            free = tags.get("PASSWD", free)
            told = told or free
            if _MORE.search(_DIGEST.sub("", command)):
                self.doubts.append(f"{path} has a line that is not understood: {rest[:60]}")
            if free:
                words += self._expanded(command)
        for who in _names(users) if told else ():
            yield Grant(who, ", ".join(words), path)

    def _expanded(self, word: str, seen: frozenset[str] = frozenset()) -> list[str]:
        """A command, or those of an alias by that name, wherever it stands."""
        sign, name = ("!", word[1:].strip()) if word.startswith("!") else ("", word)
        if name not in self._aliases or name in seen:
            return [sign + name] if name else []
        inner = self._aliases[name]
        return [sign + each for one in inner for each in self._expanded(one, seen | {name})]


def _is_read(path: str) -> bool:
    """Sudo passes over folders in its own, and over files with a dot in their names or ~ at the end."""
    folder, _, name = path.rpartition("/")
    return path == _MAIN or (folder == _FOLDER and not ("." in name or name.endswith("~")))


def _aliases_of(line: str) -> Iterator[tuple[str, list[str]]]:
    found = _ALIAS.match(line)
    for one in _NEXT_ALIAS.split(found[1]) if found else ():
        name, _, words = one.partition("=")
        yield name.strip(), [word.strip() for word in re.split(r"(?<!\\),", words)]


def _names(users: str) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", one.strip('"')) for one in users.split(",")]


def _untagged(text: str) -> tuple[str, dict[str, bool]]:
    """A command without its tags, and which of them spare something."""
    tags: dict[str, bool] = {}
    text = text.strip()
    while True:
        if (tag := _TAG.match(text)) and tag[0]:
            tags[tag[2] or ""] = bool(tag[1])
            text = text[tag.end() :]
        elif before := _BEFORE.match(text):
            text = text[before.end() :]
        else:
            return text, tags
