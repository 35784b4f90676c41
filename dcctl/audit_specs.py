"""What the table [context.NAME.audit] may say: files, the key, the schedule, and the site's policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

from dcctl.audit.days import Day  # noqa: TC001  # msgspec reads it
from dcctl.audit.policy import Policy
from dcctl.config import unknown, wrong

if TYPE_CHECKING:
    from dcctl.settings import Context


class AuditSpec(Struct, frozen=True, kw_only=True):
    """The keys of [context.NAME.audit] that are no table of the policy."""

    waivers: str | None = None
    """A YAML file."""
    checks: str | None = None
    """A YAML file of the site's own checks."""
    key: str | None = None
    """The file of the key that signs the history."""
    former_keys: tuple[Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")], ...] = ()
    """Public keys that signed the history before this one."""
    ping: str | None = None
    """A URL of this host or site that is told of every run, as healthchecks.io understands it."""
    digest: Day | None = None
    """On that day of the week `--cron` tells how things stand, be anything new or not."""
    every: Annotated[str, Meta(pattern=r"^[1-9]\d{0,4}[mhd]$")] | None = None
    """How often an audit is due: `24h`."""

    def file(self, name: str) -> Path | None:
        """Return the path that a key names, `~` being the home."""
        value = getattr(self, name)
        return Path(value).expanduser() if value else None


def audit_of(context: Context | None) -> tuple[AuditSpec, Policy]:
    """Return what a context says of audits. UsageError names the file, the table and the wrong key."""
    if context is None:
        return AuditSpec(), Policy()
    where = f"{context.origin}: context.{context.name}.audit"
    topics = set(Policy.__struct_fields__)
    unknown(context.audit, {*AuditSpec.__struct_fields__, *topics}, where)
    own = {key: value for key, value in context.audit.items() if key not in topics}
    policy = {key: value for key, value in context.audit.items() if key in topics}
    try:
        return msgspec.convert(own, AuditSpec), msgspec.convert(policy, Policy)
    except msgspec.ValidationError as error:
        raise wrong(where, str(error)) from error
