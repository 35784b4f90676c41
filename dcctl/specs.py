"""What a [[context.NAME.source]] table may say: one struct per kind of source."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import msgspec
import msgspec.structs

from dcctl.config import unknown, wrong
from dcctl.errors import UsageError
from dcctl.inventory.model import Port  # noqa: TC001 - msgspec reads the type when it decodes
from dcctl.meter_specs import METER_KINDS, AnyMeterSpec, MeterSpec, Spec, node_sets
from dcctl.series_specs import SeriesSpec, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dcctl.settings import Context


_T = TypeVar("_T")


class LocalSpec(Spec, frozen=True, kw_only=True):
    """The machine that dcctl runs on: operating system and accelerators."""


class SshSpec(Spec, frozen=True, kw_only=True):
    """Nodes reached over SSH; without `nodes`, those that the files of this context name."""

    nodes: str = ""
    user: str | None = None
    port: Port | None = None
    identity_file: str | None = None
    config_file: str | None = None
    known_hosts: str | None = None


class KubernetesSpec(Spec, frozen=True, kw_only=True):
    """One cluster."""

    kubeconfig: str | None = None
    kubeconfig_context: str | None = None
    namespace: str | None = None
    rack_labels: tuple[str, ...] = ()
    configz: bool = False
    """Audits ask each kubelet how it is configured: it takes the right to nodes/proxy."""


class PrometheusSpec(MeterSpec, frozen=True, kw_only=True):
    """Prometheus, or what speaks its API: where `assess history` looks, and meters are. It names no nodes."""

    url: str
    """What stands before `/api/v1`; for Mimir and VictoriaMetrics it has a path."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Every series asked about has these: `{cluster = "prod"}` where one server holds several."""
    pool_label: str = "modelName"
    tenant: str | None = None
    tenant_header: str = "X-Scope-OrgID"
    token_file: str | None = None
    token_command: str | None = None
    username: str | None = None
    password_file: str | None = None
    password_command: str | None = None
    ca_file: str | None = None
    meters: tuple[SeriesSpec, ...] = ()
    """What of power and energy it keeps."""


class FileSpec(Spec, frozen=True, kw_only=True):
    """A snapshot or a list of nodes."""

    path: str


class AnsibleSpec(Spec, frozen=True, kw_only=True):
    """An Ansible inventory: INI, YAML or a script."""

    path: str


class TerraformSpec(Spec, frozen=True, kw_only=True):
    """The output of `terraform show -json`."""

    path: str


class DetectSpec(Spec, frozen=True, kw_only=True):
    """A file of any kind that the command line names; `-` is stdin."""

    path: str


class DemoSpec(Spec, frozen=True, kw_only=True):
    """The embedded demonstration fleet."""


class EvidenceSpec(Spec, frozen=True, kw_only=True):
    """Base of what `dcctl audit` alone asks: it names no nodes."""


class ModelsSpec(EvidenceSpec, frozen=True, kw_only=True):
    """A folder of models, or one file, that this machine can read."""

    path: str
    serving: bool = False
    """Production loads from it."""


class S3Spec(EvidenceSpec, frozen=True, kw_only=True):
    """Buckets of one object store. It is asked about buckets, never for an object."""

    endpoint: str
    """`https://s3.eu-central-1.amazonaws.com`, `https://minio.dc1:9000`."""
    region: str = "us-east-1"
    buckets: tuple[str, ...] = ()
    """Empty: all that the store lists."""
    access_key: str | None = None
    """Its name, which is no secret; None: the environment or the file of profiles says who asks."""
    secret_file: str | None = None
    secret_command: str | None = None
    profile: str | None = None
    """Of ~/.aws/credentials."""
    ca_file: str | None = None
    tls_only: bool = False
    """Nobody reaches it without TLS, whatever the policies of its buckets say."""


class DeclaredSpec(EvidenceSpec, frozen=True, kw_only=True):
    """A file of what the site declares of its data sets, buckets, backups, stores and feeds."""

    path: str


class DiagnosticsSpec(EvidenceSpec, frozen=True, kw_only=True):
    """A folder of records of `dcgmi diag` and nccl-tests."""

    path: str


