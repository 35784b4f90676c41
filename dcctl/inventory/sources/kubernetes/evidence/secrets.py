"""Secrets: their metadata alone. What a Secret is, the server tells by a selector of its type."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  # msgspec resolves annotations at run time
from functools import partial
from typing import TYPE_CHECKING, Literal

from msgspec import field

from dcctl.inventory.evidence.secrets import SecretNote
from dcctl.inventory.sources.kubernetes.evidence.row import Row
from dcctl.inventory.sources.kubernetes.listed import Listed
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator


class Notes(Wire):
    """The annotation of a token that names its account."""

    account: str = field(default="", name="kubernetes.io/service-account.name")


class Marks(Wire):
    """The label of a token that has the day of its last use."""

    used_on: str = field(default="", name="kubernetes.io/legacy-token-last-used")


class SecretMeta(Wire):
    """Metadata of a Secret; `kubectl apply` leaves its data in an annotation, which is skipped unread."""

    name: str = ""
    namespace: str = ""
    creation_timestamp: datetime | None = None
    annotations: Notes | None = None
    labels: Marks | None = None


class SecretWire(Wire):
    """A Secret of which no data is asked for, and none is decoded."""

    metadata: SecretMeta = field(default_factory=SecretMeta)


def note(item: SecretWire, cluster: str, *, kind: Literal["token", "pull"]) -> Iterator[SecretNote]:
    """Yield what is known of a Secret."""
    meta = item.metadata
    yield SecretNote(
        cluster=cluster,
        namespace=meta.namespace,
        name=meta.name,
        kind=kind,
        account=meta.annotations.account if meta.annotations else "",
        made_at_s=int(meta.creation_timestamp.timestamp()) if meta.creation_timestamp else None,
        used_on=meta.labels.used_on if meta.labels else "",
    )


_SECRETS = Listed("", ("v1",), "secrets", "lasting tokens and pull secrets, by metadata", metadata_only=True)


def _of(kind: Literal["token", "pull"], type_: str) -> Row:
    """Secrets of a type. Who may list them may read them: RBAC has no right to metadata alone."""
    query = {"fieldSelector": f"type={type_}"}
    return Row(_SECRETS, SecretWire, ("secrets",), partial(note, kind=kind), query=query, asked_for=True)


ROWS = (
    _of("token", "kubernetes.io/service-account-token"),
    _of("pull", "kubernetes.io/dockerconfigjson"),
    _of("pull", "kubernetes.io/dockercfg"),
)
