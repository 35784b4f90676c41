"""Match blocks of sshd: its files as text, for `sshd -T` does not tell them. Pure."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from dcctl.inventory.evidence.hosts import Match
from dcctl.inventory.probes.rules import SSHD_FILES
from dcctl.inventory.sources.ssh.audit.servers import check_settings
from dcctl.inventory.sources.ssh.audit.told import grepped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.sources.ssh.audit.told import Reading

_SETTING: Final = re.compile(r"""\s*"?([A-Za-z0-9]+)"?(?:\s*=\s*|\s+)(.*\S)\s*""")
_NOTHING: Final = re.compile(r"\s*(#.*)?")
_COMMENT: Final = re.compile(r"\s+#.*")
_MAINS: Final = ("/etc/ssh/sshd_config", "/usr/etc/ssh/sshd_config")
_ALIASES: Final = {"challengeresponseauthentication": "kbdinteractiveauthentication"}


def sshd_matches(reading: Reading) -> tuple[Match, ...]:
    """Return the settings below Match, by whom they are for; a file ends its last one. Untold: as `sshd`."""
    check_settings(reading)
    files: dict[str, list[str]] = {}
    for path, line in grepped(reading.command("sshd_files", (0, 2))):
        files.setdefault(path, []).append(line)
    main = next((path for path in _MAINS if path in files), "")
    return tuple(_in_force(reading, files, [main] if main else []))


def _in_force(reading: Reading, files: dict[str, list[str]], waiting: list[str]) -> Iterator[Match]:
    """Yield the settings of the first file and of all that are included, each once."""
    seen = set(waiting)
    for path in waiting:  # it grows as it is read
        for one in _settings(reading, path, files[path]):
            if one.keyword != "include":
                yield one
                continue
            for pattern in _patterns(one.value):
                _note_unread(reading, path, pattern, one.criteria)
                found = sorted(name for name in files if fnmatchcase(name, pattern) and name not in seen)
                seen.update(found)
                waiting += found


def _settings(reading: Reading, path: str, lines: list[str]) -> Iterator[Match]:
    """Yield what a file sets below Match, and whatever it includes."""
    criteria = ""
    for line in lines:
        parts = _SETTING.fullmatch(line)
        if _NOTHING.fullmatch(line):
            continue
        if parts is None:
            reading.only("sshd_matches", f"{path} has a line that is not understood: {line.strip()[:60]}")
            continue
        keyword, value = parts[1].lower(), _COMMENT.sub("", parts[2]).strip('"')
        if keyword == "match":
            criteria = " ".join(value.split())
        elif criteria or keyword == "include":
            yield Match(criteria, _ALIASES.get(keyword, keyword), value)


def _patterns(value: str) -> list[str]:
    words = [word.strip('"') for word in value.split()]
    return [word if word.startswith("/") else f"/etc/ssh/{word}" for word in words]


def _note_unread(reading: Reading, path: str, pattern: str, criteria: str) -> None:
    """Files that nobody read, or that hold for some log-ins alone, may set anything."""
    read = pattern in SSHD_FILES or pattern.startswith(tuple(f"{one}/" for one in SSHD_FILES))
    if criteria or not read:
        reading.only("sshd_matches", f"{path} includes {pattern}, of which nobody knows what it sets")
