"""The scenarios that the emulator passes, run on the real API server: what one does, the other does."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from tests.kubeapi.client import HttpApi
from tests.kubeapi.conformance import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.controlplane.plane import ControlPlane
    from tests.kubeapi.client import Api


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> HttpApi:
    pair = plane.credentials()
    context = ssl.create_default_context(cafile=str(plane.ca_file))
    context.load_cert_chain(pair.cert_file, pair.key_file)
    return HttpApi(plane.url, None, context)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_the_real_server_does_what_the_emulator_does(scenario: Callable[[Api], None], api: HttpApi) -> None:
    scenario(api)
