"""The same `drain` by kubectl and by dcctl on the same cluster, and what both said made comparable."""

from __future__ import annotations

import io
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, NamedTuple

from dcctl.cli.drain.compat import run
from tests.controlplane import drain_pods
from tests.controlplane.plane import ControlPlane
from tests.controlplane.workloads import namespace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tests.controlplane import components
    from tests.controlplane.client import Json

DEADLINE_S = 120
_LOG = re.compile(r"[IWE]\d{4} ")
"""kubectl logs that it holds itself back."""
_PARTS = re.compile(r"; |, (?=cannot delete )")


class Quiet(ControlPlane):
    """An API server and nothing that acts on its own: pods stay as a test has made them."""

    def _start_clients_of_the_api(self, layout: components.Layout) -> None:
        """Nobody."""

    def _default_account_exists(self) -> bool:
        return True


class Said(NamedTuple):
    """What a command printed and how it ended."""

    code: int
    out: list[str]
    err: list[str]

    def without(self, other: Said) -> Said:
        """What the other did not say."""
        missed = [
            [line for line in mine if line not in told]
            for mine, told in zip(self[1:], other[1:], strict=False)
        ]
        return Said(self.code, *missed)


def by_kubectl(kubectl: Path, words: Sequence[str], kubeconfig: Path) -> Said:
    command = [str(kubectl), "drain", *words, f"--kubeconfig={kubeconfig}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    return said(done.returncode, done.stdout, done.stderr)


def by_dcctl(words: Sequence[str], kubeconfig: Path) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run([*words, f"--kubeconfig={kubeconfig}"])
    return said(int(code), out.getvalue(), err.getvalue())


def differences(
    kubectl: Path, asked: Sequence[Sequence[str]], kubeconfig: Path, at_once: int = 32
) -> list[tuple[Sequence[str], Said, Said]]:
    """What dcctl does not say as kubectl does; kubectl sends five requests in a second, so several run."""
    with ThreadPoolExecutor(at_once) as pool:
        told = list(pool.map(lambda words: by_kubectl(kubectl, words, kubeconfig), asked))
    found = []
    for words, theirs in zip(asked, told, strict=True):
        ours = by_dcctl(words, kubeconfig)
        if ours != theirs:
            found.append((words, ours.without(theirs), theirs.without(ours)))
    return found


def said(code: int, out: str, err: str) -> Said:
    """Pods of one node leave in no order, and errors of one are told in none; nodes have theirs."""
    lines: list[str] = []
    of_node: list[str] = []
    for line in out.splitlines():
        if line.startswith("node/"):
            lines += [*sorted(of_node), line]
            of_node = []
        else:
            of_node.append(line)
    told = (_ordered(line) for line in err.splitlines() if not _LOG.match(line))
    return Said(code, lines + sorted(of_node), sorted(told))


def _ordered(line: str) -> str:
    """A line that lists errors or warnings, with these in order."""
    head, mark, rest = line.partition(" due to error: ")
    if not mark:
        head, mark, rest = "", "", line
    body, tail = rest.removesuffix(", continuing command..."), rest.endswith(", continuing command...")
    warning = "Warning: " if body.startswith("Warning: ") else ""
    parts = sorted(_PARTS.split(body.removeprefix(warning).strip("[]")))
    return f"{head}{mark}{warning}{' | '.join(parts)}{', continuing' if tail else ''}"


def surroundings() -> list[Json]:
    """Namespaces, and the DaemonSet that pods may belong to."""
    labels = {"of": drain_pods.THERE}
    made: list[Json] = [namespace(name) for name in drain_pods.SPACES]
    for space in drain_pods.SPACES:
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
        made.append(
            {
                "apiVersion": "apps/v1",
                "kind": "DaemonSet",
                "metadata": {"name": drain_pods.THERE, "namespace": space},
                "spec": {"selector": {"matchLabels": labels}, "template": template},
            }
        )
    return made


def collection(item: Json) -> str:
    """Where an object of these tests is made; `apply` would wait for accounts that nobody makes here."""
    version, inside = item["apiVersion"], item["metadata"].get("namespace")
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{root}/{f'namespaces/{inside}/' if inside else ''}{item['kind'].lower()}s"


def nodes(names: Iterable[str]) -> Iterator[Json]:
    for at, name in enumerate(names):
        meta = {"name": name, "labels": {"half": "even" if at % 2 == 0 else "odd"}}
        yield {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {"unschedulable": at % 5 == 4}}


def populate(plane: ControlPlane, pods: Sequence[Json]) -> None:
    """The pods are there as they were thought of: over, or being deleted since now."""
    for space in drain_pods.SPACES:
        inside = [each for each in pods if each["metadata"]["namespace"] == space]
        plane.create_many(f"/api/v1/namespaces/{space}/pods", [_born(each) for each in inside])
    with plane.client() as api:
        for each in pods:
            meta, phase = each["metadata"], each["status"]["phase"]
            path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
            if phase != "Pending":
                api.request(
                    "PATCH", f"{path}/status", {"status": {"phase": phase}}, "application/merge-patch+json"
                )
            if "deletionTimestamp" in meta:
                api.request("DELETE", path)


def _born(pod: Json) -> Json:
    kept = {key: value for key, value in pod["metadata"].items() if key != "uid" and "deletion" not in key}
    return pod | {"metadata": kept}
