"""Models and accelerators of the catalogues, for tests."""

from functools import cache

from dcctl.assess.demand.architecture import Architecture
from dcctl.assess.demand.hardware import Gpu
from dcctl.assess.demand.lookup import Model
from dcctl.assess.demand.lookup import gpu as find_gpu
from dcctl.assess.demand.lookup import model as find_model
from dcctl.inventory.sources.catalogue import rows

LLAMA = {
    "model_type": "llama",
    "torch_dtype": "bfloat16",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "vocab_size": 1000,
}
"""The smallest configuration that tells everything."""


@cache
def models() -> tuple[Model, ...]:
    return rows("models", Model)


@cache
def gpus() -> tuple[Gpu, ...]:
    return rows("gpus", Gpu)


def model(name: str) -> Architecture:
    return find_model(name, models()).architecture()


def gpu(name: str) -> Gpu:
    return find_gpu(name, gpus())
