"""Settings in force: flags, files and defaults, each with where it comes from."""

from __future__ import annotations

from typing import Any

import pytest

from dcctl.audit.facts.parameters import PARAMETERS
from dcctl.audit.facts.settings import (
    OPS,
    Parameter,
    Setting,
    UnknownSettingError,
    effective,
    is_loopback,
    is_true,
    minor_of,
)
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.components import Component

ANONYMOUS = PARAMETERS["KUB-01"][0]
PROFILING = next(one for one in PARAMETERS["API-10"] if one.component == "kube-scheduler")
MAX_AGE = PARAMETERS["API-04"][0]


def kubelet(**told: Any) -> Component:
    return Component(node="n", name="kubelet", **{"flags": {}, "config": {}, **told})


@pytest.mark.parametrize(
    ("component", "parameter", "setting"),
    [
        (kubelet(), ANONYMOUS, Setting("true", "default")),
        (kubelet(config_file="/c"), ANONYMOUS, Setting("false", "default")),
        (
            kubelet(config_file="/c", config={"authentication.anonymous.enabled": "true"}),
            ANONYMOUS,
            Setting("true", "/c"),
        ),
        (
            kubelet(
                config_file="/c",
                config={"authentication.anonymous.enabled": "true"},
                flags={"anonymous-auth": ("true", "false")},
            ),
            ANONYMOUS,
            Setting("false", "flag"),
        ),
        (
            Component(
                node="n",
                name="kube-scheduler@1",
                flags={"profiling": ("false",)},
                config_file="/s",
                config={},
            ),
            PROFILING,
            Setting("true", "default"),
        ),
        (
            Component(node="n", name="kube-apiserver", version="1.35.2", flags={}),
            MAX_AGE,
            Setting("0", "default of 1.35"),
        ),
        (
            Component(node="n", name="kube-apiserver", version="1.36.0", flags={}),
            MAX_AGE,
            Setting("366", "default of 1.36"),
        ),
    ],
)
def test_a_setting_and_where_it_comes_from(
    component: Component, parameter: Parameter, setting: Setting
) -> None:
    assert effective(component, parameter) == setting


def test_a_file_that_was_not_read_is_no_default() -> None:
    unread = kubelet(
        config_file="/c", config=None, silent={"config": Silence("/c: Permission denied", "denied")}
    )
    with pytest.raises(UnknownSettingError, match="Permission denied"):
        effective(unread, ANONYMOUS)
    with pytest.raises(UnknownSettingError, match="nobody told /c"):
        effective(kubelet(config_file="/c", config=None), ANONYMOUS)


def test_what_configz_does_not_tell_is_unknown() -> None:
    hostname = next(one for one in PARAMETERS["KUB-07"] if one.flag == "hostname-override")
    told = kubelet(config_file="configz", config={"authentication.anonymous.enabled": "false"})
    assert effective(told, ANONYMOUS) == Setting("false", "configz")
    with pytest.raises(UnknownSettingError, match="configz does not tell --hostname-override"):
        effective(told, hostname)


def test_a_default_that_depends_on_an_unknown_version_is_unknown() -> None:
    with pytest.raises(UnknownSettingError, match="unknown version"):
        effective(Component(node="n", name="kube-apiserver", flags={}), MAX_AGE)


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("T", True), ("1", True), ("yes", True), ("False", False), ("0", False)],
)
def test_booleans_of_go_and_yaml(text: str, value: bool) -> None:  # it is a value
    assert is_true(text) is value


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        *(("127.0.0.1", True), ("127.0.0.1:10249", True), ("::1", True), ("[::1]:10249", True)),
        *(("localhost", True), ("localhost:80", True), ("127.1.2.3", True)),
        *(("0.0.0.0", False), ("0.0.0.0:10249", False), ("::", False), ("[::]:10249", False)),
        *(("10.0.0.1", False), ("", False), (":10249", False), ("127", False)),
    ],
)
def test_loopback_addresses(address: str, inside: bool) -> None:  # it is a value
    assert is_loopback(address) is inside


@pytest.mark.parametrize(
    ("op", "value", "wanted", "good"),
    [
        *(("at least", "30", "30", True), ("at least", "29", "30", False)),
        *(("1 to", "0", "5", False), ("1 to", "5", "5", True), ("1 to", "6", "5", False)),
        *(("seconds to", "1m30s", "90", True), ("seconds to", "1m31s", "90", False)),
        *(
            ("seconds to", "90", "90", True),
            ("seconds to", "0", "90", False),
            ("seconds to", "1h", "3600", True),
        ),
        *(("seconds to", "1us", "1", True), ("some time", "0s", "", False), ("some time", "1ns", "", True)),
        *(("lacks", "a, b", "c", True), ("lacks", "a, b", "b", False), ("is", "0", "0", True)),
        *(("set", "", "", False), ("unset", "", "", True)),
    ],
)
def test_what_may_be_asked_of_a_setting(op: str, value: str, wanted: str, good: bool) -> None:
    assert OPS[op](Setting(value, "flag"), wanted) is good


@pytest.mark.parametrize(("op", "value"), [("at least", "many"), ("seconds to", "1 day"), ("true", "maybe")])
def test_what_cannot_be_read_is_unknown(op: str, value: str) -> None:
    with pytest.raises(UnknownSettingError):
        OPS[op](Setting(value, "flag"), "1")


@pytest.mark.parametrize(
    ("version", "minor"),
    [("1.31.4", 31), ("1.9", 9), ("2.1.0", None), ("1", None), ("1.x", None), (None, None)],
)
def test_minor_versions(version: str | None, minor: int | None) -> None:
    assert minor_of(version) == minor


def test_every_row_of_the_table_asks_what_there_is() -> None:
    for rows in PARAMETERS.values():
        assert len({(one.component, one.where) for one in rows}) == len(rows)
        assert all(one.op in OPS for one in rows)
