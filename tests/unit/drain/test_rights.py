"""The role that `--rbac` prints, what a drain asks whether it may, and what its hooks need: one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
import yaml

from dcctl.drain.act import order
from dcctl.drain.act.hooks.asking import denied
from dcctl.drain.act.kubernetes.backend import Kubernetes
from dcctl.drain.backends import Needs
from dcctl.drain.campaign import Campaign, Unit, Wave
from dcctl.errors import DeniedError
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.rbac import drain_rbac_yaml
from dcctl.inventory.sources.kubernetes.rights import RIGHTS
from tests.asked import hook_of

if TYPE_CHECKING:
    from dcctl.drain.backends import Backend
    from dcctl.drain.request import Hook
    from dcctl.inventory.sources.kubernetes.objects import Objects

EVERYTHING = Needs(*(True for _ in Needs._fields))
Granted = tuple[str, str, str]


def granted(text: str) -> set[Granted]:
    rules = [rule for role in yaml.safe_load_all(text) for rule in role["rules"] if "resources" in rule]
    return {
        (verb, group, resource)
        for rule in rules
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


class Nobody:
    """Objects of who may do nothing."""

    def __init__(self) -> None:
        self.asked: set[Granted] = set()

    def may(self, verb: str, resource: str, _namespace: str, group: str, below: str) -> bool:
        self.asked.add((verb, group, f"{resource}/{below}" if below else resource))
        return False


def asked(needs: Needs) -> set[Granted]:
    nobody = Nobody()
    lacking = Kubernetes(lambda _s: cast("Objects", nobody)).lacking(needs)
    assert len(lacking) == len(nobody.asked)
    return nobody.asked


def opened(text: str) -> str:
    """Each rule that is a comment, as a rule."""
    return "\n".join(
        line[1:] if line.startswith(("#-", "#  r", "#  v")) else line for line in text.splitlines()
    )


def test_what_every_drain_is_asked_for_is_granted() -> None:
    assert asked(Needs()) <= granted(drain_rbac_yaml())


def test_what_a_drain_does_is_granted_no_further_than_it_is_asked_for() -> None:
    acts = {one for one in granted(opened(drain_rbac_yaml())) if one[0] != "list"}
    assert acts - {one for one in asked(EVERYTHING) if one[0] != "list"} == {("get", "", "namespaces")}


def test_what_only_some_need_is_a_comment() -> None:
    some = {one for one in asked(EVERYTHING) - asked(Needs()) if one[0] != "list"}
    assert some
    assert not some & granted(drain_rbac_yaml())
    assert asked(EVERYTHING) <= granted(opened(drain_rbac_yaml()))


def test_each_need_has_its_rights_and_each_right_its_need() -> None:
    assert {one.need for one in RIGHTS} == {"", *Needs._fields}


@pytest.mark.parametrize(
    ("hook", "rights", "says"),
    [
        (hook_of("exec save"), ["get pods/exec", "create pods/exec"], "get and create pods/exec"),
        (hook_of("signal USR1", proof="file /c"), ["get pods/exec", "create pods/exec"], ""),
        (hook_of("http :1/"), ["get pods/proxy", "create pods/proxy"], "get and create pods/proxy"),
        (hook_of("annotation a=b", proof="annotation c"), ["patch pods"], "patch pods"),
        (hook_of("annotation a=b", proof="file /c"), ["create pods/exec", "patch pods"], ""),
    ],
)
def test_what_a_hook_takes_is_asked_for_before_the_start(hook: Hook, rights: list[str], says: str) -> None:
    nobody = Kubernetes(lambda _s: cast("Objects", Nobody()))
    plan = Campaign("n", "", (), (Wave(1, ("n",), (Unit("a/b", "Job", (), hook=hook),)),), "fits")
    with pytest.raises(DeniedError) as caught:
        order._demand_rights(cast("Backend", nobody), plan)
    assert all(f"{right}," in f"{caught.value.why}," for right in rights)
    assert f"the right to {says}" in denied(Failure("no", "denied", status=403), hook.ask.how)
