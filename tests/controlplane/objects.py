"""Where an object lives in the API, asked of the server itself, so that CRDs work like built-in kinds."""

from __future__ import annotations

from http.client import OK
from typing import TYPE_CHECKING

from tests.controlplane.process import wait_until

if TYPE_CHECKING:
    from tests.controlplane.client import ApiClient, Json

KIND_DEADLINE_S = 30.0


class Catalogue:
    """The kinds that the server serves, read per group and version, again when a kind is not there yet."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}

    def collection(self, item: Json) -> str:
        """Returns the path of the object's collection; PlaneError when its kind is not served."""
        version, kind = str(item["apiVersion"]), str(item["kind"])
        wait_until(lambda: self._knows(version, kind), KIND_DEADLINE_S, f"{version} {kind} is served", 0.2)
        plural, namespaced = self._kinds[version, kind]
        root = _root(version)
        if not namespaced:
            return f"{root}/{plural}"
        return f"{root}/namespaces/{item['metadata'].get('namespace', 'default')}/{plural}"

    def _knows(self, version: str, kind: str) -> bool:
        if (version, kind) not in self._kinds:
            self._read(version)
        return (version, kind) in self._kinds

    def _read(self, version: str) -> None:
        status, body = self._client.request("GET", _root(version))
        if status == OK:
            for each in body["resources"]:
                if "/" not in each["name"]:
                    self._kinds[version, each["kind"]] = (each["name"], each["namespaced"])


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
