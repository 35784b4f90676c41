"""Volumes, claims and Velero's objects as servers write them, read into evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
import pytest
import yaml

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.checks import secrets as checks
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.storage import Backup, Bucket, Claim, Copy, StorageClass, Volume
from dcctl.inventory.sources.kubernetes.evidence import storage
from dcctl.inventory.sources.kubernetes.evidence.storage import ROWS

if TYPE_CHECKING:
    from dcctl.inventory.evidence.base import Subject

S = TypeVar("S", bound="Subject")


def read(plural: str, text: str, of: type[S]) -> list[S]:
    row = next(each for each in ROWS if each.listed.plural == plural)
    assert row.parse is not None
    item = msgspec.json.decode(msgspec.json.encode(yaml.safe_load(text)), type=row.of)
    return [one for one in row.parse(item, "prod") if isinstance(one, of)]


VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pvc-7f3a
  creationTimestamp: "2025-01-01T00:00:00Z"
  annotations: {pv.kubernetes.io/provisioned-by: rbd.csi.ceph.com}
  finalizers: [kubernetes.io/pv-protection]
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 2Ti}
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, name: data, namespace: nlp, uid: u}
  csi: {driver: rbd.csi.ceph.com, volumeHandle: 0001-0009}
  persistentVolumeReclaimPolicy: Retain
  storageClassName: rbd
status: {phase: Released, lastPhaseTransitionTime: "2025-02-01T00:00:00Z"}
"""


def test_a_volume_is_what_it_is_since_its_last_change() -> None:
    (one,) = read("persistentvolumes", VOLUME, Volume)
    assert (one.name, one.phase, one.claim, one.storage_class) == ("pvc-7f3a", "Released", "nlp/data", "rbd")
    assert (one.size_bytes, one.since_s, one.cluster) == (2 << 40, 1_738_368_000, "prod")
    older = VOLUME.replace(', lastPhaseTransitionTime: "2025-02-01T00:00:00Z"', "")
    assert read("persistentvolumes", older, Volume)[0].since_s == 1_735_689_600


@pytest.mark.parametrize(
    ("meta", "spec", "place"),
    [
        ("", "hostPath: {path: /, type: Directory}", ("/", "")),
        (
            ", annotations: {pv.kubernetes.io/provisioned-by: rancher.io/local-path, x: y}",
            "hostPath: {path: /opt/p/pvc-1}",
            ("/opt/p/pvc-1", "rancher.io/local-path"),
        ),
        ("", "local: {path: /mnt/disks/1}", ("/mnt/disks/1", "local")),
        ("", "csi: {driver: rbd.csi.ceph.com, volumeHandle: a}", ("", "")),
    ],
)
def test_a_volume_says_what_of_its_node_it_is(meta: str, spec: str, place: tuple[str, str]) -> None:
    (one,) = read("persistentvolumes", f"{{metadata: {{name: a{meta}}}, spec: {{{spec}}}}}", Volume)
    assert (one.host_path, one.made_by) == place


def test_a_claim_and_a_class() -> None:
    text = """
    metadata: {name: data, namespace: nlp, creationTimestamp: "2025-01-01T00:00:00Z"}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Gi}}, storageClassName: rbd,
      volumeMode: Filesystem, volumeName: pvc-7f3a}
    status: {phase: Bound, accessModes: [ReadWriteOnce], capacity: {storage: 10Gi}}
    """
    (one,) = read("persistentvolumeclaims", text, Claim)
    assert (one.key, one.phase, one.volume) == ("nlp/Claim/data", "Bound", "pvc-7f3a")
    assert (one.size_bytes, one.made_at_s) == (10 << 30, 1_735_689_600)
    text = "{metadata: {name: rbd}, provisioner: rbd.csi.ceph.com, parameters: {encrypted: 'true'}}"
    (kind,) = read("storageclasses", text, StorageClass)
    assert (kind.provisioner, kind.parameters) == ("rbd.csi.ceph.com", {"encrypted": "true"})


