"""A cluster of any size as static corpora: nodes of 8 GPUs, pods of about 9 KB over nodes and teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kubeapi import corpus, objects
from tests.kubeapi.store import Record, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.kubeapi.corpus import Corpus
    from tests.kubeapi.status import Obj

TEAMS = 50
_NAME, _NODE, _TEAM, _GPUS, _RACK = "@name@", "@node@", "@team@", "@gpus@", "@rack@"
_UID = "00000000-0000-4000-8000-@uid12chars@"
_VERSION = "1000"


def node_name(index: int) -> str:
    return f"gpu-{index:05}"


def nodes(count: int, nodes_per_rack: int = 32) -> Corpus:
    """`count` ready nodes of 8 GPUs, gpu-00000 onwards, in racks r000 onwards."""
    template = objects.node(
        _NAME, gpus=8, rack=_RACK, zone="dc1a", provider_id=f"metal:///{_NAME}", bulky=True
    )

    def values(index: int) -> Sequence[str]:
        return node_name(index), f"r{index // nodes_per_rack:03}", f"{index:012x}"

    return _of(template, (_NAME, _RACK, "@uid12chars@"), values, count)


def pods(count: int, node_count: int) -> Corpus:
    """`count` running pods in 50 namespaces: pod i is on node i modulo `node_count` and asks for 0 or 1 GPU.

    The first 8 pods of a node have a GPU each, so that nodes are full and never over-full.
    """
    asked = {"cpu": "1", "memory": "4Gi", objects.GPU: _GPUS}
    template = objects.pod(
        _NAME,
        _TEAM,
        node=_NODE,
        requests=asked,
        limits={objects.GPU: _GPUS},
        owner=objects.owner(
            "ReplicaSet", "train-7c9d8f6b5", owner_uid=objects.uid("ReplicaSet", "", "train")
        ),
        bulky=True,
    )
    block = -(-count // TEAMS)

    def values(index: int) -> Sequence[str]:
        gpus = "1" if index // node_count < 8 else "0"
        name, team = f"pod-{index:07}", f"team-{index // block:02}"
        return name, node_name(index % node_count), team, gpus, f"{index:012x}"

    return _of(template, (_NAME, _NODE, _TEAM, _GPUS, "@uid12chars@"), values, count)


def _of(template: Obj, marks: Sequence[str], values: Callable[[int], Sequence[str]], count: int) -> Corpus:
    meta = {**template["metadata"], "uid": _UID, "resourceVersion": _VERSION}
    text = Record(0, {**template, "metadata": meta}, custom=False).item
    found = [mark.encode() for mark in marks]
    return corpus.of_template(text, found, lambda index: [value.encode() for value in values(index)], count)


def size_of(found: Corpus) -> int:
    """Bytes of the first item."""
    return len(found.item(0)) if found.count else len(encode({}))
