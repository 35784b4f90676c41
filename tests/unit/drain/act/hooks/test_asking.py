"""A request goes to the pod that is asked, and nowhere else."""

from __future__ import annotations

from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import PoolManager
from urllib3.util import parse_url

from dcctl.drain.act.hooks import asking
from dcctl.drain.act.hooks.reach import Place, Reach
from dcctl.drain.backends import NoProof
from dcctl.drain.request import Call, Hook
from dcctl.inventory.sources.http.client import Answer
from dcctl.inventory.sources.http.connection import Connection
from dcctl.inventory.sources.kubernetes.paths import pod_path
from tests.asked import hook_of
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = Place(pod_path("nlp/train-0"), "u", "main", False)
PORT = "/api/v1/namespaces/nlp/pods/train-0:8080/proxy/"


class Heard:
    """A reach that keeps what it was asked."""

    def __init__(self) -> None:
        self.targets: list[str] = []

    def request(self, _method: str, target: str) -> Answer:
        self.targets.append(target)
        return Answer({}, b"")


def asked(hook: Hook) -> list[str]:
    heard = Heard()
    asking.ask(hook, cast("Reach", heard), PLACE, str)
    return heard.targets


def test_it_lies_below_the_pod() -> None:
    assert asked(hook_of("http POST :8080/save?at=a%20b")) == [f"{PORT}save?at=a%20b"]
    assert asked(hook_of("http GET https://:8080")) == [PORT.replace("train-0", "https:train-0")]


@pytest.mark.parametrize("path", ["/../../../other:8080/proxy/x", "/a/../../b", "/a/./b", "x"])
def test_what_leads_away_is_not_sent_whatever_the_grammar_says(path: str) -> None:
    with pytest.raises(NoProof, match="leads away from the pod"):
        asked(Hook(Call("POST", 8080, path)))


_PIECE = st.sampled_from(
    ["a", "/", ".", "..", "%2e", "%2F", "%25", "%c3%a4", ";", "?", "#", "\\", "@", ":", "ä", "%"]
)


@examples(300)
@given(st.lists(_PIECE, max_size=8).map("".join) | st.text(max_size=8))
def test_any_path_is_refused_or_sent_as_it_is_below_the_pod(path: str) -> None:
    with suppress(ValueError):
        (target,) = asked(hook_of(f"http POST :8080/{path}"))
        assert target.startswith(PORT)
        assert parse_url(f"http://x{target}").request_uri == target


@pytest.fixture
def turns_away() -> Iterator[tuple[str, list[str]]]:
    """A server that sends everybody elsewhere."""
    heard: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(307)
            self.send_header("Location", "/api/v1/nodes/other/proxy/run")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()


def test_a_pod_that_sends_us_elsewhere_is_not_followed(turns_away: tuple[str, list[str]]) -> None:
    host, heard = turns_away
    reach = Reach(Connection(host, PoolManager(), dict), "nlp/train-0", 10, lambda _s: None)
    with pytest.raises(NoProof):
        asking.ask(hook_of("http POST :8080/save"), reach, PLACE, str)
    assert heard == [f"{PORT}save"]
