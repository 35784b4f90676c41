"""Names on a screen: nodes fold, and so do things on nodes, but never what is of another kind."""

from __future__ import annotations

import pytest

from dcctl.inventory.things import brief
from dcctl.render.fold import lines
from dcctl.render.report import Column, Table


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([f"gpu{at // 8:03}/GPU-{at:03x}c" for at in range(768)], "gpu[000-095]/GPU-* (768)"),
        (["gpu1/GPU-1b2c", "gpu1/GPU-3d4e"], "gpu1/GPU-* (2)"),
        (["gpu1/mlx5_0", "gpu2/mlx5_3"], "gpu[1-2]/mlx* (2)"),
        (["gpu1/mlx5_3", "gpu2/mlx5_3"], "gpu[1-2]/mlx5_3"),
        (["gpu1/mlx5_0", "gpu1/GPU-1", "gpu2/GPU-2"], "gpu1/mlx5_0,gpu[1-2]/GPU-* (2)"),
        (["gpu1/0000:18:00.0", "gpu2/0000:48:00.0"], "gpu[1-2]/* (2)"),
        (["Plant/rack07", "Plant/dc2-ups-b"], "Plant/rack07,Plant/dc2-ups-b"),
        (["edu/StatefulSet/a", "nlp/Deployment/b"], "edu/StatefulSet/a,nlp/Deployment/b"),
        (["pool a, H100/bios", "pool a, H100/bios"], "pool a, H100/bios"),
        (["gpu2", "login", "gpu1"], "gpu[1-2],login"),
    ],
)
def test_names_in_brief(names: list[str], text: str) -> None:
    assert brief(names) == text


def test_rows_fold_over_nodes_and_devices_of_one_kind() -> None:
    """A bucket and an account are two rows where all else reads the same, and so are a board and its port."""
    columns = (Column("object", "OBJECT", "nodes"), Column("says", "WHAT"))
    names = ("gpu1/GPU-1a", "Bucket/b", "gpu2/GPU-2a", "User/u", "gpu1/mlx5_0", "gpu1", "gpu2")
    told = lines(Table("items", columns, tuple((name, "is bad") for name in names)), unicode=True)
    shown = ["gpu[1-2]/GPU-* (2)", "Bucket/b", "User/u", "gpu1/mlx5_0", "gpu[1-2]"]
    assert [line[0] for line in told] == shown
