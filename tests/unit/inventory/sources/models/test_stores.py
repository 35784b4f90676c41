"""Stores of models: what is opened and what is not, headers, templates, manifests, and who may do what."""

from __future__ import annotations

import errno
import io
import json
import os
import struct
from base64 import b64encode
from hashlib import sha256
from threading import Event
from typing import TYPE_CHECKING

import msgspec
import pytest

from dcctl.inventory.evidence.models import ModelFile, Payload
from dcctl.inventory.evidence.unreached import CUT
from dcctl.inventory.sources.models.access import entries
from dcctl.inventory.sources.models.contents import Contents
from dcctl.inventory.sources.models.evidence import ModelEvidence
from dcctl.inventory.sources.models.limits import Budget
from dcctl.inventory.sources.models.manifest import sums
from dcctl.inventory.sources.models.source import Store, answers, gather
from tests.unit.inventory.sources.models.corpus import EVIL, archive, tape, text

if TYPE_CHECKING:
    from pathlib import Path


def tensors(header: bytes, body: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + body


GOOD = tensors(b'{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}', b"abcd")


def look(data: bytes, name: str) -> Contents:
    contents = Contents(Budget())
    contents.look(io.BytesIO(data), name)
    return contents


def files(path: Path, **names: bool) -> dict[str, ModelFile]:
    found = gather([Store("m", str(path), **names)])
    return {one.name: one for one in found.model_files or ()}


def test_links_pipes_and_devices_are_never_opened(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.bin").write_bytes(EVIL)
    (tmp_path / "inside.bin").symlink_to("a/x.bin")
    (tmp_path / "named.pkl").symlink_to("a/x.bin")
    (tmp_path / "outside.bin").symlink_to("/etc/passwd")
    (tmp_path / "zero.bin").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.bin")
    found = files(tmp_path, serving=True)
    assert set(found) == {"m/named.pkl", "m/outside.bin", "m/zero.bin", "m/pipe.bin"}
    assert [one.name for one in found["m/named.pkl"].imports or ()] == ["os.system"]
    assert found["m/outside.bin"].silent["kind"].reason == "outside.bin: a link that leads out of the store"
    assert found["m/pipe.bin"].silent["imports"].reason.endswith("is no regular file, and is not opened")
    assert all(one.serving for one in found.values())


@pytest.mark.parametrize("path", ["/dev/zero", "/nonexistent/models"])
def test_a_store_that_is_none_says_why(path: str) -> None:
    found = gather([Store("m", path)])
    assert path in found.silent["model_files"].reason
    assert found.silent["model_folders"] == found.silent["model_files"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (GOOD, ""),
        (tensors(b"{}", length=1 << 60), "1,152,921,504,606,846,976 bytes of header"),
        (tensors(b"{}", length=(1 << 64) - 1), "bytes of header"),
        (b"", "no safetensors file"),
        (
            tensors(
                b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},'
                b'"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}',
                b"abcdef",
            ),
            "overlaps",
        ),
        (tensors(b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}', b"ab"), "is cut"),
        (GOOD + b"more", "more than its tensors"),
        (tensors(b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,9]}}', b"abcd"), "are not those of"),
    ],
)
def test_headers_of_safetensors_are_held_against_the_file(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "model.safetensors").write_bytes(data)
    one = files(tmp_path)["m/model.safetensors"]
    assert one.kind == "safetensors"
    assert one.header is not None
    assert why in one.header
    assert bool(why) == bool(one.header)


def test_safetensors_are_known_by_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(GOOD)
    assert files(tmp_path)["m/blob"].kind == "safetensors"


def gguf(pairs: list[tuple[str, int, bytes]], count: int | None = None) -> bytes:
    head = b"GGUF" + struct.pack("<LQQ", 3, 0, len(pairs) if count is None else count)
    rows = (
        struct.pack("<Q", len(key)) + key.encode() + struct.pack("<L", kind) + v for key, kind, v in pairs
    )
    return head + b"".join(rows)


