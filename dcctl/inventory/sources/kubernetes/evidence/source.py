"""The evidence of one cluster: every list of lists.py, and the cluster itself. Nothing is changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, get_args

from msgspec.structs import fields, replace

from dcctl.inventory.evidence.base import Silence, Subject
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.client import JSON, Client, Patience
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.auth import connect, current_context
from dcctl.inventory.sources.kubernetes.discovery import Served, discover
from dcctl.inventory.sources.kubernetes.evidence.cluster import cluster, sign_of
from dcctl.inventory.sources.kubernetes.evidence.components import ask, parse, with_configz
from dcctl.inventory.sources.kubernetes.evidence.lists import ROWS
from dcctl.inventory.sources.kubernetes.evidence.looks import whole
from dcctl.inventory.sources.kubernetes.evidence.row import METADATA, taker
from dcctl.inventory.sources.kubernetes.evidence.serving import shown_by
from dcctl.inventory.sources.kubernetes.paging import read_list

if TYPE_CHECKING:
    from collections.abc import Iterable

from dcctl.inventory.sources.kubernetes.evidence.row import Row

TOLD: Final = ("clusters", "components", *dict.fromkeys(name for row in ROWS for name in row.into))
"""The fields of Evidence that a cluster tells."""
TIMEOUT_S = 300.0
THREADS = 3
"""As for the inventory: enough to hide the waiting, few enough for the API server's fair queues."""
HANDSHAKE_S = 5.0


class KubernetesEvidence:
    """What an audit looks at of one cluster, as the credentials of one kubeconfig context see it."""

    def __init__(
        self,
        name: str = "",
        kubeconfig: str | None = None,
        context: str | None = None,
        *,
        namespace: str | None = None,
        told_as: str = "",
        timeout_s: float = TIMEOUT_S,
        page_size: int = 500,
        patience: Patience | None = None,
    ) -> None:
        """`told_as`: what tells its subjects from those of other clusters; empty where there is one."""
        self.name = name or context or current_context(kubeconfig)
        self._kubeconfig, self._context, self._namespace = kubeconfig, context, namespace
        self._told_as, self._timeout_s, self._page_size = told_as, timeout_s, page_size
        self._patience = patience or Patience()

    def gather(self, *, configz: bool = False) -> Evidence:
        """Read the cluster. What is refused or fails is silent, with why.

        `configz` asks each kubelet how it is configured, too, which takes nodes/proxy.

        Raises UsageError for a kubeconfig that is missing or wrong, SourceError where nothing answers.
        """
        connection = connect(self._kubeconfig, self._context, self._timeout_s)
        try:
            client = Client(connection, self._timeout_s, self._patience)
            served = _served(client)
            answers = ask(client, self._page_size)
            taken = cluster(client, self.name, self._told_as, served, answers)
            sign = sign_of(served, answers)
            components = parse(answers, self._told_as, sign.provider if sign else "")
            if configz:
                components = with_configz(client, components)
            evidence = self._lists(client, served)
            if answers.silence:
                evidence = replace(evidence, silent={**evidence.silent, "components": answers.silence})
            shown = shown_by(client.host, self._told_as, min(HANDSHAKE_S, max(0.1, client.left_s)))
            return with_subjects(evidence, [taken, *components, *shown])
        finally:
            connection.pool.clear()

    def _lists(self, client: Client, served: Served | Failure) -> Evidence:
        """All lists; on Ctrl-C those under way end at their next piece and no other begins."""
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="audit-list")
        try:
            reading = [pool.submit(self._read, client, served, row) for row in ROWS]
            return _together([(row, each.result()) for row, each in zip(ROWS, reading, strict=True)])
        except BaseException:
            client.stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _read(self, client: Client, served: Served | Failure, row: Row) -> list[Subject] | Silence:
        """What came of one list, in the best version that there is; nothing where there is no such API."""
        listed, taken = row.listed, taker(row, self._told_as)
        accept = METADATA if listed.metadata_only else JSON
        for version in _versions(served, row):
            path = listed.path(version, self._namespace)
            try:
                read_list(client, path, row.of, taken, self._page_size, accept, row.query)
            except Failure as failure:
                if failure.cause == "missing" and listed.custom:
                    continue
                return Silence(f"{listed.title}: {failure.reason}", failure.cause)
            except ValueError as error:
                return Silence(f"{listed.title}: {error}", "invalid")
            return list(taken.subjects())
        return _unserved(served, row)


def _served(client: Client) -> Served | Failure:
    """What there is to list. SourceError where no other question would be answered either."""
    try:
        return discover(client)
    except Failure as failure:
        if failure.nothing_answers or failure.cause == "timeout":
            raise SourceError("the API server", failure.reason, failure.cause, failure.hint) from failure
        return failure


def _versions(served: Served | Failure, row: Row) -> tuple[str, ...]:
    """The versions to ask for; of APIs that nobody tells of, all that we understand."""
    return row.listed.versions if isinstance(served, Failure) else served.versions(row.listed)


def _unserved(served: Served | Failure, row: Row) -> list[Subject] | Silence:
    """What it means that no version that we understand is there: of an API that is not installed, nothing."""
    listed = row.listed
    foreign = () if isinstance(served, Failure) else served.foreign(listed)
    if foreign:
        return Silence(f"{listed.title}: only served as {', '.join(foreign)}", "unsupported")
    return [] if listed.custom else Silence(f"{listed.title}: not served", "missing")


def _together(read: Iterable[tuple[Row, list[Subject] | Silence]]) -> Evidence:
    """The subjects of all lists; a field of which one list was refused keeps the others, and says why."""
    found: list[Subject] = []
    asked: set[str] = set()
    silent: dict[str, Silence] = {}
    for row, answer in read:
        asked.update(row.into)
        if isinstance(answer, Silence):
            for name in row.into:
                silent.setdefault(name, answer)
        else:
            found += answer
    empty: dict[str, Any] = {name: () for name in asked if name not in silent}
    return with_subjects(Evidence(silent=silent, **empty), whole(found))


def _fields() -> dict[type, str]:
    """By the class of subjects, the field of Evidence that holds them."""
    found: dict[type, str] = {}
    for one in fields(Evidence):
        held = next(iter(get_args(next(iter(get_args(one.type)), None))), None)
        if isinstance(held, type) and issubclass(held, Subject):
            found[held] = one.name
    return found


_FIELDS: Final = _fields()


def with_subjects(evidence: Evidence, more: Iterable[Subject]) -> Evidence:
    """Return the evidence with more subjects, each kind in order of key."""
    found: dict[str, list[Subject]] = {}
    for one in more:
        found.setdefault(_FIELDS[type(one)], []).append(one)
    lists: dict[str, Any] = {
        name: tuple(sorted((*(getattr(evidence, name) or ()), *subjects), key=lambda one: one.key))
        for name, subjects in found.items()
    }
    return replace(evidence, **lists)
