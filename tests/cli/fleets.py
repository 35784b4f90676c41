"""Inventory files that the tests of the command line hand to dcctl."""

import json
from pathlib import Path

HOSTILE = "gpu\u001b]0;pwned\u0007"
"""A label that would set the title of the terminal."""

CHINESE = """
name: 上海
nodes:
  - name: 训练节点[1-2]
    site: 上海数据中心
    rack: 机柜七
    pools: [训练]
    accelerators: {model: 昇腾910B, count: 8}
  - {name: login1, site: 上海数据中心}
"""

ONE = """
name: lab
nodes:
  - name: gpu1
    pools: [train]
    cpus: 96
    accelerators: {model: NVIDIA H100 80GB HBM3, count: 8, memory_bytes: 85899345920}
"""


def write(folder: Path, name: str, text: str) -> str:
    """Write a file and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def hostile(folder: Path) -> str:
    """A list of nodes whose site, rack, pool and model carry escape sequences, a newline and bidi marks."""
    node = {
        "name": "gpu1",
        "site": HOSTILE,
        "rack": "r1\u202etxt.exe",
        "pools": ["a\nb", "\u009b31mred"],
        "labels": {"x": "\u001b[2J"},
        "accelerators": {"model": "H100\u001b[31m", "count": 2},
    }
    return write(folder, "hostile.json", json.dumps({"name": "x\u001b[2Jy", "nodes": [node]}))
