"""What the table [context.NAME.drain] may say: how a site takes nodes out of service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

from dcctl.config import unknown, wrong

if TYPE_CHECKING:
    from dcctl.settings import Context


class DrainSpec(Struct, frozen=True, kw_only=True):
    """The keys of [context.NAME.drain]."""

    policy: str | None = None
    """A YAML file: what holds for which work."""
    demand_reason: bool = False
    """Nothing is planned without --reason."""
    max_unavailable: Annotated[int, Meta(ge=1)] | None = None
    """Where --max-unavailable is not given."""
    windows: tuple[str, ...] = ()
    """Where --window is not given."""
    protected: tuple[str, ...] = ()
    """Node sets that are never drained."""


def drain_of(context: Context | None) -> DrainSpec:
    """Return what a context says of drains. UsageError names the file, the table and the wrong key."""
    if context is None:
        return DrainSpec()
    where = f"{context.origin}: context.{context.name}.drain"
    unknown(context.drain, DrainSpec.__struct_fields__, where)
    try:
        return msgspec.convert(dict(context.drain), DrainSpec)
    except msgspec.ValidationError as error:
        raise wrong(where, str(error)) from error
