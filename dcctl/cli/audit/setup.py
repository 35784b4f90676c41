"""What a run of `dcctl audit` stands on: the site's policy, its own checks, its waivers, its history."""

from __future__ import annotations

from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dcctl import config
from dcctl.audit.entries import Entry
from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import yaml

    from dcctl.audit.act.signing import Signer
    from dcctl.audit.check import Check
    from dcctl.audit.policy import Policy
    from dcctl.audit_specs import AuditSpec
    from dcctl.cli.session import Session
    from dcctl.inventory.evidence.own import Waiver
    from dcctl.inventory.sources.files.documents import Tree


class Setup(NamedTuple):
    """All that holds for the audits of one configuration."""

    spec: AuditSpec
    policy: Policy
    checks: tuple[Check, ...]
    """Those of the catalogue, of plug-ins, and of the site."""
    waivers: tuple[Waiver, ...]
    """With the attestations that stand beside them."""
    folder: Path
    """Of the history."""

    def signer(self) -> Signer:
        """The key that signs; made when there is none. UsageError: it is no key, or others may read it."""
        from dcctl.audit.act.signing import Signer

        return Signer(self.key_file)

    @property
    def errors_file(self) -> Path:
        """Where the tracebacks of checks that broke are."""
        return self.folder / "broken-checks.txt"

    @property
    def key_file(self) -> Path:
        """Where the key is."""
        return self.spec.file("key") or self.folder / "key"


def setup(session: Session, waivers: str = "", checks: str = "") -> Setup:
    """Read what the configuration and these options name. UsageError with file and line for what is wrong."""
    from dcctl.audit_specs import audit_of

    spec, policy = audit_of(session.settings.context_in_force)
    site = checks or spec.checks
    every = (*catalogue(), *(_site_checks(Path(site).expanduser()) if site else ()))
    path = waivers_file(session, spec, waivers)
    named = bool(waivers or spec.waivers)
    held = _held(path, {one.id for one in every}) if named or path.exists() else ()
    return Setup(spec, policy, every, held, folder_of(session))


def waivers_file(session: Session, spec: AuditSpec, named: str = "") -> Path:
    """The file of waivers: the one that is named, else that of the configuration, else beside it."""
    usual = config.user_file(session.environ).parent / "waivers.yaml"
    return Path(named or spec.waivers or usual).expanduser()


def folder_of(session: Session) -> Path:
    """The folder of the history."""
    return config.state_dir(session.environ) / "audit"


def catalogue() -> tuple[Check, ...]:
    """Every check of the catalogue and of plug-ins, in order."""
    from dcctl.audit.catalogue import CATALOGUE
    from dcctl.audit.check import CATALOGUE as ENTERED
    from dcctl.cli.audit.plugins import load

    load()
    return (*CATALOGUE.values(), *(one for name, one in ENTERED.items() if name not in CATALOGUE))


def _site_checks(path: Path) -> tuple[Check, ...]:
    from dcctl.audit.check import CATALOGUE
    from dcctl.audit.site import read

    return read(entries(path, "checks", "dcctl man dcctl-audit | man -l -"), CATALOGUE)


def _held(path: Path, known: set[str]) -> tuple[Waiver, ...]:
    return held_in(_text(path, "dcctl audit waive --help"), str(path), known)


def held_in(text: str, where: str, known: set[str]) -> tuple[Waiver, ...]:
    """The waivers and attestations of a text that is, or would be, a file. UsageError with file and line."""
    from dcctl.audit.attest import ATTESTED
    from dcctl.audit.waivers import read, read_attestations

    waivers = entries_of(text, where, "waivers", "dcctl audit waive --help", ("attestations",))
    attestations = entries_of(text, where, "attestations", "dcctl audit explain API-15", ("waivers",))
    return (*read(waivers, known), *read_attestations(attestations, ATTESTED))


