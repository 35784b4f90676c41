"""An in-process emulator of the Kubernetes API server, held against the real one by conformance.py."""

from tests.kubeapi.server import ApiServer

__all__ = ["ApiServer"]
