"""What a site decides about what is let in."""

from __future__ import annotations

from msgspec import Struct


class Admission(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit.admission]."""

    registries: tuple[str, ...] = ()
    """Where images may come from: `registry.example.com/`, `nvcr.io/nvidia/`; empty: not decided."""
    immutable_tags: bool = False
    """The registries of the site let nobody move a tag: then it says as much as a digest."""
    default_level: str = "privileged"
    """What the API server enforces of pods where a namespace says nothing (its AdmissionConfiguration)."""
    owner_labels: tuple[str, ...] = ("owner", "team", "app.kubernetes.io/part-of")
    """A namespace has one of these, so that it is known whom to ask."""
    outside: tuple[str, ...] = ()
    """Namespaces of operators that need more than pods of tenants may have; `*` and `?` are any."""
