"""References of images, as container runtimes read them (distribution/reference)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_HUB: Final = "docker.io"


class Image(NamedTuple):
    """One reference in full."""

    name: str
    """With its registry: `docker.io/library/nginx`."""
    tag: str
    digest: str

    @property
    def moves(self) -> bool:
        """Whether it is what is newest on the day of the pull."""
        return not self.digest and self.tag in ("", "latest")


def image(text: str) -> Image:
    """Return a reference in full: what names no registry is of Docker Hub."""
    named, _, digest = text.strip().partition("@")
    folder, slash, last = named.rpartition("/")
    last, _, tag = last.partition(":")
    name = f"{folder}{slash}{last}"
    registry, slash, rest = name.partition("/")
    if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
        registry, rest = _HUB, name if slash else f"library/{name}"
    return Image(f"{_HUB if registry == 'index.docker.io' else registry}/{rest}", tag, digest)


def is_from(one: Image, place: str) -> bool:
    """Return whether an image comes from a registry, or a folder of one: whole steps, not letters.

    `*` in a place stands for one label of a registry that has one in each region: no dot, no step.
    """
    if "*" in place:
        like = re.escape(place.rstrip("/")).replace(r"\*", "[a-z0-9-]+")
        return bool(re.fullmatch(rf"{like}(?:/.*)?", one.name))
    return one.name == place or one.name.startswith(f"{place.rstrip('/')}/")
