"""What the emulator and a real control plane must both do: scenarios that take an Api and clean up.

Run every one of SCENARIOS against an `Api` (client.HttpApi, say) whose user is an administrator. They make
their own namespaces and nodes with random names, wait for controllers, and assume nothing that only the
emulator has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kubeapi import (
    conformance_eviction,
    conformance_gates,
    conformance_lists,
    conformance_objects,
    conformance_patch,
    conformance_watch,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kubeapi.client import Api

SCENARIOS: tuple[Callable[[Api], None], ...] = (
    *conformance_lists.SCENARIOS,
    *conformance_objects.SCENARIOS,
    *conformance_patch.SCENARIOS,
    *conformance_watch.SCENARIOS,
    *conformance_eviction.SCENARIOS,
    *conformance_gates.SCENARIOS,
)
