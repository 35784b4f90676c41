"""Volumes that are paths of a node, and that a pod has by a claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.pods import Work
    from dcctl.inventory.evidence.storage import Volume


def claimed(work: Work, scene: Scene) -> Iterator[tuple[str, Volume]]:
    """Yield (claim, volume) of those that a workload has. Unsure: it has claims, and nobody told volumes."""
    if not work.claims:
        return
    scene.told("volumes")
    known = scene.once(_by_claim)
    for claim in work.claims:
        volume = known.get((work.cluster, f"{work.namespace}/{claim}"))
        if volume is not None:
            yield claim, volume


def _by_claim(scene: Scene) -> dict[tuple[str, str], Volume]:
    volumes = cast("tuple[Volume, ...]", scene.of("volumes"))
    return {(one.cluster, one.claim): one for one in volumes if one.host_path and one.claim}
