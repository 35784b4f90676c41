"""The evidence of one cluster: every list of lists.py, and the cluster itself. Nothing is changed."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from msgspec.structs import fields, replace

from dcctl.inventory.evidence.base import Silence, Subject
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.unreached import CUT
from dcctl.inventory.sources.base import PART_GRACE_S, SourceError, Task, at_once
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
_SYSTEM_CUT: Final = dict.fromkeys(("clusters", "components"), CUT)
TIMEOUT_S = 300.0
THREADS = 3
"""As for the inventory: enough to hide the waiting, few enough for the API server's fair queues."""
HANDSHAKE_S = 5.0


class _System(NamedTuple):
    """A cluster beside its lists."""

    subjects: list[Subject]
    silent: dict[str, Silence]


class KubernetesEvidence:
    """What an audit looks at of one cluster, as the credentials of one kubeconfig context see it."""

    kinds = TOLD

    def __init__(  # noqa: PLR0913  # each is an option of the configuration
        self,
        name: str = "",
        kubeconfig: str | None = None,
        context: str | None = None,
        *,
        namespace: str | None = None,
        told_as: str = "",
        configz: bool = False,
        timeout_s: float = TIMEOUT_S,
        page_size: int = 500,
        patience: Patience | None = None,
    ) -> None:
        """`told_as`: what tells its subjects from those of other clusters; empty where there is one.

        `configz` asks each kubelet how it is configured, too, which takes nodes/proxy.
        """
        self.name = name or context or current_context(kubeconfig)
        self._kubeconfig, self._context, self._namespace = kubeconfig, context, namespace
        self._told_as, self._timeout_s, self._page_size = told_as, timeout_s, page_size
        self._configz = configz
        self._patience = patience or Patience()

    def gather(self, stop: Event | None = None) -> Evidence:
        """Read the cluster. What is refused or fails is silent, with why.

        Once `stop` is set, the lists that were read by then are kept and the others are silent.
        Raises UsageError for a kubeconfig that is missing or wrong, SourceError where nothing answers.
        """
        stop = stop or Event()
        connection = connect(self._kubeconfig, self._context, self._timeout_s)
        client = Client(connection, self._timeout_s, self._patience)
        try:
            served = _served(client)
            asking = Task(partial(self._system, client, served), lambda: _System([], _SYSTEM_CUT))
            (system,) = at_once([asking], stop, grace_s=PART_GRACE_S)
            evidence = self._lists(client, served, stop)
            evidence = replace(evidence, silent={**evidence.silent, **system.silent})
            return with_subjects(evidence, system.subjects)
        finally:
            client.stop()
            connection.pool.clear()

    def _system(self, client: Client, served: Served | Failure) -> _System:
        """What is asked beside the lists of lists.py: the cluster, its components, what its server shows."""
        answers = ask(client, self._page_size)
        taken = cluster(client, self.name, self._told_as, served, answers)
        sign = sign_of(served, answers)
        components = parse(answers, self._told_as, sign.provider if sign else "")
        if self._configz:
            components = with_configz(client, components)
        shown = shown_by(client.host, self._told_as, min(HANDSHAKE_S, max(0.1, client.left_s)))
        silent = {"components": answers.silence} if answers.silence else {}
        return _System([taken, *components, *shown], silent)

    def _lists(self, client: Client, served: Served | Failure, stop: Event) -> Evidence:
        reading = [Task(partial(self._read, client, served, row), lambda: CUT) for row in ROWS]
        answers = at_once(reading, stop, most=THREADS, grace_s=PART_GRACE_S)
        return _together(zip(ROWS, answers, strict=True))

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
