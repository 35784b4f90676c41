"""Checkpoints that a command in a container writes: asked for, proved, and all that can go wrong."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from dcctl.drain.backends import NoProof
from dcctl.drain.request import Hook
from tests.kubeapi.faults import Reply, match
from tests.kubeapi.kubelet import Fault, File, Said
from tests.live.kubeapi.drain_bench import FILE, Bench, opened, running, saves

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kubeapi.status import Obj


BY_FILE = Hook("exec", "save --now", proof="file", proof_of=FILE, timeout_s=5)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path, tls=True) as made:
        yield made


def annotated(pod: str, checkpoint: str) -> Obj:
    """The pod, which says itself how it is asked."""
    made = running(pod)
    made["metadata"]["annotations"] = {"dcctl.io/checkpoint": checkpoint}
    return made


class TestExec:
    def test_exit_code_0_proves_and_the_words_arrive_as_they_were_quoted(self, bench: Bench) -> None:
        container = saves(bench)
        said = bench.ask(Hook("exec", """save --to '/a b' "it's" $HOME"""))
        assert said == "ml/train-0: save ended with exit code 0"
        assert container.ran == [["save", "--to", "/a b", "it's", "$HOME"]]

    def test_without_tls(self, tmp_path: Path) -> None:
        with opened(tmp_path, tls=False) as bench:
            saves(bench)
            assert "exit code 0" in bench.ask(Hook("exec", "save"))
            assert bench.kubelets.protocols == ["v5.channel.k8s.io"]

    def test_another_exit_code_is_told_with_what_it_said_last(self, bench: Bench) -> None:
        err = "".join(f"line {number}\n" for number in range(900)) + "disk\x1b[31m full\ntoken=hunter2\n"
        bench.container().programs["save"] = lambda _words: Said(3, err=err)
        said = bench.refused(Hook("exec", "save"))
        assert said == "ml/train-0: save ended with exit code 3: line 899 / disk [31m full / token=…"

    def test_what_it_says_is_cut_to_a_sentence(self, bench: Bench) -> None:
        bench.container().programs["save"] = lambda _words: Said(3, err="no " * 500)
        assert len(bench.refused(Hook("exec", "save"))) < 260

    def test_a_program_that_is_not_there(self, bench: Bench) -> None:
        said = bench.refused(Hook("exec", "no-such-tool"))
        assert "container main has no such-program (a distroless image, perhaps" in said
        bench.container().programs["save"] = lambda _words: Said(127, err="sh: save: not found")
        assert "container main has no save (a distroless" in bench.refused(Hook("exec", "save"))

    def test_the_container_is_chosen_and_has_to_run(self, bench: Bench) -> None:
        bench.kubelets.containers["ml", "train-0", "side"].programs["save"] = lambda _words: Said()
        assert "save ended" in bench.ask(Hook("exec", "save", container="side"))
        assert "it has no container other: main, side" in bench.refused(
            Hook("exec", "save", container="other")
        )
        bench.server.load([running("train-0", {"waiting": {"reason": "CrashLoopBackOff"}})])
        assert "container main does not run (the pod is Running)" in bench.refused(Hook("exec", "save"))

    def test_an_annotation_is_asked_for_in_its_own_pod_alone(self, bench: Bench) -> None:
        container, hook = saves(bench), Hook("exec", "save", annotated=True)
        assert "its own annotation dcctl.io/checkpoint does not ask for that" in bench.refused(hook)
        for own in ("exec other", "sav", "signal USR1"):
            bench.server.load([annotated("train-0", own)])
            assert "its own annotation dcctl.io/checkpoint does not ask for that" in bench.refused(hook)
        assert container.ran == []
        bench.server.load([annotated("train-0", " exec  save")])
        assert "save ended" in bench.ask(hook)

    def test_who_may_not_is_told_the_right(self, bench: Bench, tmp_path: Path) -> None:
        bob = Bench(bench.server, tmp_path, "bob")
        bench.server.deny("bob", "create", "pods/exec")
        assert "the right to get and create pods/exec is needed" in bob.refused(Hook("exec", "save"))
        assert "the right to get and create pods/exec is needed" in bob.refused(BY_FILE)

    @pytest.mark.parametrize("fault", ["reset", "half", "garbled"])
    def test_half_an_answer_is_no_proof_and_is_not_asked_twice(self, bench: Bench, fault: Fault) -> None:
        container = saves(bench)
        container.faults = [fault]
        assert "may have been asked, and did not say that it ended" in bench.refused(Hook("exec", "save"))
        assert container.ran == [["save"]]

    def test_a_file_proves_what_half_an_answer_does_not(self, bench: Bench) -> None:
        container = bench.container()

        def save(_words: list[str]) -> Fault:
            container.write(FILE)
            return "half"

        container.programs["save"] = save
        assert "/ckpt/latest (4096 bytes) was written" in bench.ask(BY_FILE)
        assert container.ran.count(["save", "--now"]) == 1

    def test_a_hang_ends_with_the_time_of_the_hook(self, bench: Bench) -> None:
        bench.container().faults = ["hang"]
        said = bench.refused(Hook("exec", "save", timeout_s=1))
        assert said.endswith("it did not end in time, and may run still")

    def test_a_hang_ends_when_it_is_interrupted(self, bench: Bench) -> None:
        bench.container().faults = ["hang"]
        threading.Timer(0.3, bench.stop.set).start()
        assert "interrupted before it was proved" in bench.refused(Hook("exec", "save", timeout_s=600))

    def test_what_did_not_begin_is_asked_again(self, bench: Bench) -> None:
        container = saves(bench)
        bench.server.faults.add(match("GET", "/exec", nth=1), Reply(429, {"Retry-After": "0"}))
        gone = "error dialing backend: dial tcp 10.0.0.1:10250: connect: connection refused"
        bench.server.faults.add(match("GET", "/exec", nth=2), Reply(500, {}, gone))
        assert "save ended with exit code 0" in bench.ask(Hook("exec", "save"))
        assert container.ran == [["save"]]
        assert bench.server.faults.fired == 2

    @pytest.mark.parametrize("code", [500, 502, 503, 504])
    def test_an_answer_that_may_hide_a_beginning_is_not_asked_twice(self, bench: Bench, code: int) -> None:
        bench.server.faults.add(match("GET", "/exec"), Reply(code, {}, "the proxy lost it"))
        assert "it may have been asked" in bench.refused(Hook("exec", "save"))
        assert bench.server.faults.fired == 1

    def test_a_redirect_is_not_followed(self, bench: Bench) -> None:
        bench.server.faults.add(match("GET", "/exec"), Reply(302, {"Location": "http://127.0.0.1:1/"}))
        assert "HTTP 302" in bench.refused(Hook("exec", "save")) or "edirect" in bench.refused(
            Hook("exec", "save")
        )

    def test_an_endless_talker_is_heard_to_its_end(self, bench: Bench) -> None:
        bench.container().programs["save"] = lambda _words: Said(1, out="x" * 300_000, err="the end\n")
        assert bench.refused(Hook("exec", "save")).endswith("exit code 1: the end")


class TestFile:
    def test_it_is_newer_by_the_clock_of_its_container(self, bench: Bench) -> None:
        saves(bench, ahead_s=-7200)
        assert "/ckpt/latest (4096 bytes) was written" in bench.ask(BY_FILE)

    def test_an_older_one_is_none_though_our_clock_is_behind(self, bench: Bench) -> None:
        container = bench.container()
        container.programs["save"] = lambda _words: Said()
        container.ahead_s = 3600
        container.files[FILE] = File(int(time.time()) + 60)
        said = bench.refused(Hook("exec", "save", proof="file", proof_of=FILE, timeout_s=1))
        assert said.endswith("no proof within 1 s: /ckpt/latest was not written since it was asked")

    def test_one_that_is_replaced_by_an_older_is_none(self, bench: Bench) -> None:
        container = bench.container()

        def save(_words: list[str]) -> Said:
            container.files[FILE] = File(container.now_s() - 40)
            return Said()

        container.programs["save"] = save
        said = bench.refused(Hook("exec", "save", proof="file", proof_of=FILE, timeout_s=1))
        assert "/ckpt/latest is 4" in said
        assert said.endswith("s older than the request")

    def test_one_that_is_still_written_is_waited_for(self, bench: Bench) -> None:
        container = saves(bench, size_bytes=1)
        stat = container.programs["stat"]

        def growing(words: list[str]) -> Said | Fault:
            found = container.files.get(FILE)
            if found and found.size_bytes < 5:
                found.size_bytes += 1
            return stat(words)

        container.programs["stat"] = growing
        assert "(5 bytes)" in bench.ask(BY_FILE)

    @pytest.mark.parametrize(
        ("file", "why"),
        [
            (File(1, 0), "is empty"),
            (File(1, 1, "directory"), "is a directory: name a file that is written last"),
        ],
    )
    def test_what_shows_nothing(self, bench: Bench, file: File, why: str) -> None:
        container = bench.container()

        def save(_words: list[str]) -> Said:
            file.written_s = container.now_s()
            container.files[FILE] = file
            return Said()

        container.programs["save"] = save
        said = bench.refused(Hook("exec", "save", proof="file", proof_of=FILE, timeout_s=1))
        assert said.endswith(why)

    @pytest.mark.parametrize("tool", ["date", "stat"])
    def test_an_image_without_tools(self, bench: Bench, tool: str) -> None:
        container = saves(bench)
        del container.programs[tool]
        assert f"container main has no {tool} (a distroless image, perhaps" in bench.refused(BY_FILE)
        assert ["save", "--now"] not in container.ran

    def test_looks_that_get_no_answer_are_repeated(self, bench: Bench) -> None:
        container = saves(bench)
        container.faults = ["reset", None, "half", None, None, "half"]
        assert "was written" in bench.ask(BY_FILE)
        assert container.ran.count(["save", "--now"]) == 1


class TestSignal:
    HOOK = Hook("signal", "SIGUSR1", proof="file", proof_of=FILE, timeout_s=5)

    def test_pid_1_is_sent_it_by_a_shell(self, bench: Bench) -> None:
        container = saves(bench)
        container.programs["sh"] = container.programs["save"]
        assert "was written" in bench.ask(self.HOOK)
        assert ["sh", "-c", "kill -USR1 1"] in container.ran

    def test_that_it_was_sent_proves_nothing(self, bench: Bench) -> None:
        assert "its proof is file PATH, or annotation KEY" in bench.refused(Hook("signal", "USR1"))
        assert bench.container().ran == []

    def test_processes_that_are_shared(self, bench: Bench) -> None:
        bench.pods("train-0", shareProcessNamespace=True)
        assert "PID 1 is not its own: use exec" in bench.refused(self.HOOK)


class TestUnit:
    def test_the_first_member_is_asked_for_a_gang(self, bench: Bench) -> None:
        saves(bench, "train-2")
        assert "ml/train-2: save" in bench.ask(Hook("exec", "save"), "train-10", "train-2", gang=True)
        saves(bench)
        said = bench.ask(Hook("exec", "save"), "train-10", "train-2", gang=True, leader="ml/train-0")
        assert said == "ml/train-0: save ended with exit code 0"

    def test_each_is_asked_at_the_same_time(self, bench: Bench) -> None:
        together = threading.Barrier(3, timeout=10)
        for name in ("train-0", "train-1", "train-2"):
            bench.container(name).programs["save"] = lambda _words: (together.wait(), Said())[1]
        said = bench.ask(Hook("exec", "save", of="all"), "train-0", "train-1", "train-2", gang=True)
        assert said == "ml/train-0: save ended with exit code 0 (and 2 more alike)"

    def test_one_that_does_not_prove_it_is_one_too_many(self, bench: Bench) -> None:
        saves(bench, "train-0")
        bench.container("train-1").programs["save"] = lambda _words: Said(1)
        with pytest.raises(NoProof, match="ml/train-1: save ended with exit code 1"):
            bench.ask(Hook("exec", "save"), "train-0", "train-1")

    def test_it_is_not_asked_twice_at_once(self, bench: Bench) -> None:
        inside, go = threading.Event(), threading.Event()

        def save(_words: list[str]) -> Said:
            inside.set()
            go.wait(10)
            return Said()

        bench.container().programs["save"] = save
        first = threading.Thread(target=bench.ask, args=(Hook("exec", "save"),), daemon=True)
        first.start()
        assert inside.wait(10)
        assert bench.refused(Hook("exec", "save")) == "it is being asked already"
        go.set()
        first.join(10)
        assert "save ended" in bench.ask(Hook("exec", "save"))

    def test_another_pod_of_its_name_proves_nothing(self, bench: Bench) -> None:
        assert bench.refused(Hook("exec", "save"), uid="before").endswith("another pod has its name now")

        def save(_words: list[str]) -> Said:
            bench.server.remove("pods", "train-0", "ml")
            made = running("train-0")
            made["metadata"]["uid"] = "new"
            bench.server.load([made])
            return Said()

        bench.container().programs["save"] = save
        assert bench.refused(Hook("exec", "save")).endswith("another pod has its name now")

    def test_a_pod_that_is_gone(self, bench: Bench) -> None:
        bench.server.remove("pods", "train-0", "ml")
        assert "not found" in bench.refused(Hook("exec", "save"))