def string(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


LLAMA = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '\\n\\n' + message['content'] | trim }}{% endfor %}"
)


def test_templates_of_gguf_are_looked_at() -> None:
    words = struct.pack("<LQ", 8, 2) + string("a") + string("b")
    numbers = struct.pack("<LQ", 4, 3) + bytes(12)
    usual = [("general.name", 8, string("x")), ("n", 4, bytes(4)), ("w", 9, words), ("m", 9, numbers)]
    template = "tokenizer.chat_template"
    assert list(look(gguf([*usual, (template, 8, string(LLAMA))]), "m.gguf").payloads) == []
    evil = "{{ cycler.__init__.__globals__.os.popen('id') }}"
    found = look(gguf([*usual, (template, 8, string(evil))]), "m.gguf")
    assert found.kind == "gguf"
    assert {one.kind for one in found.payloads} == {"template"}
    assert "__globals__" in {one.what for one in found.payloads}
    cut = look(gguf(usual, count=9), "m.gguf")
    assert (list(cut.payloads), "cut" in cut.unjudged) == ([], True)
    huge = look(b"GGUF" + struct.pack("<LQQ", 3, 0, 1) + struct.pack("<Q", 1 << 60), "m.gguf")
    assert "beyond the file" in huge.unjudged


def test_code_beside_weights_is_told() -> None:
    config = {"auto_map": {"AutoModel": "modeling_x.XModel", "AutoTokenizer": ["tok.X", None]}}
    found = look(msgspec.json.encode(config), "a/config.json")
    assert list(found.payloads) == [
        Payload("remote-code", "AutoModel: modeling_x.XModel"),
        Payload("remote-code", "AutoTokenizer: tok.X"),
    ]
    nested = {"config": {"layers": [{"class_name": "Dense"}, {"class_name": "Lambda", "config": {}}]}}
    keras = look(archive({"config.json": msgspec.json.encode(nested)}), "model.keras")
    assert (keras.kind, list(keras.payloads)) == ("keras", [Payload("lambda", "Lambda")])
    h5 = b"\x89HDF\r\n\x1a\n" + bytes((1 << 20) - 20) + b'{"class_name": "Lambda"}'
    assert list(look(h5, "model.h5").payloads) == [Payload("lambda", "Lambda")]
    assert list(look(b"\x0a\x06PyFunc\x12", "x/saved_model.pb").payloads) == [Payload("operator", "PyFunc")]
    assert list(look(b"\x7fELF" + bytes(60), "libx").payloads) == [Payload("executable", "libx")]
    assert list(look(b"x = 1\n", "a/modeling_x.py").payloads) == [Payload("script", "modeling_x.py")]
    assert list(look(b"{{ x.__class__ }}", "chat_template.jinja").payloads) == [
        Payload("template", "__class__")
    ]
    plain = look(msgspec.json.encode({"model_type": "llama", "chat_template": LLAMA}), "config.json")
    assert (plain.kind, list(plain.payloads)) == ("config", [])


