"""The scenarios that hold on a real control plane, run on the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kubeapi import ApiServer
from tests.kubeapi.client import HttpApi
from tests.kubeapi.conformance import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.kubeapi.client import Api


@pytest.fixture(scope="module")
def api() -> Iterator[HttpApi]:
    with ApiServer() as server:
        yield HttpApi(server.url, "admin-token")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_the_emulator_does_what_the_server_does(scenario: Callable[[Api], None], api: HttpApi) -> None:
    scenario(api)
