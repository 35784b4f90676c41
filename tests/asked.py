"""Hooks, in the words of annotations and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dcctl.drain.policy.grammar import asking, proving
from dcctl.drain.request import Hook

if TYPE_CHECKING:
    from dcctl.drain.request import Ask

PROOF = {"signal": "file /ckpt/latest", "annotation": "file /ckpt/latest", "exec": "", "http": ""}


def hook_of(words: str, proof: str | None = None, **more: Any) -> Hook:
    """As `signal USR1` and `file /ckpt/latest` say; without a proof, one that does."""
    ask: Ask = asking(words)
    return Hook(ask, proving(PROOF[ask.how] if proof is None else proof, ask), **more)
