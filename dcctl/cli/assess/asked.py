"""Options of `dcctl assess demand`: each field is one option, in the order of the help."""

from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, get_type_hints

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.render.report import Report

Text = str | None
Count = int | None


def _text(name: str, metavar: str, help_text: str) -> object:
    return typer.Option(name, metavar=metavar, help=help_text)


def _count(name: str, help_text: str, metavar: str = "N") -> object:
    return typer.Option(name, metavar=metavar, min=1, help=help_text)


class Asked(NamedTuple):
    """What was typed."""

    spec: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A name of the catalogue, a config.json, or a directory with safetensors."
        ),
    ] = ""
    params: Annotated[Text, _text("--params", "COUNT", "Parameters of a model by hand: 70B.")] = None
    layers: Annotated[Count, _count("--layers", "Its layers.")] = None
    hidden: Annotated[Count, _count("--hidden", "Its hidden size.")] = None
    heads: Annotated[Count, _count("--heads", "Its attention heads; without it hidden / 128.")] = None
    kv_heads: Annotated[Count, _count("--kv-heads", "Its key and value heads; without it as many.")] = None
    vocab: Annotated[Text, _text("--vocab", "COUNT", "Its vocabulary; without it 128k.")] = None
    gpu: Annotated[
        Text, _text("--gpu", "NAME", "H100, A100 80GB, B200, …; without it, the fleet's most.")
    ] = None
    gpus: Annotated[Count, _count("--gpus", "Accelerators to train on.")] = None
    tokens: Annotated[Text, _text("--tokens", "COUNT", "Tokens to train on: 15T.")] = None
    deadline: Annotated[Text, _text("--deadline", "TIME", "Be done in that time: 30d. Finds --gpus.")] = None
    seq: Annotated[Text, _text("--seq", "TOKENS", "Tokens of a sequence; without it 8k or the model's.")] = (
        None
    )
    batch: Annotated[Count, _count("--batch", "Sequences of a step; without it about 4M tokens.")] = None
    micro_batch: Annotated[Count, _count("--micro-batch", "Sequences of one pass.")] = None
    tp: Annotated[Count, _count("--tp", "Tensor-parallel size.")] = None
    pp: Annotated[Count, _count("--pp", "Pipeline stages.")] = None
    vp: Annotated[Count, _count("--vp", "Chunks of layers on each stage (interleaved).")] = None
    cp: Annotated[Count, _count("--cp", "Context-parallel size.")] = None
    ep: Annotated[Count, _count("--ep", "Expert-parallel size.")] = None
    zero: Annotated[
        int | None, typer.Option("--zero", metavar="STAGE", min=0, max=3, help="ZeRO 0 to 3; 3 is FSDP.")
    ] = None
    recompute: Annotated[
        Literal["none", "selective", "full"] | None,
        typer.Option("--recompute", metavar="WHAT", help="none, selective or full: activations made again."),
    ] = None
    precision: Annotated[
        Literal["bf16", "fp8", "mxfp8"],
        typer.Option("--precision", metavar="FORMAT", help="bf16, fp8 or mxfp8: of the matrix products."),
    ] = "bf16"
    optimizer: Annotated[
        Literal["adamw", "adamw-8bit", "muon", "sgd"],
        typer.Option("--optimizer", metavar="NAME", help="adamw, adamw-8bit, muon or sgd."),
    ] = "adamw"
    lora: Annotated[
        Count, _count("--lora", "Low-rank adapters of that rank: trained alone, or served.", "RANK")
    ] = None
    adapters: Annotated[Count, _count("--adapters", "So many of them are served at once.")] = None
    search: Annotated[
        bool, typer.Option("--search", help="The fastest layout that fits, also where sizes are given.")
    ] = False
    storage: Annotated[Text, _text("--storage", "RATE", "What storage writes: 40GB/s.")] = None
    stall: Annotated[Text, _text("--stall", "TIME", "Training may stand so long for a checkpoint.")] = None
    price: Annotated[
        float | None,
        typer.Option("--price", metavar="MONEY", min=0, max=1e6, help="Of one accelerator for an hour."),
    ] = None
    energy_price: Annotated[
        float | None, typer.Option("--energy-price", metavar="MONEY", min=0, max=1e6, help="Of a kWh.")
    ] = None
    carbon: Annotated[
        float | None, typer.Option("--carbon", metavar="GRAMS", min=0, max=1e5, help="Of CO2 for a kWh.")
    ] = None
    pue: Annotated[
        float | None, typer.Option("--pue", metavar="RATIO", min=1, max=10, help="Of the site.")
    ] = None
    serve: Annotated[bool, typer.Option("--serve", help="What serving takes, in place of training.")] = False
    input_tokens: Annotated[str, _text("--input-tokens", "TOKENS", "Of the usual request.")] = "2k"
    output_tokens: Annotated[str, _text("--output-tokens", "TOKENS", "Of the usual answer.")] = "500"
    rate: Annotated[Text, _text("--rate", "RATE", "Requests: 10/s.")] = None
    ttft: Annotated[Text, _text("--ttft", "TIME", "Target for the first token at p95: 1s.")] = None
    tpot: Annotated[Text, _text("--tpot", "TIME", "Target for each further token: 50ms.")] = None
    longest: Annotated[
        Text, _text("--longest", "TOKENS", "A served sequence may grow so long; without it, the usual one.")
    ] = None
    weight_bits: Annotated[
        float | None,
        typer.Option("--weight-bits", metavar="BITS", min=1, max=32, help="Serve weights with 8 or 4 bits."),
    ] = None
    kv_bits: Annotated[
        float | None,
        typer.Option("--kv-bits", metavar="BITS", min=1, max=32, help="8: an FP8 cache; without it 16."),
    ] = None
    explain: Annotated[bool, typer.Option("--explain", help="Also formula and source of each figure.")] = (
        False
    )

    @property
    def sizes(self) -> bool:
        """Whether a layout was told."""
        told = (self.tp, self.pp, self.vp, self.cp, self.ep, self.zero, self.micro_batch, self.recompute)
        return any(one is not None for one in told)


_TRAINING: Final = (
    "tokens", "deadline", "gpus", "seq", "micro_batch", "vp", "cp", "zero", "recompute", "precision",
    "optimizer", "search", "storage", "stall",
)  # fmt: skip
_SERVING: Final = (
    "input_tokens", "output_tokens", "rate", "ttft", "tpot", "longest", "weight_bits", "kv_bits", "adapters",
)  # fmt: skip


def refuse_strays(asked: Asked) -> None:
    """UsageError when an option of training was given for serving, or the other way round."""
    from dcctl.errors import UsageError

    others = _TRAINING if asked.serve else _SERVING
    for name in others:
        if getattr(asked, name) != Asked._field_defaults[name]:
            meant = (
                "is for training: not with --serve" if asked.serve else "is for serving: it goes with --serve"
            )
            raise UsageError(f"--{name.replace('_', '-')}", meant)


def with_options(command: "Callable[..., Report]") -> "Callable[..., Report]":
    """The command, whose keywords are the fields of Asked: as Typer wants to see them."""
    hints = get_type_hints(Asked, include_extras=True)
    session = Parameter("session", Parameter.POSITIONAL_OR_KEYWORD)
    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=Asked._field_defaults[name], annotation=hints[name])
        for name in Asked._fields
    ]
    command.__signature__ = Signature([session, *options])  # type: ignore[attr-defined]
    return command
