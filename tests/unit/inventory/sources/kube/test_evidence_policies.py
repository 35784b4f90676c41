"""Admission policies, webhooks and certificates as their makers write them, read into evidence."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import pytest
import yaml

from dcctl.inventory.evidence.admission import AdmissionPolicy, Webhook
from dcctl.inventory.evidence.secrets import Certificate
from dcctl.inventory.placement import Expression, Selector
from dcctl.inventory.sources.kubernetes.evidence.certificates import end_of
from dcctl.inventory.sources.kubernetes.evidence.lists import ROWS
from dcctl.inventory.sources.kubernetes.evidence.row import taker

if TYPE_CHECKING:
    from dcctl.inventory.evidence.base import Subject

S = TypeVar("S", bound="Subject")


def subjects(plural: str, text: str, of: type[S]) -> list[S]:
    """What the list of this resource makes of one object."""
    row = next(each for each in ROWS if each.listed.plural == plural)
    taken = taker(row, "prod")
    taken.add([msgspec.json.decode(msgspec.json.encode(yaml.safe_load(text)), type=row.of)])
    found = list(taken.subjects())
    assert {getattr(one, "cluster", "prod") for one in found} <= {"prod"}
    return [one for one in found if isinstance(one, of)]


def policies(plural: str, text: str) -> list[AdmissionPolicy]:
    return subjects(plural, text, AdmissionPolicy)


KYVERNO = """
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: baseline, annotations: {policies.kyverno.io/title: Disallow Privileged}}
spec:
  validationFailureAction: Enforce
  background: true
  rules:
    - name: privileged
      match: {any: [{resources: {kinds: [Pod]}}]}
      exclude: {any: [{resources: {namespaces: [kube-system, "gpu-*"]}}]}
      validate:
        message: no privileged containers
        pattern: {spec: {"=(initContainers)": [{"=(securityContext)": {"=(privileged)": "false"}}]}}
    - name: levels
      match:
        all:
          - resources: {kinds: [Pod], namespaces: [nlp], namespaceSelector: {matchLabels: {tier: gold}}}
      validate: {failureAction: Audit, podSecurity: {level: baseline, version: latest}}
    - name: signed
      match: {resources: {kinds: [Pod], namespaces: [nlp, code]}}
      verifyImages: [{imageReferences: ["*"], failureAction: Enforce, attestors: []}]
    - name: labels
      match: {any: [{resources: {kinds: [Pod], namespaces: [nlp]}}, {resources: {kinds: [Pod]}}]}
      validate: {pattern: {metadata: {labels: {owner: "?*"}}}}
    - name: defaults
      match: {any: [{resources: {kinds: [Pod]}}]}
      mutate: {patchStrategicMerge: {spec: {hostNetwork: false}}}
