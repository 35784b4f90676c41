"""Models and data as files and as entries of an inventory."""

from __future__ import annotations

from typing import Literal, TypeAlias

from dcctl.inventory.devices import Fact, Natural
from dcctl.inventory.evidence.base import Subject

FileKind: TypeAlias = Literal[
    "pickle", "archive", "safetensors", "gguf", "keras", "savedmodel", "numpy", "config", "code", "other"
]
"""By what is in a file, whatever it is called. `archive`: a zip or a tar without a pickle."""


class Import(Fact, frozen=True):
    """Something that a pickle would import when it is loaded."""

    name: str
    """`os.system`; `module:a.b` where the name has dots of its own."""
    member: str = ""
    """The file in an archive; `data.pkl > nested` for a pickle in a pickle."""


class Payload(Fact, frozen=True):
    """Something in a file that a framework runs, or may run, when it loads the model."""

    kind: Literal["remote-code", "script", "executable", "lambda", "template", "operator"]
    what: str
    """`AutoModel: modeling_x.XModel`, `__globals__`, `PyFunc`."""


class Access(Fact, frozen=True):
    """Who may do what with a file or a folder."""

    mode: Natural
    """Permission bits with setuid, setgid and sticky."""
    user: str
    """By name where the machine knows it, else the number."""
    group: str = ""
    acl: tuple[str, ...] | None = ()
    """Entries for others than owner and group: `user:bob:rw-`. None: there is a list that was not read."""


class ModelFile(Subject, frozen=True, kw_only=True):
    """A file of a model, by its bytes; nothing of it is ever run."""

    name: str
    """Its store and its path there: `models/llama/model.safetensors`."""
    store: str = ""
    serving: bool = False
    """The store is one that production loads from."""
    kind: FileKind | None = None
    size_bytes: Natural | None = None
    access: Access | None = None
    imports: tuple[Import, ...] | None = None
    """Of its pickles."""
    broken: tuple[str, ...] = ()
    """What of it could not be followed to its end: a pickle that is cut, an archive beyond all limits."""
    header: str | None = None
    """What is wrong with the header of a safetensors file; empty: nothing."""
    payloads: tuple[Payload, ...] | None = None
    sha256: str | None = None

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"ModelFile/{self.name}"


class ModelFolder(Subject, frozen=True, kw_only=True):
    """A folder that holds a model."""

    name: str
    store: str = ""
    serving: bool = False
    access: Access | None = None
    closed: bool = False
    """It, or a folder above it, lets nobody in but owner and group."""
    weights: tuple[str, ...] = ()
    """Its files of weights."""
    manifest: str | None = None
    """The file that tells what its files have to be: `SHA256SUMS`, `model.sig`; empty: there is none."""
    mismatched: tuple[str, ...] | None = None
    """Files that are not what the manifest says. None: not compared, or not all of them."""
    missing: tuple[str, ...] | None = None
    """Files that the manifest has, and the folder has not."""
    unlisted: tuple[str, ...] | None = None
    """Files of weights that the manifest does not have."""

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"ModelFolder/{self.name}"


class DataSet(Subject, frozen=True, kw_only=True):
    """A data set and who answers for it, as an inventory says. Empty: the inventory does not say it."""

    name: str
    classification: str = ""
    owner: str = ""
    retention_s: Natural | None = None
    legal_basis: str = ""
    purpose: str = ""
    personal: bool | None = None
    regions: tuple[str, ...] = ()
    """Where it may be."""
    buckets: tuple[str, ...] = ()
    """Where it is."""
    kept_in: tuple[str, ...] | None = None
    """Regions where it is, beside those of its buckets."""

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"DataSet/{self.name}"


class Leftover(Fact, frozen=True):
    """Files at the top of a scratch folder whose owner runs nothing on the node."""

    user: str
    files: Natural


class Scratch(Subject, frozen=True, kw_only=True):
    """A folder on a node that one tenant after the other writes to."""

    node: str
    path: str
    leftovers: tuple[Leftover, ...] | None = None
    wiped_at_s: int | None = None
    """When an epilog last told that it wiped; 0: it never did."""

    @property
    def key(self) -> str:
        """Its node and its path."""
        return f"Scratch/{self.node}:{self.path}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Its node."""
        return (self.node,)
