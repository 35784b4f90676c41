"""Which model and which hardware `dcctl assess demand` is about."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dcctl.app import Surveyed
    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.cli.assess.asked import Asked
    from dcctl.cli.session import Session
    from dcctl.render.report import Shape

VOCABULARY = 128_000


class Hardware(NamedTuple):
    """An accelerator, and the fleet that has it."""

    gpu: "Gpu"
    found: "Surveyed | None" = None
    models: tuple[str, ...] = ()
    """As the fleet names it."""
    resource: str = ""
    there: int = 0
    """So many of them there are in the fleet."""
    each: int = 8
    """On one node."""


def model_of(asked: "Asked") -> "Architecture":
    """The model that was named or told. UsageError when there is none, or several."""
    from dcctl.errors import UsageError

    if asked.spec and asked.params:
        raise UsageError("--params", f"tells a model by hand; {asked.spec} is one already")
    if asked.params:
        return _by_hand(asked)
    if not asked.spec:
        raise UsageError(
            "MODEL", "is missing: a name, a config.json, or --params", "dcctl assess demand llama-3-70b"
        )
    return _named(asked.spec)


def _named(spec: str) -> "Architecture":
    """A path where there is one; a word without a sign of a path is a name."""
    from pathlib import Path

    files = (".json", ".safetensors")
    if not ("/" in spec or spec.endswith(files)) or not Path(spec).exists():
        from dcctl.assess.demand.lookup import Model, model
        from dcctl.inventory.sources.catalogue import rows

        if not spec.startswith((".", "/", "~")) and not spec.endswith(files):
            return model(spec, rows("models", Model)).architecture()
    return _from_disk(spec)


def _from_disk(spec: str) -> "Architecture":
    """The configuration, and what the weights beside it take; UsageError when there is no configuration."""
    from dcctl.assess.demand.config import architecture
    from dcctl.assess.demand.parameters import measured
    from dcctl.errors import UsageError
    from dcctl.inventory.sources.safetensors import is_weights, read_config, read_weights

    config = read_config(spec)
    weights = read_weights(spec) if is_weights(spec) else None
    if config is not None:
        found = architecture(config, spec)
        return found if weights is None else measured(found, weights.total_bytes)
    if weights is None:
        raise UsageError(spec, "has neither a config.json nor weights in safetensors", f"ls {spec}")
    kinds = ", ".join(f"{name} {count:,} B" for name, count in weights.bytes_by_dtype.items())
    told = f"its weights have {weights.elements:,} numbers ({kinds}), which tell no layers and no heads"
    hint = f"dcctl assess demand --params {weights.elements} --layers … --hidden …"
    raise UsageError(spec, f"has no config.json; {told}", hint)


def _by_hand(asked: "Asked") -> "Architecture":
    from dcctl.assess.demand.handmade import by_count
    from dcctl.cli.assess.amounts import count
    from dcctl.errors import UsageError

    missing = [name for name, value in (("--layers", asked.layers), ("--hidden", asked.hidden)) if not value]
    if missing or asked.layers is None or asked.hidden is None:
        raise UsageError("--params", f"needs {' and '.join(missing)}: the rest follows from them")
    vocabulary = count("--vocab", asked.vocab) if asked.vocab else VOCABULARY
    return by_count(
        count("--params", asked.params or ""), asked.layers, asked.hidden,
        heads=asked.heads, kv_heads=asked.kv_heads, vocabulary=vocabulary, told=asked.vocab is not None,
    )  # fmt: skip


def hardware_of(session: "Session", asked: "Asked", shape: "Shape") -> Hardware:
    """The accelerator that was named, or the one of which the fleet has most.

    The fleet is asked where it was named (-i), or no accelerator was.
    """
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.lookup import gpu
    from dcctl.inventory.sources.catalogue import rows

    known = rows("gpus", Gpu)
    named = gpu(asked.gpu, known) if asked.gpu else None
    if named is not None and not session.settings.inventory:
        return Hardware(named)
    return _in_fleet(session.survey(shape), known, named)


def _in_fleet(found: "Surveyed", known: "tuple[Gpu, ...]", named: "Gpu | None") -> Hardware:
    from collections import Counter

    from dcctl.assess.demand.lookup import gpu
    from dcctl.errors import UsageError

    boards: Counter[tuple[str, str]] = Counter()
    largest: Counter[str] = Counter()
    for node in found.fleet.nodes:
        mine = Counter((one.model, one.resource or "") for one in node.accelerators or () if one.model)
        boards.update({key: some for key, some in mine.items() if key[0]})
        for (model, _), some in mine.items():
            largest[model or ""] = max(largest[model or ""], some)
    matched = {key: gpu(key[0], known) for key in boards} if named is None else _same(boards, known, named)
    if not matched:
        what = named.name if named else "accelerators"
        raise UsageError("the fleet", f"has no {what}", "dcctl assess --by model")
    best = max(matched, key=lambda key: (boards[key], key))
    alike = tuple(sorted(model for model, _ in matched if matched[model, _].name == matched[best].name))
    there = sum(boards[key] for key, one in matched.items() if one.name == matched[best].name)
    return Hardware(matched[best], found, alike, best[1], there, largest[best[0]])


def _same(
    boards: "dict[tuple[str, str], int]", known: "tuple[Gpu, ...]", named: "Gpu"
) -> "dict[tuple[str, str], Gpu]":
    """The boards of the fleet that are the named accelerator; what the catalogue does not know is none."""
    from dcctl.assess.demand.lookup import gpu
    from dcctl.errors import UsageError

    found = {}
    for key in boards:
        try:
            one = gpu(key[0], known)
        except UsageError:
            continue
        if one.name == named.name:
            found[key] = one
    return found
