"""`dcctl assess demand DIR`: weights in safetensors, of which headers alone are read; headers that lie."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT, Cli

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SERVED = ("--gpu", "H100", "--serve", "-o", "json")
HIDDEN, WIDTH, KEYS, VOCABULARY = 4096, 14336, 1024, 128_256
LLAMA = 8_030_261_248
"""Parameters of Llama 3 8B, as its model card has them."""


def llama() -> list[dict[str, list[int]]]:
    """Its tensors as they are published: four files."""
    layer = {
        "self_attn.q_proj": [HIDDEN, HIDDEN], "self_attn.k_proj": [KEYS, HIDDEN],
        "self_attn.v_proj": [KEYS, HIDDEN], "self_attn.o_proj": [HIDDEN, HIDDEN],
        "mlp.gate_proj": [WIDTH, HIDDEN], "mlp.up_proj": [WIDTH, HIDDEN], "mlp.down_proj": [HIDDEN, WIDTH],
        "input_layernorm": [HIDDEN], "post_attention_layernorm": [HIDDEN],
    }  # fmt: skip
    files: list[dict[str, list[int]]] = [
        {f"model.layers.{number}.{name}.weight": shape for number in range(start, start + 8)
         for name, shape in layer.items()}
        for start in range(0, 32, 8)
    ]  # fmt: skip
    files[0]["model.embed_tokens.weight"] = files[3]["lm_head.weight"] = [VOCABULARY, HIDDEN]
    files[3]["model.norm.weight"] = [HIDDEN]
    return files


def write(place: Path, tensors: Mapping[str, list[int]], dtype: str = "BF16", size: int = 2) -> None:
    """One file as large as it claims, with a hole where the weights would be."""
    header, at = {}, 0
    for name, shape in tensors.items():
        count = size
        for one in shape:
            count *= one
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + count]}
        at += count
    text = json.dumps(header).encode()
    with place.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + at)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Llama 3 8B in four files with their index, and its config.json: 16 GB that take no room."""
    where: dict[str, str] = {}
    for number, tensors in enumerate(llama(), 1):
        name = f"model-{number:05}-of-00004.safetensors"
        write(tmp_path / name, tensors)
        where |= dict.fromkeys(tensors, name)
    index = {"metadata": {"total_size": 2 * LLAMA}, "weight_map": where}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    config = (ROOT / "examples" / "assess" / "config.json").read_text()
    (tmp_path / "config.json").write_text(config)
    return tmp_path


def weights(done: Any) -> float:
    found = json.loads(done.stdout)
    row = next(row for row in found["items"] if row["figure"] == "weights_bytes")
    assert row["formula"] == "bytes of the files x share of one accelerator"
    return float(row["value"])


def test_weights_take_what_the_headers_tell(cli: Cli, model: Path) -> None:
    assert weights(cli("assess", "demand", str(model), *SERVED)) == 2 * LLAMA
    assert weights(cli("assess", "demand", str(model / "model.safetensors.index.json"), *SERVED)) == 2 * LLAMA
    assert weights(cli("assess", "demand", str(model), *SERVED, "--tp", "2")) == pytest.approx(
        LLAMA, rel=1e-3
    )


def test_one_file_does_as_well(cli: Cli, model: Path) -> None:
    for file in model.glob("model*"):
        file.unlink()
    write(model / "model.safetensors", {name: shape for part in llama() for name, shape in part.items()})
    for path in (model, model / "model.safetensors"):
        assert weights(cli("assess", "demand", str(path), *SERVED)) == 2 * LLAMA


def test_training_starts_from_the_same_configuration(cli: Cli, model: Path) -> None:
    done = cli("assess", "demand", str(model), "--gpu", "H100", "--gpus", "8", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"]["gpus"] == 8


def test_files_that_are_not_of_the_configuration_are_named(cli: Cli, model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 30}))
    notes = json.loads(cli("assess", "demand", str(model), *SERVED).stdout)["notes"]
    assert any("the files take 16,060,522,496 bytes" in note["text"] for note in notes)


def test_without_a_configuration_the_headers_are_told_and_nothing_is_guessed(cli: Cli, model: Path) -> None:
    (model / "config.json").unlink()
    done = cli("assess", "demand", str(model), *SERVED)
    assert done.returncode == 2
    error = json.loads(done.stderr)["error"]
    assert "has no config.json; its weights have 8,030,261,248 numbers (BF16 16,060,522,496 B)" in str(error)
    assert "--params 8030261248 --layers" in str(error)


def test_a_directory_without_anything_says_so(cli: Cli, tmp_path: Path) -> None:
    done = cli("assess", "demand", str(tmp_path), *SERVED)
    assert done.returncode == 2
    assert "has neither a config.json nor weights" in done.stderr


FIRST = "model-00001-of-00004.safetensors"


def cut_header(model: Path) -> None:
    (model / FIRST).write_bytes((model / FIRST).open("rb").read(100))


def cut_tensors(model: Path) -> None:
    with (model / FIRST).open("r+b") as file:
        file.truncate((model / FIRST).stat().st_size - 1)


def lie_about_sizes(model: Path) -> None:
    content = bytearray((model / FIRST).open("rb").read(10_000))
    content[:8] = (2**40).to_bytes(8, "little")
    (model / FIRST).write_bytes(content)


def lose_a_shard(model: Path) -> None:
    (model / "model-00003-of-00004.safetensors").unlink()


def lose_a_tensor(model: Path) -> None:
    write(model / "model-00004-of-00004.safetensors", {"lm_head.weight": [VOCABULARY, HIDDEN]})


def repeat_a_tensor(model: Path) -> None:
    write(model / "model-00002-of-00004.safetensors", llama()[0])


def know_no_dtype(model: Path) -> None:
    write(model / FIRST, llama()[0], "F7_E3M3")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (cut_header, "is no safetensors file"),
        (cut_tensors, "is cut"),
        (lie_about_sizes, "is no safetensors file: 1,099,511,627,776 bytes of header"),
        (lose_a_shard, "model-00003-of-00004.safetensors: no such file"),
        (lose_a_tensor, "names the tensor 'model.layers.24.input_layernorm.weight'"),
        (repeat_a_tensor, "and so has a file before it"),
        (know_no_dtype, "number format 'F7_E3M3' is not known"),
    ],
)
def test_weights_that_lie_are_refused_by_name(cli: Cli, model: Path, harm: Any, message: str) -> None:
    harm(model)
    done = cli("assess", "demand", str(model), "--gpu", "H100", "--serve")
    assert done.returncode == 2, done.stdout
    assert message in done.stderr
    assert str(model) in done.stderr
    assert not done.stdout