"""


def test_rules_of_kyverno_have_their_own_match_and_may_have_their_own_action() -> None:
    privileged, levels, signed, labels, defaults = policies("clusterpolicies", KYVERNO)
    assert privileged.key == "ClusterPolicy/baseline/privileged"
    assert (privileged.enforces, privileged.controls) == (True, ("pods",))
    assert (privileged.included, privileged.excluded) == ((), ("kube-system", "gpu-*"))
    assert (levels.enforces, levels.controls, levels.included) == (False, ("pods",), ("nlp",))
    assert levels.selector == Selector({"tier": "gold"})
    assert (signed.enforces, signed.controls, signed.included) == (True, ("signatures",), ("nlp", "code"))
    assert (labels.controls, labels.included) == ((), ()), "one of two clauses is for every namespace"
    assert defaults.controls == (), "what changes pods turns none away"


def test_a_policy_of_kyverno_in_a_namespace_is_for_that_one_and_only_tells_by_default() -> None:
    text = KYVERNO.replace("name: baseline,", "name: baseline, namespace: nlp,")
    text = text.replace("  validationFailureAction: Enforce\n", "")
    first = policies("policies", text)[0]
    assert (first.key, first.namespace, first.enforces) == ("nlp/Policy/baseline/privileged", "nlp", False)
    again = policies("policies", text.replace("spec:\n", "spec:\n  validationFailureAction: enforce\n", 1))[0]
    assert again.enforces, "older policies write it small"


@pytest.mark.parametrize(
    ("action", "enforces"), [("deny", True), ("warn", False), ("dryrun", False), ("", True)]
)
def test_constraints_of_gatekeeper(action: str, enforces: bool) -> None:
    spec: dict[str, Any] = {
        "match": {
            "kinds": [{"apiGroups": [""], "kinds": ["Pod"]}],
            "namespaces": ["nlp"],
            "excludedNamespaces": ["kube-*"],
            "namespaceSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]},
        }
    } | ({"enforcementAction": action} if action else {})
    text = {"kind": "K8sPSPPrivilegedContainer", "metadata": {"name": "p"}, "spec": spec}
    (found,) = policies("k8spspprivilegedcontainer", yaml.safe_dump(text))
    assert (found.key, found.enforces) == ("K8sPSPPrivilegedContainer/p", enforces)
    assert (found.included, found.excluded, found.controls) == (("nlp",), ("kube-*",), ("pods",))
    assert found.selector == Selector(expressions=(Expression("tier", "Exists"),))


@pytest.mark.parametrize(("mode", "enforces"), [("enforce", True), ("warn", False), (None, True)])
def test_policies_of_sigstore_are_for_namespaces_that_ask_for_them(mode: str | None, enforces: bool) -> None:
    spec = {"images": [{"glob": "**"}]} | ({"mode": mode} if mode else {})
    (found,) = policies("clusterimagepolicies", yaml.safe_dump({"metadata": {"name": "s"}, "spec": spec}))
    assert (found.key, found.enforces, found.controls) == ("ClusterImagePolicy/s", enforces, ("signatures",))
    assert found.selector == Selector({"policy.sigstore.dev/include": "true"})


@pytest.mark.parametrize("plural", ["validatingadmissionpolicies", "validatingpolicies"])
def test_policies_in_cel_look_after_what_their_conditions_name(plural: str) -> None:
    said = "object.spec.containers.all(c, !has(c.securityContext) || c.securityContext.privileged != true)"
    text = {
        "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {"namespaceSelector": {"matchLabels": {"tier": "gold"}}},
            "validations": [{"expression": "object.metadata.name != ''"}, {"expression": said}],
            **({"validationActions": ["Deny"]} if plural == "validatingpolicies" else {}),
        },
    }
    (found,) = policies(plural, yaml.safe_dump(text))
    assert (found.controls, found.enforces) == (("pods",), plural == "validatingpolicies")
    assert found.selector == Selector({"tier": "gold"})
    text["spec"]["validations"] = [{"expression": "has(object.metadata.labels.owner)"}]  # type: ignore[index]
    assert policies(plural, yaml.safe_dump(text))[0].controls == ()


def test_image_policies_of_kyverno_look_after_signatures() -> None:
    (found,) = policies(
        "imagevalidatingpolicies", "{metadata: {name: i}, spec: {validationActions: [Audit]}}"
    )
    assert (found.key, found.controls, found.enforces) == ("ImageValidatingPolicy/i", ("signatures",), False)


@pytest.mark.parametrize(("actions", "enforces"), [(["Deny", "Audit"], True), (["Warn", "Audit"], False)])
def test_a_binding_enforces_where_it_denies(actions: list[str], enforces: bool) -> None:
    spec = {"policyName": "p", "validationActions": actions, "matchResources": {"namespaceSelector": {}}}
    text = yaml.safe_dump({"metadata": {"name": "b"}, "spec": spec})
    (found,) = policies("validatingadmissionpolicybindings", text)
    assert (found.binds, found.enforces, found.selector) == ("p", enforces, Selector())


def certificate(*days: int) -> str:
    """Base64 of certificates that end on these days of January 2030."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])
    found = b""
    for day in days:
        made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        signed = made.not_valid_after(datetime(2030, 1, day, tzinfo=UTC)).sign(key, hashes.SHA256())
        found += signed.public_bytes(Encoding.PEM)
    return b64encode(found).decode()


