"""Configuration files: what they say, and nothing of their keys."""

from __future__ import annotations

import json

import pytest

from dcctl.errors import UsageError
from dcctl.inventory.evidence.components import AuditRule, Authentication, Encrypted
from dcctl.inventory.sources.components import configs

ENCRYPTION = """
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets, configmaps, pandas.awesome.bears.example]
    providers:
      - secretbox: {keys: [{name: key1, secret: aHVzaA==}]}
      - identity: {}
  - resources: ['*.*']
    providers:
      - aescbc:
          keys:
            - name: key2
              secret: |
                aHVzaA==
"""
"""As the documentation of Kubernetes has it, shortened."""
POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: RequestResponse
    resources: [{group: "", resources: [pods]}]
  - level: Metadata
    resources: [{group: "", resources: [pods/log, pods/status]}]
  - level: None
    resources: [{group: "", resources: [configmaps], resourceNames: [controller-leader]}]
  - level: None
    users: [system:kube-proxy]
    verbs: [watch]
    resources: [{group: "", resources: [endpoints, services]}]
  - level: None
    userGroups: [system:authenticated]
    nonResourceURLs: [/api*, /version]
  - level: Request
    resources: [{group: ""}, {group: extensions}]
    namespaces: [kube-system]
  - level: Metadata
"""


def test_encryption_is_read_in_order_and_without_keys() -> None:
    found = configs.encryption(ENCRYPTION, "e")
    assert found == (
        Encrypted(("secrets", "configmaps", "pandas.awesome.bears.example"), ("secretbox", "identity")),
        Encrypted(("*.*",), ("aescbc",)),
    )
    assert "aHVzaA" not in str(found)


def test_an_audit_policy_is_read_rule_by_rule() -> None:
    assert configs.audit_policy(POLICY, "p") == (
        AuditRule("RequestResponse", resources=("core/pods",)),
        AuditRule("Metadata", resources=("core/pods/log", "core/pods/status")),
        AuditRule("None", resources=("core/-",)),
        AuditRule(
            "None",
            users=("system:kube-proxy",),
            verbs=("watch",),
            resources=("core/endpoints", "core/services"),
        ),
        AuditRule("None", groups=("system:authenticated",), urls=("/api*", "/version")),
        AuditRule("Request", resources=("core/*", "extensions/*"), namespaces=("kube-system",)),
        AuditRule("Metadata"),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("anonymous: {enabled: false}", Authentication(anonymous=False)),
        ("anonymous: {enabled: true}", Authentication(anonymous=True)),
        ("anonymous: {}", Authentication(anonymous=False)),
        (
            "anonymous: {enabled: true, conditions: [{path: /livez}]}",
            Authentication(anonymous=True, anonymous_paths=("/livez",)),
        ),
        ("jwt: [{issuer: {url: 'https://id'}}, {}]", Authentication(issuers=2)),
        ("", Authentication()),
    ],
)
def test_what_authentication_says(text: str, told: Authentication) -> None:
    assert configs.authentication(f"kind: AuthenticationConfiguration\n{text}", "a") == told


def test_authorizers_are_read_in_order() -> None:
    text = "kind: AuthorizationConfiguration\nauthorizers: [{type: Node, name: n}, {type: RBAC, name: r}]"
    assert configs.authorizers(text, "a") == ("Node", "RBAC")


def test_a_file_is_flattened_and_what_may_be_secret_left_out() -> None:
    tree = {
        "authentication": {"anonymous": {"enabled": False}},
        "tlsCipherSuites": ["A", "B"],
        "staticPodURLHeader": {"Authorization": ["hush"]},
        "registerWithTaints": [{"key": "a"}],
        "initialClusterToken": "hush",
        "initial-cluster-token": "hush",
        "port": 10250,
        "nothing": None,
    }
    assert configs.flat(configs.document(json.dumps(tree), "c")) == {
        "authentication.anonymous.enabled": "false",
        "tlsCipherSuites": "A,B",
        "port": "10250",
    }


@pytest.mark.parametrize(
    "text", ["- a", "kind: Secret", "{", "resources: x\nkind: EncryptionConfiguration", "a: &a [*a]", ""]
)
def test_what_is_no_such_file_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        configs.encryption(text, "/etc/e.yaml")
    assert str(refused.value).startswith("/etc/e.yaml")
    assert "\n" not in str(refused.value)


def test_lists_have_to_be_lists() -> None:
    with pytest.raises(UsageError, match="verbs is no list"):
        configs.audit_policy("kind: Policy\nrules: [{level: None, verbs: get}]", "p")
    with pytest.raises(UsageError, match="rules is no list of mappings"):
        configs.audit_policy("kind: Policy\nrules: [a]", "p")
