"""Data: who answers for it, where it may be and is, who can fetch it, and what tenants leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.facts.stored import bucket_of
from dcctl.audit.facts.telling import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.models import DataSet, Scratch
    from dcctl.inventory.evidence.storage import Bucket


@check(
    "MOD-07",
    "Bucket is public, or takes what comes without TLS",
    "critical",
    tier="B",
    over="stores",
    refs=("dcctl:public-bucket", "800-53:AC-3", "soc2:C1.1", "iso:A.8.3", "mlps:8.1.4.2"),
    why="Names of buckets are guessed by the million; what is public is copied within hours.",
    fix="Block public access, remove the statement or grant, deny requests with aws:SecureTransport false.",
)
def public(one: Bucket, _scene: Scene) -> Iterator[Fault]:
    """Nobody without a name has rights, and nothing goes over the wire in the clear."""
    for each in one.anonymous or ():
        yield Fault(f"everybody is let in by {each}", each)
    if one.tls_only is False:
        yield Fault("takes requests that are not encrypted", "tls", "high")
    elif not one.anonymous and None in (one.anonymous, one.tls_only):
        name = "anonymous" if one.anonymous is None else "tls_only"
        why = one.silent.get(name)
        raise Unsure(why.reason if why else "nobody told who may use it, and how")


@check(
    "MOD-08",
    "Data set lacks an owner, a class, a retention or a legal basis",
    "medium",
    tier="M",
    over="datasets",
    refs=("dcctl:data-tags", "iso:A.5.12", "soc2:C1.1", "mlps:8.1.4.11"),
    why="Data that nobody answers for is never deleted, and nobody can say whether it may be used at all.",
    fix="Ask who brought it, and write the missing entries into the inventory of data sets.",
)
def untagged(one: DataSet, _scene: Scene) -> Iterator[Fault]:
    """The inventory names what has to be known of it; of personal data also for what, how long and where."""
    personal = one.personal is not False
    asked = (
        ("classification", one.classification),
        ("owner", one.owner),
        ("personal", one.personal is not None),
        ("legal_basis", one.legal_basis),
        ("retention_s", one.retention_s is not None),
        ("purpose", one.purpose or not personal),
        ("regions", one.regions or not personal),
    )
    for name, told in asked:
        if not told:
            yield Fault(f"the inventory has no {name}", name)


def _not_personal(one: DataSet, _scene: Scene) -> str:
    return "data sets without personal data" if one.personal is False else ""


def _regions(scene: Scene, bucket: Bucket | None) -> list[str | None]:
    """Where a bucket is and is copied to; None among them: of one of these nobody told."""
    if bucket is None or (bucket.replicas is None and bucket.copied_to is None):
        return [bucket.region if bucket else None, None]
    copies = [bucket_of(scene, name) for name in bucket.copied_to or ()]
    return [bucket.region, *(bucket.replicas or ()), *(each.region if each else None for each in copies)]


@check(
    "MOD-09",
    "Personal data is outside of the regions that were declared",
    "high",
    tier=("B", "L"),
    over="datasets",
    needs=("personal",),
    refs=("dcctl:data-region", "soc2:C1.1", "iso:A.5.34", "mlps:8.1.4.11"),
    why="What left its region once cannot be called back, and has to be told to whoever it is about.",
    fix="Stop the replication, delete the copies there, and ask who answers for data protection.",
    applies=_not_personal,
)
def abroad(one: DataSet, scene: Scene) -> Iterator[Fault]:
    """Every region in which a copy of it is, is one of those that are declared."""
    if not one.regions:
        raise Unsure("the inventory declares no regions")
    buckets = {name: bucket_of(scene, name) for name in one.buckets}
    places = [(region, "the inventory") for region in one.kept_in or ()]
    for name, bucket in buckets.items():
        places += [(region, name) for region in _regions(scene, bucket) if region]
    away = {region: by for region, by in places if region not in one.regions}
    for region, by in away.items():
        yield Fault(f"is in {region} ({by}), and may be in {some(one.regions)}", region)
    unknown = [name for name, bucket in buckets.items() if None in _regions(scene, bucket)]
    if unknown and not away:
        raise Unsure(f"nobody told where {some(unknown)} is, or is copied to")
    if not places:
        raise Unsure("nobody told where it is")


@check(
    "MOD-10",
    "Scratch folder has files of a tenant who is gone",
    "high",
    tier=("L", "S"),
    over="scratches",
    needs=("leftovers",),
    refs=("dcctl:scratch", "800-53:SC-4", "soc2:C1.2", "iso:A.8.10", "mlps:8.1.4.10"),
    why="The next tenant of the node reads the data, the checkpoints and the tokens of the one before.",
    fix="Wipe it in the epilog of each job (or give each a file system of its own), and log that.",
)
def unwiped(one: Scratch, scene: Scene) -> Iterator[Fault]:
    """Whoever has files there runs something on the node; where epilogs tell when they wiped, they did."""
    for each in one.leftovers or ():
        yield Fault(f"{each.user} runs nothing there and has {each.files:,} files", each.user)
    if not scene.policy.models.wipe_record:
        return
    if one.wiped_at_s is None and not one.leftovers:
        why = one.silent.get("wiped_at_s")
        raise Unsure(why.reason if why else "nobody told when it was last wiped")
    if one.wiped_at_s == 0:
        yield Fault("no epilog ever told that it wiped it", "wipe")