def test_parameters_of_a_class_that_may_be_secrets_are_told_by_name() -> None:
    told = (
        "csi.storage.k8s.io/secure: 'yes', adminpassword: hush, restuserkey: hush, resturl: 'http://a:hush@b'"
    )
    text = f"{{metadata: {{name: a}}, provisioner: x, parameters: {{{told}, kmsKeyId: k}}}}"
    (kind,) = read("storageclasses", text, StorageClass)
    assert kind.parameters == {
        "csi.storage.k8s.io/secure": "yes",
        "adminpassword": "-",
        "restuserkey": "-",
        "resturl": "-",
        "kmsKeyId": "k",
    }


def test_what_says_that_a_class_encrypts_is_told() -> None:
    assert {*checks._ENCRYPTED, *checks._KEYS} == storage._PARAMETERS


BACKUP = """
apiVersion: velero.io/v1
kind: Backup
metadata:
  name: daily-20250201030000
  namespace: velero
  creationTimestamp: "2025-02-01T03:00:00Z"
  labels: {velero.io/schedule-name: daily, velero.io/storage-location: s3}
spec: {storageLocation: s3, ttl: 720h0m0s, includedNamespaces: ["*"]}
status:
  completionTimestamp: "2025-02-01T03:05:00Z"
  errors: 2
  formatVersion: 1.1.0
  phase: PartiallyFailed
  progress: {itemsBackedUp: 1200, totalItems: 1210}
  startTimestamp: "2025-02-01T03:00:00Z"
  warnings: 1
"""
SCHEDULE = """
metadata: {name: daily, namespace: velero}
spec: {schedule: "0 3 * * *", paused: true, template: {storageLocation: s3, ttl: 720h0m0s}}
status: {phase: Enabled, lastBackup: "2025-02-01T03:00:00Z"}
"""
LOCATION = """
metadata: {name: s3, namespace: velero}
spec:
  provider: aws
  objectStorage: {bucket: backups, prefix: prod}
  config: {region: eu-1, s3Url: "http://minio:9000", kmsKeyId: "alias/x"}
status: {phase: Available}
"""


def test_a_backup_of_velero_is_a_copy_of_its_schedule() -> None:
    (one,) = read("backups", BACKUP, Backup)
    (plan,) = read("schedules", SCHEDULE, Backup)
    assert one.key == plan.key == "Backup/velero velero/daily"
    assert one.copies == (Copy(1_738_379_100, "partial", 2, items=1200),)
    assert (plan.copies, plan.paused, plan.target) == ((), True, "velero velero/s3")
    alone = BACKUP.replace("velero.io/schedule-name: daily, ", "")
    assert read("backups", alone, Backup)[0].name == "velero velero/by hand"


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        ("Completed", "completed"),
        ("Failed", "failed"),
        ("FailedValidation", "failed"),
        ("FinalizingPartiallyFailed", "partial"),
        ("InProgress", "running"),
        ("WaitingForPluginOperations", "running"),
        ("Finalizing", "running"),
    ],
)
def test_phases_of_velero(phase: str, state: str) -> None:
    (one,) = read("backups", BACKUP.replace("PartiallyFailed", phase), Backup)
    assert one.copies
    assert one.copies[0].state == state


def test_a_backup_that_is_being_deleted_is_none() -> None:
    assert read("backups", BACKUP.replace("PartiallyFailed", "Deleting"), Backup) == []


def test_a_location_tells_of_its_bucket() -> None:
    (one,) = read("backupstoragelocations", LOCATION, Bucket)
    assert (one.name, one.aliases, one.region) == ("backups", ("velero velero/s3",), "eu-1")
    assert (one.encryption, one.tls_only, one.lock) == ("aws:kms", False, None)


def test_all_parts_of_velero_are_one_backup() -> None:
    evidence = Evidence(
        backups=(*read("schedules", SCHEDULE, Backup), *read("backups", BACKUP, Backup)),
        buckets=tuple(read("backupstoragelocations", LOCATION, Bucket)),
    )
    checks = [CATALOGUE[name] for name in ("STO-01", "STO-02", "STO-03", "MOD-07")]
    found = [(one.check.id, one.subject, one.where) for one in failures(evaluate(Scene(evidence, 0), checks))]
    assert found == [
        ("STO-01", "prod:Backup/velero velero/daily", "copies"),
        ("STO-02", "prod:Backup/velero velero/daily", "errors"),
        ("MOD-07", "prod:Bucket/backups", "tls"),
    ]
