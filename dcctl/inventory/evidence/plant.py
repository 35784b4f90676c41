"""Power and cooling of a site."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class Plant(Subject, frozen=True, kw_only=True):
    """A UPS, a PDU, a rack or a site, with its readings."""

    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Plant/{self.name}"
