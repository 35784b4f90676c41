"""What a pod belongs to, as PromQL: its real owner where kube-state-metrics tells it, else by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.history import promql as q
from dcctl.assess.history import signals as s

if TYPE_CHECKING:
    from dcctl.assess.history.signals import Found


class _Between(NamedTuple):
    """What stands between a pod and its workload."""

    kind: str
    metric: str
    """Tells who owns it."""
    label: str
    """Its name in that metric."""
    made_up: str
    """The end of its name where somebody owns it, for when nobody tells."""


_BETWEEN = (
    _Between("ReplicaSet", s.REPLICASET_OWNER, "replicaset", f"(.+?)(?:-{q.CHANCE}{{6,10}})?"),
    _Between("Job", s.JOB_OWNER, "job_name", "(.+?)(?:-[0-9]{8,})?"),
)
_LOOKED_PAST = "DaemonSet|Node|" + "|".join(one.kind for one in _BETWEEN)
"""Kinds that are no workload of accelerators, or have something above them."""


def by_workload(found: Found, expression: str, present: str, step_s: int) -> str:
    """Return an expression about holders with the label `workload`."""
    if not _told(found):
        return q.workload(found, expression)
    pair = f"{found.team}, {found.holder}"
    holders = f"group by ({pair}) ({q.over(found, present, step_s, 'count_over_time', owned=True)})"
    known = f"({_owner(found, step_s)} or on ({pair}) {q.workload(found, holders)})"
    return f"({expression}) * on ({pair}) group_left (workload) {known}"


def told_by(found: Found, present: str, step_s: int) -> str | None:
    """Return a query for how many accelerators are held by pods whose owner is known, and how many by others.

    None: all by others.
    """
    if not _told(found):
        return None
    pair, each = f"{found.team}, {found.holder}", f"{found.team}, {found.holder}, {q.board(found)}"
    holders = f"group by ({each}) ({q.over(found, present, step_s, 'count_over_time', owned=True)})"
    known = _owner(found, step_s)
    terms = (
        f'label_replace(count({holders} {word} on ({pair}) {known}), "by", "{by}", "__name__", "")'
        for word, by in (("and", "owner"), ("unless", "name"))
    )
    return " or ".join(terms)


def _told(found: Found) -> bool:
    return found.owned and found.has(s.POD_OWNER)


def _owner(found: Found, step_s: int) -> str:
    """1 for each pod whose controller is known, with `workload` and the labels of a holder."""
    terms = [_through(found, one, step_s) for one in _BETWEEN]
    direct = _controller(found, s.POD_OWNER, "pod", step_s, f'owner_kind!~"{_LOOKED_PAST}"')
    terms.append(_named(direct, "(.+)"))
    known = f"({' or on (namespace, pod) '.join(terms)})"
    for label, spelled in ((found.team, "namespace"), (found.holder, "pod")):
        if label != spelled:
            known = f'label_replace({known}, "{label}", "$1", "{spelled}", "(.+)")'
    return f"max by ({found.team}, {found.holder}, workload) ({known})"


def _through(found: Found, between: _Between, step_s: int) -> str:
    """Pods of a ReplicaSet belong to its Deployment, those of a Job to its CronJob, if it has one."""
    pods = _controller(found, s.POD_OWNER, "pod", step_s, f'owner_kind="{between.kind}"')
    if not found.has(between.metric):
        return _named(pods, between.made_up)
    above = _named(_controller(found, between.metric, between.label, step_s), "(.+)")
    keyed = f'label_replace({pods}, "{between.label}", "$1", "owner_name", "(.+)")'
    joined = f"{keyed} * on (namespace, {between.label}) group_left (workload) {above}"
    return f"({joined} or on (namespace, pod) {_named(pods, '(.+)')})"


def _controller(found: Found, metric: str, label: str, step_s: int, *more: str) -> str:
    """The controller of each thing: one, though two exporters tell it, or it changed within a step."""
    told = f"max_over_time({metric}{q.matching(found, _CONTROLS, *more)}[{step_s}s])"
    return f"topk by (namespace, {label}) (1, max by (namespace, {label}, owner_name) ({told}))"


_CONTROLS = 'owner_is_controller="true"'


def _named(expression: str, pattern: str) -> str:
    return f'label_replace({expression}, "workload", "$1", "owner_name", "{pattern}")'
