"""ssh_config(5): OpenSSH's rules for Host, Match and Include, without asking DNS or running anything.

paramiko's own reader is not used: it has no Include, runs `Match exec`, and may ask DNS for each host.
`Match exec`, `localnetwork` and unknown criteria never match here.
"""

from __future__ import annotations

import os
import platform
import pwd
import re
import shlex
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dcctl.inventory.model import MAX_PORT
from dcctl.inventory.sources.machine.figures import number
from dcctl.inventory.sources.ssh.error import SshError, printable

MAX_INCLUDE_DEPTH = 16
"""As in OpenSSH."""
MAX_HOPS = 8
_ACCUMULATING = frozenset({"identityfile", "certificatefile"})
_WORD = re.compile(r'"([^"]*)"|(\S+)')
_KEYWORD = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+)(.*)", re.DOTALL)
DEFAULT_IDENTITIES = ("~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519")
DEFAULT_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")


class Condition(NamedTuple):
    """One Host or Match line."""

    keyword: str
    words: tuple[str, ...]


class Setting(NamedTuple):
    """One line that says something, and the conditions under which it does."""

    conditions: tuple[Condition, ...]
    key: str
    words: tuple[str, ...]


class HostOptions(NamedTuple):
    """What ssh_config says about one host."""

    name: str
    host: str
    port: int
    user: str
    identity_files: tuple[str, ...]
    identities_only: bool
    identity_agent: str | None
    known_hosts: tuple[str, ...]
    host_key_alias: str | None
    proxy_jump: str | None
    proxy_command: str | None
    connect_timeout_s: float | None
    typed: str = ""
    """What one types after `ssh` to reach it: its name, and what was asked for beside ssh_config."""


class Hop(NamedTuple):
    """One jump host as written in ProxyJump."""

    name: str
    user: str | None = None
    port: int | None = None


def local_user() -> str:
    """Return the name of the account that runs this program, else its number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def load(path: Path | None = None) -> SshConfig:
    """Return the settings of one file, else the user's followed by the system's. SshError: unreadable."""
    if path is not None:
        return SshConfig(parse(_read(path), path.parent))
    user, system = Path("~/.ssh/config").expanduser(), Path("/etc/ssh/ssh_config")
    settings = [parse(_read(file), file.parent) for file in (user, system) if file.is_file()]
    return SshConfig([setting for part in settings for setting in part])


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise SshError(f"{path}: {error.strerror}", "invalid", f"ls -l {shlex.quote(str(path))}") from error


def parse(text: str, folder: Path, outer: tuple[Condition, ...] = (), depth: int = 0) -> list[Setting]:
    """Return the settings in order; Include is relative to `folder` and keeps the block it stands in."""
    settings: list[Setting] = []
    conditions = outer
    for line in text.splitlines():
        match = _KEYWORD.match(line)
        if match is None:
            continue
        key, words = match[1].lower(), _split(match[2])
        if key in {"host", "match"}:
            conditions = (*outer, Condition(key, words))
            settings.append(Setting(conditions, "", ()))  # even an empty block may ask for a final pass
        elif key == "include" and depth < MAX_INCLUDE_DEPTH:
            for file in _included(words, folder):
                settings += parse(_read(file), folder, conditions, depth + 1)
        elif words:
            settings.append(Setting(conditions, key, words))
    return settings


def _split(text: str) -> tuple[str, ...]:
    """Return the words of a line: quotes hold a word together, # begins a comment."""
    words: list[str] = []
    for match in _WORD.finditer(text):
        if match[2] is not None and match[2].startswith("#"):
            break
        words.append(match[1] if match[1] is not None else match[2])
    return tuple(words)


def _included(patterns: tuple[str, ...], folder: Path) -> list[Path]:
    files: list[Path] = []
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if not path.is_absolute():
            path = folder / path
        files += sorted(
            file for file in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if file.is_file()
        )
    return files


