"""Models and data of the demo: a pickle that runs a program, remote code, a data set that nobody owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.models import (
    Access,
    DataSet,
    Import,
    Leftover,
    ModelFile,
    ModelFolder,
    Payload,
    Scratch,
)

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet

_DAY_S: Final = 86_400
_KEPT: Final = Access(0o640, "triton", "models")
_SHARED: Final = Access(0o2750, "triton", "models")


def part(fleet: Fleet) -> Evidence:
    """Return the models that production serves, those that were downloaded, data sets and scratch folders."""
    now_s = fleet.taken_at_s or 0
    return Evidence(
        model_files=_FILES, model_folders=_FOLDERS, datasets=_DATASETS, scratches=_scratches(now_s)
    )


def _file(name: str, **told: object) -> ModelFile:
    store = name.partition("/")[0]
    known: dict[str, object] = {"imports": (), "payloads": (), "access": _KEPT, "size_bytes": 4_900_000_000}
    return ModelFile(name=name, store=store, serving=store == "serving", **(known | told))  # type: ignore[arg-type]


_WEIGHTS: Final = tuple(f"model-0000{at}-of-00004.safetensors" for at in range(1, 5))
_FILES: Final = (
    *(_file(f"serving/llama-70b/{name}", kind="safetensors", header="") for name in _WEIGHTS),
    _file("serving/llama-70b/config.json", kind="config", size_bytes=1_200),
    _file("serving/llama-70b/SHA256SUMS", kind="other", size_bytes=400),
    _file(
        "downloads/reranker/pytorch_model.bin",
        kind="pickle",
        imports=(
            Import("collections.OrderedDict", "archive/data.pkl"),
            Import("torch._utils._rebuild_tensor_v2", "archive/data.pkl"),
            Import("posix.system", "archive/data.pkl"),
        ),
    ),
    _file(
        "downloads/reranker/config.json",
        kind="config",
        size_bytes=900,
        payloads=(Payload("remote-code", "AutoModel: modeling_reranker.Reranker"),),
    ),
)
_FOLDERS: Final = (
    ModelFolder(
        name="serving/llama-70b",
        store="serving",
        serving=True,
        access=_SHARED,
        weights=_WEIGHTS,
        manifest="SHA256SUMS",
        mismatched=(),
        missing=(),
        unlisted=(),
    ),
    ModelFolder(
        name="downloads/reranker",
        store="downloads",
        access=Access(0o2770, "ops", "models"),
        weights=("pytorch_model.bin",),
        manifest="",
    ),
)
_DATASETS: Final = (
    DataSet(
        name="web-corpus-2025",
        classification="internal",
        owner="nlp",
        retention_s=730 * _DAY_S,
        legal_basis="licence",
        personal=False,
        kept_in=("dc1", "dc2"),
    ),
    DataSet(
        name="support-calls",
        classification="confidential",
        retention_s=180 * _DAY_S,
        legal_basis="contract",
        purpose="speech",
        personal=True,
        regions=("dc1",),
        kept_in=("dc1",),
    ),
)


def _scratches(now_s: int) -> tuple[Scratch, ...]:
    left = (Leftover("chen", 41),)
    return tuple(
        Scratch(node=node, path="/scratch", leftovers=found, wiped_at_s=now_s - _DAY_S)
        for node, found in (("gpu097", ()), ("gpu098", left), ("gpu100", ()))
    )
