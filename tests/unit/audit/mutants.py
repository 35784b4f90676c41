"""Wrong versions of a module, one small change each; `mutating.py` holds them against the fixtures of checks.

A change is made in a function, a method or a constant of the module. Left alone are docstrings, what findings
say, what is there for the type checker, and how checks are entered (their metadata has changes of its own).
"""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
_SPEAKS = {"Fault": 0, "Unsure": 0, "Unattested": 0, "Silence": 0, "cast": 0, "Part": 2}
"""Which argument of these is for people, or for the type checker."""


class Mutant(NamedTuple):
    """One change."""

    line: int
    what: str
    place: str
    """The function, `Class.method`, or the constant."""
    tree: ast.Module
    """The whole module with it."""


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Yield every mutant of the functions, methods and constants of a module, each with a whole tree."""
    for at, one in enumerate(tree.body):
        if isinstance(one, ast.FunctionDef):
            for line, what, changed in _changed(one):
                yield Mutant(line, what, one.name, _with(tree, at, changed))
        elif isinstance(one, ast.ClassDef):
            for inner, method in enumerate(one.body):
                if isinstance(method, ast.FunctionDef):
                    for line, what, changed in _changed(method):
                        other = ast.ClassDef(**{**dict(ast.iter_fields(one)), "body": list(one.body)})
                        other.body[inner] = changed
                        ast.copy_location(other, one)
                        yield Mutant(line, what, f"{one.name}.{method.name}", _with(tree, at, other))
        elif constant(one):
            for line, what, changed in _changed(one):
                yield Mutant(line, what, constant(one), _with(tree, at, changed))


def constant(one: ast.stmt) -> str:
    """Return the name that a statement gives to a value; empty: it is no such statement."""
    if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
        return one.targets[0].id
    if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.value is not None:
        return "" if ast.unparse(one.annotation) == "TypeAlias" else one.target.id
    return ""


def _with(tree: ast.Module, at: int, changed: ast.stmt) -> ast.Module:
    return ast.fix_missing_locations(ast.Module([*tree.body[:at], changed, *tree.body[at + 1 :]], []))


def _parts(one: ast.stmt) -> list[ast.AST]:
    """What may be changed of a statement: the body of a function, the value of a constant."""
    if isinstance(one, ast.FunctionDef):
        body = ast.Module(one.body, [])
        return list(ast.walk(body))
    return list(ast.walk(ast.Expression(one.value)))  # type: ignore[attr-defined]  # a constant has one


def _changed(one: ast.stmt) -> Iterator[tuple[int, str, ast.stmt]]:
    silent = _words(one)
    for number, node in enumerate(_parts(one)):
        if node in silent:
            continue
        for what, change in _changes(node):
            changed = copy.deepcopy(one)
            change(_parts(changed)[number])
            yield getattr(node, "lineno", one.lineno), what, changed


def _words(function: ast.stmt) -> set[ast.AST]:
    """The nodes that are words for people: docstrings, and what findings say."""
    found: set[ast.AST] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found |= set(ast.walk(node))
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation:
            found |= set(ast.walk(node.annotation))
        if isinstance(node, ast.FormattedValue) and node.format_spec:
            found |= set(ast.walk(node.format_spec))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SPEAKS:
            at = _SPEAKS[node.func.id]
            for argument in node.args[at : at + 1]:
                found |= set(ast.walk(argument))
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
    elif isinstance(value, str):
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
