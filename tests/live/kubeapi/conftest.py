"""A server of its own for every test, and the small client of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kubeapi import ApiServer
from tests.kubeapi.client import HttpApi

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(users={"admin-token": "admin", "bob-token": "bob"}) as running:
        yield running


@pytest.fixture
def admin(server: ApiServer) -> HttpApi:
    return HttpApi(server.url, "admin-token", timeout_s=10)


@pytest.fixture
def bob(server: ApiServer) -> HttpApi:
    return HttpApi(server.url, "bob-token", timeout_s=10)
