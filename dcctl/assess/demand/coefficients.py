"""Coefficients of the step time, fitted on published runs (`dcctl/data/runs.json`)."""

from typing import Final

COEFFICIENTS: Final[dict[str, float]] = {
    "attention/A100": 3.0787,
    "attention/H100": 5.2942,
    "attention/megatron": 0.5415,
    "attention/megatron-2021": 2.3357,
    "elementwise": 11.1073,
    "gradients": 0.0000,
    "gradients/whole": 1.0408,
    "head": 1.5852,
    "launch": 8.3842,
    "logits": 4.4665,
    "matmul/fsdp/bf16": 1.0086,
    "matmul/fsdp/fp8": 1.2360,
    "matmul/megatron-2021/bf16": 1.3952,
    "matmul/megatron/bf16": 1.3657,
    "matmul/megatron/fp8/B200": 1.6126,
    "matmul/megatron/fp8/GB200": 1.5377,
    "matmul/megatron/fp8/GB300": 1.1166,
    "matmul/megatron/fp8/H100": 1.4324,
    "matmul/megatron/mxfp8/B200": 1.7313,
    "matmul/megatron/mxfp8/GB200": 1.7000,
    "matmul/megatron/mxfp8/GB300": 1.2532,
    "optimizer": 6.0683,
    "tensor": 0.4030,
    "zero3": 0.7088,
    "zero3/overlap": 2.0000,
    "zero3/wire": 5.5561,
}
"""How many times longer each part takes than at the hardware's rate; a test fits them again."""
