"""Fields of records as documents tell them: what site checks may look at, and what a policy may say."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import inspect as types

if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTS: Final = (types.VarTupleType, types.ListType, types.FrozenSetType, types.TupleType)
_WORDS: Final = {
    types.StrType: "text",
    types.IntType: "whole number",
    types.FloatType: "number",
    types.BoolType: "true or false",
    types.DateType: "date",
    types.LiteralType: "text",
}


class Field(NamedTuple):
    """One field, by the path that leads to it."""

    path: str
    kind: str
    about: str
    default: object = None


def policy_fields() -> Iterator[Field]:
    """Yield every key of the tables below `audit`, as `hosts.clock_offset_ns`, with its default."""
    from dcctl.audit.policy import Policy

    for topic in msgspec.structs.fields(Policy):
        of = type(getattr(Policy(), topic.name))
        for one in _told(of):
            yield one._replace(path=f"{topic.name}.{one.path}")


def evidence_fields(kind: str) -> Iterator[Field]:
    """Yield the paths of one kind of subjects, through the records that it holds."""
    from dcctl.audit.site import KINDS

    yield from _below(KINDS[kind].cls, "", ())


def _below(cls: type[Any], before: str, above: tuple[type[Any], ...]) -> Iterator[Field]:
    for one in _told(cls):
        if one.path == "silent":
            continue
        inner = _record(next(each.type for each in types.type_info(cls).fields if each.name == one.path))  # type: ignore[attr-defined]  # a struct
        yield one._replace(path=before + one.path)
        if inner is not None and inner not in (*above, cls):
            yield from _below(inner, f"{before}{one.path}.", (*above, cls))


def _told(cls: type[Any]) -> Iterator[Field]:
    """Yield the fields of one record."""
    about = _docs(cls)  # type: ignore[arg-type]  # a class is hashable
    told = {one.name: one.type for one in types.type_info(cls).fields}  # type: ignore[attr-defined]  # a struct
    for one in msgspec.structs.fields(cls):
        default: object = None if one.default is msgspec.NODEFAULT else one.default
        if one.default_factory is not msgspec.NODEFAULT:
            default = one.default_factory()
        yield Field(one.name, _word(told[one.name]), about.get(one.name, ""), default)


def _core(kind: types.Type) -> types.Type:
    """Return a type without None and without limits."""
    if isinstance(kind, types.UnionType):
        kind = next((one for one in kind.types if not isinstance(one, types.NoneType)), kind.types[0])
    return _core(kind.type) if isinstance(kind, types.Metadata) else kind


def _item(kind: types.Type) -> types.Type | None:
    """Return the type of the entries of a list; None: it is none."""
    if not isinstance(kind, _LISTS):
        return None
    return kind.item_types[0] if isinstance(kind, types.TupleType) else kind.item_type


def _record(kind: types.Type) -> type[Any] | None:
    """Return the record that a field holds, or holds many of; None: it holds none."""
    core = _core(kind)
    inner = _core(_item(core) or core)
    if isinstance(inner, types.DictType):
        inner = _core(inner.value_type)
        inner = _core(_item(inner) or inner)
    return inner.cls if isinstance(inner, types.StructType) else None


def _word(kind: types.Type) -> str:
    core = _core(kind)
    item = _item(core)
    if item is not None:
        return f"list of {_word(item)}"
    if isinstance(core, types.DictType):
        return f"table of {_word(core.value_type)}"
    return _WORDS.get(type(core), "record" if isinstance(core, types.StructType) else "value")


@cache
def _docs(cls: type[Any]) -> dict[str, str]:
    """Return what the source says below each field, those of its bases as well."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        if not issubclass(one, msgspec.Struct) or one.__module__.startswith("msgspec"):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        last = ""
        for line in tree.body if isinstance(tree, ast.ClassDef) else ():
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                last = line.target.id
            elif isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and last:
                found[last], last = " ".join(str(line.value.value).split()), ""
            else:
                last = ""
    return found
