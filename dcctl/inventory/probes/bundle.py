"""Makes one stream of the parts of a probe: what is sent to a node."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

PARTS = ("rules.py", "nvml_calls.py", "nvml_boards.py", "child.py", "node.py")
_PACKAGE = "dcctl.inventory.probes"


@lru_cache(maxsize=1)
def node_probe() -> bytes:
    """Return the node probe: a program that both `sh -s` and `python3 -` run, each its own part of it.

    To sh the first line is a no-op and the text up to `exit` its program; to Python that text is a string.
    """
    folder = files(_PACKAGE)
    shell = folder.joinpath("node.sh").read_text("utf-8")
    python = "\n".join(_without_imports(folder.joinpath(part).read_text("utf-8")) for part in PARTS)
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