class SshConfig:
    """Settings in the order in which they count: the first value of each keyword wins."""

    def __init__(self, settings: list[Setting]) -> None:
        """A block for one host by name is found by that name: thousands of them cost the others nothing."""
        self._blocks: list[list[Setting]] = []
        self._by_name: dict[str, list[int]] = {}
        self._always: list[int] = []
        for block in _blocks(settings):
            conditions = block[0].conditions
            for name in _literal_names(conditions):
                self._by_name.setdefault(name, []).append(len(self._blocks))
            if not _literal_names(conditions):
                self._always.append(len(self._blocks))
            self._blocks.append(block)
        self._final = any("final" in word.lower() for s in settings for c in s.conditions for word in c.words)

    def lookup(self, name: str, user: str | None = None) -> HostOptions:
        """Return what holds for a host; `user` is what the caller asks for, before any file."""
        found: dict[str, tuple[str, ...]] = {"user": (user,)} if user else {}
        self._collect(found, name, final=False)
        if self._final:
            found.setdefault("hostname", (name,))  # settled before ssh reads its files once more
            found["originalhost"] = (name,)
            self._collect(found, _percent(found["hostname"][0], {"h": name}).lower(), final=True)
        return _options(name, found)

    def route(self, options: HostOptions, seen: tuple[str, ...] = ()) -> tuple[Hop, ...]:
        """Return the jump hosts on the way to a host, in the order of travel. SshError: circle, ProxyCommand.

        As in ssh, a list of hops replaces the ProxyJump of all but the first of them.
        """
        if options.name in seen or len(seen) >= MAX_HOPS:
            circle = " -> ".join([*seen, options.name])
            raise SshError(
                f"ssh_config: ProxyJump goes in a circle or too far: {circle}", "invalid", "ssh -G HOST"
            )
        if options.proxy_command is not None:
            hint = f"ssh -G {shlex.quote(options.name)}"
            raise SshError(
                "ssh_config sets ProxyCommand, which is not run: use ProxyJump", "unsupported", hint
            )
        if options.proxy_jump is None:
            return ()
        hops = parse_jump(options.proxy_jump)
        first = self.lookup(hops[0].name, hops[0].user)
        return (*self.route(first, (*seen, options.name)), *hops)

    def _collect(self, found: dict[str, tuple[str, ...]], name: str, *, final: bool) -> None:
        for at in sorted([*self._always, *self._by_name.get(name, ())]):
            block = self._blocks[at]
            if all(_holds(part, found, name, final=final) for part in block[0].conditions):
                for setting in block:
                    _take(found, setting)


def _blocks(settings: list[Setting]) -> list[list[Setting]]:
    """Cut the settings at each Host and Match line, equal ones too: its conditions are asked again there."""
    blocks: list[list[Setting]] = []
    for setting in settings:
        if not setting.key or not blocks or setting.conditions != blocks[-1][0].conditions:
            blocks.append([])
        blocks[-1].append(setting)
    return blocks


def _literal_names(conditions: tuple[Condition, ...]) -> tuple[str, ...]:
    """Return the names of a single Host line without patterns, else nothing."""
    words = conditions[0].words if len(conditions) == 1 and conditions[0].keyword == "host" else ()
    return () if any(sign in word for word in words for sign in "*?!") else words


def _take(found: dict[str, tuple[str, ...]], setting: Setting) -> None:
    """Note a setting unless an earlier one counts. The first of ProxyJump and ProxyCommand wins."""
    if setting.key in _ACCUMULATING:
        found[setting.key] = tuple(dict.fromkeys([*found.get(setting.key, ()), setting.words[0]]))
    elif setting.key == "proxyjump":
        if not found.keys() & {"proxyjump", "proxycommand"}:
            found["proxyjump"] = setting.words
    elif setting.key == "proxycommand" and found.get("proxyjump", ("none",))[0] != "none":
        pass  # a jump host that stands earlier wins; `ProxyJump none` does not
    else:
        found.setdefault(setting.key, setting.words)


def _holds(condition: Condition, found: dict[str, tuple[str, ...]], name: str, *, final: bool) -> bool:
    """Decide a Host or Match line by what is known when its block begins."""
    if condition.keyword == "host":
        return _matches(condition.words, name)
    return _match_holds(condition.words, found, name, final=final)


def _match_holds(
    words: tuple[str, ...], found: dict[str, tuple[str, ...]], name: str, *, final: bool
) -> bool:
    """Decide a Match line; what would run a command or ask the network never holds."""
    rest = list(words)
    while rest:
        word = rest.pop(0).lower()
        negated, criterion = word.startswith("!"), word.lstrip("!")
        if criterion == "all":
            continue
        if criterion in {"final", "canonical"}:
            holds = final  # a final pass is, to ssh, a canonical one too
        else:
            subject = _subject(criterion, found, name)
            if subject is None or not rest:
                return False
            holds = _matches(tuple(rest.pop(0).split(",")), subject)
        if holds == negated:
            return False
    return True


