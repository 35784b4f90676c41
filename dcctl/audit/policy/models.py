"""What a site expects of its models and its data."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

ALLOWED: Final = (
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    *(
        f"torch.{kind}Storage"
        for kind in ("Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool", "Double")
    ),
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
    "_codecs.encode",
    "datetime.datetime",
    "decimal.Decimal",
    "builtins.set",
    "__builtin__.set",
)
"""What a pickle of weights needs to import. Whatever else it asks for may run anything."""


class ModelPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit.models]."""

    imports: tuple[str, ...] = ()
    """Names that pickles may import beside those that dcctl knows, in full: `torch.Size`."""
    approved: tuple[str, ...] = ()
    """SHA-256 of files that somebody has read: their code may run."""
    owners: tuple[str, ...] = ()
    """Users that may own models; none: anybody."""
    manifest: bool = True
    """Each model in a store that is served from has a manifest of checksums."""
    wipe_record: bool = False
    """Epilogs tell when they wiped."""
