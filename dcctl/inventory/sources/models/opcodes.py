"""Which names a pickle would import, by its opcodes (pickletools): it is followed, and never run.

STACK_GLOBAL takes its names from the stack, and they may come from the memo; so both are kept, as far as
constants go. https://docs.python.org/3/library/pickletools.html
"""

from __future__ import annotations

from io import BytesIO
from pickletools import markobject
from typing import TYPE_CHECKING, Final

from dcctl.inventory.sources.models.limits import Bounded, TooMuch
from dcctl.inventory.sources.models.readers import opcodes

if TYPE_CHECKING:
    from pickletools import OpcodeInfo

    from dcctl.inventory.sources.models.limits import Budget

_LEGACY_TORCH: Final = 0x1950A86A20F9469CFC6C
_LEGACY_PICKLES: Final = 5
"""A file of torch before 1.6: magic, version, system, weights, keys of storages; then their raw bytes."""
_MARK: Final = object()
_LONGEST_NAME: Final = 1024
_LONGEST_NESTED: Final = 1 << 20
_CALLS: Final = frozenset({"REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"})
_STRINGS: Final = frozenset({"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"})
_BYTES: Final = frozenset(
    {"STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
)


class Pickles:
    """What the pickles of one stream do, one after the other."""

    def __init__(self, budget: Budget, depth: int = 0) -> None:
        self._budget, self._depth = budget, depth
        self.imports: dict[str, str] = {}
        """Each name, and where: empty, or `nested`."""
        self.broken = ""
        self.limited = False
        """It is broken by a limit."""
        self.begun = False
        """It has an opcode that an unpickler takes."""
        self.calls = False
        """One of them calls something that it imported."""
        self.whole = 0
        """How many ended with a STOP."""

    def follow(self, stream: Bounded) -> None:
        """Follow all pickles up to the end; what cannot be followed is `broken`."""
        legacy = False
        while not self.broken:
            machine = _Machine(self)
            self._one(stream, machine)
            legacy = legacy or machine.magic
            if legacy and self.whole == _LEGACY_PICKLES:
                return
            if not is_pickle(stream.peek(2)):
                break
        if not self.broken and stream.peek(1):
            self._tail(stream)

    def _one(self, stream: Bounded, machine: _Machine) -> None:
        try:
            for opcode, argument in opcodes(stream):
                self._budget.step()
                machine.step(opcode, argument)
                self.begun = True
            self.whole += 1
        except TooMuch as limit:
            self.broken, self.limited = str(limit), True
        except (ValueError, LookupError, OverflowError, MemoryError, UnicodeError, RecursionError) as error:
            self.broken = f"cannot be followed as a pickle: {str(error)[:120]}"

    def _tail(self, stream: Bounded) -> None:
        """What lies behind a pickle without the sign of one counts where it would call something."""
        tail = Pickles(self._budget, self._depth)
        tail._one(stream, _Machine(tail))  # another of us
        if tail.calls:
            self.imports.update(tail.imports)
            self.broken, self.calls = tail.broken, True

    def nested(self, data: bytes) -> None:
        """Look at a constant: when it is a whole pickle that imports something, that counts."""
        if not 2 < len(data) <= _LONGEST_NESTED or isinstance(data, bytearray) or data[-1:] != b".":
            return
        if self._depth >= self._budget.depth:
            raise TooMuch("has pickles in pickles deeper than they are followed")
        inner = Pickles(self._budget, self._depth + 1)
        inner.follow(Bounded(BytesIO(data), self._budget))
        if inner.limited:
            raise TooMuch(inner.broken)
        if inner.whole and inner.imports:
            self.imports.update(dict.fromkeys(inner.imports, "nested"))


class _Machine:
    """The stack and the memo of one pickle, as far as constants go."""

    def __init__(self, told: Pickles) -> None:
        self._told = told
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}
        self.magic = False

    def step(self, opcode: OpcodeInfo, argument: object) -> None:
        name = opcode.name
        if name in ("LONG1", "LONG4") and argument == _LEGACY_TORCH:
            self.magic = True
        if name in _BYTES or name in _STRINGS:
            self._constant(argument)
        elif name in ("GLOBAL", "INST"):
            if name == "INST":
                self._to_mark()
            module, _, attribute = str(argument).partition(" ")
            self._import(module, attribute)
        elif name == "STACK_GLOBAL":
            last = self._pop()
            self._import(self._pop(), last)
        elif name.startswith("EXT"):
            self._import("copyreg", f"extension {argument}")
        else:
            self._other(opcode, name, argument)
        if name in _CALLS and self._told.imports:
            self._told.calls = True

    def _other(self, opcode: OpcodeInfo, name: str, argument: object) -> None:
        if name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            at = argument if isinstance(argument, int) else len(self._memo)
            self._memo[at] = self._top()
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self._stack.append(self._memo[int(str(argument))])
        elif name == "DUP":
            self._stack.append(self._top())
        elif name == "POP":
            if not self._stack:
                raise ValueError("its stack is empty")
            self._stack.pop()
        else:
            self._usual(opcode)

    def _usual(self, opcode: OpcodeInfo) -> None:
        before = opcode.stack_before
        if markobject in before:
            self._to_mark()
            before = before[: before.index(markobject)]
        for _ in before:
            self._pop()
        for one in opcode.stack_after:
            self._stack.append(_MARK if one is markobject else None)

    def _constant(self, argument: object) -> None:
        if isinstance(argument, str):
            self._stack.append(argument if len(argument) <= _LONGEST_NAME else None)
            if len(argument) <= _LONGEST_NESTED and argument.endswith("."):
                self._told.nested(argument.encode("latin-1", "replace"))
        else:
            self._stack.append(None)
            if isinstance(argument, (bytes, bytearray)):
                self._told.nested(bytes(argument) if len(argument) <= _LONGEST_NESTED else b"")

    def _import(self, module: object, attribute: object) -> None:
        if not isinstance(module, str) or not isinstance(attribute, str):
            raise LookupError("imports a name that cannot be told from its opcodes")  # noqa: TRY004  # of the file
        sign = ":" if "." in attribute else "."
        self._told.imports.setdefault(f"{module}{sign}{attribute}", "")
        self._stack.append(None)

    def _top(self) -> object:
        if not self._stack:
            raise ValueError("its stack is empty")
        return self._stack[-1]

    def _pop(self) -> object:
        found = self._top()
        if found is _MARK:
            raise ValueError("its stack has a mark where a value has to be")
        return self._stack.pop()

    def _to_mark(self) -> None:
        while self._stack:
            if self._stack.pop() is _MARK:
                return
        raise ValueError("its stack has no mark")


def is_pickle(head: bytes) -> bool:
    """True for the first bytes of a pickle of protocol 2 to 5; older ones have no sign."""
    return len(head) > 1 and head[0] == 0x80 and head[1] <= 5
