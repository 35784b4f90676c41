"""How many wrong versions of the checks their fixtures tell from the right one.

Changed are the functions, methods and constants of every module of `dcctl.audit` through which fixtures run
(the checks, and what they share: the graph of rights, drift, the table of parameters, …), what each check
is entered with (`needs`, `applies`), and the defaults of the policy. A mutant is killed when a fixture of a
check that runs through its place comes out otherwise. One that changes words of findings alone is none.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from dcctl.audit import check as registry
from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.checks.modes import CONTROL_PLANE_FILES, NODE_FILES
from dcctl.audit.facts.parameters import PARAMETERS
from dcctl.audit.parts import PARTS
from dcctl.audit.policy import Policy
from tests.unit.audit.cases import cases, differences
from tests.unit.audit.defaults import changed, other_default, others
from tests.unit.audit.mutants import constant, mutants
from tests.unit.audit.swapping import HOME, Program, deadline, forget

if TYPE_CHECKING:
    from types import CodeType, FrameType

_POLICY: Final = f"{HOME}.policy"
NOT_CHANGED: Final = {
    "dcctl.audit.check": "",
    "dcctl.audit.evaluate": "",
    "dcctl.audit.sudoers": "",
    "dcctl.audit.facts.exempt": "_HOST _NETWORK _PLUGIN _STORAGE _METRICS _METERS _CONTROL "
    "_NVIDIA _PLUMBERS _EKS _SIDECARS KNOWN",
    "dcctl.audit.facts.trusted": "_SECRETS _PODS _ROLES _VOLUMES _CERTIFICATES _HOOKS _EXEC _TAKEOVER "
    "_WILD _KUBELETS _ALL_RESOURCES KNOWN HOSTS",
    "dcctl.audit.facts.shipped": "_CLUSTER _NAMESPACED _BOOTSTRAPPERS _SIGNERS",
    "dcctl.audit.facts.support": "ENDS_S",
    "dcctl.audit.facts.nvlinks": "LINKS",
}
"""By module, what is left as it is; nothing named: all of it. What runs checks, and what writes rules of
sudo, has tests of its own. The tables are names and figures that others have set: what a row says stands
nowhere else, and a fixture would only say it again. Real manifests hold them: `test_fair.py`."""


class Place(NamedTuple):
    """Where a change is made: a function, a method or a constant of a module."""

    module: str
    name: str


class Result(NamedTuple):
    """What came of one mutant."""

    place: Place
    line: int
    what: str
    checks: tuple[str, ...]
    """Those whose fixtures run through its place."""
    alive: bool

    def __str__(self) -> str:
        """As one line: where, and what was changed."""
        return f"{self.place.module}:{self.line} {self.place.name}: {self.what}"


class Score(NamedTuple):
    """What came of all of them."""

    results: tuple[Result, ...]
    worded: int
    """Changes of words alone, which are not counted."""
    unmade: tuple[str, ...]
    """Those that could not be put in place."""
    idle: tuple[Place, ...]
    """Functions and constants of the same modules that no fixture asked for runs through."""


def score(names: list[str] | None = None) -> Score:
    """Make all mutants that concern these checks, or all checks, and hold each against the fixtures."""
    wanted = sorted(names or CATALOGUE)
    fixtures, program = Fixtures(wanted), Program()
    results: list[Result] = []
    idle: list[Place] = []
    for name in fixtures.modules():
        module = importlib.import_module(name)
        tree = ast.parse(inspect.getsource(module))
        for mutant in mutants(tree):
            place = Place(name, mutant.place)
            if mutant.place in NOT_CHANGED.get(name, "").split():
                continue
            through = fixtures.through(place, tree, mutant.line)
            if mutant.what in [f"{one!r} is {one + '~'!r}" for one in through]:
                continue  # the id of a check is no part of its rows
            if through:
                with program.swapped(module, tree, mutant) as works:
                    results += fixtures.held(place, mutant.line, mutant.what, through, works=works)
            elif any(inspect.isfunction(each) for each in vars(module).values()):
                idle.append(place)
    idle = [one for one in dict.fromkeys(idle) if one not in {each.place for each in results}]
    results += fixtures.entered()
    results += fixtures.defaults()
    return Score(tuple(results), fixtures.worded, tuple(program.unmade), tuple(idle))


def by_check(found: Score) -> dict[str, tuple[int, int, list[Result]]]:
    """Return (killed, made, survivors) of the mutants in modules of checks, by check; of others by module."""
    tallies: dict[str, tuple[int, int, list[Result]]] = {}
    for one in found.results:
        shared = (
            not one.place.module.startswith((f"{HOME}.checks", _POLICY)) and one.place.name != "PARAMETERS"
        )
        for name in (one.place.module,) if shared else one.checks:
            killed, made, survivors = tallies.get(name, (0, 0, []))
            tallies[name] = killed + (not one.alive), made + 1, survivors + [one] * one.alive
    return tallies


class Fixtures:
    """The fixtures of checks, and what of the program they run through."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.worded = 0
        self._ran = {name: _codes_run(name) for name in names}
        self._named = {name: _named_in(codes) for name, codes in self._ran.items()}
        self._words = {name: {word for _, word in self._named[name]} | _asked(name) for name in names}
        self._right = {name: _said(name) for name in names}

    def modules(self) -> list[str]:
        """Those of dcctl.audit through which a fixture runs, in the order of their names."""
        files = {code.co_filename for codes in self._ran.values() for code in codes}
        loaded = {name: one for name, one in sys.modules.items() if name.startswith(f"{HOME}.")}
        tables = {
            one.__file__ for one in loaded.values() if not any(map(inspect.isfunction, vars(one).values()))
        }
        return sorted(
            name
            for name, one in loaded.items()
            if one.__file__ in files | tables and _POLICY not in name and NOT_CHANGED.get(name, "-")
        )

    def through(self, place: Place, tree: ast.Module, line: int) -> tuple[str, ...]:
        """Return the checks whose fixtures run through a function, or that use a constant."""
        owner = _owner(place, tree, line)
        if owner:
            return tuple(name for name in self.names if name == owner)
        if any(constant(one) == place.name for one in tree.body):
            return tuple(name for name in self.names if self._uses(name, place, tree))
        module = sys.modules[place.module]
        return tuple(
            name
            for name, codes in self._ran.items()
            if any(
                code.co_filename == module.__file__
                and (code.co_qualname == place.name or code.co_qualname.startswith(f"{place.name}."))
                for code in codes
            )
        )

    def _uses(self, name: str, place: Place, tree: ast.Module) -> bool:
        """Whether anything that ran for a check names the constant, or one that is made of it."""
        made = {place.name}
        for one in tree.body:
            given = constant(one)
            if given and made & {each.id for each in ast.walk(one) if isinstance(each, ast.Name)}:
                made.add(given)
        home = sys.modules[place.module]
        return any(
            (str(other.__file__), one) in self._named[name]
            for one in made
            for key, other in sys.modules.items()
            if key.startswith(HOME) and vars(other).get(one) is vars(home)[one]
        )

    def held(
        self, place: Place, line: int, what: str, through: tuple[str, ...], *, works: bool
    ) -> list[Result]:
        """Hold what is in place now against the fixtures; nothing where only words changed."""
        alive = works and self._survives(through)
        if alive is None:
            self.worded += 1
            return []
        return [Result(place, line, what, through, alive)]

    def _survives(self, through: tuple[str, ...]) -> bool | None:
        worded = False
        for name in through:
            try:
                with deadline():
                    found = _said(name)
            except Exception:  # noqa: BLE001  # whatever it breaks, it was noticed
                return False
            if any(wrong for wrong, _, _ in found):
                return False
            right = self._right[name]
            worded |= found != right and [one[1] for one in found] == [one[1] for one in right]
        return None if worded else True

    def entered(self) -> list[Result]:
        """What a check is entered with: without one of its needs, or without its `applies`."""
        found: list[Result] = []
        for name in self.names:
            real, place = CATALOGUE[name], Place(f"{HOME}.checks", name)
            ways = [
                (f"no need of {one}", real._replace(needs=_without(real.needs, one))) for one in real.needs
            ]
            ways += [("no `applies`", real._replace(applies=None))] if real.applies else []
            for what, other in ways:
                registry.CATALOGUE[name] = other
                try:
                    found += self.held(place, 0, what, (name,), works=True)
                finally:
                    registry.CATALOGUE[name] = real
        return found

    def defaults(self) -> list[Result]:
        """Other defaults of the policy, for the checks that read them."""
        found: list[Result] = []
        for topic in msgspec.structs.fields(Policy):
            section = getattr(Policy(), topic.name)
            for one in msgspec.structs.fields(section):
                through = tuple(name for name in self.names if one.name in self._words[name])
                for what, value in others(getattr(section, one.name)) if through else ():
                    place = Place(f"{_POLICY}.{topic.name}", one.name)
                    with other_default(topic.name, one.name, value):
                        found += self.held(place, 0, what, through, works=True)
        return found


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(one for one in names if one != name)


