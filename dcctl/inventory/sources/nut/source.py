"""One NUT server, asked over its own protocol (RFC 9271): LIST UPS, then LIST VAR of each."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.plant import Plant
from dcctl.inventory.model import Cause, Fleet, Gap, PowerMeter
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.nut.parse import odd, parse, rows
from dcctl.inventory.sources.nut.plant import parse as plant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.inventory.sources.power.many import Asking

PORT = 3493
_MAX_BYTES = 4 << 20
_CAUSES: dict[str, Cause] = {
    "ACCESS-DENIED": "denied",
    "USERNAME-REQUIRED": "unauthenticated",
    "UNKNOWN-COMMAND": "unsupported",
    "DRIVER-NOT-CONNECTED": "unreachable",
    "DATA-STALE": "unreachable",
}


class NutSource:
    """The UPSes of one upsd. Reads alone: needs no login."""

    kind = "nut"

    def __init__(
        self, host: str, port: int = PORT, *, asking: Asking, feeds: Mapping[str, str] | None = None
    ) -> None:
        """`feeds` tells by UPS which nodes (a node set) hang on it; without a word it feeds the site."""
        self.name, self._asking = asking.name, asking
        self._host, self._port, self._feeds = host, port, dict(feeds or {})

    def collect(self) -> Fleet:
        """A meter for each UPS, a gap for each that does not answer. SourceError: upsd does not.

        One that is silent is a meter without readings: what it feeds hangs on more than the others.
        """
        meters: list[PowerMeter] = []
        gaps: list[Gap] = []
        told = self._told()
        for ups, variables in told.items():
            if isinstance(variables, _RefusedError):
                gaps.append(Gap(self.name, ups, variables.reason, variables.cause, variables.hint))
                meters.append(self._placed(PowerMeter(ups, "ups")))
                continue
            meter = parse(ups, variables, int(self._asking.now()))
            if meter.power_mw is None and meter.input_mw is None:
                why = "tells no real power (W): neither ups.realpower nor output.realpower"
                gaps.append(Gap(self.name, ups, why, "unsupported", f"upsc {ups}@{self._host}"))
            if strange := odd(variables):
                why = f"tells what is no amount: {', '.join(strange)}"
                gaps.append(Gap(self.name, ups, why, "invalid", f"upsc {ups}@{self._host}"))
            meters.append(self._placed(meter))
        missing = sorted(self._feeds.keys() - told.keys())
        meters += [self._placed(PowerMeter(ups, "ups")) for ups in missing]
        gaps += self._not_there(missing)
        return Fleet(meters=tuple(meters), gaps=tuple(gaps))

    def plants(self) -> tuple[Plant, ...]:
        """How each UPS fares beside its meter. SourceError: upsd does not answer."""
        found = []
        for ups, variables in self._told().items():
            if isinstance(variables, _RefusedError):
                dark = dict.fromkeys(("status", "temperatures"), Silence(variables.reason, variables.cause))
                found.append(Plant(name=ups, kind="ups", site=self._asking.site or "", silent=dark))
            else:
                one = plant(ups, variables, int(self._asking.now()))
                found.append(replace(one, site=self._asking.site or ""))
        return tuple(found)

    def _told(self) -> dict[str, dict[str, str] | _RefusedError]:
        """The variables of each UPS by its name, or why there are none."""
        found: dict[str, dict[str, str] | _RefusedError] = {}
        with _Upsd(self._host, self._port, self._asking.timeout_s) as server:
            for ups in sorted(server.ask("LIST UPS", "UPS")):
                try:
                    found[ups] = server.ask(f"LIST VAR {ups}", "VAR")
                except _RefusedError as error:
                    found[ups] = error
        return found

    def _placed(self, meter: PowerMeter) -> PowerMeter:
        return replace(meter, site=self._asking.site, nodes=self._feeds.get(meter.name, ""))

    def _not_there(self, missing: Iterable[str]) -> list[Gap]:
        why = "the configuration names it, and the server does not have it"
        return [Gap(self.name, ups, why, "missing", f"upsc -l {self._host}") for ups in missing]


class _RefusedError(SourceError):
    """The server answered ERR: the next question may fare better."""


class _Upsd:
    """One connection, with one deadline for everything that is asked over it."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._subject = f"{host}:{port}"
        self._until = time.monotonic() + timeout_s
        self._timeout_s = timeout_s
        self._rest, self._read = b"", 0
        try:
            self._socket = socket.create_connection((host, port), timeout_s)
        except TimeoutError as error:
            raise self._late() from error
        except (OSError, UnicodeError) as error:
            why = (getattr(error, "strerror", None) or str(error)).lower()
            raise SourceError(self._subject, why, "unreachable", f"upsc -l {self._subject}") from error

    def __enter__(self) -> _Upsd:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, question: str, word: str) -> dict[str, str]:
        """The rows of a list. _RefusedError when the server says no, SourceError when it cannot be read."""
        try:
            return rows(self._list(question), word)
        except TimeoutError as error:
            raise self._late() from error
        except OSError as error:
            why = f"{question}: {(error.strerror or str(error)).lower()}"
            raise SourceError(self._subject, why, "unreachable") from error
        except ValueError as error:
            why = f"{question}: the answer is not that of a NUT server: {error}"
            raise SourceError(self._subject, why, "invalid") from error

    def _list(self, question: str) -> list[str]:
        self._socket.settimeout(max(0.01, self._until - time.monotonic()))
        self._socket.sendall(f"{question}\n".encode())
        first = self._line()
        if first.startswith("ERR "):
            said = first[4:].split(" ")[0]
            raise _RefusedError(self._subject, f"{question}: {said}", _CAUSES.get(said, "failed"))
        if first != f"BEGIN {question}":
            raise ValueError("no list")
        found: list[str] = []
        while (line := self._line()) != f"END {question}":
            found.append(line)
        return found

    def _late(self) -> SourceError:
        why = f"no answer within {self._timeout_s:g} s"
        return SourceError(self._subject, why, "timeout", "a longer --timeout")

    def _line(self) -> str:
        while b"\n" not in self._rest:
            left_s = self._until - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            self._socket.settimeout(left_s)
            more = self._socket.recv(1 << 16)
            if not more:
                raise SourceError(self._subject, "the answer broke off", "truncated")
            self._rest += more
            self._read += len(more)
            if self._read > _MAX_BYTES:
                raise ValueError("too long")
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode(errors="replace").strip()
