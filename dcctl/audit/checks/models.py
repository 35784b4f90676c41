"""Model files by their bytes: what a pickle would import, what runs when a model is loaded, who may write."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.facts.telling import some
from dcctl.audit.policy.models import ALLOWED
from dcctl.audit.scene import DERIVED, MADE_OF
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.evidence.models import ModelFile, ModelFolder  # noqa: TC001  # msgspec reads them

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.check import Severity
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.models import Access

_WEIGHTS: Final = ("pickle", "archive", "safetensors", "gguf", "keras", "savedmodel", "numpy")


def _has_pickles(one: ModelFile) -> bool:
    return one.kind == "pickle" or bool(one.imports) or bool(one.broken)


def _no_pickle(one: ModelFile, _scene: Scene) -> str:
    told = one.kind is not None and "imports" not in one.silent
    return "files without a pickle" if told and not _has_pickles(one) else ""


@check(
    "MOD-01",
    "A pickle would import what no weights need",
    "critical",
    tier="M",
    over="model_files",
    needs=("kind", "imports"),
    refs=("dcctl:pickle", "800-53:SI-3", "soc2:CC6.8", "iso:A.8.7"),
    why="A pickle is a program: torch.load runs whatever it imports, as whoever loads the model.",
    fix="Do not load it. Ask its maker for safetensors, or convert it in a container without a network.",
    applies=_no_pickle,
)
def hostile_pickles(one: ModelFile, scene: Scene) -> Iterator[Fault]:
    """Every global is on the list of those that weights need, and every pickle was followed to its end."""
    known = (*ALLOWED, *scene.policy.models.imports)
    strange = [each for each in one.imports or () if each.name not in known]
    for each in strange:
        inside = f" in {each.member}" if each.member else ""
        yield Fault(f"imports {each.name}{inside}", f"{each.name}{inside}")
    for why in one.broken:
        yield Fault(why, why)
    if "imports" in one.silent and not strange and not one.broken:
        raise Unsure(one.silent["imports"].reason)


def _not_served(one: ModelFile, _scene: Scene) -> str:
    if not one.serving:
        return "stores that production does not load from"
    return "" if one.kind is None or one.kind in _WEIGHTS else "files that are no weights"


@check(
    "MOD-02",
    "Production loads a pickle",
    "medium",
    tier="M",
    over="model_files",
    needs=("kind",),
    refs=("dcctl:safetensors", "800-53:CM-7", "soc2:CC6.8"),
    why="One that is harmless today is exchanged tomorrow, and nothing in the loader would notice.",
    fix="Convert it to safetensors, and load with weights_only or use_safetensors.",
    applies=_not_served,
)
def served_pickles(one: ModelFile, _scene: Scene) -> Iterator[Fault]:
    """What production loads has formats that run nothing."""
    if _has_pickles(one):
        yield Fault("has a pickle; safetensors and GGUF have none", "format")


def _not_safetensors(one: ModelFile, _scene: Scene) -> str:
    return "" if one.kind in (None, "safetensors") else "files that are no safetensors"


@check(
    "MOD-03",
    "Header of a safetensors file is not valid",
    "medium",
    tier="M",
    over="model_files",
    needs=("kind", "header"),
    refs=("dcctl:safetensors-header", "800-53:SI-10", "soc2:PI1.5"),
    why="It was cut, or it is made so that a parser reads beyond it.",
    fix="Fetch it again from its maker and compare the checksum (sha256sum FILE); load it nowhere before.",
    applies=_not_safetensors,
)
def headers(one: ModelFile, _scene: Scene) -> Iterator[Fault]:
    """The header fits into the file, and its tensors follow each other up to the end."""
    if one.header:
        yield Fault(one.header, "header")


class ModelAccess(Subject, frozen=True, kw_only=True):
    """A folder of models with its files: who may do what there."""

    folder: ModelFolder
    files: tuple[ModelFile, ...] = ()

    @property
    def key(self) -> str:
        """That of its folder."""
        return self.folder.key

    def named(self) -> Iterator[tuple[str, Access]]:
        """Yield what there is in it, itself as `.`, with who may do what."""
        if self.folder.access is not None:
            yield ".", self.folder.access
        for one in self.files:
            if one.access is not None:
                yield one.name.rpartition("/")[2], one.access


def _accesses(scene: Scene) -> tuple[ModelAccess, ...]:
    files: dict[str, list[ModelFile]] = defaultdict(list)
    for one in scene.evidence.model_files or ():
        files[one.name.rpartition("/")[0]].append(one)
    folders = scene.evidence.model_folders or ()
    return tuple(ModelAccess(folder=one, files=tuple(files.get(one.name, ()))) for one in folders)


MADE_OF["model_access"] = ("model_folders", "model_files")
DERIVED["model_access"] = _accesses
_READ: Final = 0o004
_WRITE: Final = 0o002
_SPECIAL: Final = 0o6000
"""setuid and setgid: of a folder, setgid only passes its group on."""


def _empty(one: ModelAccess, _scene: Scene) -> str:
    return "" if one.files else "folders without files"


@check(
    "MOD-04",
    "Others may read or change a model",
    "high",
    tier="M",
    over="model_access",
    refs=("800-53:AC-6", "soc2:CC6.1", "iso:A.8.3", "mlps:8.1.4.2"),
    why="Weights are what the company is worth, and who can write them decides what it answers.",
    fix="chown to the account of the service, chmod -R o-rwx, setfacl -Rb; drop setuid and setgid of files.",
    applies=_empty,
)
def permissions(one: ModelAccess, scene: Scene) -> Iterator[Fault]:
    """Nobody but owner and group has rights, the owner is one of the service, and no bit gives more."""
    named, owners = list(one.named()), scene.policy.models.owners
    found: list[tuple[str, str, Severity | None, list[str]]] = [
        ("others may write", "others write", "critical", [n for n, a in named if _open(one, a, _WRITE)]),
        ("others may read", "others read", "medium", [n for n, a in named if _open(one, a, _READ)]),
        ("an ACL lets others write", "acl", None, [n for n, a in named if _by_acl(a)]),
        ("setuid or setgid", "setuid", None, [n for n, a in named if n != "." and a.mode & _SPECIAL]),
        ("of another owner", "owner", None, [n for n, a in named if owners and a.user not in owners]),
    ]
    for says, where, severity, names in found:
        if names:
            yield Fault(f"{says}: {some(names)}", where, severity)
    if any(names for *_, names in found):
        return
    if len(named) <= len(one.files):
        raise Unsure("not every file tells whose it is")
    if any(access.acl is None for _, access in named):
        raise Unsure("it has ACLs that were not read")


def _open(one: ModelAccess, access: Access, bit: int) -> bool:
    """True when others have this right, and no folder above keeps them out."""
    return bool(access.mode & bit) and not one.folder.closed


def _by_acl(access: Access) -> bool:
    return any("w" in entry.rpartition(":")[2] for entry in access.acl or ())


def _no_weights(one: ModelFolder, scene: Scene) -> str:
    if not one.weights:
        return "folders without weights"
    asked = one.serving and scene.policy.models.manifest
    return "" if one.manifest != "" or asked else "stores that production does not load from"


@check(
    "MOD-05",
    "Model has no manifest of checksums, or is not what it says",
    "high",
    tier="M",
    over="model_folders",
    needs=("manifest",),
    refs=("dcctl:model-manifest", "800-53:SI-7", "soc2:PI1.5", "iso:A.8.19", "mlps:8.1.4.7"),
    why="A disk that rots and somebody who changes weights look alike: nobody notices.",
    fix="Fetch it again from its maker; write SHA256SUMS beside it, or sign it (model_signing sign).",
    applies=_no_weights,
)
def manifests(one: ModelFolder, _scene: Scene) -> Iterator[Fault]:
    """A manifest is there, names all files of weights, and they are what it says."""
    if not one.manifest:
        yield Fault("nothing tells what its files have to be", "manifest")
        return
    kinds = (
        ("is not what the manifest says", "changed", one.mismatched),
        ("is gone", "gone", one.missing),
        ("is not in the manifest", "unlisted", one.unlisted),
    )
    found = [(f"{name} {says}", f"{where} {name}") for says, where, names in kinds for name in names or ()]
    for says, where in found:
        yield Fault(says, where)
    silent = next((name for name in ("mismatched", "missing", "unlisted") if getattr(one, name) is None), "")
    if silent and not found:
        why = one.silent.get(silent)
        raise Unsure(why.reason if why else "its files were not compared with the manifest")


_INERT: Final = ("safetensors", "numpy", "pickle", "other")


def _inert(one: ModelFile, _scene: Scene) -> str:
    """Of pickles MOD-01 tells."""
    inert = one.kind in _INERT and not one.payloads and "payloads" not in one.silent
    return "files that nothing runs" if inert else ""


@check(
    "MOD-06",
    "Model brings code of its own",
    "high",
    tier="M",
    over="model_files",
    needs=("kind", "payloads"),
    refs=("dcctl:model-code", "800-53:SC-18", "soc2:CC6.8", "iso:A.8.19"),
    why="trust_remote_code, a Lambda layer or a chat template runs what its maker wrote, beside your data.",
    fix="Read it, then name its SHA-256 in audit.models.approved; otherwise take it out of the folder.",
    applies=_inert,
)
def payloads(one: ModelFile, scene: Scene) -> Iterator[Fault]:
    """Nothing in it is run by a framework, or somebody has read and approved it."""
    if one.sha256 is not None and one.sha256 in scene.policy.models.approved:
        return
    for each in one.payloads or ():
        yield Fault(f"{each.kind}: {each.what}", f"{each.kind} {each.what}")
    if "payloads" in one.silent and not one.payloads:
        raise Unsure(one.silent["payloads"].reason)
