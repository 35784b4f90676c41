"""Coefficients of the step time, fitted on published runs (`dcctl/data/runs.json`)."""

from typing import Final

COEFFICIENTS: Final[dict[str, float]] = {
    "attention/A100": 3.0943,
    "attention/H100": 5.2689,
    "attention/megatron": 0.8294,
    "attention/megatron-2021": 3.8900,
    "elementwise": 10.3596,
    "gradients": 0.0000,
    "gradients/whole": 1.4817,
    "head": 1.4193,
    "launch": 6.0627,
    "logits": 6.6419,
    "matmul/fsdp/bf16": 1.0183,
    "matmul/fsdp/fp8": 1.2470,
    "matmul/megatron-2021/bf16": 1.4015,
    "matmul/megatron/bf16": 1.4437,
    "matmul/megatron/fp8/B200": 1.6580,
    "matmul/megatron/fp8/GB200": 1.6245,
    "matmul/megatron/fp8/GB300": 1.1961,
    "matmul/megatron/fp8/H100": 1.5277,
    "matmul/megatron/mxfp8/B200": 1.7761,
    "matmul/megatron/mxfp8/GB200": 1.7451,
    "matmul/megatron/mxfp8/GB300": 1.2762,
    "optimizer": 2.8172,
    "tensor": 0.3086,
    "zero3/fsdp": 1.4143,
    "zero3/hops": 3.7083,
    "zero3/megatron": 0.0941,
    "zero3/overlap": 2.0000,
    "zero3/wire": 11.0802,
}
"""How many times longer each part takes than at the hardware's rate; a test fits them again."""
