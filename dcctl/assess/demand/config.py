"""From a Hugging Face config.json to an Architecture. What is unknown is refused by name, never guessed."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl.assess.demand.architecture import Architecture, Layers
from dcctl.assess.demand.families import ALIASES, FAMILIES, Family
from dcctl.assess.demand.fields import Fields
from dcctl.assess.demand.parameters import per_layer
from dcctl.assess.demand.quantized import Quantized, quantized
from dcctl.assess.demand.strangers import refuse_strangers
from dcctl.assess.demand.towers import tower
from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_LAYERS: Final = 2_000
_OUTSIDE: Final = ("quantization_config", "torch_dtype", "dtype", "tie_word_embeddings")
"""What a configuration with a `text_config` may tell beside it."""


def architecture(config: Mapping[str, object], where: str, name: str = "") -> Architecture:
    """Return the architecture that a decoded config.json tells; `where` names it in errors.

    UsageError names the key that is missing, impossible or not known.
    """
    text = _language_model(config, where)
    kind = text.get("model_type")
    if not isinstance(kind, str):
        raise UsageError(f"{where}: model_type", "is missing; it tells the family of the model")
    family = FAMILIES.get(ALIASES.get(kind, kind))
    if family is None:
        raise UsageError(f"{where}: model_type", _unknown(kind))
    fields = Fields(text, where, family.spelled, family.defaults)
    _refuse(fields, family)
    found = _read(fields, family, name or _name(config, where))
    refuse_strangers(fields, kind, experts=any(one.mlp.experts for one in found.layers))
    sees, missing = tower(config, found.hidden, where)
    if text is not config and not missing:
        missing = ("only the language model is counted, not what sees or hears",)
    return replace(found, tower=sees, assumed=(*found.assumed, *missing))


def _language_model(config: Mapping[str, object], where: str) -> Mapping[str, object]:
    text = config.get("text_config")
    if text is None:
        return config
    if not isinstance(text, dict):
        raise UsageError(f"{where}: text_config", "must be a table")
    outside = {key: config[key] for key in _OUTSIDE if config.get(key) is not None}
    return outside | {key: value for key, value in text.items() if value is not None or key not in outside}


def _unknown(kind: str) -> str:
    known = sorted({*FAMILIES, *ALIASES})
    near = get_close_matches(kind, known, 1)
    meant = f"; did you mean {near[0]}? " if near else "; "
    return f"{kind[:60]!r} is not known{meant}Known are: {', '.join(known)}"


def _name(config: Mapping[str, object], where: str) -> str:
    told = config.get("_name_or_path")
    return told if isinstance(told, str) and told else where


def _refuse(fields: Fields, family: Family) -> None:
    """Refuse values that add or leave out tensors in a way that is not known."""
    for key, fine in family.refused.items():
        if fields.raw(key) not in fine:
            fields.fail(key, f"is {str(fields.raw(key))[:40]}; models made so are not known here")
    width, hidden = fields.raw("word_embed_proj_dim"), fields.raw("hidden_size")
    if width is not None and width != hidden:
        fields.fail("word_embed_proj_dim", "differs from hidden_size; models made so are not known here")


def _read(fields: Fields, family: Family, name: str) -> Architecture:
    stored = quantized(fields)
    tied = fields.flag("tie_word_embeddings", default=family.tied)
    one = Architecture(
        name=name,
        hidden=fields.whole("hidden_size"),
        vocabulary=fields.whole("vocab_size"),
        layers=_layers(fields, family, stored),
        tied=tied,
        positions=family.positions(fields),
        outer_norms=family.outer_norms,
        context=fields.optional("max_position_embeddings"),
        weight_bits=stored.weight_bits,
        kept_bits=stored.kept_bits,
        source=fields.where,
    )
    extra = _predictors(fields, family, one)
    return replace(one, extra_parameters=extra, assumed=tuple(dict.fromkeys(fields.assumed)))


def _layers(fields: Fields, family: Family, stored: Quantized) -> tuple[Layers, ...]:
    """Layers that are alike once, in the order in which they come first."""
    alike: dict[Layers, int] = {}
    for number in range(fields.whole("num_hidden_layers", most=MOST_LAYERS)):
        layer = _layer(fields, family, stored, number)
        alike[layer] = alike.get(layer, 0) + 1
    return tuple(replace(layer, count=count) for layer, count in alike.items())


def _layer(fields: Fields, family: Family, stored: Quantized, number: int) -> Layers:
    attention, mlp = family.attention(fields, number), family.mlp(fields, number)
    return Layers(
        count=1,
        attention=replace(attention, bits=stored.attention(number)),
        mlp=replace(mlp, bits=stored.mlp(number, experts=mlp.experts > 0)),
        norms=family.norms(fields, number),
        norm_bias=family.norm_bias,
    )


def _predictors(fields: Fields, family: Family, one: Architecture) -> int:
    """Multi-token prediction: a layer, a projection, three norms, copies of embedding and head.

    DeepSeek-V3, README_WEIGHTS.md.
    """
    count = fields.whole("num_nextn_predict_layers", 0, least=0, most=MOST_LAYERS)
    if not count:
        return 0
    layer = per_layer(one, _layer(fields, family, quantized(fields), one.depth))
    return count * (layer + 2 * one.hidden**2 + 3 * one.hidden + 2 * one.vocabulary * one.hidden)
