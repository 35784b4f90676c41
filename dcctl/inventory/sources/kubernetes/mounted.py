"""What a pod's volumes tell: the claims it mounts, and what of its emptyDirs is gone when it leaves. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from dcctl.inventory.sources.kubernetes.scheduling import Volume

if TYPE_CHECKING:
    from dcctl.inventory.disruption import Scratch

_VOLUMES = msgspec.json.Decoder(list[Volume] | None)
_TELLING = (b'"persistentVolumeClaim"', b'"emptyDir"')
_IN_MEMORY = ("Memory", "HugePages")
"""How the media of emptyDir volumes begin that no disk is behind: `HugePages-2Mi`."""


class Mounted(NamedTuple):
    """What the volumes of one pod tell."""

    claims: tuple[str, ...] = ()
    """Names of the PersistentVolumeClaims, once each and in order."""
    scratch: Scratch = ""


NOTHING = Mounted()


class Mounts:
    """The volumes of the pods of one page, each text read once. Most pods have some that no other has."""

    def __init__(self) -> None:
        self._read: dict[bytes, Mounted] = {}

    def clear(self) -> None:
        """Forget all."""
        self._read.clear()

    def read(self, volumes: bytes) -> Mounted:
        """What this text tells. Raises ValueError for what is malformed."""
        found = self._read.get(volumes)
        if found is None:
            found = self._read[volumes] = _mounted(volumes)
        return found


def _mounted(volumes: bytes) -> Mounted:
    if not any(word in volumes for word in _TELLING):
        return NOTHING
    try:
        found = _VOLUMES.decode(volumes) or []
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    claims = {each.persistent_volume_claim.claim_name for each in found if each.persistent_volume_claim}
    media = [each.empty_dir.medium or "" for each in found if each.empty_dir is not None]
    on_disk = any(not medium.startswith(_IN_MEMORY) for medium in media)
    return Mounted(tuple(sorted(claims)), "disk" if on_disk else "memory" if media else "")
