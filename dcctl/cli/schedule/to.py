"""The option `--to`, and the scheduler that it names."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.schedule.backends import Backend
    from dcctl.settings import Settings

KUBERNETES: Final = "kubernetes"
_TYPED: Final = "dcctl schedule apply PLAN -i kubernetes:CONTEXT"
To = Annotated[str, typer.Option("--to", metavar="SCHEDULER", help="kubernetes.")]


def backend_of(name: str, settings: "Settings", wait_s: float = 0.0, *, bind: bool = False) -> "Backend":
    """The scheduler of this name; nothing is contacted yet. UsageError, which lists those that there are.

    `wait_s`: how long work may take until it stands; `bind`: see `dcctl schedule apply --bind`.
    """
    from dcctl.errors import UsageError

    if name not in _MADE:
        raise UsageError(f"--to {name}", f"known: {', '.join(sorted(_MADE))}", "dcctl schedule render --help")
    return _MADE[name](settings, wait_s, bind)


def _kubernetes(settings: "Settings", wait_s: float, bind: bool) -> "Backend":
    from functools import cache

    from dcctl.cluster import cluster_of
    from dcctl.schedule.act.kubernetes.backend import Kubernetes

    @cache
    def cluster() -> "Callable[[float], Objects]":  # looked for late: what is wrong with files is told first
        return cluster_of(settings, _TYPED)

    def connect(deadline_s: float) -> "Objects":
        return cluster()(deadline_s)

    return Kubernetes(connect, wait_s, bind=bind)


_MADE: "Mapping[str, Callable[[Settings, float, bool], Backend]]" = {KUBERNETES: _kubernetes}
