"""Where the work of the demo fleet may stand, and why some of it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.demo.hardware import TRAIN, host
from dcctl.inventory.demo.machines import HOSTNAME, KIND, RACK, kinds, taints
from dcctl.inventory.demo.work import DAEMONS, PLAIN, QUEUED, SERVING, TRAINING
from dcctl.inventory.placement import Neighbours, Selector, Spread, Template, Toleration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dcctl.inventory.demo.hardware import Kind


def by_work() -> dict[str, Template]:
    """The template of each workload, by its id."""
    kind_of = kinds()
    found = {
        job.id: _on(kind_of[host(job.prefix, job.where[0])], replace(_own(job.id), priority=job.priority))
        for job in (*TRAINING, *SERVING)
    }
    found |= {id_: replace(_own(id_), tolerations=(_EVERY_TAINT,)) for id_, *_ in DAEMONS}
    found |= {id_: _tolerant(kind_of[host("gpu", where[0])], _own(id_)) for id_, _, _, where, *_ in PLAIN}
    found |= {id_: replace(_own(id_), priority=priority) for id_, *_, priority in QUEUED}
    return {id_: _SPECIAL.get(id_, _as_it_is)(template) for id_, template in found.items()}


_EVERY_TAINT = Toleration(operator="Exists")


def _own(id_: str) -> Template:
    namespace, name = id_.split("/")
    return Template(namespace=namespace, labels={"app": name})


def _on(kind: Kind, template: Template) -> Template:
    """On nodes of this kind only."""
    return replace(_tolerant(kind, template), node_selector={KIND: kind.name})


def _tolerant(kind: Kind, template: Template) -> Template:
    """Allowed on the nodes of this kind's pool."""
    own = tuple(Toleration(taint.key, "Equal", taint.value, taint.effect) for taint in taints(kind))
    return replace(template, tolerations=own)


def _as_it_is(template: Template) -> Template:
    return template


def _apart(template: Template) -> Template:
    """One on each node."""
    others = Neighbours(HOSTNAME, Selector(template.labels), apart=True)
    return replace(template, neighbours=(others,))


def _near(template: Template) -> Template:
    """In few racks, as far as possible."""
    return replace(template, neighbours=(Neighbours(RACK, Selector(template.labels), weight=100),))


def _spread(key: str) -> Callable[[Template], Template]:
    return lambda template: replace(template, spreads=(Spread(key, Selector(template.labels)),))


def _gated(template: Template) -> Template:
    """It waits for an answer of its owner's, not for room."""
    return replace(template, gates=("chat.example.com/budget-approved",))


def _without_toleration(template: Template) -> Template:
    """It selects the nodes of the training pool and does not tolerate their taint: it would wait for ever."""
    return replace(_on(TRAIN, template), tolerations=())


def _too_large(template: Template) -> Template:
    """It may stand on the training pool, where too few nodes are free."""
    return _on(TRAIN, template)


_SPECIAL: Mapping[str, Callable[[Template], Template]] = {
    "pretrain/llama-70b": _near,
    "chat/llama-405b": _apart,
    "search/embed-v2": _spread(HOSTNAME),
    "ingress/gateway": _spread(RACK),
    "moe/moe-pilot": _too_large,
    "chat/draft-model": _gated,
    "bio/dock-grid": _without_toleration,
}
