"""Checkpoints that are asked for through the API server: an annotation of the pod, HTTP to its port."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from dcctl.drain.request import Hook
from tests.kubeapi.faults import Reply, Reset, match
from tests.live.kubeapi.drain_bench import FILE, Bench, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path, tls=True) as made:
        yield made


def answers(asked: list[tuple[str, str]], code: int) -> Callable[[str, str], tuple[int, str]]:
    """A port that remembers what it was asked, and always says the same."""

    def answer(method: str, path: str) -> tuple[int, str]:
        asked.append((method, path))
        return code, "so it is"

    return answer


class TestAnnotation:
    HOOK = Hook("annotation", "ml/save=", proof="annotation", proof_of="ml/saved", timeout_s=5)

    def writes(self, bench: Bench, value: Callable[[str], str], key: str = "ml/saved") -> threading.Thread:
        """Somebody who answers the annotation with another, as soon as it is there."""

        def run() -> None:
            for _ in range(500):
                found = bench.server.get("pods", "train-0", "ml")["metadata"].get("annotations") or {}
                if "ml/save" in found:
                    meta = bench.server.get("pods", "train-0", "ml")["metadata"]
                    answer = {**found, key: value(found["ml/save"])}
                    bench.server.change("pods", "train-0", "ml", metadata={**meta, "annotations": answer})
                    return
                time.sleep(0.005)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def test_a_time_after_the_request_proves(self, bench: Bench) -> None:
        self.writes(bench, lambda asked: asked)
        said = bench.ask(self.HOOK)
        asked = bench.server.get("pods", "train-0", "ml")["metadata"]["annotations"]["ml/save"]
        assert said == f"ml/train-0: the annotation ml/saved tells {asked}"
        assert abs(datetime.now(UTC) - datetime.fromisoformat(asked)).total_seconds() < 60

    def test_a_time_before_it_does_not(self, bench: Bench) -> None:
        self.writes(bench, lambda _asked: "2026-01-01T00:00:00Z")
        hook = Hook("annotation", "ml/save=", proof="annotation", proof_of="ml/saved", timeout_s=1)
        assert bench.refused(hook).endswith("tells 2026-01-01T00:00:00Z, which is before it was asked")

    def test_any_other_value_has_to_change(self, bench: Bench) -> None:
        meta = bench.server.get("pods", "train-0", "ml")["metadata"]
        bench.server.change("pods", "train-0", "ml", metadata={**meta, "annotations": {"ml/saved": "step-1"}})
        hook = Hook("annotation", "ml/save=yes", proof="annotation", proof_of="ml/saved", timeout_s=1)
        assert bench.refused(hook).endswith("no proof within 1 s: the annotation ml/saved did not change")
        bench.server.change("pods", "train-0", "ml", metadata={**meta, "annotations": {"ml/saved": "step-1"}})
        self.writes(bench, lambda asked: f"step-2-{asked}")
        assert bench.ask(hook).endswith("tells step-2-yes")

    def test_a_conflict_is_read_again(self, bench: Bench) -> None:
        bench.server.faults.add(match("PATCH", "/pods/", first=3), Reply(409, {}, "modified"))
        self.writes(bench, lambda asked: asked)
        assert "tells" in bench.ask(self.HOOK)

    def test_what_asks_cannot_prove(self, bench: Bench) -> None:
        same = Hook("annotation", "ml/save=", proof="annotation", proof_of="ml/save")
        assert "cannot prove it as well" in bench.refused(same)
        assert bench.server.seen("PATCH") == []

    def test_who_may_not_is_told_the_right(self, bench: Bench, tmp_path: Path) -> None:
        bob = Bench(bench.server, tmp_path, "bob")
        bench.server.deny("bob", "patch", "pods")
        assert "the right to patch pods is needed" in bob.refused(self.HOOK)


class TestHttp:
    def test_the_answer_proves(self, bench: Bench) -> None:
        asked: list[tuple[str, str]] = []
        bench.container().on_request = answers(asked, 200)
        said = bench.ask(Hook("http", "POST :8080/save?how=now"))
        assert said == "ml/train-0: POST :8080/save answered 200"
        assert asked == [("POST", "/save?how=now")]
        assert bench.server.seen("POST", "/api/v1/namespaces/ml/pods/train-0:8080/proxy/save")

    @pytest.mark.parametrize("code", [400, 404, 500, 503])
    def test_another_answer_is_none_and_is_not_asked_twice(self, bench: Bench, code: int) -> None:
        asked: list[tuple[str, str]] = []
        bench.container().on_request = answers(asked, code)
        assert f"HTTP {code}" in bench.refused(Hook("http", "POST :8080/save"))
        assert asked == [("POST", "/save")]

    def test_accepted_is_not_done(self, bench: Bench) -> None:
        container = bench.container()
        container.on_request = lambda _method, _path: (202, "")
        assert "it answered 202: it has begun" in bench.refused(Hook("http", "POST :8080/save"))

        def request(_method: str, _path: str) -> tuple[int, str]:
            container.write(FILE)
            return 202, ""

        container.on_request = request
        said = bench.ask(Hook("http", "POST :8080/save", proof="file", proof_of=FILE, timeout_s=5))
        assert "was written" in said

    def test_a_reset_is_not_asked_twice(self, bench: Bench) -> None:
        bench.server.faults.add(match("POST", "/proxy"), Reset())
        assert "it may have been asked" in bench.refused(Hook("http", "POST :8080/save"))
        assert len(bench.server.seen("POST", "/api/v1/namespaces/ml/pods")) == 1

    def test_who_may_not_is_told_the_right(self, bench: Bench, tmp_path: Path) -> None:
        bob = Bench(bench.server, tmp_path, "bob")
        bench.server.deny("bob", "create", "pods/proxy")
        assert "create pods/proxy" in bob.refused(Hook("http", "POST :8080/save"))