def _subject(criterion: str, found: dict[str, tuple[str, ...]], name: str) -> str | None:
    """Return what a Match criterion compares; None for one that is not evaluated."""
    if criterion == "host":
        return _percent(found.get("hostname", (name,))[0], {"h": name}).lower()
    if criterion == "originalhost":
        return found.get("originalhost", (name,))[0].lower()
    if criterion == "user":
        return found.get("user", (local_user(),))[0]
    return local_user() if criterion == "localuser" else None


def _matches(patterns: tuple[str, ...], text: str) -> bool:
    """True when a pattern matches and no pattern with `!` does (PATTERNS in ssh_config(5))."""
    found = False
    for pattern in patterns:
        if _glob(pattern.lstrip("!")).fullmatch(text):
            if pattern.startswith("!"):
                return False
            found = True
    return found


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    """Compile ssh's patterns, in which only * and ? are special."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _options(name: str, found: dict[str, tuple[str, ...]]) -> HostOptions:
    """Give the collected words their types; SshError for a port or a time that is none."""
    host = _percent(found.get("hostname", (name,))[0], {"h": name}).lower()
    port = _number(found, "port", 22, least=1)
    user = found.get("user", (local_user(),))[0]
    tokens = _tokens(name, host, port, user)
    jump, command = found.get("proxyjump", ("none",))[0], " ".join(found.get("proxycommand", ("none",)))
    timeout = found.get("connecttimeout", ("none",))[0]
    return HostOptions(
        name=name,
        host=host,
        port=port,
        user=user,
        identity_files=tuple(_path(file, tokens) for file in found.get("identityfile", DEFAULT_IDENTITIES)),
        identities_only=found.get("identitiesonly", ("no",))[0].lower() in {"yes", "true"},
        identity_agent=_path(found["identityagent"][0], tokens) if "identityagent" in found else None,
        known_hosts=tuple(
            _path(file, tokens)
            for file in (
                *found.get("userknownhostsfile", DEFAULT_KNOWN_HOSTS),
                *found.get("globalknownhostsfile", GLOBAL_KNOWN_HOSTS),
            )
            if file.lower() != "none"
        ),
        host_key_alias=found["hostkeyalias"][0] if "hostkeyalias" in found else None,
        proxy_jump=None if jump == "none" else _percent(jump, tokens),
        proxy_command=None if command == "none" else command,
        connect_timeout_s=None if timeout == "none" else float(_number(found, "connecttimeout", 0)) or None,
    )


def _number(found: dict[str, tuple[str, ...]], key: str, default: int, least: int = 0) -> int:
    text = found.get(key, (str(default),))[0]
    value = number(text)
    if value is None or not least <= value <= MAX_PORT:
        why = f"{printable(repr(text), 40)}, not a number in range ({least} to {MAX_PORT})"
        raise SshError(f"ssh_config: {key} is {why}", "invalid", "ssh -G HOST")
    return value


def _tokens(name: str, host: str, port: int, user: str) -> dict[str, str]:
    return {
        "h": host,
        "n": name,
        "p": str(port),
        "r": user,
        "u": local_user(),
        "i": str(os.getuid()),
        "d": str(Path.home()),
        "L": platform.node().split(".")[0],
        "l": platform.node(),
    }


def _percent(text: str, tokens: dict[str, str]) -> str:
    """Replace %x by its value; an unknown token stays as it is."""
    return re.sub(r"%(.)", lambda m: "%" if m[1] == "%" else tokens.get(m[1], m[0]), text)


def _path(text: str, tokens: dict[str, str]) -> str:
    text = re.sub(r"\$\{(\w+)\}", lambda m: os.environ.get(m[1], ""), text)
    return (
        str(Path(_percent(text, tokens)).expanduser())
        if text.lower() not in {"none", "ssh_auth_sock"}
        else text
    )


def parse_jump(text: str) -> tuple[Hop, ...]:
    """Return the hops of a ProxyJump value in the order of travel; SshError when it makes no sense."""
    hops = []
    for item in text.split(","):
        match = re.fullmatch(
            r"(?:ssh://)?(?:(.+)@)?(\[[^\]]+\]|[^:@\[\]]+)(?::([0-9]{1,5}))?/?", item.strip()
        )
        if match is None or not 1 <= int(match[3] or 22) <= MAX_PORT:
            raise SshError(
                f"ssh_config: ProxyJump {printable(repr(text))} is not [user@]host[:port],…",
                "invalid",
                "ssh -G HOST",
            )
        hops.append(Hop(match[2].strip("[]"), match[1], int(match[3]) if match[3] else None))
    return tuple(hops)
