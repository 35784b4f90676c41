"""The role that `--rbac` prints has all the rights that a drain asks whether it has."""

from __future__ import annotations

import yaml

from dcctl.drain.act.kubernetes import backend
from dcctl.inventory.sources.kubernetes.rbac import drain_rbac_yaml


def granted(text: str) -> set[tuple[str, str, str]]:
    rules = [rule for role in yaml.safe_load_all(text) for rule in role["rules"] if "resources" in rule]
    return {
        (verb, group, resource)
        for rule in rules
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def named(right: backend._Right) -> tuple[str, str, str]:
    return right.verb, right.group, "/".join(filter(None, (right.resource, right.subresource)))


def test_what_every_drain_needs_is_granted() -> None:
    assert {named(one) for one in backend._ALWAYS} <= granted(drain_rbac_yaml())


def test_what_only_some_need_is_a_comment() -> None:
    rights = (backend._DELETES, *backend._EXECS, *backend._REQUESTS, backend._PATCHES, *backend._DEVICES)
    text = drain_rbac_yaml()
    some = {named(one) for one in rights} - {("list", "resource.k8s.io", "resourceslices")}
    assert not some & granted(text)
    opened = "\n".join(line[1:] if line.startswith(("#-", "#  ")) else line for line in text.splitlines())
    opened = opened.replace("   kubectl create", "#   kubectl create")
    assert some <= granted(opened)
