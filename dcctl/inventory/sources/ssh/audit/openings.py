"""What may come in: firewalls and sockets that listen. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from dcctl.inventory.evidence.hosts import Listener
from dcctl.inventory.sources.ssh.audit.told import Reading, Untold

_FAMILIES: Final = {"ip": ("ipv4",), "ip6": ("ipv6",), "inet": ("ipv4", "ipv6")}
_ORDER: Final = ("none", "accept", "drop")
_SOCKET = re.compile(r"(tcp|udp)\s+\S+\s+\d+\s+\d+\s+(\S+):(\d+)\s+\S+(?:\s+users:\(\(\"([^\"]*)\")?")
_TAILS: Final = ({"drop"}, {"reject"}, {"counter", "drop"}, {"counter", "reject"}, {"xt"}, {"counter", "xt"})


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
    last: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for rule in (one["rule"] for one in objects if "rule" in one):
        last[rule["family"], rule["table"], rule["chain"]] = rule["expr"]
    found: dict[str, str] = {}
    for chain in (one["chain"] for one in objects if "chain" in one):
        if chain.get("hook") != "input" or chain.get("type") != "filter":
            continue
        end = last.get((chain["family"], chain["table"], chain["name"]), [])
        verdict = "drop" if chain.get("policy") == "drop" or _drops_all(end) else "accept"
        for family in _FAMILIES.get(chain["family"], ()):
            found[family] = max(found.get(family, "none"), verdict, key=_ORDER.index)
    return found


def _drops_all(expression: list[dict[str, Any]]) -> bool:
    """True for a rule without conditions that drops or rejects; `xt`: REJECT as iptables-nft writes it."""
    kinds = {name for part in expression for name in part}
    if "xt" in kinds:
        return kinds in _TAILS and any(part.get("xt", {}).get("name") == "REJECT" for part in expression)
    return kinds in _TAILS


def _by_iptables(reading: Reading) -> dict[str, str]:
    found = {}
    for name, family in (("iptables", "ipv4"), ("ip6tables", "ipv6")):
        if reading.ran(name):
            lines = reading.command(name).split("\n")
            rules = [line.strip() for line in lines if line.startswith("-A INPUT")]
            closed = bool(rules) and bool(
                re.fullmatch(r"-A INPUT -j (DROP|REJECT)( --reject-with \S+)?", rules[-1])
            )
            found[family] = "drop" if closed or "-P INPUT DROP" in lines else "accept"
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
