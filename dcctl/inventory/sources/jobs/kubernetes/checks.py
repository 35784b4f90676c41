"""What is wrong in the template of pods, with the line where it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dcctl.inventory.sources.jobs.kubernetes.decode import HINT
from dcctl.inventory.sources.jobs.kubernetes.shares import share
from dcctl.inventory.sources.kubernetes.quantity import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.sources.jobs.cursor import Cursor
    from dcctl.inventory.sources.jobs.kubernetes.types import PodTemplate
    from dcctl.inventory.sources.kubernetes.types import Amount, Amounts

_LIKE = re.compile(r"([0-9.]+)\s*([kKmMgGtTpP])(?:i?[bB](?:it|yte)?s?)?")


def check(template: PodTemplate, at: Cursor) -> None:
    """Raise UsageError for a template without containers, and for amounts that are none."""
    spec = template.spec
    if not spec.containers:
        raise at.at(("spec",)).error("has no containers", f"{HINT} {at.where}")
    for key, containers in (("containers", spec.containers), ("initContainers", spec.init_containers or [])):
        for index, each in enumerate(containers):
            _amount(each.resources, at, ("spec", key, str(index), "resources"))
    _amount(spec.resources, at, ("spec", "resources"))
    _quantities(spec.overhead, at, ("spec", "overhead"))
    if template.metadata.annotations is not None:
        try:
            share(template.metadata.annotations)
        except ValueError as error:
            raise at.at(("metadata", "annotations")).error(str(error)) from error


def _amount(given: Amount | None, at: Cursor, path: tuple[str, ...]) -> None:
    if given is not None:
        _quantities(given.requests, at, (*path, "requests"))
        _quantities(given.limits, at, (*path, "limits"))


def _quantities(given: Amounts | None, at: Cursor, path: tuple[str, ...]) -> None:
    for name, text in _items(given):
        try:
            parse(text)
        except ValueError as error:
            place = at.at((*path, name))
            raise place.error(f"{error}{_meant(text)}", f"{HINT} {at.where}") from error


def _items(given: Mapping[str, str] | None) -> list[tuple[str, str]]:
    return list(given.items()) if given else []


def _meant(text: str) -> str:
    """What Kubernetes would take instead: it knows no B for bytes, and `m` is a thousandth."""
    like = _LIKE.fullmatch(text)
    if like is None:
        return ""
    letter = like[2].upper()
    return f"; did you mean {like[1]}{'k' if letter == 'K' else letter} or {like[1]}{letter}i?"