AnySpec: TypeAlias = (
    LocalSpec
    | SshSpec
    | KubernetesSpec
    | PrometheusSpec
    | FileSpec
    | AnsibleSpec
    | TerraformSpec
    | DetectSpec
    | DemoSpec
    | AnyMeterSpec
    | ModelsSpec
    | S3Spec
    | DeclaredSpec
    | DiagnosticsSpec
)
NamedSpec: TypeAlias = SshSpec | KubernetesSpec | PrometheusSpec | AnyMeterSpec | S3Spec
"""What is asked live, under a name of its own."""

KINDS: dict[str, type[AnySpec]] = {
    "local": LocalSpec,
    "ssh": SshSpec,
    "kubernetes": KubernetesSpec,
    "prometheus": PrometheusSpec,
    "file": FileSpec,
    "ansible": AnsibleSpec,
    "terraform": TerraformSpec,
    "demo": DemoSpec,
    **METER_KINDS,
    "models": ModelsSpec,
    "s3": S3Spec,
    "declared": DeclaredSpec,
    "diagnostics": DiagnosticsSpec,
}


class SiteSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A [context.NAME.site.SITE] table."""

    pue_limit: Annotated[float, msgspec.Meta(ge=1, le=100)] | None = None
    power_limit_kw: Annotated[float, msgspec.Meta(gt=0, le=1e9)] | None = None
    timezone: str | None = None
    energy_price: Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)] | None = None
    """Of a kWh, on average."""
    carbon: Annotated[float, msgspec.Meta(ge=0, le=1e5)] | None = None
    """Grams of CO2 for a kWh, location-based."""
    currency: str | None = None


def of_context(context: Context) -> tuple[AnySpec, ...]:
    """The sources of a context, checked. UsageError names the file, the table and the key that is wrong."""
    found: list[AnySpec] = []
    for where, table in tables(context):
        spec = _source(table, where)
        if spec.name and spec.name in {other.name for other in found}:
            raise wrong(f"{where}.name", f"another source has the name {spec.name!r}")
        found.append(spec)
    return tuple(found)


def sites_of(context: Context) -> dict[str, SiteSpec]:
    """The sites of a context, checked."""
    found = {}
    for name, table in context.sites.items():
        where = f"{context.origin}: context.{context.name}.site.{name}"
        unknown(table, SiteSpec.__struct_fields__, where)
        found[name] = _convert(dict(table), SiteSpec, where)
    return found


def told_apart(plan: Sequence[AnySpec], usual_name: Callable[[NamedSpec], str]) -> tuple[AnySpec, ...]:
    """The plan with a name for each live source, the next of a name with a number: ssh, ssh-2.

    `usual_name` is asked where a configuration states none; names that it states are kept. This machine is
    asked once, and its sources have their names.
    """
    stated = {spec.name for spec in plan}
    here = any(isinstance(spec, LocalSpec) for spec in plan)
    given = {"local", "nvml"} if here else set()
    found: list[AnySpec] = []
    for spec in plan:
        if isinstance(spec, NamedSpec):
            others = given if spec.name else given | stated
            name = next(name for name in _numbered(spec.name or usual_name(spec)) if name not in others)
            given.add(name)
            found.append(msgspec.structs.replace(spec, name=name))
        elif not isinstance(spec, LocalSpec) or not any(isinstance(other, LocalSpec) for other in found):
            found.append(spec)
    return tuple(found)


def _numbered(name: str) -> Iterator[str]:
    """Yield `ssh`, `ssh-2`, `ssh-3`, …."""
    yield name
    yield from (f"{name}-{number}" for number in count(2))


def kind_of(spec: AnySpec) -> str:
    """The word for a kind of source."""
    return next((kind for kind, known in KINDS.items() if type(spec) is known), "file")


def tables(context: Context) -> list[tuple[str, object]]:
    """Each source of a context as it stands in the file, and where that is."""
    where = f"{context.origin}: context.{context.name}"
    return [(f"{where}.source[{index}]", table) for index, table in enumerate(context.sources)]


def _source(table: object, where: str) -> AnySpec:
    given = dict(table) if isinstance(table, dict) else {}
    kind = given.pop("kind", None)
    if kind not in KINDS:
        known = ", ".join(KINDS)
        why = f"unknown kind {kind!r}; known: {known}" if kind else f"needs a kind: one of {known}"
        raise wrong(where, why)
    unknown(given, KINDS[kind].__struct_fields__, f"{where} ({kind})")
    spec = _convert(given, KINDS[kind], f"{where} ({kind})")
    if isinstance(spec, SshSpec) and spec.nodes:
        check_node_set(spec.nodes, f"{where}.nodes")
    if isinstance(spec, PrometheusSpec):
        check_prometheus(spec, f"{where} (prometheus)")
    for key, text in node_sets(spec).items() if isinstance(spec, MeterSpec) else ():
        check_node_set(text, f"{where}.{key}")
    if isinstance(spec, S3Spec):
        check_s3(spec, f"{where} (s3)")
    if isinstance(spec, FileSpec | AnsibleSpec | TerraformSpec | ModelsSpec | DeclaredSpec | DiagnosticsSpec):
        return msgspec.structs.replace(spec, path=_at_home(spec.path, f"{where}.path"))
    return spec


def check_s3(spec: S3Spec, where: str) -> None:
    """UsageError for a store that cannot be asked: no URL, or a secret without whose it is."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(spec.endpoint)
        plain = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        plain = False
    if not plain or "@" in spec.endpoint or "?" in spec.endpoint or "#" in spec.endpoint:
        raise wrong(f"{where}.endpoint", "must be like https://s3.eu-central-1.amazonaws.com, without a name")
    secrets = [name for name in ("secret_file", "secret_command") if getattr(spec, name)]
    if len(secrets) > 1 or bool(secrets) != bool(spec.access_key):
        raise wrong(where, "who asks is access_key with secret_file or secret_command")
    if spec.access_key and spec.profile:
        raise wrong(where, "access_key and profile: one of them says who asks")
    if not re.fullmatch(r"[a-z0-9-]{1,40}", spec.region):
        raise wrong(f"{where}.region", f"{spec.region!r} is not the name of a region")
    for name in spec.buckets:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}", name):
            raise wrong(f"{where}.buckets", f"{name!r} is not the name of a bucket")


