"""The picture of the fleet: every node is in it, states differ without colour, and it stays short."""

from __future__ import annotations

import pytest
from ClusterShell.NodeSet import NodeSet
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.render.heatmap import GLYPHS, MOST_LINES, _surely_too_tall, blocks, glyph, map_lines
from dcctl.render.report import HeatMap, Tile
from dcctl.render.style import Style
from dcctl.render.text import width
from tests.unit.render.samples import fleet_map

TILE = st.builds(
    Tile,
    st.none() | st.integers(0, 1000),
    st.sampled_from(["", "busy", "idle", "free", "fault", "failed", "unknown", "shared"]),
)
ROWS = st.lists(st.lists(TILE, max_size=12).map(tuple), max_size=30)


def many(racks: int) -> HeatMap:
    rows = tuple(
        (f"gpu{n:04d}", tuple(Tile(n * 617 * (k + 1) % 1000, "busy") for k in range(8)))
        for n in range(racks * 16)
    )
    return HeatMap("busy", "busy", rows, tuple((f"rack{rack}", 16) for rack in range(racks)))


@pytest.mark.parametrize(
    ("tile", "key"),
    [
        (Tile(None), "unknown"),
        (Tile(None, "busy"), "unknown"),
        (Tile(0), "l1"),
        (Tile(249), "l1"),
        (Tile(250), "l2"),
        (Tile(750), "l4"),
        (Tile(1000), "l4"),
        (Tile(1200), "l4"),
        (Tile(0, "idle"), "idle"),
        (Tile(None, "free"), "free"),
        (Tile(900, "Failed"), "fault"),
    ],
)
def test_a_word_decides_then_the_level_and_unknown_is_not_zero(tile: Tile, key: str) -> None:
    assert glyph(tile).key == key


def test_every_glyph_can_be_told_without_colour() -> None:
    assert len({each.sign for each in GLYPHS}) == len({each.ascii for each in GLYPHS}) == len(GLYPHS)
    assert all(each.ascii.isascii() and width(each.sign) == 1 for each in GLYPHS)


@given(ROWS, st.lists(st.integers(-1, 9), max_size=5))
def test_no_node_is_lost_whatever_the_groups_say(rows: list[tuple[Tile, ...]], sizes: list[int]) -> None:
    named = tuple((f"gpu{number}", tiles) for number, tiles in enumerate(rows))
    picture = HeatMap("m", "", named, tuple((f"rack{number}", size) for number, size in enumerate(sizes)))
    for fold in (True, False):
        found = [name for _, part in blocks(picture, fold) for text, _ in part for name in NodeSet(text)]
        assert sorted(found) == sorted(name for name, _ in named)


@given(ROWS, st.integers(20, 120), st.booleans(), st.booleans())
def test_the_picture_keeps_the_width_and_shows_every_square(
    rows: list[tuple[Tile, ...]], cells: int, unicode: bool, color: bool
) -> None:
    picture = HeatMap("m", "", tuple((f"gpu{number}", tiles) for number, tiles in enumerate(rows)))
    style = Style(width=cells, terminal=True, unicode=unicode)
    lines = map_lines(picture, style, cells)
    assert all(width(line) <= cells for line in lines)
    assert unicode or all(line.isascii() for line in lines)
    assert bool(lines) == bool(rows)


def test_racks_stand_side_by_side_where_there_is_room() -> None:
    lines = map_lines(fleet_map(), Style(width=100), 100)
    assert any("rack1" in line and "rack2" in line for line in lines)
    assert all(
        not ("rack1" in line and "rack2" in line) for line in map_lines(fleet_map(), Style(width=50), 50)
    )


def test_a_large_picture_that_nobody_asked_for_names_the_command_that_draws_it() -> None:
    picture = replace(many(64), command="dcctl assess --map")
    told = f"map of {len(picture.rows):,} nodes: dcctl assess --map"
    assert map_lines(picture, Style(width=60), 60) == [told]
    for whole in (map_lines(picture, Style("wide", width=60), 60), map_lines(many(64), Style(width=60), 60)):
        assert sum(line.startswith("gpu") for line in whole) > 500


def test_a_small_picture_is_drawn_unasked() -> None:
    rows = tuple((f"gpu{n}", (Tile(999), Tile(1))) for n in range(12))
    picture = HeatMap("busy", "busy", rows, command="dcctl assess --map")
    lines = map_lines(picture, Style(width=60), 60)
    assert len(lines) <= MOST_LINES
    assert any(line.startswith("gpu") for line in lines)


def test_the_legend_explains_what_is_there_and_nothing_else() -> None:
    picture = HeatMap("m", "", (("gpu1", (Tile(900), Tile(None))),))
    assert map_lines(picture, Style(), 80)[0] == "█ 75 % and more  ? unknown"


@given(st.integers(1, 300), st.integers(1, 3), st.integers(20, 200), st.booleans())
def test_a_picture_told_to_be_too_tall_without_drawing_is_too_tall(
    groups: int, rows: int, room: int, alike: bool
) -> None:
    named = tuple((f"n{n}", (Tile(0 if alike else n * 250 % 1000),)) for n in range(groups * rows))
    picture = HeatMap("m", "", named, tuple((f"r{group}", rows) for group in range(groups)))
    if _surely_too_tall(picture, room):
        assert len(map_lines(picture, Style(), room)) > MOST_LINES


def test_a_fleet_without_racks_that_all_look_different_is_too_tall_and_one_that_looks_alike_is_drawn() -> (
    None
):
    def one_group(levels: list[int]) -> HeatMap:
        rows = tuple((f"n{n}", tuple(Tile(n >> bit & 1 and 999) for bit in range(8))) for n in levels)
        return HeatMap("m", "", rows, (("no rack", len(rows)),), command="dcctl assess --map")

    assert "map of 100 nodes" in map_lines(one_group(list(range(100))), Style(), 80)[0]
    assert "n[0-99]" in "".join(map_lines(replace(one_group([0] * 100), rows=_numbered(100)), Style(), 80))


def _numbered(count: int) -> tuple[tuple[str, tuple[Tile, ...]], ...]:
    return tuple((f"n{n}", (Tile(999),)) for n in range(count))
