"""Whether a StatefulSet makes its pods from the template that they were made from."""

from __future__ import annotations

import msgspec
import pytest

from dcctl.inventory.sources.kubernetes.owners import Parents
from dcctl.inventory.sources.kubernetes.statefulsets import SetObject, StatefulSets

OLD, NEW = "od-6bf7c9", "od-77d5f4"


def sets(spec: dict[str, object], current: str = OLD, update: str = NEW) -> StatefulSets:
    found = StatefulSets(Parents())
    status = {"currentRevision": current, "updateRevision": update}
    found.add([msgspec.convert({"metadata": {"uid": "s"}, "spec": spec, "status": status}, SetObject)])
    return found


@pytest.mark.parametrize("strategy", [{"type": "OnDelete"}, {"type": "RollingUpdate", "rollingUpdate": {}}])
def test_a_pod_of_the_old_revision_is_made_from_the_new_one(strategy: dict[str, object]) -> None:
    found = sets({"updateStrategy": strategy})
    assert found.changed("s", "od-0", OLD)
    assert not found.changed("s", "od-0", NEW)


@pytest.mark.parametrize(
    ("pod", "revision", "is_changed"),
    [
        ("od-2", OLD, False),
        ("od-2", NEW, True),
        ("od-3", OLD, True),
        ("od-3", NEW, False),
    ],
)
def test_pods_below_the_partition_stay_as_they_are(pod: str, revision: str, *, is_changed: bool) -> None:
    update = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    found = sets({"updateStrategy": update, "ordinals": {"start": 1}})
    assert found.changed("s", pod, revision) == is_changed


@pytest.mark.parametrize(
    ("uid", "pod", "revision"), [("x", "od-0", OLD), ("s", "od", OLD), ("s", "od-0", None)]
)
def test_what_nobody_tells_is_no_change(uid: str, pod: str, revision: str | None) -> None:
    assert not sets({}).changed(uid, pod, revision)
    assert not sets({}, "", "").changed("s", "od-0", OLD)
