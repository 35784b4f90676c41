"""What a node's probe wrote, as `Facts`. Pure; the node may be hostile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from dcctl.inventory.sources.machine.facts import CpuFacts, DiskFacts, Facts, NicFacts, PciFacts
from dcctl.inventory.sources.ssh.error import SshError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dcctl.inventory.sources.ssh.run import Reply

T = TypeVar("T")
_BEGIN, _END = re.compile(rb"^@@dcctl (python|sh)\n", re.MULTILINE), b"\n@@dcctl end"
_CONTROL = re.compile(
    rb"(?<!\\)(?:\\\\)*\\(?:u00(?:0[0-8bcef]|1[0-9a-f]|7f|[89][0-9a-f])|[bf])|[\x00-\x08\x0b-\x1f\x7f]",
    re.IGNORECASE,
)
"""Control characters other than tab and newline, also as JSON escapes: no probe of ours sends them."""


def read_reply(reply: Reply) -> tuple[Facts, bool]:
    """Return the facts, and whether Python read them (else sh). Raises SshError with the cause."""
    document, python = read_document(reply)
    if not python:
        return parse_lines(document.decode("utf-8", "replace")), False
    return decode(document, Facts), True


def read_document(reply: Reply) -> tuple[bytes, bool]:
    """Return what the probe wrote, and whether Python wrote it (else sh). Raises SshError with the cause.

    What a login shell prints before the document is passed over.
    """
    begins = list(_BEGIN.finditer(reply.stdout))
    if not begins:
        raise _no_document(reply)
    begin = begins[-1]
    document, end, _ = reply.stdout[begin.end() :].partition(_END)
    if not end:
        raise SshError(f"the answer ends half-way, after {len(document)} bytes", "truncated")
    if _CONTROL.search(document):
        raise SshError("the answer has control characters in it", "invalid")
    return document, begin[1] == b"python"


def decode(document: bytes, kind: type[T]) -> T:
    """Return what a document of Python's says. Raises SshError."""
    try:
        return msgspec.json.decode(document, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SshError(f"the answer makes no sense: {printable(str(error))}", "invalid") from error


def _no_document(reply: Reply) -> SshError:
    """Return why there is nothing that a probe wrote."""
    lines = [line for line in reply.stderr.splitlines() if line.strip()]
    said = (
        lines[-1]
        if lines
        else next((line for line in reply.stdout.decode("utf-8", "replace").splitlines()), "")
    )
    ended = "was killed" if reply.status < 0 else f"ended with status {reply.status}"
    text = f"the probe {ended}" + (f": {printable(said)}" if said else " and said nothing")
    return SshError(text, "failed" if reply.status else "invalid")


def parse_lines(text: str) -> Facts:
    """Return the facts in the key=value lines of the sh probe; what cannot be read is left out."""
    pairs = [line.partition("=") for line in text.splitlines()]
    values = {key: value for key, _, value in pairs}
    memory = {key: _number(value) for key, value in values.items() if key.startswith("memory.")}
    total, available = memory.get("memory.MemTotal"), memory.get("memory.MemAvailable")
    return Facts(
        hostname=values.get("hostname"),
        architecture=values.get("architecture"),
        kernel=values.get("kernel"),
        os_release="\n".join(f"{key[3:]}={value}" for key, value in values.items() if key.startswith("os."))
        or None,
        boot_id=values.get("boot_id"),
        machine_id=values.get("machine_id"),
        uptime_s=_first_float(values.get("uptime")),
        dmi={key[4:]: value for key, value in values.items() if key.startswith("dmi.")},
        cpu=_cpu(values),
        cpu_stat=tuple(value for key, _, value in pairs if key == "cpu_stat"),
        memory_total_bytes=None if total is None else total * 1024,
        memory_available_bytes=None if available is None else available * 1024,
        load1=_first_float(values.get("loadavg")),
        nics=tuple(_nics(values)),
        disks=tuple(_disks(values)),
        pci=tuple(_functions(values)) if values.get("pci.looked") else None,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _first_float(text: str | None) -> float | None:
    found = re.match(r"\d{1,15}(?:\.\d+)?(?=\s|$)", text or "")
    return float(found[0]) if found else None


def _cpu(values: Mapping[str, str]) -> CpuFacts | None:
    threads, model = _number(values.get("cpu.threads")), values.get("cpu.model")
    return CpuFacts(model=model, threads=threads) if threads or model else None


def _groups(values: Mapping[str, str], kind: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (name, parts) of keys KIND.NAME.PART; a name may have dots, a part has none."""
    groups: dict[str, dict[str, str]] = {}
    for key, value in values.items():
        if key.startswith(f"{kind}.") and key.count(".") >= 2:
            name, _, part = key[len(kind) + 1 :].rpartition(".")
            groups.setdefault(name, {})[part] = value
    yield from groups.items()


def _nics(values: Mapping[str, str]) -> Iterator[NicFacts]:
    for name, parts in _groups(values, "net"):
        driver, address = parts.pop("driver", None), parts.pop("pci", None)
        yield NicFacts(name=name, files=parts, driver=driver, pci_address=address)


def _disks(values: Mapping[str, str]) -> Iterator[DiskFacts]:
    for name, parts in _groups(values, "disk"):
        yield DiskFacts(
            name=name,
            sectors=parts.get("sectors"),
            rotational=parts.get("rotational"),
            model=parts.get("model"),
        )


def _functions(values: Mapping[str, str]) -> Iterator[PciFacts]:
    """Yield PCI functions; their addresses hold a dot, as in 0000:3b:00.0."""
    for address, parts in _groups(values, "pci"):
        yield PciFacts(
            address=address,
            vendor=parts.get("vendor", ""),
            device=parts.get("device", ""),
            pci_class=parts.get("class", ""),
            driver=parts.get("driver"),
            numa_node=parts.get("numa_node"),
            link_speed=parts.get("current_link_speed"),
            link_width=parts.get("current_link_width"),
            max_link_speed=parts.get("max_link_speed"),
            max_link_width=parts.get("max_link_width"),
            virtual_function=parts.get("virtual_function") == "1",
        )
