"""Namespaces and webhooks: where policies hold, and what else has a say before an object is stored."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from msgspec import field

from dcctl.inventory.evidence.admission import Matched, Namespace, Webhook
from dcctl.inventory.evidence.secrets import Certificate
from dcctl.inventory.placement import Selector as Labels
from dcctl.inventory.sources.kubernetes.budgets import (
    Selector,  # noqa: TC001  # msgspec resolves annotations at run time
)
from dcctl.inventory.sources.kubernetes.evidence.certificates import end_of
from dcctl.inventory.sources.kubernetes.evidence.row import Row
from dcctl.inventory.sources.kubernetes.listed import NAMESPACES, Listed
from dcctl.inventory.sources.kubernetes.selecting import selector
from dcctl.inventory.sources.kubernetes.types import Bare, Meta, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

_GROUP, _V1 = "admissionregistration.k8s.io", ("v1",)
_NOT_IN = re.compile(r"""namespace(?:Object\.metadata\.name)?\s*!=\s*['"]([a-z0-9-]+)['"]""")
"""The usual way in which a condition (CEL) leaves a namespace out."""


class RequestRule(Wire):
    """Operations on resources."""

    operations: list[str] | None = None
    api_groups: list[str] | None = None
    resources: list[str] | None = None


class ClientConfig(Wire):
    """How the API server calls it; the certificate of its authority is public."""

    ca_bundle: str | None = None


class Condition(Wire):
    """A condition (CEL) of a webhook."""

    expression: str = ""


class WebhookWire(Wire):
    """One webhook."""

    name: str = ""
    client_config: ClientConfig = field(default_factory=ClientConfig)
    failure_policy: str | None = None
    rules: list[RequestRule] | None = None
    namespace_selector: Selector | None = None
    match_conditions: list[Condition] | None = None


class ConfigurationWire(Wire):
    """A ValidatingWebhookConfiguration or MutatingWebhookConfiguration."""

    metadata: Meta = field(default_factory=Meta)
    webhooks: list[WebhookWire] | None = None


def namespace(item: Bare, cluster: str) -> Iterator[Namespace]:
    """Yield the namespace of an object."""
    yield Namespace(cluster=cluster, name=item.metadata.name, labels=item.metadata.labels or {})


def configured(item: ConfigurationWire, cluster: str, *, mutating: bool) -> Iterator[Webhook | Certificate]:
    """Yield the webhooks of a configuration, with the certificate of the authority that vouches for each.

    ValueError for a selector that is not understood.
    """
    for one in item.webhooks or ():
        yield _webhook(one, item.metadata.name, cluster, mutating=mutating)
        if one.client_config.ca_bundle:
            ends_at_s, silent = end_of(one.client_config.ca_bundle)
            name = f"webhook {item.metadata.name}/{one.name}"
            yield Certificate(cluster=cluster, name=name, ends_at_s=ends_at_s, silent=silent)


def _webhook(one: WebhookWire, configuration: str, cluster: str, *, mutating: bool) -> Webhook:
    conditions = one.match_conditions or ()
    return Webhook(
        cluster=cluster,
        configuration=configuration,
        name=one.name,
        mutating=mutating,
        ignores_failure=one.failure_policy == "Ignore",
        rules=tuple(map(_matched, one.rules or ())),
        namespaces=selector(one.namespace_selector) or Labels(),
        excluded=tuple(name for each in conditions for name in _NOT_IN.findall(each.expression)),
    )


def _matched(one: RequestRule) -> Matched:
    return Matched(tuple(one.operations or ()), tuple(one.api_groups or ()), tuple(one.resources or ()))


_HOOKS = "what has a say in what is let in"
_CHECKING = Listed(_GROUP, _V1, "validatingwebhookconfigurations", _HOOKS, namespaced=False)
_CHANGING = Listed(_GROUP, _V1, "mutatingwebhookconfigurations", _HOOKS, namespaced=False)
_INTO = ("webhooks", "certificates")
ROWS = (
    Row(NAMESPACES._replace(metadata_only=True), Bare, ("namespaces",), namespace),
    Row(_CHECKING, ConfigurationWire, _INTO, partial(configured, mutating=False)),
    Row(_CHANGING, ConfigurationWire, _INTO, partial(configured, mutating=True)),
)