def day_s(day: int) -> int:
    return int(datetime(2030, 1, day, tzinfo=UTC).timestamp())


WEBHOOK = """
metadata: {name: gatekeeper}
webhooks:
  - name: validation.gatekeeper.sh
    clientConfig: {caBundle: %s, service: {name: gatekeeper, namespace: gatekeeper-system}}
    failurePolicy: Ignore
    namespaceSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}
    matchConditions:
      - {name: a, expression: "request.namespace != 'kube-system' && request.namespace!=\\"ci\\""}
    rules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}]
  - name: check-ignore-label.gatekeeper.sh
    clientConfig: {url: "https://example.com"}
    failurePolicy: Fail
"""


@pytest.mark.parametrize("mutating", [False, True])
def test_webhooks_and_who_vouches_for_them(mutating: bool) -> None:
    plural = "mutatingwebhookconfigurations" if mutating else "validatingwebhookconfigurations"
    text = WEBHOOK % certificate(5, 9)
    first, second = subjects(plural, text, Webhook)
    assert first.key.endswith("/gatekeeper/validation.gatekeeper.sh")
    assert (first.mutating, first.ignores_failure, first.excluded) == (mutating, True, ("kube-system", "ci"))
    assert first.namespaces == Selector(expressions=(Expression("skip", "DoesNotExist"),))
    (rule,) = first.rules
    assert (rule.operations, rule.groups, rule.resources) == (("CREATE",), ("",), ("pods",))
    assert (second.ignores_failure, second.namespaces, second.rules) == (False, Selector(), ())
    (shown,) = subjects(plural, text, Certificate)
    assert shown.name == "webhook gatekeeper/validation.gatekeeper.sh"
    assert shown.ends_at_s == day_s(9), "the last of a bundle: both are trusted while they are exchanged"


@pytest.mark.parametrize("bundle", ["", "!!", b64encode(b"no certificate").decode()])
def test_what_is_no_certificate_ends_nobody_knows_when(bundle: str) -> None:
    ends_at_s, silent = end_of(bundle)
    assert ends_at_s is None
    assert silent["ends_at_s"].cause == "invalid"


def test_certificates_of_cert_manager() -> None:
    text = "{metadata: {name: web, namespace: nlp}, status: {notAfter: '2030-01-05T00:00:00Z'}}"
    (found,) = subjects("certificates", text, Certificate)
    assert (found.key, found.ends_at_s, found.silent) == ("Certificate/nlp/web", day_s(5), {})
    (never,) = subjects("certificates", "{metadata: {name: web, namespace: nlp}}", Certificate)
    assert never.ends_at_s is None
    assert never.silent["ends_at_s"].cause == "missing"


def test_a_selector_that_is_not_understood_is_said_to_be() -> None:
    text = WEBHOOK.replace("DoesNotExist", "Sometimes") % certificate(5)
    with pytest.raises(ValueError, match="Sometimes"):
        subjects("validatingwebhookconfigurations", text, Webhook)


@pytest.mark.parametrize(
    ("plural", "fields"),
    [
        ("clusterroles", "rules aggregationRule"),
        ("clusterrolebindings", "subjects"),
        ("serviceaccounts", "automountServiceAccountToken"),
        ("validatingwebhookconfigurations", "webhooks"),
        ("secrets", "data"),
    ],
)
def test_fields_that_are_null_are_as_fields_that_are_not_there(plural: str, fields: str) -> None:
    from dcctl.inventory.evidence.base import Subject

    bare = {"metadata": {"name": "a", "labels": None, "annotations": None}}
    null = bare | dict.fromkeys(fields.split())
    assert subjects(plural, yaml.safe_dump(null), Subject) == subjects(plural, yaml.safe_dump(bare), Subject)
