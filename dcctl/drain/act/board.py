"""What is known of all pods, as it is told while a campaign goes on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dcctl.drain.backends import Sight, Standing


class Board:
    """Pods by UID. Told by one thread, read by the same."""

    def __init__(self) -> None:
        self.pods: dict[str, Standing] = {}
        self.synced = False
        """Whether all that there are were told once."""

    def see(self, sight: Sight) -> None:
        """What became of one pod is known."""
        if sight.pod is None:
            self.synced = True
        elif sight.kind == "gone":
            self.pods.pop(sight.pod.uid, None)
        else:
            self.pods[sight.pod.uid] = sight.pod

    def forget(self, uid: str) -> None:
        """The pod is gone, though nobody told."""
        self.pods.pop(uid, None)

    def on(self, nodes: Collection[str]) -> list[Standing]:
        """The pods of some nodes, by name."""
        wanted = set(nodes)
        return sorted((one for one in self.pods.values() if one.node in wanted), key=lambda one: one.pod)

    def named(self, pod: str, node: str) -> Standing | None:
        """The pod of this name on this node."""
        found = (one for one in self.pods.values() if one.pod == pod and one.node == node)
        return next(found, None)

    def standing(self, owners: Iterable[str]) -> Counter[str]:
        """How many pods of each of these owners stand, or have finished."""
        counts = Counter(
            one.owner for one in self.pods.values() if (one.ready and not one.leaving) or one.finished
        )
        return Counter({owner: counts[owner] for owner in owners})
