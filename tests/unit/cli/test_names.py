"""The names that completion offers are kept whole, or not at all."""

from pathlib import Path

from dcctl.cli.names import remember
from dcctl.inventory.model import Fleet, Node

FLEET = Fleet(nodes=(Node(name="gpu1"), Node(name="gpu2")))


def test_names_are_kept_one_a_line_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    cache = tmp_path / "new"
    remember(FLEET, cache)
    remember(Fleet(nodes=FLEET.nodes[:1]), cache)
    assert [path.name for path in cache.iterdir()] == ["nodes"]
    assert (cache / "nodes").read_text() == "gpu1\n@all\n@state:unknown\n"
    assert cache.stat().st_mode & 0o077 == 0


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "nodes").symlink_to(tmp_path / "gone" / "nodes")
    remember(FLEET, tmp_path)
    remember(FLEET, Path("/dev/null/x"))
    assert [path.name for path in tmp_path.iterdir()] == ["nodes"]
