"""Pickles that run something when they are loaded, made opcode by opcode, and some that do not."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections import OrderedDict
from datetime import datetime
from decimal import Decimal
from gzip import compress as gzipped

RUN = b"(S'id'\ntR."
"""One argument, a call, the end."""
OS = b"cos\nsystem\n"


def text(value: str) -> bytes:
    """SHORT_BINUNICODE."""
    return b"\x8c" + bytes([len(value)]) + value.encode()


def long_text(value: str) -> bytes:
    """BINUNICODE."""
    return b"X" + struct.pack("<L", len(value)) + value.encode()


def small_bytes(value: bytes) -> bytes:
    return b"C" + bytes([len(value)]) + value


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return file.getvalue()


def tape(members: dict[str, bytes], fmt: int = tarfile.USTAR_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=fmt) as made:
        for name, data in members.items():
            one = tarfile.TarInfo(name)
            one.size = len(data)
            made.addfile(one, io.BytesIO(data))
    return file.getvalue()


_P2, _P4 = b"\x80\x02", b"\x80\x04"
_CALL = b"\x8c\x02id\x85R."
"""A tuple of one, a call, the end."""
EVIL = _P2 + OS + RUN
_LEGACY = [pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2), pickle.dumps({"a": 1}, 2)]

HOSTILE: dict[str, bytes] = {
    "protocol 0": OS + RUN,
    "protocol 1": OS + b"(U\x02idtR.",
    "protocol 2": EVIL,
    "protocol 3": b"\x80\x03" + OS + b"X\x02\x00\x00\x00id\x85R.",
    "protocol 4": _P4 + text("os") + text("system") + b"\x93" + _CALL,
    "protocol 4 with a frame": _P4 + b"\x95\x17" + bytes(7) + text("os") + text("system") + b"\x93" + _CALL,
    "protocol 5": b"\x80\x05" + text("posix") + text("system") + b"\x93" + _CALL,
    "builtins.eval": b"c__builtin__\neval\n(S'1'\ntR.",
    "builtins.exec": b"cbuiltins\nexec\n(S'1'\ntR.",
    "builtins.getattr": b"cbuiltins\ngetattr\n(cbuiltins\nset\nS'x'\ntR.",
    "builtins.__import__": b"cbuiltins\n__import__\n(S'os'\ntR.",
    "subprocess": b"csubprocess\nPopen\n" + RUN,
    "runpy": b"crunpy\nrun_path\n" + RUN,
    "pip": b"cpip\nmain\n(lR.",
    "a name that is new": b"casyncio.unix_events\n_UnixSubprocessTransport\n(lR.",
    "operator.attrgetter": b"coperator\nattrgetter\n(S'x'\ntR.",
    "functools.partial": b"cfunctools\npartial\n(" + OS + b"tR.",
    "numpy.testing": b"cnumpy.testing._private.utils\nrunstring\n(lR.",
    "torch.load": b"ctorch.serialization\nload\n(S'x'\ntR.",
    "webbrowser": b"cwebbrowser\nopen\n(S'http://x'\ntR.",
    "INST": b"(S'id'\nios\nsystem\n.",
    "OBJ": b"(" + OS + b"S'id'\no.",
    "NEWOBJ": _P2 + b"csubprocess\nPopen\nX\x02\x00\x00\x00id\x85\x81.",
    "NEWOBJ_EX": _P4 + text("subprocess") + text("Popen") + b"\x93" + text("id") + b"\x85}\x92.",
    "BUILD": b"ccollections\nOrderedDict\n)R}S'__setstate__'\n" + OS + b"sb.",
    "imported and never called": _P2 + OS + b".",
    "names through the memo": _P4 + text("os") + b"\x94" + text("system") + b"\x940h\x00h\x01\x93" + _CALL,
    "names through BINPUT": _P4 + text("os") + b"q\x05" + text("system") + b"q\x0600h\x05h\x06\x93" + _CALL,
    "names through LONG_BINPUT": (
        _P4 + text("os") + b"r\x00\x01\x00\x00" + text("x") + b"0" + text("system") + b"\x93" + _CALL
    ),
    "names through PUT and GET": _P4 + text("os") + b"p7\n0g7\n" + text("system") + b"\x93" + _CALL,
    "names with others between": (
        _P4 + text("os") + text("system") + text("builtins") + text("set") + b"00\x93" + _CALL
    ),
    "names behind a mark": (
        _P4 + text("os") + text("system") + b"(" + text("builtins") + text("set") + b"1\x93" + _CALL
    ),
    "names by DUP": _P4 + text("builtins") + b"0" + text("cProfile") + b"2\x93" + _CALL,
    "names as BINUNICODE8": (
        _P4 + b"\x8d\x02" + bytes(7) + b"os" + b"\x8d\x06" + bytes(7) + b"system" + b"\x93" + _CALL
    ),
    "names as STRING": _P4 + b"S'os'\nS'system'\n\x93" + _CALL,
    "names as UNICODE with escapes": _P4 + b"V\\u006fs\nVsystem\n\x93" + _CALL,
    "names that are computed": (
        _P4 + text("builtins") + text("set") + b"\x93)R" + text("system") + b"\x93" + _CALL
    ),
    "dots in a name": _P4 + text("collections") + text("OrderedDict.__init__.__globals__") + b"\x93.",
    "a module with a space": b"ccollections OrderedDict\nx\n.",
    "EXT1": _P2 + b"\x82\x05.",
    "EXT2": _P2 + b"\x83\x05\x01.",
    "EXT4": _P2 + b"\x84\x05\x01\x01\x01.",
    "the second of two pickles": pickle.dumps({"a": 1}) + EVIL,
    "behind the end, protocol 0": pickle.dumps({"a": 1}) + OS + RUN,
    "the fourth of legacy torch": b"".join(_LEGACY) + EVIL + b"\x80\x02]." + bytes(64),
    "nested as bytes": _P4 + small_bytes(EVIL) + b".",
    "nested as text": _P4 + text("cos\nsystem\n(S'id'\ntR.") + b".",
    "nested twice": _P4 + small_bytes(_P4 + small_bytes(EVIL) + b".") + b".",
    "nested in a list": pickle.dumps([1, [2, {"x": EVIL}]], 5),
    "cut behind the call": EVIL[:-1],
    "no opcode behind the call": EVIL[:-1] + b"\xff",
    "a stack that is too short": _P2 + b"R.",
    "a memo that is empty": _P2 + b"h\x09.",
    "a length beyond the file": _P2 + b"B\xff\xff\xff\x7fab",
    "a length of 2^63": _P4 + b"\x8e" + b"\xff" * 8,
    "a line without an end": b"cos" + b"s" * (2 << 20),
    "zip": archive({"a/data.pkl": EVIL, "a/version": b"3"}),
    "zip with another name inside": archive({"a/weights.txt": EVIL}),
    "zip, deflated": archive({"a/data.pkl": EVIL}, zipfile.ZIP_DEFLATED),
    "zip behind a pickle": EVIL + archive({"a/data.pkl": pickle.dumps(1)}),
    "zip behind something": b"#" * 100 + archive({"a/data.pkl": EVIL}),
    "zip in a zip": archive({"a/inner": archive({"data.pkl": EVIL})}),
    "tar": tape({"data": EVIL}),
    "tar of before POSIX": tape({"data": EVIL}).replace(b"ustar\x0000", bytes(8)),
    "gzip": gzipped(EVIL),
    "gzip of a tar": gzipped(tape({"data": EVIL})),
    "zlib": zlib.compress(EVIL),
    "array of objects": (
        b"\x93NUMPY\x01\x00\x46\x00"
        + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(69)
        + b"\n"
        + EVIL
    ),
    "looks like safetensors": b"X\x05\x00\x00\x00ab\x00{c0" + OS + RUN,
    "looks like GGUF": b"GGUF12345" + b"0" + OS + RUN,
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(64),
}
"""Each as `model.pt`; none is ever loaded."""


def _rebuilt(protocol: int) -> bytes:
    """A tensor as torch writes it: a storage by its persistent id, a rebuild with OrderedDict of hooks."""
    p = bytes([0x80, protocol])
    storage = (
        b"("
        + long_text("storage")
        + b"ctorch\nFloatStorage\n"
        + long_text("0")
        + long_text("cpu")
        + b"K\x04tQ"
    )
    rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n("
    return (
        p
        + b"}"
        + long_text("w")
        + rebuild
        + storage
        + b"K\x00K\x04\x85K\x01\x85\x89"[:-1]
        + (b"\x89ccollections\nOrderedDict\n)RtRs.")
    )


_TENSORS = _rebuilt(2)
BENIGN: dict[str, bytes] = {
    "weights": _TENSORS,
    "weights as torch stores them": archive(
        {"a/data.pkl": _TENSORS, "a/byteorder": b"little", "a/data/0": EVIL, "a/version": b"3\n"}
    ),
    "weights of torch before 1.6": (
        b"".join([*_LEGACY, _TENSORS, pickle.dumps(["0"], 2)]) + struct.pack("<4f", 1, 2, 3, 4)
    ),
    "plain values": pickle.dumps({"a": [1, 2.5, None, True], "b": ("x", b"y"), "n": 1 << 200}),
    "plain values, protocol 0": pickle.dumps({"a": [1, "x"]}, 0),
    "an ordered dict": pickle.dumps(OrderedDict(a=1)),
    "times and decimals": pickle.dumps([datetime(2025, 1, 1), Decimal("1.5"), {1, 2}], 2),  # noqa: DTZ001
    "bytes of an older protocol": pickle.dumps(b"\xff\x00", 2),
    "an array": (
        _P2 + b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR(K\x01K\x02\x85"
        b"cnumpy\ndtype\nX\x02\x00\x00\x00f4K\x00K\x01\x87R\x89C\x08\x80\x04cos\n..tb."
    ),
    "two pickles": pickle.dumps({"a": 1}) + pickle.dumps(OrderedDict()),
    "a string that ends as a pickle does": pickle.dumps(["It costs.", b"A."]),
}
