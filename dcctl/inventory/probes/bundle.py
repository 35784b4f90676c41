"""Makes one stream of the parts of a probe: what is sent to a node."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from dcctl.inventory.probes.audit_parts import AUDIT_PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTS = ("rules.py", "nvml_calls.py", "nvml_boards.py", "child.py", "node.py")
_MAIN = 'if __name__ == "__main__":\n'
"""What only the last part of a stream does."""
_PACKAGE = "dcctl.inventory.probes"


@lru_cache(maxsize=1)
def node_probe() -> bytes:
    """Return the node probe: a program that both `sh -s` and `python3 -` run, each its own part of it.

    To sh the first line is a no-op and the text up to `exit` its program; to Python that text is a string.
    """
    return _program(PARTS)


@lru_cache(maxsize=1)
def audit_probe() -> bytes:
    """Return the node probe with the parts of the audit; what sh tells of a node has none of them."""
    topics = tuple(f"{part.read.__module__.rpartition('.')[2]}.py" for part in AUDIT_PARTS)
    return _program((*PARTS, "audit.py", *topics, "audit_parts.py"))


def _program(parts: Iterable[str]) -> bytes:
    folder = files(_PACKAGE)
    shell = folder.joinpath("node.sh").read_text("utf-8")
    sources = [_without_imports(folder.joinpath(part).read_text("utf-8")) for part in parts]
    python = "\n".join([*(source.partition(_MAIN)[0] for source in sources[:-1]), sources[-1]])
    return f"''':'\n{shell}\nexit\n'''\n{python}".encode()


def _without_imports(source: str) -> str:
    """Return a part without its imports of other parts, which lie before it in the stream."""
    kept, inside = [], False
    for line in source.splitlines(keepends=True):
        if line.startswith(f"from {_PACKAGE}"):
            inside = line.rstrip().endswith("(")
        elif inside:
            inside = not line.startswith(")")
        else:
            kept.append(line)
    return "".join(kept)
