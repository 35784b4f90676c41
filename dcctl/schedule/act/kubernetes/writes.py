"""All writes of one run on a Kubernetes cluster, and the wait until its pods stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import DcctlError
from dcctl.inventory.sources.http.failure import Failure
from dcctl.schedule.act.kubernetes.carrier import Carrier, Foreign
from dcctl.schedule.act.kubernetes.lift import lift_all
from dcctl.schedule.backends import Step
from dcctl.schedule.kubernetes import Places
from dcctl.schedule.manifests import gated, marked

if TYPE_CHECKING:
    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.schedule.act.kubernetes.ready import Ready
    from dcctl.schedule.backends import Run


def written(objects: Objects, ready: Ready, run: Run) -> tuple[Step, ...]:
    """Everything was made, placed and bound; returns where it stands.

    KeyboardInterrupt between two writes. DcctlError: a write failed, or the time is over.
    """
    carrier = Carrier(objects, run)
    works = _remembered(carrier, ready)
    try:
        _write(carrier, ready)
        settled = carrier.settle(works, len(ready.new) + len(ready.there))
        if settled:
            run.left.extend(lift_all(objects, run, [work.object for work in ready.works]))
    except (Failure, Foreign) as error:
        raise DcctlError(str(error)) from error
    if not settled:
        told = sorted(filter(None, carrier.waits.values()))
        raise DcctlError("the time is over", told[0] if told else "")
    return _stood(carrier, ready)


def _remembered(carrier: Carrier, ready: Ready) -> dict[str, Places]:
    """The places by object, without those that pods were given, or about to be given, before a crash."""
    works = {work.object.id: Places(work.places) for work in ready.works}
    there = {(one.place.job, one.place.member): one.place for one in (*ready.gated, *ready.free)}
    for step, entry in carrier.run.journal.steps.items():
        verb, _, rest = step.partition(" ")
        if verb not in ("place", "bind") or entry.state == "failed":
            continue
        key, uid = (entry.data["job"], entry.data["member"]), rest.rpartition(" ")[2]
        taken = (places.take_member(*key) for places in works.values())
        known = there.get(key) if entry.state == "done" else None
        place = known or next((one for one in taken if one is not None), None)
        if place is not None:
            carrier.held[uid] = place
    return works


def _write(carrier: Carrier, ready: Ready) -> None:
    carrier.run.progress.start(len(ready.others) + len(ready.works), "creating")
    for one in ready.others:
        carrier.create(one, marked(one, ready.run), may_exist=True)
    for work in ready.works:
        carrier.create(work.object, gated(work.object, ready.run))
    for found in ready.gated:
        if found.pod.metadata.uid not in carrier.held:
            carrier.place(*found, there=True)
    for found in ready.free:
        carrier.bind(found)


def _stood(carrier: Carrier, ready: Ready) -> tuple[Step, ...]:
    """Where everything stands, by object."""
    stands = carrier.run.stands
    on = {
        (place.job, place.member): stands[uid] == place.node
        for uid, place in carrier.held.items()
        if uid in stands
    }

    def counted(step: Step) -> Step:
        known = [on[one.job, one.member] for one in step.places if (one.job, one.member) in on]
        return step._replace(stands=sum(known), elsewhere=len(known) - sum(known))

    steps = carrier.run.journal.steps
    kept = {step for step, entry in steps.items() if entry.data.get("kept")}
    others = [Step("keep" if f"create {one.title}" in kept else "create", one.title) for one in ready.others]
    works = [Step("create", work.object.title, work.places) for work in ready.works]
    return tuple(counted(one) for one in (*others, *works, *ready.pod_steps()))
