"""Answers of the audit's probe, made by hand or recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dcctl.inventory.sources.ssh.audit.told import HostDocument, Reading, Told

DATA = Path(__file__).parents[3] / "data" / "ssh-audit"
PASSWD = "root:x:0:0:root:/root:/bin/bash\nwu:x:1000:1000::/home/wu:/bin/bash\n# a comment\nbroken:x\n"
MISSING = Told(why="No such file or directory", cause="missing")


def reading(commands: dict[str, str | Told] | None = None, **host: Any) -> Reading:
    told = {name: Told(out) if isinstance(out, str) else out for name, out in (commands or {}).items()}
    files = {
        path: Told(text) if isinstance(text, str) else text for path, text in host.pop("files", {}).items()
    }
    return Reading(told, HostDocument(files=files, **host))


def recorded(name: str) -> str:
    return (DATA / name).read_text()
