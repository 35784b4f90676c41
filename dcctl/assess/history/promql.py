"""PromQL made of parts: labels of every spelling become one, pods that follow each other share time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dcctl.assess.history import signals as s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcctl.assess.history.signals import Found, Signal

_INSTANCE = "([^:]+)(?::[0-9]+)?"
CHANCE = "[bcdfghjklmnpqrstvwxz2456789]"
"""What Kubernetes makes names of that are left to chance: no vowels, and no digits that look like letters."""
_PARTS = f"(.+?)(?:-{CHANCE}{{6,10}})?(?:-{CHANCE}{{5}}|-[0-9]+)+"
"""The name of a pod: that of its workload, the hash of a template, an index or a random end."""
_EXPORTER = ".*dcgm-exporter.*"
"""A pod that holds nothing: where `pod` is a label of the scrape, it names the exporter's own."""


def matching(found: Found, *more: str) -> str:
    """Return label matchers in braces."""
    stated = [f'{name}="{_quoted(value)}"' for name, value in found.matchers]
    inner = ",".join([*stated, *filter(None, more)])
    return f"{{{inner}}}" if inner else ""


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def one_of(jobs: Sequence[str]) -> str:
    """Return a quoted regular expression for exactly these words."""
    return _quoted("|".join(re.escape(job) for job in jobs))


def board(found: Found) -> str:
    """Return what tells accelerators apart: the UUID, since each pod begins a new series, and the slice."""
    return "UUID, GPU_I_ID" if found.sliced else "UUID"


def boards(found: Found, expression: Callable[[str], str], *, owned: bool = False) -> str:
    """Return an expression about accelerators with the labels `found.host`, `found.team` and `found.holder`.

    `expression` makes it from label matchers. `owned`: only of those that somebody holds. No label is taken
    away: two series that differ in it alone would become one, which Prometheus refuses. Where all series have
    one spelling, that is used as it is: renaming labels is the dearest part of a query.
    """
    plain, exported = (HELD[prefix] if owned else () for prefix in ("", "exported_"))
    if not found.exported_jobs:
        return _host(found, of_nodes(found, expression, *plain))
    if not found.plain_jobs:
        return _host(found, of_nodes(found, expression, *exported))
    only, others = (f'job=~"{one_of(jobs)}"' for jobs in (found.exported_jobs, found.plain_jobs))
    theirs = _owner(of_nodes(found, expression, only, *exported), "exported_")
    ours = _owner(of_nodes(found, expression, others, *plain), "")
    return _host(found, f"({theirs} or {ours})")


def of_nodes(found: Found, expression: Callable[[str], str], *more: str) -> str:
    """Return an expression about accelerators of the nodes looked at, in every spelling of their label."""
    names = one_of(found.nodes.names)
    if not found.nodes:
        ways: list[tuple[str, ...]] = [()]
    elif found.nodes.left_out:
        ways = [tuple(f'{label}!~"{names}"' for label in found.spellings)]
    else:
        ways = [(f'{label}=~"{names}"',) for label in found.spellings]
    terms = [expression(matching(found, *more, *way)) for way in ways]
    return terms[0] if len(terms) == 1 else f"({' or '.join(terms)})"


def of_node(found: Found, label: str) -> tuple[str, ...]:
    """Return matchers for series of other exporters: one label names the node, perhaps with a port."""
    if not found.nodes:
        return ()
    names = f"({one_of(found.nodes.names)})(:[0-9]+)?"
    return (f'{label}!=""', f'{label}!~"{names}"') if found.nodes.left_out else (f'{label}=~"{names}"',)


_PLAIN = ('pod!=""', f'pod!~"{_EXPORTER}"')
_EXPORTED = ('exported_pod!=""',)
HELD = {"": _PLAIN, "exported_": _EXPORTED}
"""Matchers of series of accelerators that somebody holds, by how their labels begin."""


def _owner(expression: str, prefix: str) -> str:
    """Without honorLabels, what dcgm-exporter says of pods comes as `exported_pod`."""
    for label, spelled in (("team", f"{prefix}namespace"), ("holder", f"{prefix}pod")):
        expression = f'label_replace({expression}, "{label}", "$1", "{spelled}", "(.+)")'
    return expression


def _host(found: Found, expression: str) -> str:
    """dcgm-exporter renamed `Hostname` to `hostname`; here both may be."""
    if len(found.spellings) < 2:
        return expression
    return f'label_replace({expression}, "hostname", "$1", "Hostname", "(.+)")'


def workload(found: Found, expression: str) -> str:
    """Return an expression with the label `workload`: the name of the pod without what tells pods apart."""
    whole = f'label_replace({expression}, "workload", "$1", "{found.holder}", "(.+)")'
    return f'label_replace({whole}, "workload", "$1", "{found.holder}", "{_quoted(_PARTS)}")'


def owners(found: Found) -> str:
    """Return the labels of one holder of one accelerator."""
    return f"{found.host}, {board(found)}, {found.pool_label}, {found.team}, {found.holder}"


def share(found: Found, metric: str, step_s: int, *, owned: bool) -> str:
    """Return, of each step, which part an accelerator was with each holder: over all of them 1.

    A pod that ends and one that begins within a step have a series each; both together held one accelerator.
    So do pods that hold it at the same time.
    """
    return _weighed(found, metric, step_s, "count_over_time", owned=owned)


