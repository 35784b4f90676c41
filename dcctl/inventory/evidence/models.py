"""Models and data as files and as entries of an inventory."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class ModelFile(Subject, frozen=True, kw_only=True):
    """A file of a model, by its bytes; nothing of it is ever run."""

    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"ModelFile/{self.name}"


class ModelFolder(Subject, frozen=True, kw_only=True):
    """A folder that holds a model."""

    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"ModelFolder/{self.name}"


class DataSet(Subject, frozen=True, kw_only=True):
    """A data set and who answers for it."""

    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"DataSet/{self.name}"