def test_folders_are_held_against_their_manifests(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(GOOD)
    (tmp_path / "b.safetensors").write_bytes(GOOD + b"x")
    lines = [f"{sha256(GOOD).hexdigest()}  {name}.safetensors" for name in "abc"]
    (tmp_path / "SHA256SUMS").write_text("\n".join(lines[:1] + lines[2:]))
    (folder,) = gather([Store("m", str(tmp_path))]).model_folders or ()
    assert (folder.manifest, folder.mismatched, folder.missing) == ("SHA256SUMS", (), ("c.safetensors",))
    assert folder.unlisted == ("b.safetensors",)
    (tmp_path / "SHA256SUMS").write_text("\n".join(lines[:2]))
    (folder,) = gather([Store("m", str(tmp_path))]).model_folders or ()
    assert (folder.mismatched, folder.missing, folder.unlisted) == (("b.safetensors",), (), ())
    (folder,) = gather([Store("m", str(tmp_path))], hashed_bytes=10).model_folders or ()
    assert (folder.mismatched, folder.silent["mismatched"].cause) == (None, "truncated")
    (tmp_path / "SHA256SUMS").write_text("../etc/passwd")
    (folder,) = gather([Store("m", str(tmp_path))]).model_folders or ()
    assert folder.silent["missing"].cause == "invalid"


def test_manifests_as_their_tools_write_them() -> None:
    digest = "ab" * 32
    assert sums(f"{digest} *./a b.bin\n# x\n\n".encode(), "SHA256SUMS") == {"a b.bin": digest}
    assert sums(f"SHA256 (a.bin) = {digest.upper()}\n".encode(), "SHA256SUMS") == {"a.bin": digest}
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicate": {"resources": [{"name": "a.bin", "digest": digest, "algorithm": "sha256"}]},
    }
    payload = b64encode(msgspec.json.encode(statement)).decode()
    bundle = msgspec.json.encode({"dsseEnvelope": {"payload": payload, "payloadType": "x"}})
    assert sums(bundle, "model.sig") == {"a.bin": digest}
    for wrong in (b"", b"nonsense", f"{digest}  /etc/passwd".encode(), f"{digest}  a/../../b".encode()):
        with pytest.raises(ValueError):  # noqa: PT011  # any is a manifest that is none
            sums(wrong, "SHA256SUMS")


