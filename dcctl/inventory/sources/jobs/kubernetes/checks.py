"""What is wrong in the template of pods, with the line where it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dcctl.errors import UsageError
from dcctl.inventory.sources.jobs.kubernetes.decode import HINT, UNKNOWN_WORD, as_json, decode
from dcctl.inventory.sources.jobs.kubernetes.shares import share
from dcctl.inventory.sources.kubernetes.quantity import parse
from dcctl.inventory.sources.kubernetes.scheduling import (
    Affinity,
    ContainerPort,
    Gate,
    PodToleration,
    SpreadConstraint,
)
from dcctl.inventory.sources.kubernetes.types import Amount

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor
    from dcctl.inventory.sources.jobs.kubernetes.types import PodTemplate
    from dcctl.inventory.sources.kubernetes.types import Amounts, Container

_LIKE = re.compile(r"([0-9.]+)\s*([kKmMgGtTpP])(?:i?[bB](?:it|yte)?s?)?")
_PLACEMENT = {
    "nodeSelector": dict[str, str],
    "affinity": Affinity,
    "tolerations": list[PodToleration],
    "topologySpreadConstraints": list[SpreadConstraint],
    "schedulingGates": list[Gate],
}
"""Fields of a PodSpec that are read on their own, once a pod is placed."""


def check(template: PodTemplate, at: Cursor) -> None:
    """Raise UsageError for a template without containers, and for what the API server would refuse."""
    spec, here = template.spec, at.at(("spec",))
    if not spec.containers:
        raise here.at(("containers",)).error("has no containers", f"{HINT} {at.file}")
    for key, containers in (("containers", spec.containers), ("initContainers", spec.init_containers or [])):
        for index, each in enumerate(containers):
            _check_container(each, here.at((key, str(index))))
    _check_amount(spec.resources, here)
    _check_quantities(spec.overhead, here, "overhead")
    _check_placement(here)
    notes = template.metadata.annotations
    if notes is not None:
        try:
            share(notes)
        except ValueError as error:
            name, _, why = str(error).partition(": ")
            raise at.at(("metadata", "annotations", name)).error(why) from error


def _check_container(given: Container, at: Cursor) -> None:
    fields = at.keys()
    if "resources" in fields:
        _check_amount(decode(fields["resources"], as_json(fields["resources"]), Amount), at)
    ports = fields.get("ports")
    if ports is not None:
        decode(ports, as_json(ports), list[ContainerPort])


def _check_placement(at: Cursor) -> None:
    """Refuse what no version can mean; a word that is not known here becomes a gap when pods are made."""
    fields = at.keys()
    for key, kind in _PLACEMENT.items():
        if key in fields:
            try:
                decode(fields[key], as_json(fields[key]), kind)
            except UsageError as error:
                if not error.why.startswith(UNKNOWN_WORD):
                    raise


def _check_amount(given: Amount | None, at: Cursor) -> None:
    if given is not None:
        _check_quantities(given.requests, at, "resources", "requests")
        _check_quantities(given.limits, at, "resources", "limits")


def _check_quantities(given: Amounts | None, at: Cursor, *path: str) -> None:
    for name, text in (given or {}).items():
        try:
            parse(text)
        except ValueError as error:
            place = at.at((*path, name))
            raise place.error(f"{error}{_meant(name, text)}", f"{HINT} {at.file}") from error


def _meant(name: str, text: str) -> str:
    """What Kubernetes would take instead: it knows no B for bytes, and `m` is a thousandth."""
    like = _LIKE.fullmatch(text)
    if like is None:
        return ""
    if name == "cpu":
        return f"; write {like[1]} cores as {like[1]}"
    letter = like[2].upper()
    return f"; did you mean {like[1]}{'k' if letter == 'K' else letter} or {like[1]}{letter}i?"
