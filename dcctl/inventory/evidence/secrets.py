"""Secrets by their metadata alone, and certificates."""

from typing import Literal

from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.model import Moment


class SecretNote(Subject, frozen=True, kw_only=True):
    """Metadata of a Secret; its data is never read."""

    cluster: str = ""
    namespace: str
    name: str
    kind: Literal["token", "pull"]
    """A lasting token of a service account, or what opens a registry; others are not looked at."""
    account: str = ""
    """The service account whose token it is."""
    made_at_s: Moment | None = None
    used_on: str = ""
    """The day on which a token was last used, as the API server notes it."""

    @property
    def key(self) -> str:
        """`nlp/Secret/ci-token`."""
        return f"{self.namespace}/Secret/{self.name}"


class Certificate(Subject, frozen=True, kw_only=True):
    """A certificate that somebody shows or stores; keys are never read."""

    cluster: str = ""
    node: str = ""
    name: str
    """Where it is: `/etc/kubernetes/pki/apiserver.crt`, `ValidatingWebhook/…`, `API server`."""
    ends_at_s: Moment | None = None
    common_name: str = ""
    organizations: tuple[str, ...] = ()
    """Of one that a client shows, the groups of its user."""

    @property
    def key(self) -> str:
        """`cp-1/Certificate/apiserver.crt`, `Certificate/API server`."""
        return f"{self.node}/Certificate/{self.name}" if self.node else f"Certificate/{self.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Its node, where it is a file of one."""
        return (self.node,) if self.node else ()
