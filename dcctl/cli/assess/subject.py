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
    from msgspec.structs import replace

    from dcctl.errors import UsageError

    if asked.spec and asked.params:
        raise UsageError("--params", f"tells a model by hand; {asked.spec} is one already")
    if asked.params:
        return replace(_by_hand(asked), typed=_words_by_hand(asked))
    if not asked.spec:
        raise UsageError(
            "MODEL", "is missing: a name, a config.json, or --params", "dcctl assess demand llama-3-70b"
        )
    return replace(_named(asked.spec), typed=(asked.spec,))


def _words_by_hand(asked: "Asked") -> tuple[str, ...]:
    told = {
        "--params": asked.params,
        "--layers": asked.layers,
        "--hidden": asked.hidden,
        "--heads": asked.heads,
        "--kv-heads": asked.kv_heads,
        "--vocab": asked.vocab,
    }
    return tuple(str(word) for pair in told.items() if pair[1] is not None for word in pair)


def _named(spec: str) -> "Architecture":
    """A word without a sign of a path is a name, unless the catalogue has none such and a path is there."""
    from pathlib import Path

    from dcctl.assess.demand.lookup import Model, model
    from dcctl.errors import UsageError
    from dcctl.inventory.sources.catalogue import rows

    there = Path(spec).exists()
    if not ("/" in spec or spec.endswith((".json", ".safetensors"))) or not there:
        if spec.startswith((".", "/", "~")) or spec.endswith((".json", ".safetensors")):
            return _from_disk(spec)
        try:
            return model(spec, rows("models", Model)).architecture()
        except UsageError:
            if not there:
                raise
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
    from dcctl.cli.assess.amounts import count, parameters
    from dcctl.errors import UsageError

    missing = [name for name, value in (("--layers", asked.layers), ("--hidden", asked.hidden)) if not value]
    if missing or asked.layers is None or asked.hidden is None:
        raise UsageError("--params", f"needs {' and '.join(missing)}: the rest follows from them")
    vocabulary = count("--vocab", asked.vocab) if asked.vocab else VOCABULARY
    return by_count(
        parameters(asked.params or ""), asked.layers, asked.hidden,
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
    """The accelerator as the fleet has it: with the least memory that one tells, on nodes of so many.

    Whole boards alone: a slice or a share of one is no accelerator that a layout could count on.
    """
    from collections import Counter

    from dcctl.assess.demand.hardware import in_node
    from dcctl.assess.demand.lookup import gpu
    from dcctl.errors import UsageError

    boards = [
        [one for one in node.accelerators or () if one.model and one.kind == "whole"]
        for node in found.fleet.nodes
    ]
    counts = Counter((one.model or "", one.resource) for mine in boards for one in mine)
    matched = {key: gpu(key[0], known) for key in counts} if named is None else _same(counts, known, named)
    if not matched:
        what = named.name if named else "whole accelerators"
        raise UsageError("the fleet", f"has no {what}", "dcctl assess --by model")
    best = max(matched, key=lambda key: (counts[key], key))
    alike = {key for key, one in matched.items() if one.name == matched[best].name}
    meant = [[one for one in mine if (one.model, one.resource) in alike] for mine in boards]
    each = max(map(len, meant))
    told = [one.memory_bytes for mine in meant for one in mine if one.memory_bytes]
    return Hardware(
        in_node(matched[best], each, min(told, default=None)),
        found,
        tuple(sorted(model for model, _ in alike)),
        best[1],
        sum(map(len, meant)),
        each,
    )


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
