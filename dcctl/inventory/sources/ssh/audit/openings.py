"""What may come in: firewalls and sockets that listen. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from dcctl.inventory.evidence.hosts import Listener
from dcctl.inventory.sources.ssh.audit.told import Reading, Untold

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAMILIES: Final = {"ip": ("ipv4",), "ip6": ("ipv6",), "inet": ("ipv4", "ipv6")}
_ORDER: Final = ("none", "accept", "drop")
_SOCKET = re.compile(r"(tcp|udp)\s+\S+\s+\d+\s+\d+\s+(\S+):(\d+)\s+\S+(?:\s+users:\(\(\"([^\"]*)\")?")
_RULE = re.compile(
    r"-A (\S+)(?: -m comment --comment (?:\"[^\"]*\"|\S+))? -([jg]) (\S+)(?: --reject-with \S+)?\s*"
)
_VERDICTS: Final = {
    **dict.fromkeys(("drop", "reject", "DROP", "REJECT"), "drop"),
    **dict.fromkeys(("accept", "ACCEPT"), "accept"),
    **dict.fromkeys(("return", "RETURN"), "return"),
    "jump": "jump",
    "goto": "goto",
}


class Step(NamedTuple):
    """What a rule does to every packet that comes to it."""

    verdict: str
    """drop, accept, return, jump or goto."""
    target: str = ""
    """The chain that it leads to."""


def firewall(reading: Reading) -> dict[str, str]:
    """Return by family what becomes of what no rule allows: the strictest of all tables that see it."""
    found = {"ipv4": "none", "ipv6": "none"}
    told = 0
    for look in (_by_nft, _by_iptables):
        try:
            judged = look(reading)
        except Untold as reason:
            last = reason
            continue
        told += 1
        for family, verdict in judged.items():
            found[family] = max(found[family], verdict, key=_ORDER.index)
    if not told:
        raise last
    return found


def _by_nft(reading: Reading) -> dict[str, str]:
    objects: list[dict[str, Any]] = msgspec.json.decode(reading.command("nft"))["nftables"]
    chains = [one["chain"] for one in objects if "chain" in one]
    rules: dict[tuple[str, str, str], list[Step]] = {}
    for rule in (one["rule"] for one in objects if "rule" in one):
        steps = rules.setdefault((rule["family"], rule["table"], rule["chain"]), [])
        if step := _step(rule["expr"]):
            steps.append(step)
    found: dict[str, str] = {}
    for chain in chains:
        if chain.get("hook") != "input" or chain.get("type") != "filter":
            continue
        table = (chain["family"], chain["table"])
        steps_of = {name: steps for (*where, name), steps in rules.items() if (*where,) == table}
        verdict = _end(chain["name"], steps_of) or ("drop" if chain.get("policy") == "drop" else "accept")
        for family in _FAMILIES.get(chain["family"], ()):
            found[family] = max(found.get(family, "none"), verdict, key=_ORDER.index)
    return found


def _step(expression: list[dict[str, Any]]) -> Step | None:
    """What a rule without conditions does; None: it has some, or does nothing to the packet."""
    step = None
    for part in expression:
        for name, told in part.items():
            target = str(told.get("name")) if name == "xt" else name
            if target in {"counter", "log", "notrack", "comment"}:
                continue
            known = _VERDICTS.get(target)
            if known is None:
                return None
            step = Step(known, str(told["target"]) if known in {"jump", "goto"} else "")
    return step


def _end(chain: str, steps_of: Mapping[str, list[Step]], depth: int = 16) -> str:
    """`drop` or `accept`: what a chain does to what no rule names; empty: it hands it back."""
    for step in steps_of.get(chain, ()) if depth else ():
        if step.verdict in {"jump", "goto"}:
            ended = _end(step.target, steps_of, depth - 1)
            if ended or step.verdict == "goto":
                return ended
        else:
            return "" if step.verdict == "return" else step.verdict
    return ""


def _by_iptables(reading: Reading) -> dict[str, str]:
    found = {}
    for name, family in (("iptables", "ipv4"), ("ip6tables", "ipv6")):
        if reading.ran(name):
            lines = reading.command(name).split("\n")
            steps_of: dict[str, list[Step]] = {}
            for rule in map(_RULE.fullmatch, lines):
                if rule:
                    step = Step(_VERDICTS.get(rule[3], "goto" if rule[2] == "g" else "jump"), rule[3])
                    steps_of.setdefault(rule[1], []).append(step)
            policy = "drop" if "-P INPUT DROP" in lines else "accept"
            found[family] = _end("INPUT", steps_of) or policy
    if not found:
        raise Untold("no nft, and no tables of iptables are loaded", "missing")
    return found


def listeners(reading: Reading) -> tuple[Listener, ...]:
    """Return the sockets that wait for others; who holds them is told to root alone."""
    text = reading.command("ss" if reading.ran("ss") else "ss_sbin")
    rows = [found for line in text.splitlines() if (found := _SOCKET.match(line))]
    return tuple(
        Listener(
            "tcp" if row[1] == "tcp" else "udp", row[2].strip("[]").split("%")[0], int(row[3]), row[4] or ""
        )
        for row in rows
    )
