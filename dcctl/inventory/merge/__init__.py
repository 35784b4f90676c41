"""Several answers as one fleet: who is who, whose word counts, and where they disagree."""

from dcctl.inventory.merge.fleet import merge

__all__ = ["merge"]
