"""What a configuration says beside what is understood of it: refused where it changes tensors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from dcctl.assess.demand.families import ALIASES

if TYPE_CHECKING:
    from dcctl.assess.demand.fields import Fields

_EXPERTS: Final = re.compile(r"experts?(_|$)|^moe_|^(n|num)_shared")
"""Keys of models with experts."""
_STRUCTURE: Final = re.compile(
    r"^attention_type|^cross_attention|^mamba_|^ssm_|^conv_|^index_|kv_lora_rank|q_lora_rank|^block_types$"
    r"|^linear_(attn|num|key|value)|^layers_block_type"
)
"""Other keys by which models of one family differ in their tensors."""
_HARMLESS: Final = re.compile(
    r"coef|loss|dropout|bias_update|capacity|per_tok|_used$|topk|top_k|group|scor|router|jitter|implementation"
    r"|backend|kernel_options|scaling|norm|chunk|time_step|init|dtype"
)
"""Those of them that say how it is trained or computed, not what there is."""
_OTHER_NAMES: Final = {"falcon": ("rwforcausallm",), "gpt_oss": ("gptoss",), "kimi_k2": ("deepseekv3",)}
"""Classes by which a type was known before, or is known elsewhere."""


def refuse_strangers(fields: Fields, kind: str, *, experts: bool) -> None:
    """UsageError for a class of another type, or a key of the model's structure that nobody asked for.

    `experts`: the model was read as one with experts, whose families spell them in ways of their own.
    """
    _refuse_class(fields, kind)
    for key in sorted(fields.values.keys() - fields.read):
        value = fields.values[key]
        structure = _STRUCTURE.search(key) or (_EXPERTS.search(key) and not experts)
        if structure and value and value != 1 and not _HARMLESS.search(key):
            fields.fail(key, f"is not understood of {kind}; models made so are not known here")


def _refuse_class(fields: Fields, kind: str) -> None:
    """The class names the type: LlamaForCausalLM is llama, Qwen2MoeForCausalLM is qwen2_moe."""
    told = [one for one in _words(fields.values.get("architectures")) if one]
    names = {kind, ALIASES.get(kind, kind)}
    known = {re.sub(r"_text$", "", one).replace("_", "") for one in names}
    known |= {other for one in names for other in _OTHER_NAMES.get(one, ())}
    for one in told:
        if not any(one.lower().startswith(name) for name in known):
            fields.fail("architectures", f"is {one[:40]!r}, which is no {kind}: which of the two is it?")


def _words(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
