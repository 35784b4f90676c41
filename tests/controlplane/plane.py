"""The real control plane on loopback: etcd, API server, scheduler, controllers, and kwok as the kubelets."""

from __future__ import annotations

import shutil
import ssl
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import CONFLICT, CREATED, OK, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Self

import yaml

from tests.controlplane import components
from tests.controlplane.client import MERGE_PATCH, ApiClient, ApiError, Json
from tests.controlplane.nodes import NodeShape, node
from tests.controlplane.objects import Catalogue
from tests.controlplane.pki import Authority, KeyPair, file_name, service_account_keys
from tests.controlplane.process import Component, PlaneError, free_ports, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

START_DEADLINE_S = 120.0
ADMIN = "admin"
ADMIN_GROUPS = ("system:masters",)
PARALLEL_CREATES = 8


class ControlPlane:
    """A context manager: inside it the control plane is healthy, after it no process and no file is left."""

    def __init__(
        self,
        binaries: Path,
        apiserver_flags: Sequence[str] = (),
        scheduler_config: str = "",
        feature_gates: str = "",
    ) -> None:
        """`scheduler_config`: more lines of the scheduler's KubeSchedulerConfiguration.

        `feature_gates`: those of all that is Kubernetes, as `A=true,B=false`.
        """
        self._binaries, self._scheduler_config = binaries, scheduler_config
        self._gates = [f"--feature-gates={feature_gates}"] if feature_gates else []
        self._apiserver_flags = (*apiserver_flags, *self._gates)
        self._components: list[Component] = []
        self._clients: dict[tuple[str, tuple[str, ...]], KeyPair] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:  # Ctrl-C while starting must not leave processes either
            self.stop()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dcctl-plane-"))
        self._authority = Authority(self.folder)
        ports = components.Ports(*free_ports(6))
        self.url = f"https://{components.LOOPBACK}:{ports.apiserver}"
        layout = components.Layout(
            binaries=self._binaries,
            folder=self.folder,
            ports=ports,
            ca=self._authority.pair,
            server=self._authority.server("server"),
            service_account=service_account_keys(self.folder),
            kubeconfig=self.kubeconfig(),
        )
        etcd = self._spawn("etcd", components.etcd(layout))
        etcd.wait_healthy(
            lambda: _answers(f"http://{components.LOOPBACK}:{ports.etcd}/health"), START_DEADLINE_S
        )
        apiserver = self._spawn("kube-apiserver", components.kube_apiserver(layout, self._apiserver_flags))
        apiserver.wait_healthy(self._api_ready, START_DEADLINE_S)
        self._start_clients_of_the_api(layout)
        self.wait_for(self._default_account_exists, START_DEADLINE_S, "the default service account exists")

    def _start_clients_of_the_api(self, layout: components.Layout) -> None:
        manager = self._spawn(
            "kube-controller-manager", [*components.kube_controller_manager(layout), *self._gates]
        )
        scheduler = self._spawn(
            "kube-scheduler", [*components.kube_scheduler(layout, self._scheduler_config), *self._gates]
        )
        kwok = self._spawn("kwok", components.kwok(layout))
        ports = layout.ports
        for component, address in (
            (manager, f"https://{components.LOOPBACK}:{ports.controller_manager}/healthz"),
            (scheduler, f"https://{components.LOOPBACK}:{ports.scheduler}/healthz"),
            (kwok, f"http://{components.LOOPBACK}:{ports.kwok}/healthz"),
        ):
            component.wait_healthy(partial(_answers, address, self.ca_file), START_DEADLINE_S)

    def _spawn(self, name: str, command: Sequence[str]) -> Component:
        component = Component(name, command, self.folder / f"{name}.log")
        self._components.append(component)
        return component

    def _api_ready(self) -> bool:
        try:
            with self.client() as admin:
                return admin.request("GET", "/readyz")[0] == OK
        except (OSError, HTTPException):
            return False

    def _default_account_exists(self) -> bool:
        with self.client() as admin:
            return admin.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")[0] == OK

    def stop(self) -> None:
        """Leaves no process and no file; safe to call twice."""
        for component in reversed(self._components):  # etcd last: the others write to it while they end
            component.stop()
        self._components.clear()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pids(self) -> dict[str, int]:
        return {component.name: component.pid for component in self._components}

    def logs(self, lines: int = 30) -> dict[str, str]:
        """Returns the last lines of the log of every component."""
        return {component.name: component.log_tail(lines) for component in self._components}

    @property
    def ca_file(self) -> Path:
        return self._authority.pair.cert_file

    def credentials(self, user: str = ADMIN, groups: Sequence[str] | None = None) -> KeyPair:
        """Returns a client certificate: `admin` may do everything, any other user only what RBAC grants."""
        wanted = tuple(groups) if groups is not None else ADMIN_GROUPS if user == ADMIN else ()
        if (user, wanted) not in self._clients:
            self._clients[user, wanted] = self._authority.client(user, wanted)
        return self._clients[user, wanted]

    def kubeconfig(self, user: str = ADMIN, groups: Sequence[str] | None = None) -> Path:
        """Returns a kubeconfig with the client certificate of this user in these groups."""
        pair = self.credentials(user, groups)
        secret = {"client-certificate": str(pair.cert_file), "client-key": str(pair.key_file)}
        return self._write_kubeconfig(user, secret)

    def token_kubeconfig(self, user: str, token: str) -> Path:
        """Returns a kubeconfig with a bearer token, whether the API server knows that token or not."""
        return self._write_kubeconfig(f"token-{user}", {"token": token})

    def service_account_token(self, name: str, namespace: str = "default", lifetime_s: int = 3600) -> str:
        """Returns a token of the service account, which exists after the call; 600 s is the shortest life."""
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": namespace},
        }
        self.apply([account])
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": lifetime_s},
        }
        with self.client() as admin:
            status, answer = admin.request("POST", path, body)
        if status != CREATED:
            raise ApiError("POST", path, status, answer)
        return str(answer["status"]["token"])

    def _write_kubeconfig(self, user: str, secret: dict[str, str]) -> Path:
        path = self.folder / f"{file_name(user)}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.ca_file)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": secret}],
            "contexts": [
                {"name": "test", "context": {"cluster": "test", "user": user, "namespace": "default"}}
            ],
            "current-context": "test",
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    def client(self, user: str = ADMIN, groups: Sequence[str] | None = None) -> ApiClient:
        """Returns a client with the certificate of this user; one per thread."""
        return ApiClient(self.url, self.ca_file, self.credentials(user, groups))

    def token_client(self, token: str) -> ApiClient:
        """Returns a client that shows this bearer token."""
        return ApiClient(self.url, self.ca_file, token=token)

    def apply(self, objects: Iterable[Json]) -> None:
        """Leaves every object as given: created, or merge-patched where it exists.

        A new namespace has its default service account, without which pods are refused; an object whose kind
        comes with a CRD of the same call waits until that kind is served.
        """
        with self.client() as admin:
            catalogue = Catalogue(admin)
            for each in objects:
                self._apply_one(admin, catalogue, each)

    def _apply_one(self, admin: ApiClient, catalogue: Catalogue, item: Json) -> None:
        collection = catalogue.collection(item)
        name = item["metadata"]["name"]
        status, body = admin.request("POST", collection, item)
        if status == CONFLICT and body.get("reason") == "AlreadyExists":
            status, body = admin.request("PATCH", f"{collection}/{name}", item, MERGE_PATCH)
        if status not in {OK, CREATED}:
            raise ApiError("POST", f"{collection}/{name}", status, body)
        if item["kind"] == "Namespace":
            account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
            self.wait_for(lambda: admin.request("GET", account)[0] == OK, 60, f"namespace {name} is usable")

    def add_nodes(
        self,
        count: int,
        gpus: int = 8,
        model: str = "NVIDIA-H100-80GB-HBM3",
        *,
        nodes_per_rack: int = 4,
        prefix: str = "gpu",
        first: int = 1,
        timeout_s: float = 120.0,
    ) -> list[str]:
        """Returns the names of `count` new nodes, Ready and schedulable, numbered from `first`."""
        shape = NodeShape(gpus=gpus, model=model, nodes_per_rack=nodes_per_rack, prefix=prefix)
        indices = range(first, first + count)
        self.create_many("/api/v1/nodes", [node(shape, index) for index in indices])
        names = [shape.name(index) for index in indices]
        with self.client() as admin:
            self.wait_for(lambda: set(names) <= _schedulable(admin), timeout_s, "the nodes are Ready", 0.5)
        return names

    def create_many(self, collection: str, objects: Sequence[Json]) -> None:
        """Creates all objects at one path over several connections; ApiError for the first one refused."""

        def create(part: Sequence[Json]) -> None:
            with self.client() as admin:
                for each in part:
                    status, body = admin.request("POST", collection, each)
                    if status != CREATED:
                        raise ApiError("POST", collection, status, body)

        with ThreadPoolExecutor(PARALLEL_CREATES) as pool:
            parts = [objects[start::PARALLEL_CREATES] for start in range(PARALLEL_CREATES)]
            for done in [pool.submit(create, part) for part in parts if part]:
                done.result()

    def wait_for(
        self, predicate: Callable[[], object], timeout_s: float = 60.0, what: str = "", pause_s: float = 0.1
    ) -> None:
        """Returns when the predicate is true; PlaneError when a component died or the time is over."""

        def settled() -> bool:
            self._raise_if_one_died()
            return bool(predicate())

        wait_until(settled, timeout_s, what or "the state waited for", pause_s)

    def _raise_if_one_died(self) -> None:
        for component in self._components:
            if not component.alive:
                raise PlaneError(f"{component.name} died:\n{component.log_tail()}")


def _schedulable(admin: ApiClient) -> set[str]:
    """Returns the nodes that are Ready and that the node controller has freed of its not-ready taint."""
    nodes = admin.get("/api/v1/nodes?resourceVersion=0")["items"]
    return {each["metadata"]["name"] for each in nodes if is_ready(each) and not each["spec"].get("taints")}


def is_ready(item: Json) -> bool:
    """Returns whether a node or a pod carries the condition Ready=True."""
    conditions = item.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _answers(address: str, ca_file: Path | None = None) -> bool:
    context = ssl.create_default_context(cafile=str(ca_file)) if ca_file else None
    try:
        with urllib.request.urlopen(address, timeout=5, context=context) as response:
            return bool(response.status == OK)
    except (OSError, HTTPException):
        return False
