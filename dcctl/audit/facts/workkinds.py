"""Kinds of objects that make pods, by API group: whoever may create one may run anything."""

from __future__ import annotations

from typing import Final

MAKE_PODS: Final[dict[str, tuple[str, ...]]] = {
    "": ("pods", "replicationcontrollers"),
    "apps": ("deployments", "statefulsets", "daemonsets", "replicasets"),
    "batch": ("jobs", "cronjobs"),
    "batch.volcano.sh": ("jobs",),
    "jobset.x-k8s.io": ("jobsets",),
    "kubeflow.org": ("pytorchjobs", "tfjobs", "jaxjobs", "xgboostjobs", "paddlejobs", "mpijobs"),
    "trainer.kubeflow.org": ("trainjobs",),
    "leaderworkerset.x-k8s.io": ("leaderworkersets",),
    "ray.io": ("rayclusters", "rayjobs", "rayservices"),
}
