"""What sees, beside a language model: how many parameters its `vision_config` tells.

Layouts of tensors are those of the modelling code of transformers. What is not known here is named, not
guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.assess.demand.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_COLOURS: Final = 3


def tower(config: Mapping[str, object], hidden: int, where: str) -> tuple[int, tuple[str, ...]]:
    """Return the parameters beside a language model `hidden` wide, and what is not counted, in words.

    UsageError when a vision_config that is known is not complete.
    """
    others = sorted(key for key in config if key.endswith("_config") and key not in _NOT_MODELS)
    missing = [
        f"{key} is not counted: only the language model is" for key in others if key != "vision_config"
    ]
    vision = config.get("vision_config")
    if not isinstance(vision, dict):
        return 0, tuple(missing)
    kind = vision.get("model_type") or config.get("model_type")
    count = _TOWERS.get(str(kind))
    if count is None:
        known = ", ".join(sorted(_TOWERS))
        missing.append(f"the vision tower {str(kind)[:40]!r} is not counted; known are: {known}")
        return 0, tuple(missing)
    found = count(Fields(vision, f"{where}: vision_config"), hidden)
    missing.append(f"the vision tower ({found:,} parameters) takes memory; its work on images is not counted")
    return found, tuple(missing)


def _siglip(fields: Fields, hidden: int) -> int:
    """SigLIP as Gemma 3 has it, with its projection (arXiv 2503.19786: 417M)."""
    width = fields.whole("hidden_size")
    patches = fields.ratio("image_size", "patch_size") ** 2
    seen = _COLOURS * fields.whole("patch_size") ** 2 * width + width + patches * width
    return fields.whole("num_hidden_layers") * _plain(fields, width) + seen + 2 * width + width * (hidden + 1)


def _llama4(fields: Fields, hidden: int) -> int:
    width, inner = fields.whole("hidden_size"), fields.whole("intermediate_size")
    patches = fields.ratio("image_size", "patch_size") ** 2 + 1
    seen = _COLOURS * fields.whole("patch_size") ** 2 * width + width + patches * width + 4 * width
    between, out = fields.whole("projector_input_dim"), fields.whole("projector_output_dim")
    adapter = inner * between + between * out + fields.whole("vision_output_dim") * hidden
    return fields.whole("num_hidden_layers") * _plain(fields, width) + seen + adapter


def _plain(fields: Fields, width: int) -> int:
    """A layer with biases everywhere: four matrices of attention, two of the feed-forward part, two norms."""
    inner = fields.whole("intermediate_size")
    return 4 * (width**2 + width) + 2 * width * inner + inner + width + 4 * width


def _qwen2(fields: Fields, _hidden: int) -> int:
    """Qwen2-VL: `hidden_size` is that of the language model."""
    width = fields.whole("embed_dim")
    inner = width * fields.whole("mlp_ratio", 4)
    layer = 4 * (width**2 + width) + 2 * width * inner + inner + width + 4 * width
    merged = 2 * width + _merger(fields, width, fields.whole("hidden_size"))
    return fields.whole("depth") * layer + _patches(fields, width) + merged


def _qwen2_5(fields: Fields, hidden: int) -> int:
    """Qwen2.5-VL: a gated feed-forward part with biases, norms without."""
    width, inner = fields.whole("hidden_size"), fields.whole("intermediate_size")
    layer = 4 * (width**2 + width) + 3 * width * inner + 2 * inner + width + 2 * width
    merged = width + _merger(fields, width, fields.whole("out_hidden_size", hidden))
    return fields.whole("depth") * layer + _patches(fields, width) + merged


def _patches(fields: Fields, width: int) -> int:
    return _COLOURS * fields.whole("temporal_patch_size", 2) * fields.whole("patch_size", 14) ** 2 * width


def _merger(fields: Fields, width: int, out: int) -> int:
    """Neighbours are joined and projected to the width of the language model."""
    joined = width * fields.whole("spatial_merge_size", 2) ** 2
    return joined**2 + joined + joined * out + out


_NOT_MODELS: Final = frozenset(
    {"text_config", "quantization_config", "generation_config", "compression_config"}
)
_TOWERS: Final[dict[str, Callable[[Fields, int], int]]] = {
    "siglip_vision_model": _siglip,
    "llama4_vision_model": _llama4,
    "qwen2_vl": _qwen2,
    "qwen2_5_vl": _qwen2_5,
}
"""By `model_type` of the vision_config."""
