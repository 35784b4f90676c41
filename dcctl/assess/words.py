"""Numbers inside sentences. Cells of tables stay raw: the renderer formats those."""

from __future__ import annotations


def percent(milli: int) -> str:
    """`87 %` from thousandths."""
    return f"{round(milli / 10)} %"


def power(milliwatts: int) -> str:
    """`7.9 kW`, `640 W`."""
    return f"{milliwatts / 1e6:.1f} kW" if milliwatts >= 1_000_000 else f"{milliwatts / 1e3:.0f} W"


def cores(milli: int) -> str:
    """`96` or `0.5` CPUs from thousandths."""
    return f"{milli // 1000:,}" if milli % 1000 == 0 or milli >= 100_000 else f"{milli / 1000:.1f}"


def gib(count_bytes: int) -> str:
    """`1.5 TiB`, `96 GiB`."""
    size = count_bytes / 2**30
    return f"{size / 1024:.1f} TiB" if size >= 1024 else f"{size:.0f} GiB"


def duration(seconds: int) -> str:
    """`26 h`, `3 d`, `12 min`: one unit, rounded down."""
    for unit, length in (("d", 172_800), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // (86_400 if unit == 'd' else length)} {unit}"
    return f"{seconds} s"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 node`, `3 nodes`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