def busy(found: Found, step_s: int) -> str:
    """Return how much of each accelerator each holder used, by the first signal that it has."""
    terms = [
        _weighed(found, one.metric, step_s, "sum_over_time", owned=found.owned) + _per(one)
        for one in found.signals(s.BUSY)
    ]
    return "(" + " or ".join(terms) + ")"


def active(found: Found, step_s: int) -> str:
    """Return the most that each holder had of each accelerator in a step, by the first signal that it has."""
    terms = [
        f"max by ({owners(found)}) ({over(found, one.metric, step_s, 'max_over_time', owned=found.owned)})"
        + _per(one)
        for one in found.signals(s.ACTIVE)
    ]
    return "(" + " or ".join(terms) + ")"


def mean(found: Found, signal: Signal, step_s: int) -> str:
    """Return the mean of a signal of each accelerator over a step, whoever held it."""
    each = over(found, signal.metric, step_s, "avg_over_time")
    return f"avg by ({found.host}, {board(found)}, {found.pool_label}) ({each}){_per(signal)}"


def mean_of_first(found: Found, signals: Sequence[Signal], step_s: int) -> str:
    """Return the mean over a step of the first of these signals that each accelerator has."""
    return "(" + " or ".join(mean(found, one, step_s) for one in signals) + ")"


def with_all(found: Found, *groups: Sequence[str]) -> str:
    """Return the accelerators that have, now, a metric of each group."""
    labels = f"{found.host}, {board(found)}, {found.pool_label}"
    terms = [
        "("
        + " or ".join(f"group by ({labels}) ({boards(found, _named(metric))})" for metric in metrics)
        + ")"
        for metrics in groups
    ]
    return " and ".join(terms)


def _named(metric: str) -> Callable[[str], str]:
    return lambda matchers: f"{metric}{matchers}"


def over(found: Found, metric: str, step_s: int, function: str, *, owned: bool = False) -> str:
    """Return a function of each series of a metric over a step."""
    return boards(found, lambda labels: f"{function}({metric}{labels}[{step_s}s])", owned=owned)


def _weighed(found: Found, metric: str, step_s: int, function: str, *, owned: bool) -> str:
    part = f"sum by ({owners(found)}) ({over(found, metric, step_s, function, owned=owned)})"
    told = over(found, metric, step_s, "count_over_time")
    whole = f"sum by ({board(found)}) ({told})"
    if owned and found.shared:
        whole = f"({_shared(found, metric, step_s, told, whole)})"
    return f"{part} / on ({board(found)}) group_left () {whole}"


def _shared(found: Found, metric: str, step_s: int, told: str, whole: str) -> str:
    """What makes parts of samples of pods: two that hold an accelerator at once tell all of it twice.

    The exporter was asked as often as the longest series has samples. What an accelerator has beyond that is
    repeated, `again`; what pods have without that is the time held: parts are samples · (held - again) / held
    / (whole - again), of which the rest is the time free.
    """
    held = f"sum by ({board(found)}) ({over(found, metric, step_s, 'count_over_time', owned=True)})"
    most = f"scalar(max({told}))"
    again = f"clamp_min({whole} - {most}, 0)"
    return f"clamp_max({whole}, {most}) * {held} / clamp_min({held} - {again}, 0)"


def _per(signal: Signal) -> str:
    return f" / {signal.whole}" if signal.whole != 1 else ""


def growth(found: Found, counter: str, step_s: int) -> str:
    """Return how much a counter of each accelerator grew in a step, whoever held it, told once or more often.

    Nothing of the step in which it begins anew: that is below 0.
    """
    labels = f"{found.host}, {board(found)}, {found.pool_label}"
    now, before = (
        f"max by ({labels}) ({boards(found, lambda matchers, at=at: f'{counter}{matchers}{at}')})"  # type: ignore[misc]
        for at in ("", f" offset {step_s}s")
    )
    return f"({now} - {before} >= 0)"


def on_host(found: Found, metric: str, step_s: int) -> str:
    """Return the rate of a counter of node_exporter, by `found.host`."""
    rate = f"rate({metric}{matching(found, *of_node(found, 'instance'))}[{step_s}s])"
    named = f'label_replace({rate}, "{found.host}", "$1", "instance", "{_quoted(_INSTANCE)}")'
    return f"max by ({found.host}) ({named})"


def requested(found: Found, resource: str, phases: str) -> str:
    """Return what pods in these phases request, by namespace, pod and node: Completed ones hold nothing.

    Two replicas of kube-state-metrics tell everything twice, hence the maximum.
    """
    labels = "namespace, pod, container, node, resource"
    there = matching(found, f"resource=~{resource}", *of_node(found, "node"))
    asked = f"max by ({labels}) ({s.REQUESTS}{there})"
    phase = matching(found, f'phase=~"{phases}"')
    alive = f"max by (namespace, pod) ({s.PHASE}{phase} == 1)"
    return f"({asked} * on (namespace, pod) group_left () {alive})"


def allocatable(found: Found, resource: str) -> str:
    """Return what each node has to hand out, cordoned ones left out."""
    there = matching(found, f"resource=~{resource}", *of_node(found, "node"))
    told = f"max by (node, resource) ({s.ALLOCATABLE}{there})"
    total = f"sum by (node) ({told})"
    if not found.has(s.CORDONED):
        return total
    return f"({total} unless on (node) (max by (node) ({s.CORDONED}{matching(found)}) == 1))"


def free(found: Found, resource: str) -> str:
    """Return what no pod holds of each node."""
    total = allocatable(found, resource)
    held = f"sum by (node) ({requested(found, resource, 'Pending|Running')})"
    return f"({total} - ({held} or 0 * {total}))"
