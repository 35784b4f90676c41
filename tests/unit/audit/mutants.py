"""Wrong versions of checks, one small change each: the fixtures of a check have to tell them from it.

A mutant changes one place of a check's function, or of a function of the same module that it calls. It is
killed when a fixture of any check that runs through that place comes out otherwise. What only changes the
words of a finding is no mutant.
"""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import signal
import sys
import types
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from dcctl.audit import check as registry
from dcctl.audit import scene
from dcctl.audit.catalogue import CATALOGUE
from tests.unit.audit.cases import cases, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_LONGEST_S = 5
_FLIPPED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_TWINS = {"any": "all", "all": "any", "min": "max", "max": "min"}
_FOLDS = frozenset(
    {"casefold", "lower", "upper", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix"}
)
_SPEAKS = frozenset({"Fault", "Unsure", "Silence", "cast"})
"""The first argument of these is for people, or for the type checker."""


class Mutant(NamedTuple):
    """One change."""

    line: int
    what: str
    function: str
    tree: ast.Module


class Score(NamedTuple):
    """What came of the mutants of one check."""

    check: str
    killed: int
    made: int
    survivors: tuple[str, ...]


def scores(names: list[str] | None = None) -> list[Score]:
    """Make all mutants of the modules of these checks, or of all, and hold each against the fixtures."""
    wanted = [name for name in names or CATALOGUE if _function(name)]
    found: list[Score] = []
    for module_name in dict.fromkeys(_module(name) for name in wanted):
        found += _of_module(module_name, [name for name in wanted if _module(name) == module_name])
    return found


def _module(name: str) -> str:
    function = _function(name)
    return function.__module__ if function else ""


def _function(name: str) -> Callable[..., object] | None:
    """The function that stands in the module of a check, also where it is wrapped in others.

    None: the check is rows of a table, `dcctl.audit.parameters`, which has tests of its own.
    """
    waiting: list[object] = [CATALOGUE[name].run]
    while waiting:
        one = waiting.pop(0)
        if callable(one) and getattr(one, "__module__", "").startswith("dcctl.audit.checks."):
            return one
        waiting += [cell.cell_contents for cell in getattr(one, "__closure__", None) or ()]
    return None


def _of_module(module_name: str, names: list[str]) -> list[Score]:
    module = importlib.import_module(module_name)
    tree = ast.parse(inspect.getsource(module))
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    reach = {name: _reached(_name(name), functions) | _applying(name, functions) for name in names}
    tallies: dict[str, list[tuple[bool, str]]] = {name: [] for name in names}
    for mutant in mutants(tree):
        through = [name for name in names if mutant.function in reach[name]]
        if through:
            alive = survives(module, mutant, through)
            for name in through if alive is not None else ():
                tallies[name].append((bool(alive), f"{module_name}:{mutant.line} {mutant.what}"))
    return [
        Score(
            name, sum(not alive for alive, _ in each), len(each), tuple(says for alive, says in each if alive)
        )
        for name, each in tallies.items()
    ]


def _name(name: str) -> str:
    return getattr(_function(name), "__name__", "")


def _applying(name: str, functions: dict[str, ast.FunctionDef]) -> set[str]:
    applies = CATALOGUE[name].applies
    own = getattr(applies, "__name__", "")
    return _reached(own, functions) if own in functions else set()


def _reached(name: str, functions: dict[str, ast.FunctionDef]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in found or one not in functions:
            continue
        found.add(one)
        waiting += [each.id for each in ast.walk(functions[one]) if isinstance(each, ast.Name)]
    return found


def survives(module: types.ModuleType, mutant: Mutant, names: list[str]) -> bool | None:
    """Tell whether every fixture of these checks comes out as it should, though the module is wrong.

    None: nothing but the words of findings changed.
    """
    real = [_said(name) for name in names]
    with _swapped(module, mutant) as works:
        if not works:
            return False
        try:
            with _deadline():
                found = [_said(name) for name in names]
        except Exception:  # noqa: BLE001  # whatever it breaks, it was noticed
            return False
    if any(wrong for each in found for wrong, _, _ in each):
        return False
    same = [[one[1] for one in each] for each in found] == [[one[1] for one in each] for each in real]
    return None if same and found != real else True


def _said(name: str) -> list[tuple[bool, list[object], list[str]]]:
    """By case: whether it came out otherwise, what it found, and in which words."""
    told = []
    for case in cases(name):
        tally = case.tally(registry.CATALOGUE[name])
        facts: list[object] = [(one.state, one.subject, one.where, one.severity) for one in tally.outcomes]
        told.append((bool(differences(case, tally)), facts, [one.says for one in tally.outcomes]))
    return told


@contextmanager
def _swapped(module: types.ModuleType, mutant: Mutant) -> Iterator[bool]:
    """Run the mutant's module in place of the real one; its checks enter the catalogue under their ids."""
    kept = [(held, dict(held)) for held in _registries()]
    real = [name for name in CATALOGUE if _module(name) == module.__name__]
    for name in real:
        del registry.CATALOGUE[name]
    fresh = types.ModuleType(module.__name__)
    fresh.__file__ = module.__file__
    try:
        with _deadline():
            exec(compile(mutant.tree, str(module.__file__), "exec"), fresh.__dict__)
        yield True
    except Exception:  # noqa: BLE001  # it does not even load
        yield False
    finally:
        for held, before in kept:
            held.clear()
            held.update(before)


def _registries() -> list[dict[str, object]]:
    """Every dictionary that modules of checks enter something into."""
    found: list[object] = [registry.CATALOGUE]
    found += [getattr(scene, name, {}) for name in ("DERIVED", "MADE_OF")]
    parts = sys.modules.get("dcctl.audit.parts")
    found.append(getattr(parts, "PARTS", {}))
    return [one for one in found if isinstance(one, dict)]


@contextmanager
def _deadline() -> Iterator[None]:
    """Raise TimeoutError in what does not end."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, _LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Yield every mutant of the functions of a module, each with a whole tree of its own."""
    for at, function in enumerate(tree.body):
        if not isinstance(function, ast.FunctionDef):
            continue
        silent = _words(function)
        body = ast.Module(function.body, [])
        for number, node in enumerate(ast.walk(body)):
            if node in silent:
                continue
            for what, change in _changes(node):
                changed = copy.deepcopy(function)
                places = ast.walk(ast.Module(changed.body, []))
                change(next(each for at_, each in enumerate(places) if at_ == number))
                other = ast.Module([*tree.body[:at], changed, *tree.body[at + 1 :]], [])
                yield Mutant(
                    getattr(node, "lineno", 0), what, function.name, ast.fix_missing_locations(other)
                )


def _words(function: ast.FunctionDef) -> set[ast.AST]:
    """The nodes that are words for people: docstrings, and what findings say."""
    found: set[ast.AST] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found |= set(ast.walk(node))
        if isinstance(node, ast.JoinedStr):
            found |= set(ast.walk(node))
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation:
            found |= set(ast.walk(node.annotation))
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in _SPEAKS
            and node.args
        ):
            found |= set(ast.walk(node.args[0]))
    return found


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    for made in (_of_compare, _of_logic, _of_call, _of_constant, _of_statement, _of_literal, _of_sum):
        yield from made(node)


def _of_compare(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            for other in _FLIPPED.get(type(op), ()):
                yield f"{type(op).__name__} is {other.__name__}", _setting("ops", at, other)


def _of_logic(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    if isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} is {other.__name__}", lambda place: setattr(place, "op", other())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "no `not`", lambda place: _become(place, _call("bool", place.operand))  # type: ignore[attr-defined]
    if isinstance(node, ast.IfExp):
        yield "other arm", lambda place: setattr(place, "test", ast.UnaryOp(ast.Not(), place.test))  # type: ignore[attr-defined]
    if isinstance(node, ast.comprehension):
        for at in range(len(node.ifs)):
            yield "no filter", _dropping("ifs", at)


def _of_call(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name) and node.func.id in _TWINS:
        other = _TWINS[node.func.id]
        yield f"{node.func.id} is {other}", lambda place: setattr(place.func, "id", other)  # type: ignore[attr-defined]
    if isinstance(node.func, ast.Attribute) and node.func.attr in _FOLDS:
        yield f"no {node.func.attr}", lambda place: _become(place, place.func.value)  # type: ignore[attr-defined]


def _of_constant(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield f"{value} is {not value}", lambda place: setattr(place, "value", not value)
    elif isinstance(value, int | float):
        yield f"{value} is {value + 1}", lambda place: setattr(place, "value", value + 1)
    elif isinstance(value, str) and " " not in value:  # a sentence is for people
        other = f"{value}~" if value else "~"
        yield f"{value!r} is {other!r}", lambda place: setattr(place, "value", other)


def _of_statement(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    if isinstance(node, ast.If | ast.While):
        yield "other branch", lambda place: setattr(place, "test", ast.UnaryOp(ast.Not(), place.test))  # type: ignore[attr-defined]
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        for at, one in enumerate(block if isinstance(block, list) else ()):
            if isinstance(one, ast.Continue | ast.Break | ast.Raise | ast.Expr) and not _is_docstring(one):
                yield f"no {type(one).__name__.lower()}", _setting(field, at, ast.Pass)
            if isinstance(one, ast.Return) and one.value is None:
                yield "no return", _setting(field, at, ast.Pass)


def _is_docstring(one: ast.stmt) -> bool:
    return isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)


def _of_literal(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    if isinstance(node, ast.Tuple | ast.Set | ast.List) and len(node.elts) > 1:
        for at, one in enumerate(node.elts):
            if isinstance(one, ast.Constant):
                yield f"no {one.value!r}", _dropping("elts", at)


def _of_sum(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
        other = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv}[type(node.op)]
        yield f"{type(node.op).__name__} is {other.__name__}", lambda place: setattr(place, "op", other())


def _setting(field: str, at: int, kind: Callable[[], ast.AST]) -> Callable[[ast.AST], None]:
    return lambda place: getattr(place, field).__setitem__(at, kind())


def _dropping(field: str, at: int) -> Callable[[ast.AST], None]:
    return lambda place: getattr(place, field).__delitem__(at)


def _call(name: str, argument: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), [argument], [])


def _become(place: ast.AST, other: ast.AST) -> None:
    """Put another node in the place of one."""
    place.__class__ = other.__class__
    kept = {name: getattr(place, name) for name in ("lineno", "col_offset") if hasattr(place, name)}
    place.__dict__.clear()
    place.__dict__.update({**other.__dict__, **kept})
