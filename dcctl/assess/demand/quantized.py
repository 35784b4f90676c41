"""How many bits a weight takes, from `torch_dtype` and `quantization_config`; which weights are left out."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from dcctl.assess.demand.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Callable

DTYPES: Final = {
    "float64": 64,
    "float32": 32,
    "float": 32,
    "bfloat16": 16,
    "float16": 16,
    "half": 16,
    "float8_e4m3fn": 8,
    "float8_e5m2": 8,
}
"""Bits by the names that torch has."""
_MOST_PATTERNS: Final = 200
_LEFT_OUT: Final = ("modules_to_not_convert", "ignore", "ignored_layers", "exclude_modules", "exclude")


class Quantized(Struct, frozen=True):
    """Bits of one weight."""

    weight_bits: float
    """Of matrices, the scales of their blocks among them."""
    kept_bits: float
    """Of all that is left as it was trained."""
    left_out: frozenset[str] = frozenset()
    """Names of modules that are not quantised: whole paths, or the last word of one."""
    patterns: tuple[str, ...] = ()
    """The same as patterns of a shell."""
    experts_only: bool = False

    def attention(self, layer: int) -> float | None:
        """Return the bits of the attention of a layer where they are not `weight_bits`, else None."""
        names = [f"model.layers.{layer}.self_attn", f"model.layers.{layer}.self_attn.q_proj"]
        return self.kept_bits if self.experts_only or self._out(names) else None

    def mlp(self, layer: int, *, experts: bool) -> float | None:
        """Return the bits of the feed-forward part of a layer where they are not `weight_bits`, else None."""
        base = f"model.layers.{layer}.mlp"
        names = [base, f"{base}.experts"] if experts else [base, f"{base}.down_proj"]
        spared = self.experts_only and not experts
        return self.kept_bits if spared or self._out(names) else None

    def _out(self, names: list[str]) -> bool:
        short = {part for name in names for part in name.split(".")[3:]}
        if not self.left_out.isdisjoint({*names, *short}):
            return True
        return any(fnmatchcase(name, pattern) for pattern in self.patterns for name in names)


def quantized(fields: Fields) -> Quantized:
    """Return how weights are stored; UsageError for a method or number format that is not known."""
    trained = _trained(fields)
    table = fields.table("quantization_config")
    if not table:
        return Quantized(trained, trained)
    inner = Fields(table, f"{fields.where}: quantization_config")
    method = table.get("quant_method")
    if not isinstance(method, str) or method not in _METHODS:
        inner.fail("quant_method", f"is {str(method)[:40]!r}; known are: {', '.join(sorted(_METHODS))}")
    left_out = {_glob(one) for key in _LEFT_OUT for one in inner.texts(key) or []}
    patterns = tuple(sorted(one for one in left_out if set(one) & set("*?[") and not one.endswith("lm_head")))
    if len(patterns) > _MOST_PATTERNS:
        inner.fail(_LEFT_OUT[0], f"has {len(patterns):,} patterns; at most {_MOST_PATTERNS} are followed")
    return Quantized(
        _METHODS[method](inner),
        trained,
        frozenset(left_out),
        patterns,
        experts_only=method == "mxfp4",
    )


def _trained(fields: Fields) -> float:
    told = fields.raw("torch_dtype") or fields.raw("dtype")
    if told is None:
        fields.assumed.append("torch_dtype is not told: 16 bits a weight")
        return 16
    name = str(told).removeprefix("torch.")
    if name not in DTYPES:
        fields.fail("torch_dtype", f"is {name[:40]!r}; known are: {', '.join(DTYPES)}")
    return DTYPES[name]


def _glob(name: str) -> str:
    """Turn the regular expressions that occur (`re:.*self_attn.*`) into patterns of a shell."""
    if not name.startswith("re:"):
        return name
    return name.removeprefix("re:").strip("^$").replace(".*", "*").replace("\\.", ".").replace("\\d+", "*")


def _fp8(fields: Fields) -> float:
    """One scale of 32 bits for each block, if there are blocks (DeepSeek-V3: 128 x 128)."""
    block = fields.wholes("weight_block_size")
    if not block:
        return 8
    if len(block) != 2 or min(block) < 1:
        fields.fail("weight_block_size", "must be two whole numbers above zero")
    return 8 + 32 / (block[0] * block[1])


def _integers(fields: Fields) -> float:
    """GPTQ and AWQ: a scale of 16 bits and a zero point for each group of inputs."""
    bits = fields.whole("bits", most=16)
    group = fields.optional("group_size", least=-1)
    return bits if group is None or group <= 0 else bits + (16 + bits) / group


def _bits_and_bytes(fields: Fields) -> float:
    """NF4: a scale of 32 bits for each block of 64, quantised too where told (QLoRA, arXiv 2305.14314)."""
    if fields.flag("load_in_8bit", default=False):
        return 8
    if not fields.flag("load_in_4bit", default=False):
        fields.fail("load_in_4bit", "is not true, and neither is load_in_8bit")
    nested = fields.flag("bnb_4bit_use_double_quant", default=False)
    return 4 + (8 / 64 + 32 / (64 * 256) if nested else 32 / 64)


def _compressed(fields: Fields) -> float:
    """compressed-tensors: the weights of the first group of its configuration."""
    groups = list(fields.table("config_groups").values())
    if not groups or not isinstance(groups[0], dict):
        fields.fail("config_groups", "tells no group")
    weights = Fields(groups[0], f"{fields.where}: config_groups").table("weights")
    inner = Fields(weights, f"{fields.where}: config_groups: weights")
    bits, group = inner.whole("num_bits", most=16), inner.optional("group_size", least=-1)
    return bits if group is None or group <= 0 else bits + 16 / group


def _mxfp4(_fields: Fields) -> float:
    """Blocks of 32 share a scale of 8 bits (OCP Microscaling Formats 1.0)."""
    return 4.25


def _modelopt(fields: Fields) -> float:
    """FP8, or NVFP4, where blocks of 16 share a scale of 8 bits."""
    known = {"FP8": 8.0, "NVFP4": 4.5}
    name = str(fields.raw("quant_algo"))
    if name not in known:
        fields.fail("quant_algo", f"is {name[:40]!r}; known are: {', '.join(known)}")
    return known[name]


_METHODS: Final[dict[str, Callable[[Fields], float]]] = {
    "fp8": _fp8,
    "fbgemm_fp8": _fp8,
    "gptq": _integers,
    "awq": _integers,
    "bitsandbytes": _bits_and_bytes,
    "compressed-tensors": _compressed,
    "mxfp4": _mxfp4,
    "modelopt": _modelopt,
}
