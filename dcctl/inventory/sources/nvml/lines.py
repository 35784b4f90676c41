"""What the child that reads NVML wrote, as one document. Pure."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import msgspec

from dcctl.inventory.sources.nvml.facts import NvmlDocument, NvmlError, NvmlLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.sources.machine.deadline import Outcome


def document_of(outcome: Outcome) -> NvmlDocument:
    """The document; a child that was killed, died or wrote nonsense leaves what came before and an error."""
    lines, errors = _lines(outcome.output)
    machine = next((line for line in lines if line.count is not None), NvmlLine())
    errors += [line.error for line in lines if line.error is not None]
    finished = any(line.done or line.error is not None for line in lines)
    if not finished and not outcome.timed_out:
        errors.append(NvmlError("reader", -1, _death(outcome)))
    return NvmlDocument(
        driver=machine.driver,
        cuda=machine.cuda,
        count=machine.count,
        gpus=tuple(line.gpu for line in lines if line.gpu is not None),
        errors=tuple(errors),
        timed_out=outcome.timed_out and not finished,
    )


def _lines(output: bytes) -> tuple[list[NvmlLine], list[NvmlError]]:
    """Whole lines in order. The last one may be cut off; one in between that cannot be read is an error."""
    *whole, _ = output.split(b"\n")
    lines: list[NvmlLine] = []
    errors: list[NvmlError] = []
    for text in whole:
        try:
            lines.append(msgspec.json.decode(text, type=NvmlLine))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            errors.append(NvmlError("reader", -1, f"wrote what is no answer: {error}"))
    return lines, errors


def _death(outcome: Outcome) -> str:
    if outcome.status is not None and outcome.status < 0:
        return f"died of {_signal_name(-outcome.status)}"
    last = _last(outcome.errors.decode(errors="replace").splitlines())
    return f"ended with status {outcome.status}: {last or 'it said nothing'}"


def _last(lines: Iterable[str]) -> str:
    return next((line.strip() for line in reversed(list(lines)) if line.strip()), "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
