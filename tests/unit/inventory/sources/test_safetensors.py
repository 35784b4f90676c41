"""Headers of safetensors: what they tell, and headers that lie."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.errors import UsageError
from dcctl.inventory.sources.safetensors import BITS, Tensor, read_config, read_weights


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def packed(header: object, data: int = 0, length: int | None = None) -> bytes:
    """A file with a header, with so many bytes of data, that claims a length of header."""
    text = json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + bytes(data)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A file of two tensors in two formats."""
    header = {
        "__metadata__": {"format": "pt"},
        "a.weight": entry("BF16", [3, 4], 0, 24),
        "a.scale": entry("F32", [2], 24, 32),
    }
    path = tmp_path / "model.safetensors"
    path.write_bytes(packed(header, 32))
    return path


def test_each_tensor_has_its_own_format(one: Path) -> None:
    found = read_weights(str(one))
    assert found is not None
    assert found.tensors == (Tensor("a.weight", "BF16", (3, 4), 24), Tensor("a.scale", "F32", (2,), 8))
    assert found.bytes_by_dtype == {"BF16": 24, "F32": 8}
    assert found.total_bytes == 32
    assert [tensor.elements for tensor in found.tensors] == [12, 2]


def test_a_directory_is_read_by_its_index(tmp_path: Path) -> None:
    for number, name in enumerate(("x", "y")):
        (tmp_path / f"part-{number}.safetensors").write_bytes(packed({name: entry("F8_E4M3", [5], 0, 5)}, 5))
    (tmp_path / "other.safetensors").write_bytes(b"not of this model")
    index = {"metadata": {}, "weight_map": {"x": "part-0.safetensors", "y": "part-1.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    found = read_weights(str(tmp_path))
    assert found is not None
    assert (found.files, found.total_bytes) == (2, 10)


def test_without_an_index_all_files_of_a_directory_are_read(one: Path) -> None:
    found = read_weights(str(one.parent))
    assert found is not None
    assert found.files == 1


def test_a_directory_without_weights_has_none(tmp_path: Path) -> None:
    assert read_weights(str(tmp_path)) is None


def test_links_are_followed_as_caches_have_them(one: Path, tmp_path: Path) -> None:
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "model.safetensors").symlink_to(one)
    found = read_weights(str(tmp_path / "snapshot"))
    assert found is not None
    assert found.total_bytes == 32


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(UsageError, match="is not a file"):
        read_weights(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no safetensors file"),
        (b"\x01\x02", "is no safetensors file"),
        (packed({}, length=2**60), "is no safetensors file: 1,152,921,504,606,846,976 bytes of header"),
        (packed({}, length=2**64 - 1), "is no safetensors file"),
        (packed({}, length=3), "is no safetensors file"),
        ((5).to_bytes(8, "little") + b"hello", "has a header that is not one of safetensors"),
        ((4).to_bytes(8, "little") + b"\xff\xfe\x00\x01", "has a header that is not one of safetensors"),
        (packed([]), "has a header that is not one of safetensors"),
        (packed({"a": 1}), "has a header that is not one of safetensors"),
        (packed({"a": {"dtype": "F32", "shape": [1]}}), "has a header that is not one of safetensors"),
        (packed({"a": entry("F32", [1], 0, 4)}), "is cut: 4 bytes of tensors, 0 in the file"),
        (packed({"a": entry("F32", [1], 0, 4)}, 5), "has more than its tensors"),
        (
            packed({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 2, 6)}, 6),
            "b: overlaps the one before it",
        ),
        (
            packed({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 5, 9)}, 9),
            "b: leaves a hole before it",
        ),
        (packed({"a": entry("F32", [2], 0, 4)}, 4), "a: 4 bytes are not those of its shape"),
        (packed({"a": entry("F32", [-1, -1], 0, 4)}, 4), "a: its shape is impossible"),
        (packed({"a": entry("F32", [1], 4, 0)}, 4), "a: -4 bytes are not those of its shape"),
        (packed({"a": entry("F3", [1], 0, 4)}, 4), "a: number format 'F3' is not known"),
        (packed({"a": entry("F32", [2**62, 2**62], 0, 4)}, 4), "are not those of its shape"),
        (((1 << 20).to_bytes(8, "little") + b"[" * (1 << 20)), "has a header that is not one of safetensors"),
    ],
)
def test_headers_that_lie_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_weights(str(path))
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"weight_map": {"a": "../../etc/passwd"}}, "does not lie beside it"),
        ({"weight_map": {"a": "/etc/passwd"}}, "does not lie beside it"),
        ({"weight_map": {"a": "gone.safetensors"}}, "no such file"),
        ({"weight_map": [1]}, "is not an index of safetensors"),
        ([], "is not an index of safetensors"),
    ],
)
def test_an_index_that_lies_is_refused(tmp_path: Path, index: object, message: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UsageError) as caught:
        read_weights(str(tmp_path))
    assert message in str(caught.value)


def test_a_tensor_in_two_files_is_refused(one: Path) -> None:
    (one.parent / "second.safetensors").write_bytes(one.read_bytes())
    with pytest.raises(
        UsageError, match=r"second.safetensors: has the tensor 'a.weight', and so has a file before"
    ):
        read_weights(str(one.parent))


@given(st.sampled_from(sorted(BITS)), st.lists(st.integers(0, 9), max_size=4), st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(dtype: str, shape: list[int], tail: bytes) -> None:
    path = Path(f"/tmp/dcctl-safetensors-{os.getpid()}")
    path.write_bytes(packed({"a": entry(dtype, shape, 0, len(tail))}) + tail)
    try:
        found = read_weights(str(path))
        assert found is not None
        assert found.total_bytes == len(tail)
    except UsageError:
        pass
    finally:
        path.unlink()


def test_a_configuration_is_found_in_its_directory(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    assert read_config(str(tmp_path)) == read_config(str(tmp_path / "config.json")) == {"model_type": "llama"}


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"7", b"{" * 100_000, b'{"a": NaN}'])
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "config.json").write_bytes(text)
    with pytest.raises(UsageError, match=r"config\.json: is not a JSON object"):
        read_config(str(tmp_path))


def test_a_configuration_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    assert read_config(str(tmp_path)) is None
    assert read_config(str(tmp_path / "model.safetensors")) is None
    with pytest.raises(UsageError, match="no such file"):
        read_config(str(tmp_path / "config.json"))
