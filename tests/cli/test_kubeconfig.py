"""Kubeconfigs, certificates and plugins that are wrong, through the whole command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli
from tests.kubeapi import ApiServer, objects

TOKEN = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0LXRva2VuLW9mLXRoZS1hZG1pbg.c2lnbmF0dXJl"
API = "client.authentication.k8s.io/v1"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(users={TOKEN: "admin"}, tls=True) as running:
        running.load([objects.node("gpu0", 8)])
        yield running


@pytest.fixture
def kubeconfig(server: ApiServer, tmp_path: Path) -> Path:
    return server.kubeconfig(tmp_path / "kubeconfig")


def rewrite(path: Path, section: str, **content: Any) -> None:
    """The kubeconfig with this in place of its user or cluster."""
    config = json.loads(path.read_text())
    config[f"{section}s"][0][section] = content
    path.write_text(json.dumps(config))


def error(cli: Cli, code: int, *words: str, **env: str) -> dict[str, Any]:
    """The error of a run that gave nothing: as JSON, and the same in one line of text."""
    done = cli("assess", "-i", "kubernetes", "-o", "json", *words, env=env)
    text = cli("assess", "-i", "kubernetes", *words, env=env)
    assert (done.returncode, done.stdout, text.returncode, text.stdout) == (code, "", code, "")
    assert TOKEN not in done.stderr + text.stderr
    found: dict[str, Any] = json.loads(done.stderr)["error"]
    assert text.stderr.count("\n") == 1
    assert text.stderr.startswith(f"dcctl: {found['what']}: {found['why']}")
    return found


def test_tls_with_the_authority_works(cli: Cli, kubeconfig: Path) -> None:
    done = cli("assess", "-i", "kubernetes:emulated", "-o", "name", env={"KUBECONFIG": str(kubeconfig)})
    assert (done.returncode, done.stdout, done.stderr) == (0, "gpu0\n", "")


def test_tls_without_the_authority_sends_no_token(cli: Cli, server: ApiServer, kubeconfig: Path) -> None:
    rewrite(kubeconfig, "cluster", server=server.url)
    found = error(cli, 5, KUBECONFIG=str(kubeconfig))
    assert "certificate is not trusted" in found["why"]
    assert "certificate-authority" in found["hint"]
    assert server.requests == []


def test_no_kubeconfig_at_all_is_a_mistake_of_usage(cli: Cli) -> None:
    found = error(cli, 2)
    assert found["why"] == "no kubeconfig and no service account"
    assert "KUBECONFIG" in found["hint"]


def test_a_kubeconfig_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    found = error(cli, 2, KUBECONFIG="/nowhere/config")
    assert (found["what"], found["why"]) == ("KUBECONFIG=/nowhere/config", "no such file")
    config = tmp_path / "dcctl.toml"
    config.write_text('[[context.a.source]]\nkind = "kubernetes"\nkubeconfig = "/nowhere/else"\n')
    done = cli("assess", "--config", str(config))
    assert done.returncode == 2
    assert done.stderr.startswith("dcctl: kubeconfig /nowhere/else: no such file")


def test_a_context_that_is_not_there(cli: Cli, server: ApiServer, kubeconfig: Path) -> None:
    done = cli("assess", "-i", "kubernetes:nosuch", env={"KUBECONFIG": str(kubeconfig)})
    assert (done.returncode, done.stdout) == (2, "")
    assert "nosuch" in done.stderr
    assert f"kubectl --kubeconfig {kubeconfig} config get-contexts" in done.stderr
    assert server.requests == []


@pytest.mark.parametrize("text", ["", "{not: yaml: at all", "[1, 2]", "\x00\x01"])
def test_a_kubeconfig_that_is_none(cli: Cli, tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken"
    path.write_text(text)
    assert error(cli, 2, KUBECONFIG=str(path))["what"] == f"kubeconfig {path}"


def plugin(folder: Path, script: str) -> dict[str, Any]:
    path = folder / "login"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"apiVersion": API, "command": str(path), "interactiveMode": "Never"}


def credential(token: str) -> str:
    status = {"token": token, "expirationTimestamp": "2099-01-01T00:00:00Z"}
    return json.dumps({"apiVersion": API, "kind": "ExecCredential", "status": status})


def test_the_token_of_a_plugin_is_used_and_not_shown(cli: Cli, kubeconfig: Path, tmp_path: Path) -> None:
    rewrite(kubeconfig, "user", exec=plugin(tmp_path, f"echo '{credential(TOKEN)}'"))
    for form in ("name", "json", "html"):
        done = cli("assess", "-i", "kubernetes", "-o", form, env={"KUBECONFIG": str(kubeconfig)})
        assert (done.returncode, done.stderr) == (0, "")
        assert "gpu0" in done.stdout
        assert TOKEN not in done.stdout


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("exit 3", 4, "process returned 3"),
        (f"echo {TOKEN} >&2; exit 1", 4, "process returned 1"),
        (f"echo {TOKEN}", 4, "failed to decode"),
        ("echo '{}'", 4, "malformed response"),
        (f"echo '{credential('expired-or-forged')}'", 4, "HTTP 401"),
        ("exec sleep 20", 5, "no answer within 1 s"),
    ],
)
def test_a_plugin_that_fails(
    cli: Cli, kubeconfig: Path, tmp_path: Path, script: str, code: int, words: str
) -> None:
    rewrite(kubeconfig, "user", exec=plugin(tmp_path, script))
    slow = ("--timeout", "1") if "sleep" in script else ("--timeout", "30")
    assert words in error(cli, code, *slow, KUBECONFIG=str(kubeconfig))["why"]


def test_a_plugin_that_is_not_installed(cli: Cli, server: ApiServer, kubeconfig: Path) -> None:
    rewrite(kubeconfig, "user", exec={"apiVersion": API, "command": "no-such-plugin"})
    found = error(cli, 4, KUBECONFIG=str(kubeconfig))
    assert found["what"] == "exec plugin no-such-plugin"
    assert found["why"] == "not installed, or not in PATH"
    assert "no-such-plugin" in found["hint"]
    assert server.requests == []


def test_one_cluster_that_is_down_is_a_gap_beside_one_that_answers(
    cli: Cli, server: ApiServer, kubeconfig: Path, tmp_path: Path
) -> None:
    with ApiServer(users={TOKEN: "admin"}) as gone:
        dead = gone.kubeconfig(tmp_path / "dead")
    config = tmp_path / "dcctl.toml"
    config.write_text(
        "".join(
            f'[[context.a.source]]\nkind = "kubernetes"\nname = "{name}"\nkubeconfig = "{path}"\n'
            for name, path in (("up", kubeconfig), ("down", dead))
        )
    )
    done = cli("assess", "--config", str(config), "-o", "json")
    assert (done.returncode, done.stderr) == (3, "")
    found = json.loads(done.stdout)
    assert found["summary"]["accelerators"] == 8
    (gap,) = found["gaps"]
    assert (gap["source"], gap["cause"]) == ("down", "unreachable")
    assert "Connection refused" in gap["reason"]


def test_a_file_with_a_bare_string_is_no_kubeconfig(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("hello\n")
    found = error(cli, 2, KUBECONFIG=str(path))
    assert (found["what"], found["why"]) == (f"kubeconfig {path}", "is not a kubeconfig")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:99999/?token=hunter2",
        "http://127.0.0.1:9/?a=hunter2#hunter2",
        "http://a:hunter2@127.0.0.1:9",
    ],
)
def test_a_secret_in_the_url_of_the_server_is_not_shown(cli: Cli, kubeconfig: Path, url: str) -> None:
    rewrite(kubeconfig, "cluster", server=url)
    for words in ((), ("-o", "json"), ("-o", "html")):
        done = cli("assess", "-i", "kubernetes", *words, env={"KUBECONFIG": str(kubeconfig)})
        assert "hunter2" not in done.stdout + done.stderr
        assert "127.0.0.1" in done.stderr