def test_who_may_do_what(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(GOOD)
    (tmp_path / "w.safetensors").chmod(0o646)
    tmp_path.chmod(0o755)
    access = files(tmp_path)["m/w.safetensors"].access
    assert access is not None
    assert (access.mode, access.acl) == (0o646, ())
    (tmp_path / "in").mkdir(mode=0o700)
    (tmp_path / "in" / "deep").mkdir(mode=0o755)
    found = {one.name: one.closed for one in gather([Store("m", str(tmp_path))]).model_folders or ()}
    assert (found["m/in"], found["m/in/deep"]) == (True, True)


def test_an_acl_as_the_kernel_keeps_it() -> None:
    rows = [(0x01, 6, 0xFFFFFFFF), (0x02, 7, 4_000_000_001), (0x04, 4, 0xFFFFFFFF), (0x08, 4, 4_000_000_002)]
    rows += [(0x10, 6, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF)]
    data = struct.pack("<L", 2) + b"".join(struct.pack("<HHL", *row) for row in rows)
    assert entries(data) == ("user:4000000001:rw-", "group:4000000002:r--")
    with pytest.raises(ValueError, match="version"):
        entries(struct.pack("<L", 1))


def test_a_file_that_may_not_be_read_is_silent(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(GOOD)
    (tmp_path / "secret.bin").chmod(0)
    if not os.geteuid():
        pytest.skip("root reads everything")
    assert files(tmp_path)["m/secret.bin"].silent["kind"].cause == "denied"


def test_names_that_are_not_utf8_are_spelled_and_stay_two(tmp_path: Path) -> None:
    for name in (b"\xff.pkl", rb"\xff.pkl", b"\xc3\xa9.pkl"):
        (tmp_path / os.fsdecode(name)).write_bytes(EVIL)
    (tmp_path / os.fsdecode(b"\xfe.bin")).symlink_to("/etc/passwd")
    member = os.fsdecode(b"\xfd.pkl")
    (tmp_path / "t.pt").write_bytes(tape({member: EVIL}))
    (tmp_path / "halves").write_bytes(b"\x80\x04X\x03\x00\x00\x00\xed\xa0\x80" + text("y") + b"\x93)R.")
    found = files(tmp_path)
    spelled = {r"m/\xff.pkl", r"m/\\xff.pkl", "m/é.pkl"}
    assert set(found) == {*spelled, r"m/\xfe.bin", "m/t.pt", "m/halves"}
    assert [one.member for one in found["m/t.pt"].imports or ()] == [r"\xfd.pkl"]
    assert [one.name for one in found["m/halves"].imports or ()] == [r"\ud800.y"]
    assert msgspec.json.encode(list(found.values()))
    (tmp_path / "SHA256SUMS").write_text(f"{sha256(EVIL).hexdigest()}  \\xff.pkl\n")
    (folder,) = gather([Store("m", str(tmp_path))]).model_folders or ()
    assert (folder.mismatched, folder.missing) == ((), ())
    assert r"\\xff.pkl" not in (folder.unlisted or ())


def test_a_cache_of_hugging_face_is_read_by_the_names_of_its_links(tmp_path: Path) -> None:
    cache = tmp_path / "models--x--y"
    (cache / "blobs").mkdir(parents=True)
    (cache / "snapshots" / "rev").mkdir(parents=True)
    for blob, data in (("a1", b"x = 1\n"), ("b2", EVIL), ("c3", EVIL), ("d4", GOOD)):
        (cache / "blobs" / blob).write_bytes(data)
    for name, blob in (("modeling_x.py", "a1"), ("x.pkl", "b2"), ("w.safetensors", "d4")):
        (cache / "snapshots" / "rev" / name).symlink_to(f"../../blobs/{blob}")
    (cache / "blobs" / "e5").write_text(f"{sha256(GOOD).hexdigest()}  w.safetensors\n")
    (cache / "snapshots" / "rev" / "SHA256SUMS.txt").symlink_to("../../blobs/e5")
    found = files(tmp_path)
    rev = "m/models--x--y/snapshots/rev"
    names = {"modeling_x.py", "x.pkl", "w.safetensors", "SHA256SUMS.txt"}
    assert set(found) == {*(f"{rev}/{name}" for name in names), "m/models--x--y/blobs/c3"}
    assert found[f"{rev}/modeling_x.py"].payloads == (Payload("script", "modeling_x.py"),)
    assert found[f"{rev}/w.safetensors"].header == ""
    folders = {one.name: one for one in gather([Store("m", str(tmp_path))]).model_folders or ()}
    assert (folders[rev].mismatched, folders[rev].missing) == ((), ())
    assert folders[rev].unlisted == ("x.pkl",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_configuration_is_read_as_python_reads_it(encoding: str) -> None:
    told = '{"eps": NaN, "most": -Infinity, "auto_map": {"AutoModel": "modeling_x.X"}}'
    found = look(told.encode(encoding), "a/config.json")
    assert (found.kind, list(found.payloads)) == (
        "config",
        [Payload("remote-code", "AutoModel: modeling_x.X")],
    )
    template = '{"n": Infinity, "chat_template": {"default": "{{ x.__class__ }}"}}'
    assert [one.what for one in look(template.encode(encoding), "tokenizer_config.json").payloads] == [
        "__class__"
    ]


def test_what_frameworks_load_from_beside_a_configuration_is_told() -> None:
    told = b'{"custom_pipelines": {"chat": {"impl": "chat.Pipe"}}, "auto_map": ["tok.X", null]}'
    assert [one.what for one in look(told, "config.json").payloads] == ["chat: chat.Pipe", "auto_map: tok.X"]
    found = look(b'{"_class_name": ["my_pipe", "Mine"]}', "model_index.json")
    assert [one.what for one in found.payloads] == ["_class_name: my_pipe, Mine"]
    assert list(look(b'{"_class_name": "StableDiffusionPipeline"}', "model_index.json").payloads) == []


def test_a_configuration_that_is_not_read_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b'{"auto_map": ')
    (tmp_path / "deep.json").write_bytes(b"[" * 100_000)
    (tmp_path / "notes").write_bytes(b"{see below}")
    found = files(tmp_path)
    assert found["m/config.json"].payloads is None
    assert "cannot be read" in found["m/config.json"].silent["payloads"].reason
    assert "deeper" in found["m/deep.json"].silent["payloads"].reason
    assert not found["m/config.json"].silent.get("imports")
    assert (found["m/notes"].payloads, found["m/notes"].silent) == ((), {})
    monkeypatch.setattr("dcctl.inventory.sources.models.contents._CONFIG_BYTES", 10)
    (tmp_path / "config.json").write_bytes(b'{"a": 1}' + b" " * 10)
    assert "larger" in files(tmp_path)["m/config.json"].silent["payloads"].reason


def test_a_zip_behind_something_else_is_opened() -> None:
    layer = {"config": {"layers": [{"class_name": "Lambda"}]}, "eps": float("nan")}
    told = json.dumps(layer).encode("utf-16")
    found = look(b'{"a":1}\n' + archive({"config.json": told}), "model.keras")
    assert (found.kind, list(found.payloads)) == ("keras", [Payload("lambda", "Lambda")])
    found = look(GOOD + archive({"x/model.bin": EVIL}), "model.safetensors")
    assert [one.name for one in found.imports] == ["os.system"]


def test_a_file_system_that_hangs_is_given_up(tmp_path: Path) -> None:
    never = Event()
    assert not answers("/srv/models", lambda _path: never.wait(), 0.01)
    never.set()
    assert answers(str(tmp_path))
    assert answers(str(tmp_path / "away"))


def test_a_store_without_a_file_is_silent_since_it_may_not_be_mounted(tmp_path: Path) -> None:
    (tmp_path / "llama").mkdir()
    found = gather([Store("m", str(tmp_path))])
    assert (found.silent["model_files"].cause, found.model_files) == ("missing", ())


@pytest.mark.parametrize("call", ["fstat", "listdir", "open"])
def test_what_the_file_system_cannot_give_is_silent_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.bin").write_bytes(EVIL)
    bad, known = tmp_path / "a" / ("" if call == "listdir" else "x.bin"), getattr(os, call)

    def stale(what: int | str, *more: object) -> object:
        if os.path.samestat(bad.stat(), os.stat(what)):  # noqa: PTH116  # it may be open
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return known(what, *more)

    monkeypatch.setattr(f"dcctl.inventory.sources.models.source.os.{call}", stale)
    evidence = ModelEvidence(Store("m", str(tmp_path))).gather(Event())
    found = {one.name: one for one in evidence.model_files or ()}
    (dark,) = (one for name, one in found.items() if name != "m/b/x.bin")
    assert dark.silent["imports"].cause == "failed"
    assert found["m/b/x.bin"].imports
    assert [(gap.source, gap.cause) for gap in evidence.fleet.gaps] == [("models", "failed")]


def test_a_sum_or_a_manifest_that_cannot_be_read_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.bin").write_bytes(b"x")
    (tmp_path / "SHA256SUMS").write_text(f"{sha256(b'x').hexdigest()}  x.bin\n")

    def stale(*_any: object) -> str:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    for broken in ("sums", "hashlib.sha256"):
        with monkeypatch.context() as patch:
            patch.setattr(f"dcctl.inventory.sources.models.source.{broken}", stale)
            (folder,) = gather([Store("m", str(tmp_path))]).model_folders or ()
        assert folder.mismatched is None
        assert folder.silent["mismatched"].cause == "failed"


def test_a_header_is_that_of_the_file_that_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "w.safetensors"
    place.write_bytes(GOOD)
    look_at = Contents.look

    def swapped(self: Contents, file: io.BytesIO, name: str) -> None:
        look_at(self, file, name)
        place.unlink()
        place.symlink_to("/etc/passwd")

    monkeypatch.setattr(Contents, "look", swapped)
    assert files(tmp_path)["m/w.safetensors"].header == ""


def test_what_was_read_before_it_was_stopped_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, look_at = Event(), Contents.look
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(EVIL)

    def stopped(self: Contents, file: io.BytesIO, name: str) -> None:
        if name == "b.bin":
            stop.set()
        look_at(self, file, name)

    monkeypatch.setattr(Contents, "look", stopped)
    found = gather([Store("m", str(tmp_path))], stop=stop)
    assert [one.name for one in found.model_files or ()] == ["m/a.bin"]
    assert found.silent == {"model_files": CUT, "model_folders": CUT}
