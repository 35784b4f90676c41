"""Coefficients of the step time, fitted on published runs (`dcctl/data/runs.json`)."""

from typing import Final

COEFFICIENTS: Final[dict[str, float]] = {
    "attention/A100": 3.0797,
    "attention/H100": 5.2950,
    "attention/megatron": 0.6392,
    "attention/megatron-2021": 1.4314,
    "elementwise": 10.3515,
    "gradients": 0.0228,
    "gradients/whole": 0.6531,
    "head": 1.6270,
    "launch": 12.2560,
    "logits": 4.5460,
    "matmul/fsdp/bf16": 1.0185,
    "matmul/fsdp/fp8": 1.2393,
    "matmul/megatron-2021/bf16": 1.4006,
    "matmul/megatron/bf16": 1.1175,
    "matmul/megatron/fp8/B200": 1.5489,
    "matmul/megatron/fp8/GB200": 1.5079,
    "matmul/megatron/fp8/GB300": 1.0889,
    "matmul/megatron/fp8/H100": 1.3650,
    "matmul/megatron/mxfp8/B200": 1.6678,
    "matmul/megatron/mxfp8/GB200": 1.6478,
    "matmul/megatron/mxfp8/GB300": 1.2127,
    "optimizer": 5.5446,
    "tensor": 0.3654,
    "zero3": 0.6838,
    "zero3/overlap": 2.0000,
    "zero3/wire": 5.5520,
}
"""How many times longer each part takes than at the hardware's rate; a test fits them again."""