def entries(path: Path, key: str, hint: str) -> Iterator[Entry]:
    """Yield the entries of the list that stands under `key` in a YAML file. UsageError with file and line."""
    return entries_of(_text(path, hint), str(path), key, hint)


def _text(path: Path, hint: str) -> str:
    from dcctl.inventory.sources.files.documents import read_bytes, text_of

    where, data = str(path), read_bytes(str(path))
    with _helped(hint):
        return text_of(data, where)


def entries_of(text: str, where: str, key: str, hint: str, beside: tuple[str, ...] = ()) -> Iterator[Entry]:
    """Yield the entries of a text that is, or would be, the file `where`. UsageError with file and line.

    `beside`: other keys that the file may have.
    """
    import yaml

    from dcctl.inventory.sources.files.documents import documents

    with _helped(hint):
        found = documents(text, where)
    listed, told = _listed(found, where, (key, *beside), hint)
    for node, one in zip(listed, told, strict=True):
        if not isinstance(one, dict) or not isinstance(node, yaml.MappingNode):
            raise UsageError(_place(where, node), "an entry must be a mapping", hint)
        places = {name.value: _place(where, name) for name, _ in node.value}
        yield Entry(_place(where, node), one, places, hint)


@contextmanager
def _helped(hint: str) -> Iterator[None]:
    """Give an error of a file a next command, and a word for what is most often wrong: `object: *`."""
    try:
        yield
    except UsageError as error:
        quotes = ": text that begins with * needs quotes" if "alphabetic or numeric" in error.why else ""
        raise UsageError(error.what, error.why + quotes, error.hint or hint) from error


def _listed(
    found: list[tuple[yaml.Node, Tree]], where: str, keys: tuple[str, ...], hint: str
) -> tuple[list[yaml.Node], list[Tree]]:
    """The nodes of the list under the first of these keys, the only ones, and what they are read as."""
    import yaml

    from dcctl.inventory.sources.files.documents import is_null

    if not found:
        return [], []
    if len(found) > 1:
        raise UsageError(_place(where, found[1][0]), "a second document: one is read", hint)
    root, told = found[0]
    key = keys[0]
    if not (
        isinstance(told, dict) and isinstance(root, yaml.MappingNode) and told and set(told) <= set(keys)
    ):
        names = " or ".join(f"`{name}`" for name in keys)
        raise UsageError(_place(where, root), f"must be a mapping with the key {names}", hint)
    listed = next((value for name, value in root.value if name.value == key), None)
    if listed is None or is_null(listed):
        return [], []
    values = told[key]
    if not isinstance(listed, yaml.SequenceNode) or not isinstance(values, list):
        raise UsageError(_place(where, listed), f"`{key}` must be a list", hint)
    return listed.value, values


def _place(where: str, node: yaml.Node) -> str:
    return f"{where}:{node.start_mark.line + 1}"


def selected(checks: tuple[Check, ...], patterns: tuple[str, ...]) -> tuple[Check, ...]:
    """The checks that patterns like GPU-* name, all without any. UsageError: a pattern names none."""
    for pattern in patterns:
        if not any(fnmatchcase(one.id, pattern) for one in checks):
            raise UsageError(f"--select {pattern}", "names no check", "dcctl audit list")
    return tuple(
        one for one in checks if not patterns or any(fnmatchcase(one.id, pattern) for pattern in patterns)
    )


def series_of(session: Session, models: Iterable[str] = ()) -> str:
    """What runs are compared by: the sources that they ask, with the stores that the command line names."""
    settings = session.settings
    context = settings.context_in_force
    whats = [_absolute(what) for what in settings.inventory or ("live",)]
    stores = sorted({f"models {Path(one).expanduser().absolute()}" for one in models})
    words = [*sorted(whats), *([f"context {context.name}"] if context else []), settings.namespace, *stores]
    return " ".join(filter(None, words))


def _absolute(what: str) -> str:
    path = Path(what)
    return str(path.resolve()) if what not in {"-", "live", "demo"} and path.is_file() else what
