"""What a server does not answer is a gap or a clear error, and what it cannot bear is asked in parts."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.live.prometheus.conftest import asking
from tests.live.prometheus.proxy import Answer, Proxy, refusal
from tests.live.prometheus.server import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.prometheus.conftest import Asking, Past
    from tests.warm import Warm

DAYS = ("--range", "4d")
_TOO_MANY = (
    "query processing would load too many samples into memory in query execution",
    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution",
    "cannot select more than -search.maxSamplesPerQuery=1000000000 samples; possible solutions: increase it",
    "the query exceeded the maximum number of chunks (limit: 2000000) (err-mimir-max-chunks-per-query)",
    "query timed out in expression evaluation",
)


def _length_s(params: dict[str, str]) -> int:
    """How much time a query is about."""
    if "query" not in params:
        return 0
    if "start" in params:
        return int(params["end"]) - int(params["start"])
    windows = [part.partition("s:")[0] for part in params["query"].split("[") if "s:" in part]
    return max(map(int, windows), default=0)


def _queries(path: str) -> bool:
    return path.startswith("/api/v1/query")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, warm: Warm, past: Past) -> dict[str, Any]:
    """The answer of a server that is well."""
    ask = asking(tmp_path_factory.mktemp("whole"), warm)
    return ask.json("--prometheus", past.server.url, *DAYS, "--until", past.until)


@pytest.mark.parametrize("text", _TOO_MANY)
def test_a_question_that_is_too_large_is_asked_in_halves(
    ask: Asking, past: Past, proxy: Callable[..., Proxy], whole: dict[str, Any], text: str
) -> None:
    def fault(one: Proxy, path: str, params: dict[str, str]) -> Answer | None:
        code = 503 if "timed out" in text else 400 if "resolution" in text else 422
        return refusal(code, "execution", text) if _length_s(params) > 3 * 86400 else None

    cut = ask.json("--prometheus", proxy(fault).url, *DAYS, "--until", past.until)
    assert not cut["gaps"]
    assert cut["summary"]["queries"] <= 60
    for key in ("gpu_time_s", "idle_gpu_time_s", "stranded_gpu_time_s", "queue_milli"):
        assert cut["summary"][key] == pytest.approx(whole["summary"][key], abs=2)
    idle = [{row["accelerator"] for row in told["details"]["idle"]} for told in (cut, whole)]
    assert idle[0] == idle[1]


def test_a_real_server_that_bears_few_samples(ask: Asking, past: Past, whole: dict[str, Any]) -> None:
    """`--query.max-samples`: what the server says then is what it says."""
    from tests.live.prometheus.server import Server

    small = Server(past.server.folder.parent / "small")
    shutil.copytree(past.server.folder / "data", small.folder / "data", ignore=shutil.ignore_patterns("lock"))
    small.start(free_port(), "", "--query.max-samples=9000")
    try:
        told = ask.json("--prometheus", small.url, *DAYS, "--until", past.until)
    finally:
        small.stop()
    assert told["summary"]["queries"] > whole["summary"]["queries"]
    assert told["summary"]["queries"] <= 60
    assert not told["gaps"]
    assert told["summary"]["gpu_time_s"] == pytest.approx(whole["summary"]["gpu_time_s"], abs=2)


def test_a_server_that_bears_nothing_costs_no_more_than_the_budget(
    ask: Asking, past: Past, proxy: Callable[..., Proxy]
) -> None:
    def fault(one: Proxy, path: str, params: dict[str, str]) -> Answer | None:
        return refusal(422, "execution", _TOO_MANY[0]) if _length_s(params) else None

    one = proxy(fault)
    done = ask("--prometheus", one.url, *DAYS, "--until", past.until, "-o", "json")
    told = json.loads(done.stdout)
    assert done.returncode == 3
    assert len(one.asked) <= 60
    assert told["summary"]["idle_milli"] is None
    assert told["summary"]["queue_milli"] is None
    assert told["details"]["idle"] == []
    assert any("too many samples" in gap["reason"] for gap in told["gaps"])


def test_429_is_obeyed_and_500_tried_again(ask: Asking, past: Past, proxy: Callable[..., Proxy]) -> None:
    def fault(one: Proxy, path: str, params: dict[str, str]) -> Answer | None:
        if _queries(path) and one.hurt < 2:
            one.hurt += 1
            return refusal(*((429, "busy", "slow down") if one.hurt == 1 else (500, "internal", "oops")))
        return None

    told = ask.json("--prometheus", proxy(fault).url, *DAYS, "--until", past.until)
    assert not told["gaps"]


def test_retry_after_beyond_the_deadline_is_a_gap(
    ask: Asking, past: Past, proxy: Callable[..., Proxy]
) -> None:
    def fault(one: Proxy, path: str, params: dict[str, str]) -> Answer | None:
        busy = _queries(path) and "kube_node" in params["query"]
        return refusal(429, "busy", "too many requests", Retry_After="300") if busy else None

    told = ask.json("--prometheus", proxy(fault).url, *DAYS, "--until", past.until, "--timeout", "20")
    assert told["gaps"]
    assert all("asked to wait 300 s" in gap["reason"] for gap in told["gaps"])
    assert told["summary"]["stranded_gpu_time_s"] is None
    assert told["summary"]["idle_milli"] is not None


def test_500_that_stays_is_a_gap_and_the_rest_is_told(
    ask: Asking, past: Past, proxy: Callable[..., Proxy]
) -> None:
    def fault(one: Proxy, path: str, params: dict[str, str]) -> Answer | None:
        fails = _queries(path) and "DRAM" in params["query"] and "__name__" not in params["query"]
        return refusal(500, "internal", "a block is corrupt") if fails else None

    one = proxy(fault)
    told = ask.json("--prometheus", one.url, *DAYS, "--until", past.until)
    (gap,) = told["gaps"]
    assert "memory-bound" in gap["subject"]
    assert "a block is corrupt" in gap["reason"]
    assert "memory bandwidth" not in {row["by"] for row in told["details"]["bound"]}
    assert told["summary"]["idle_milli"] is not None


def _once(change: Callable[[bytes], Answer], key: str = "DCGM") -> Callable[..., Answer | None]:
    """A fault that changes the first answer to a query about something."""

    def fault(one: Proxy, path: str, params: dict[str, str]) -> Answer | None:
        if one.hurt or path != "/api/v1/query_range" or key not in params["query"]:
            return None
        one.hurt = 1
        from urllib.parse import urlencode

        return change(one.answer(path, params, urlencode(params).encode())[2])

    return fault


@pytest.mark.parametrize(
    "change",
    [
        lambda body: (200, {"Content-Length": str(len(body))}, body[: len(body) // 2]),
        lambda body: (200, {}, body[: len(body) // 2]),
        lambda body: (200, {}, b"<html>please log in</html>"),
        lambda body: (200, {}, b""),
    ],
)
def test_an_answer_that_breaks_off_is_asked_for_again(
    ask: Asking, past: Past, proxy: Callable[..., Proxy], change: Callable[[bytes], Answer]
) -> None:
    told = ask.json("--prometheus", proxy(_once(change)).url, *DAYS, "--until", past.until, "--timeout", "5")
    assert not told["gaps"]
    assert told["summary"]["gpu_time_s"]


def test_warnings_and_partial_answers_are_gaps_and_are_not_kept(
    ask: Asking, past: Past, proxy: Callable[..., Proxy]
) -> None:
    def warned(body: bytes) -> Answer:
        return 200, {}, body[:-1] + b',"warnings":["store 10.0.0.7 did not answer"]}'

    def partial(body: bytes) -> Answer:
        return 200, {}, body[:-1] + b',"isPartial":true}'

    for change, words in ((warned, "store 10.0.0.7"), (partial, "partial")):
        one = proxy(_once(change))
        words_asked = ("--prometheus", one.url, *DAYS, "--until", past.until)
        told = ask.json(*words_asked, cached=True)
        assert any(words in gap["reason"] for gap in told["gaps"])
        again = ask.json(*words_asked, cached=True)
        assert again["summary"]["queries"] >= 1, "what was partial is asked again"
        assert not again["gaps"]  # and is whole this time


def _with_values(change: Callable[[list[Any]], list[Any]]) -> Callable[[bytes], Answer]:
    def changed(body: bytes) -> Answer:
        document = json.loads(body)
        for one in document["data"]["result"]:
            one["values"] = change(one["values"])
        return 200, {}, json.dumps(document).encode()

    return changed


@pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf"])
def test_values_that_are_no_numbers_are_unknown(
    ask: Asking, past: Past, proxy: Callable[..., Proxy], text: str
) -> None:
    strange = _with_values(lambda values: [[at, text] for at, _ in values[:50]] + values[50:])
    told = ask.json("--prometheus", proxy(_once(strange)).url, *DAYS, "--until", past.until)
    assert told["summary"]["covered_milli"] < 600
    assert any("begin" in gap["reason"] for gap in told["gaps"])


def test_a_value_that_is_a_word_spoils_its_answer_and_no_other(
    ask: Asking, past: Past, proxy: Callable[..., Proxy]
) -> None:
    strange = _with_values(lambda values: [[at, "lots"] for at, _ in values])
    told = ask.json("--prometheus", proxy(_once(strange)).url, *DAYS, "--until", past.until)
    assert [gap["reason"] for gap in told["gaps"]] == ["a value that is no number: lots"]
    assert told["summary"]["gpu_time_s"]


def test_series_that_are_cut_short_without_a_word_are_gaps(
    ask: Asking, past: Past, proxy: Callable[..., Proxy]
) -> None:
    short = _with_values(lambda values: values[: len(values) // 2])
    told = ask.json("--prometheus", proxy(_once(short)).url, *DAYS, "--until", past.until)
    assert told["summary"]["covered_milli"] == pytest.approx(500, abs=15)
    assert any("nothing is told of 2 d" in gap["reason"] for gap in told["gaps"])


@pytest.mark.parametrize(
    "body",
    [b"<html>please log in</html>", b'{"status": "succ', b"[]", b'{"data":' + b"[" * 200_000],
)
def test_a_server_that_is_no_store_of_series(
    ask: Asking, past: Past, proxy: Callable[..., Proxy], body: bytes
) -> None:
    done = ask("--prometheus", proxy(lambda *_: (200, {}, body)).url, "--timeout", "4")
    assert done.returncode == 5, done.stderr
    assert "not an answer of the API" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("code", "cause", "gaps"),
    [(400, "failed", {"busy"}), (403, "denied", {"busy"}), (401, "unauthenticated", None)],
)
def test_a_refusal_in_the_middle_is_a_gap_with_what_the_server_says(
    ask: Asking, past: Past, proxy: Callable[..., Proxy], code: int, cause: str, gaps: set[str] | None
) -> None:
    """Credentials that are no longer taken will not be taken for the next question either."""

    def fault(one: Proxy, path: str, params: dict[str, str]) -> Answer | None:
        busy = path == "/api/v1/query_range" and "sum_over_time" in params["query"]
        return refusal(code, "bad_data", "unknown function with name") if busy else None

    one = proxy(fault)
    told = ask.json("--prometheus", one.url, *DAYS, "--until", past.until)
    assert {gap["cause"] for gap in told["gaps"]} == {cause}
    assert all(f"HTTP {code}: unknown function" in gap["reason"] for gap in told["gaps"])
    assert told["summary"]["busy_milli"] is None
    if gaps is None:
        assert told["summary"]["idle_milli"] is None
        assert sum("sum_over_time" in params.get("query", "") for _, params, _ in one.asked) == 1
    else:
        assert {gap["subject"] for gap in told["gaps"]} == gaps
        assert told["summary"]["idle_milli"] is not None


def test_who_may_not_ask_at_all(ask: Asking, past: Past, proxy: Callable[..., Proxy]) -> None:
    one = proxy(lambda *_: refusal(403, "", "this tenant may not read"))
    done = ask("--prometheus", one.url)
    assert (done.returncode, len(one.asked)) == (4, 1)
    assert "this tenant may not read" in done.stderr


def test_a_server_that_keeps_less_than_asked_for_says_so(ask: Asking, past: Past) -> None:
    done = ask("--prometheus", past.server.url, "--range", "20d", "--until", past.until, "-o", "json")
    told = json.loads(done.stdout)
    assert done.returncode == 3
    assert told["summary"]["covered_milli"] == pytest.approx(500, abs=5)
    assert any("the series begin 10 d" in gap["reason"] for gap in told["gaps"])


def test_a_server_that_is_too_slow(ask: Asking, past: Past, proxy: Callable[..., Proxy]) -> None:
    def fault(one: Proxy, path: str, params: dict[str, str]) -> Answer | None:
        if _queries(path) and "POWER_USAGE" in params["query"] and _length_s(params) > 2 * 86400:
            time.sleep(6)
        return None

    one = proxy(fault)
    told = ask.json("--prometheus", one.url, *DAYS, "--until", past.until, "--timeout", "4")
    assert not told["gaps"]  # half of it comes in time
    assert told["summary"]["energy_mj"]


def test_no_server_and_no_credentials(ask: Asking, past: Past, proxy: Callable[..., Proxy]) -> None:
    nobody = ask("--prometheus", f"http://127.0.0.1:{free_port()}")
    assert nobody.returncode == 5
    assert "refused" in nobody.stderr
    for code in (401, 302):
        one = proxy(lambda *_, code=code: refusal(code, "", "who are you?"))
        done = ask("--prometheus", one.url)
        assert (done.returncode, len(one.asked)) == (4, 1), done.stderr
    missing = ask("--prometheus", proxy(lambda *_: (404, {}, b"404 page not found")).url)
    assert missing.returncode == 5
    assert "ends before /api/v1" in missing.stderr


def test_a_server_without_accelerators(ask: Asking, past: Past, proxy: Callable[..., Proxy]) -> None:
    def fault(one: Proxy, path: str, params: dict[str, str]) -> Answer | None:
        empty: object = [] if "/label/" in path else {"resultType": "vector", "result": []}
        return 200, {}, json.dumps({"status": "success", "data": empty}).encode()

    done = ask("--prometheus", proxy(fault).url, "-o", "json")
    assert done.returncode == 3
    (gap,) = json.loads(done.stdout)["gaps"]
    assert "no series of dcgm-exporter" in gap["reason"]


def test_who_asks_is_told_and_kept_out_of_all_that_is_written(
    ask: Asking, past: Past, proxy: Callable[..., Proxy]
) -> None:
    one = proxy(lambda *_: None)
    (ask.folder / "token").write_text("s3cr3t-token\n")
    (ask.folder / "pass").write_text("open sesame\n")
    source = f'[[context.a.source]]\nkind = "prometheus"\nurl = "{one.url}"\n'
    ways = {
        "Bearer s3cr3t-token": 'token_file = "token"\ntenant = "team-a"',
        "Bearer from-a-command": 'token_command = "echo from-a-command"',
        "Basic b3BzOm9wZW4gc2VzYW1l": 'username = "ops"\npassword_file = "pass"',
    }
    for header, keys in ways.items():
        (ask.folder / "c.toml").write_text(f"{source}{keys}\n")
        done = ask("--config", "c.toml", *DAYS, "--until", past.until, cached=True)
        assert done.returncode == 0, done.stderr
        assert one.asked[-1][2]["Authorization"] == header
        assert one.asked[-1][2].get("X-Scope-OrgID") == ("team-a" if "tenant" in keys else None)
        kept = "".join(path.read_text() for path in (ask.folder / "cache").rglob("*.json"))
        assert "s3cr3t" not in done.stdout + done.stderr + kept


def test_labels_of_the_source_are_in_every_question(
    ask: Asking, past: Past, proxy: Callable[..., Proxy]
) -> None:
    one = proxy(lambda *_: None)
    (ask.folder / "c.toml").write_text(
        f'[[context.a.source]]\nkind = "prometheus"\nurl = "{one.url}"\nlabels = {{job = "dcgm-new"}}\n'
    )
    told = ask.json("--config", "c.toml", *DAYS, "--until", past.until)
    assert told["summary"]["accelerators"] == sum(
        board.host.spelling == "new" for board in past.cluster.boards
    )
    assert all('job="dcgm-new"' in json.dumps(params).replace("\\", "") for _, params, _ in one.asked)


def test_a_run_that_broke_off_asks_only_for_what_is_missing(
    ask: Asking, past: Past, proxy: Callable[..., Proxy]
) -> None:
    """Answers are kept by question and server: here the server comes back."""
    broken = [True]

    def fault(one: Proxy, path: str, params: dict[str, str]) -> Answer | None:
        fails = broken[0] and _queries(path) and "kube_" in params["query"]
        return refusal(422, "execution", "the store is away") if fails else None

    one = proxy(fault)
    words = ("--prometheus", one.url, *DAYS, "--until", past.until)
    first = ask.json(*words, cached=True)
    asked = len(one.asked)
    broken[0] = False
    again = ask.json(*words, cached=True)
    assert {gap["subject"] for gap in first["gaps"]} >= {"queue", "requested"}
    assert first["summary"]["queue_milli"] is None
    assert not again["gaps"]
    assert len(one.asked) - asked == len(first["gaps"])
    assert again["summary"]["queue_milli"] is not None