_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def check_prometheus(spec: PrometheusSpec, where: str) -> None:
    """UsageError for what cannot be asked: labels that are none, or two ways to say who asks."""
    for label in (*spec.labels, spec.pool_label):
        if not _LABEL.fullmatch(label):
            raise wrong(where, f"{label!r} is not the name of a label")
    secrets = [
        name
        for name in ("token_file", "token_command", "password_file", "password_command")
        if getattr(spec, name)
    ]
    if len(secrets) > 1:
        raise wrong(where, f"{' and '.join(secrets)}: one of them says who asks")
    if spec.username is None and secrets and secrets[0].startswith("password"):
        raise wrong(where, f"{secrets[0]} needs a username")
    for at, meters in enumerate(spec.meters):
        row_of(meters, spec.labels, f"{where}.meters[{at}]")
        for key, text in node_sets(meters).items():
            check_node_set(text, f"{where}.meters[{at}].{key}")
    if not re.fullmatch(r"[A-Za-z0-9-]+", spec.tenant_header) or not (spec.tenant or "-").isprintable():
        raise wrong(where, "tenant_header and tenant are the name and the value of an HTTP header")


def _at_home(path: str, where: str) -> str:
    try:
        return str(Path(path).expanduser())
    except RuntimeError as error:  # the home of nobody
        raise wrong(where, str(error).lower().rstrip(".")) from error


def check_node_set(text: str, where: str) -> None:
    """UsageError for a node set that could not be read, whatever nodes there are."""
    from dcctl.inventory.nodeexpr import check_syntax

    try:
        check_syntax(text)
    except UsageError as error:
        raise UsageError(f"{where}: {error.what}", error.why, error.hint) from error


def _convert(table: dict[str, object], want: type[_T], where: str) -> _T:
    try:
        return msgspec.convert(table, want)
    except msgspec.ValidationError as error:
        raise wrong(where, str(error)) from error
