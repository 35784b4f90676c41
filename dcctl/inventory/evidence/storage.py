"""Storage, backups and exports."""

from __future__ import annotations

from msgspec import field

from dcctl.inventory.evidence.base import Subject


class StorageClass(Subject, frozen=True, kw_only=True):
    """A StorageClass."""

    cluster: str = ""
    name: str
    provisioner: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"StorageClass/{self.name}"


class Volume(Subject, frozen=True, kw_only=True):
    """A PersistentVolume."""

    cluster: str = ""
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Volume/{self.name}"


class Claim(Subject, frozen=True, kw_only=True):
    """A PersistentVolumeClaim."""

    cluster: str = ""
    namespace: str
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.namespace}/Claim/{self.name}"


class Backup(Subject, frozen=True, kw_only=True):
    """What is backed up, by whom, and how its last copies fared."""

    cluster: str = ""
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Backup/{self.name}"


class Bucket(Subject, frozen=True, kw_only=True):
    """An object store bucket."""

    cluster: str = ""
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Bucket/{self.name}"


class Filesystem(Subject, frozen=True, kw_only=True):
    """A shared file system."""

    cluster: str = ""
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Filesystem/{self.name}"


class Export(Subject, frozen=True, kw_only=True):
    """An NFS or Lustre export."""

    cluster: str = ""
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Export/{self.name}"
