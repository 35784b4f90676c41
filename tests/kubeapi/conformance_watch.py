"""Scenarios of watching: each watch ends by timeoutSeconds, most start in the past and replay it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.kubeapi.sandbox import MERGE, expect, failure, sandbox

if TYPE_CHECKING:
    from tests.kubeapi.client import Api
    from tests.kubeapi.status import Obj

SECOND = {"timeoutSeconds": "1"}


def _told(events: list[Obj]) -> list[tuple[str, str]]:
    return [(each["type"], each["object"]["metadata"]["name"]) for each in events]


def events_from_a_version(api: Api) -> None:
    with sandbox(api) as box:
        path = box.path("secrets")
        version = box.get(path)["metadata"]["resourceVersion"]
        body = {"metadata": {"name": "a"}, "stringData": {"key": "one"}}
        made = box.post(path, body)
        expect(api.request("PATCH", f"{path}/a", {"metadata": {"labels": {"x": "1"}}}, MERGE), 200)
        expect(api.request("DELETE", f"{path}/a"), 200)
        code, events = api.watch(path, {"resourceVersion": version, **SECOND})
        assert code == 200
        assert _told(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
        versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in events]
        assert versions[0] == int(made["metadata"]["resourceVersion"])
        assert versions == sorted(set(versions))
        assert (events[0]["object"]["kind"], events[0]["object"]["apiVersion"]) == ("Secret", "v1")
        later = api.watch(path, {"resourceVersion": str(versions[1]), **SECOND})[1]
        assert _told(later) == [("DELETED", "a")]


def selected_events(api: Api) -> None:
    """An object that starts to match is ADDED, one that stops to match is DELETED."""
    with sandbox(api) as box:
        path = box.path("secrets")
        version = box.get(path)["metadata"]["resourceVersion"]
        box.post(path, {"metadata": {"name": "a", "labels": {"on": "no"}}})
        for value in ("yes", "yes", "no"):
            labels: Obj = {"metadata": {"labels": {"on": value}, "annotations": {"was": value}}}
            expect(api.request("PATCH", f"{path}/a", labels, MERGE), 200)
        labels = {"metadata": {"annotations": {"again": "yes"}}}
        expect(api.request("PATCH", f"{path}/a", labels, MERGE), 200)
        events = api.watch(path, {"resourceVersion": version, "labelSelector": "on=yes", **SECOND})[1]
        assert _told(events) == [("ADDED", "a"), ("DELETED", "a")]
        assert events[1]["object"]["metadata"]["labels"] == {"on": "yes"}


def state_first_without_a_version(api: Api) -> None:
    with sandbox(api) as box:
        path = box.path("secrets")
        for name in ("b", "a"):
            box.post(path, {"metadata": {"name": name}})
        for query in ({"resourceVersion": "0"}, {}):
            events = api.watch(path, {**query, **SECOND})[1]
            assert sorted(_told(events)) == [("ADDED", "a"), ("ADDED", "b")]
        events = api.watch(path, {"fieldSelector": "metadata.name=b", **SECOND})[1]
        assert _told(events) == [("ADDED", "b")]


def bookmarks_before_the_end(api: Api) -> None:
    """The last one comes two seconds before the time is out, if anything of this type has moved at all."""
    with sandbox(api) as box:
        path = box.path("secrets")
        version = box.get(path)["metadata"]["resourceVersion"]
        query = {"resourceVersion": version, "timeoutSeconds": "4", "labelSelector": "mine=yes"}
        later = threading.Timer(0.5, box.post, (path, {"metadata": {"name": "not-selected"}}))
        later.start()
        marked = api.watch(path, {**query, "allowWatchBookmarks": "true"})[1]
        later.join()
        moved = box.get(f"{path}/not-selected")["metadata"]["resourceVersion"]
        assert {each["type"] for each in marked} == {"BOOKMARK"}  # the real server may send it twice
        found = marked[0]["object"]
        assert (found["kind"], found["apiVersion"]) == ("Secret", "v1")
        assert int(found["metadata"]["resourceVersion"]) >= int(moved)
        assert api.watch(path, {**query, **SECOND})[1] == []


def initial_events_with_their_end(api: Api) -> None:
    with sandbox(api) as box:
        path = box.path("secrets")
        box.post(path, {"metadata": {"name": "a"}})
        query = {
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
            "allowWatchBookmarks": "true",
        }
        events = api.watch(path, {**query, **SECOND})[1]
        assert [each["type"] for each in events[:2]] == ["ADDED", "BOOKMARK"]
        assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        answer = api.request("GET", path, query={"watch": "1", "sendInitialEvents": "true"})
        failure(
            answer, 422, "Invalid", 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden'
        )


def versions_that_are_none(api: Api) -> None:
    """A list refuses them, a watch breaks on them; a version of the future is waited for in silence."""
    with sandbox(api) as box:
        path = box.path("secrets")
        text = 'resourceVersion: Invalid value: "abc": strconv.ParseUint'
        answer = api.request("GET", path, query={"resourceVersion": "abc"})
        failure(answer, 400, "BadRequest", f"invalid resource version: {text}")
        answer = api.request("GET", path, query={"resourceVersion": "abc", "watch": "1", **SECOND})
        failure(answer, 500, "", text)
        box.post(path, {"metadata": {"name": "a"}})
        assert api.watch(path, {"resourceVersion": "9000000000", **SECOND}) == (200, [])


SCENARIOS = (
    versions_that_are_none,
    events_from_a_version,
    selected_events,
    state_first_without_a_version,
    bookmarks_before_the_end,
    initial_events_with_their_end,
)