def _owner(place: Place, tree: ast.Module, line: int) -> str:
    """The check whose entry of a table of checks stands on a line; empty: it is no such table."""
    for one in tree.body:
        if constant(one) == place.name and isinstance(one.value, ast.Dict):  # type: ignore[attr-defined]
            for key, value in zip(one.value.keys, one.value.values, strict=True):  # type: ignore[attr-defined]
                name = getattr(key, "value", None)
                if name in CATALOGUE and key.lineno <= line <= value.end_lineno:  # type: ignore[union-attr,operator]
                    return str(name)
    return ""


def _said(name: str) -> list[tuple[bool, list[object], list[str]]]:
    """By case: whether it came out otherwise, what it found, and in which words."""
    told = []
    for case in cases(name):
        run = msgspec.structs.replace(case, policy=changed(case.policy))
        tally = run.tally(registry.CATALOGUE[name])
        facts: list[object] = [(one.state, one.subject, one.where, one.severity) for one in tally.outcomes]
        facts += run.looked_at(registry.CATALOGUE[name]) if name in PARTS else []
        told.append((bool(differences(run, tally)), facts, [one.says for one in tally.outcomes]))
    return told


def _codes_run(name: str) -> set[CodeType]:
    """The code of dcctl.audit that runs when the fixtures of a check do."""
    found: set[CodeType] = set()
    home = str(sys.modules[HOME].__path__[0])

    def see(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(home):
            found.add(frame.f_code)

    forget()
    sys.setprofile(see)
    try:
        _said(name)
    finally:
        sys.setprofile(None)
    return found


def _named_in(codes: set[CodeType]) -> frozenset[tuple[str, str]]:
    """(file, name) of the globals and attributes in some code."""
    found: set[tuple[str, str]] = set()
    for code in codes:
        found |= {(code.co_filename, one) for one in code.co_names}
    return frozenset(found)


def _asked(name: str) -> frozenset[str]:
    """The fields of the policy that rows of tables name: `@audit_log_days`."""
    rows = [*PARAMETERS.get(name, ()), *{"API-12": CONTROL_PLANE_FILES, "KUB-05": NODE_FILES}.get(name, ())]
    words = {str(value) for row in rows for value in row}
    return frozenset(word[1:] for word in words if word.startswith("@"))
