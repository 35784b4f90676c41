"""Finding a model or an accelerator by the name that people, labels and drivers give it."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from msgspec import Struct

from dcctl.assess.demand.config import architecture
from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.hardware import Gpu

_SHOWN: Final = 5


class Model(Struct, frozen=True):
    """A model of the catalogue: what its config.json says, as far as its size depends on it."""

    name: str
    config: dict[str, object]
    names: tuple[str, ...] = ()
    parameters: int | None = None
    """As published: the weights of the language model, without extra predictors."""
    source: str = ""
    """Of the configuration and the count; `recalled` where it was not opened."""

    def architecture(self) -> Architecture:
        """Return what the configuration says."""
        return architecture(self.config, f"catalogue: {self.name}", self.name)


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...


One = TypeVar("One", bound=_Named)


def model(asked: str, models: Sequence[Model]) -> Model:
    """Return the model of a name, with or without its owner (`meta-llama/`); case and signs do not matter.

    UsageError with the nearest names: a model is never taken for another.
    """
    found = _same(asked.rpartition("/")[2], models)
    return found or _unknown(asked, models, "model", "a config.json, or a directory with one")


def gpu(asked: str, gpus: Sequence[Gpu]) -> Gpu:
    """Return the accelerator of a name, or the one whose name is contained in it, word by word.

    So `NVIDIA-H100-80GB-HBM3-SHARED` is an H100, and no H200 is an H20. UsageError with the nearest names.
    """
    exact = _same(asked, gpus)
    if exact:
        return exact
    words = set(_words(asked))
    fitting = [
        (len(_words(name)), one.name, one) for one in gpus for name in _all(one) if words >= set(_words(name))
    ]
    if not fitting:
        return _unknown(asked, gpus, "accelerator", "dcctl assess demand --help")
    return max(fitting, key=lambda entry: entry[:2])[2]


def _same(asked: str, known: Sequence[One]) -> One | None:
    key = "".join(_words(asked))
    return next((one for one in known if any("".join(_words(name)) == key for name in _all(one))), None)


def _all(one: _Named) -> tuple[str, ...]:
    return (one.name, *one.names)


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9.]+", name.lower())


def _unknown(asked: str, known: Sequence[One], noun: str, hint: str) -> One:
    spelled = {name.lower(): name for one in known for name in _all(one)}
    near = [spelled[name] for name in get_close_matches(asked.lower(), spelled, _SHOWN, cutoff=0.4)]
    listed = ", ".join(near or sorted(one.name for one in known))
    told = "the nearest are" if near else "known are"
    raise UsageError(f"{noun} {asked[:80]!r}", f"is not in the catalogue; {told}: {listed}", hint)
