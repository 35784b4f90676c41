"""Coefficients of the step time, fitted on published runs (`dcctl/data/runs.json`)."""

from typing import Final

COEFFICIENTS: Final[dict[str, float]] = {
    "attention/A100": 3.0834,
    "attention/H100": 5.2880,
    "attention/megatron": 0.6777,
    "attention/megatron-2021": 3.9450,
    "elementwise": 11.4095,
    "gradients": 0.0000,
    "gradients/whole": 1.4490,
    "head": 1.4507,
    "launch": 6.4154,
    "logits": 5.5165,
    "matmul/fsdp/bf16": 0.9874,
    "matmul/fsdp/fp8": 1.1337,
    "matmul/megatron-2021/bf16": 1.3928,
    "matmul/megatron/bf16": 1.4188,
    "matmul/megatron/fp8/B200": 1.6482,
    "matmul/megatron/fp8/GB200": 1.6069,
    "matmul/megatron/fp8/GB300": 1.1793,
    "matmul/megatron/fp8/H100": 1.5001,
    "matmul/megatron/mxfp8/B200": 1.7663,
    "matmul/megatron/mxfp8/GB200": 1.7269,
    "matmul/megatron/mxfp8/GB300": 1.2644,
    "optimizer": 1.0000,
    "tensor": 0.3567,
    "zero3/fsdp": 1.6069,
    "zero3/megatron": 0.1284,
    "zero3/overlap": 2.0000,
    "zero3/wire": 11.1063,
}
"""How many times longer each part takes than at the hardware's rate; a test fits them again."""
