"""Of one thing that several sources tell of: what was read counts, what is declared fills in."""

from __future__ import annotations

from dcctl.audit.facts.stored import joined
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.storage import Backup, Bucket, Copy


def test_what_was_read_counts_also_where_it_is_that_there_is_none() -> None:
    read = Bucket(name="raw", encryption="", anonymous=(), versioned=False, lock="")
    declared = Bucket(name="raw", encryption="aws:kms", anonymous=("x",), versioned=True, lock="COMPLIANCE")
    (one,) = joined((read, declared))
    assert (one.encryption, one.anonymous, one.versioned, one.lock) == ("", (), False, "")


def test_backups_of_which_a_tool_found_none_are_none_whatever_is_declared() -> None:
    (one,) = joined((Backup(name="etcd", tool="etcd", copies=()), Backup(name="etcd", copies=(Copy(7),))))
    assert (one.tool, one.copies) == ("etcd", ())


def test_what_nobody_read_is_as_declared() -> None:
    read = Bucket(name="raw", silent={"region": Silence("AccessDenied", "denied")})
    (one,) = joined((read, Bucket(name="raw", region="eu", aliases=("a",))))
    assert (one.region, one.aliases, one.silent) == ("eu", ("a",), {})
    (plan,) = joined((Backup(name="x"), Backup(name="x", tool="restic", paused=True, target="s3:b")))
    assert (plan.tool, plan.paused, plan.target) == ("restic", True, "s3:b")
