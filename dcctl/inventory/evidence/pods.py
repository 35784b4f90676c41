"""Pods by who owns them, with what their containers may do."""

from msgspec import field

from dcctl.inventory.evidence.base import Subject


class Work(Subject, frozen=True, kw_only=True):
    """A workload: an owner with the template of its pods, or of what will make them."""

    cluster: str = ""
    namespace: str
    name: str
    account: str = "default"
    """The service account that its pods run as."""
    automount: bool | None = None
    """Whether they mount its token; None: as the account says."""
    images: dict[str, str] = field(default_factory=dict)
    """By container, init and ephemeral ones too."""

    bare: tuple[str, ...] = ()
    """Containers for which no securityContext says anything, theirs or the pod's."""

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.namespace}/{self.name}"
