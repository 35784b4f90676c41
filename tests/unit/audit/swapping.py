"""A wrong version of one place in the running program, for as long as a `with` lasts."""

from __future__ import annotations

import ast
import gc
import signal
import sys
import types
from collections import defaultdict
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tests.unit.audit.mutants import constant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType, ModuleType

    from tests.unit.audit.mutants import Mutant

LONGEST_S: Final = 5
HOME: Final = "dcctl.audit"


class Program:
    """The functions, constants and closures of dcctl.audit that anything holds."""

    def __init__(self) -> None:
        self.unmade: list[str] = []
        """What could not be put in place."""
        self._live = _live_functions()
        self._cells = _live_cells()

    @contextmanager
    def swapped(self, module: ModuleType, tree: ast.Module, mutant: Mutant) -> Iterator[bool]:
        """Have the program run the mutant; False: it does not even load."""
        undo: list[Callable[[], None]] = []
        works = True
        try:
            with deadline():
                if any(constant(one) == mutant.place for one in tree.body):
                    self._set_constants(module, mutant, undo)
                else:
                    self._set_codes(module, mutant, undo)
        except Exception:  # noqa: BLE001  # as it says
            works = False
        forget()
        try:
            yield works
        finally:
            for each in reversed(undo):
                each()
            forget()

    def _set_codes(self, module: ModuleType, mutant: Mutant, undo: list[Callable[[], None]]) -> None:
        changed = _codes(compile(mutant.tree, str(module.__file__), "exec"))
        for key, code in changed.items():
            for function in self._live.get((str(module.__file__), *key), ()):
                before = function.__code__
                if code == before:
                    continue
                if code.co_freevars != before.co_freevars:
                    self.unmade.append(f"{module.__name__}:{mutant.line} {mutant.what}")
                    continue
                undo.append(lambda function=function, before=before: setattr(function, "__code__", before))  # type: ignore[misc]
                function.__code__ = code

    def _set_constants(self, module: ModuleType, mutant: Mutant, undo: list[Callable[[], None]]) -> None:
        """Evaluate the constant anew, and those that are made of it; put them where the old ones are."""
        space = dict(vars(module))
        made = {mutant.place}
        for one in mutant.tree.body:
            given = constant(one)
            named = {each.id for each in ast.walk(one) if isinstance(each, ast.Name)}
            if given and made & named:
                made.add(given)
                exec(compile(ast.Module([one], []), str(module.__file__), "exec"), space)
        for name in made:
            self._put(vars(module)[name], space[name], undo)

    def _put(self, old: object, new: object, undo: list[Callable[[], None]]) -> None:
        for module in [each for name, each in sys.modules.items() if name.startswith(HOME)]:
            for name in [name for name, value in vars(module).items() if value is old]:
                undo.append(lambda module=module, name=name: setattr(module, name, old))  # type: ignore[misc]
                setattr(module, name, new)
        for cell in self._cells.get(id(old), ()):
            undo.append(lambda cell=cell: setattr(cell, "cell_contents", old))  # type: ignore[misc]
            cell.cell_contents = new
        if isinstance(old, dict) and isinstance(new, dict):
            for key in old.keys() & new.keys():
                if isinstance(old[key], tuple) and old[key] != new[key]:
                    self._put(old[key], new[key], undo)


def _codes(module: CodeType) -> dict[tuple[str, int], CodeType]:
    """All code in some code, by its name and line."""
    found = {(module.co_qualname, module.co_firstlineno): module}
    for one in module.co_consts:
        if isinstance(one, types.CodeType):
            found |= _codes(one)
    return found


def _live_functions() -> dict[tuple[str, str, int], list[types.FunctionType]]:
    """Every function of dcctl.audit that anything holds, by file, name and line."""
    found: dict[tuple[str, str, int], list[types.FunctionType]] = defaultdict(list)
    for one in _functions():
        code = one.__code__
        found[code.co_filename, code.co_qualname, code.co_firstlineno].append(one)
    return found


def _live_cells() -> dict[int, list[types.CellType]]:
    """What closures of dcctl.audit hold, by the identity of what it is."""
    found: dict[int, list[types.CellType]] = defaultdict(list)
    for one in _functions():
        for cell in one.__closure__ or ():
            found[id(cell.cell_contents)].append(cell)
    return found


def _functions() -> list[types.FunctionType]:
    gc.collect()
    every = [one for one in gc.get_objects() if isinstance(one, types.FunctionType)]
    return [one for one in every if (one.__module__ or "").startswith(HOME)]


def forget() -> None:
    """Clear what functions keep from call to call."""
    for one in _keepers():
        one.cache_clear()


@cache
def _keepers() -> tuple[Any, ...]:
    homes = [each for name, each in sys.modules.items() if name.startswith(HOME)]
    found = {id(one): one for home in homes for one in vars(home).values() if hasattr(one, "cache_clear")}
    return tuple(found.values())


@contextmanager
def deadline() -> Iterator[None]:
    """Raise TimeoutError in what does not end."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
