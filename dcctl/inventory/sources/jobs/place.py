"""Where the members of a job may stand: `models`, `selector`, `tolerate`, `spread`, `apart` of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from dcctl.inventory.model import Level
from dcctl.inventory.placement import Neighbours, Selector, Spread, Template, Toleration, level_key

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor

JOB_LABEL = "dcctl.io/job"
"""By this label the members of a job find each other."""
LEVELS: dict[str, Level] = {level: level for level in get_args(Level)}
KEYS = ("models", "selector", "tolerate", "spread", "apart")
_MOST_APART = 1_000_000


def template(name: str, given: dict[str, Cursor]) -> Template:
    """Return what the members of a job need of a node, apart from how much. UsageError with the place."""
    own = Selector({JOB_LABEL: name})
    spreads = (_spread(given["spread"], own),) if "spread" in given else ()
    apart = (_apart(given["apart"], own),) if "apart" in given else ()
    return Template(
        labels=own.labels if spreads or apart else {},
        node_selector=labels(given["selector"]) if "selector" in given else {},
        tolerations=tuple(Toleration(key, "Exists") for key in _names(given, "tolerate")),
        spreads=spreads,
        neighbours=apart,
        models=_models(given["models"]) if "models" in given else (),
    )


def _names(given: dict[str, Cursor], key: str) -> tuple[str, ...]:
    return given[key].names() if key in given else ()


def _models(given: Cursor) -> tuple[str, ...]:
    """Names of models have blanks in them: `NVIDIA H100 80GB HBM3`."""
    return tuple(dict.fromkeys(item.text() for item in given.items()))


def labels(given: Cursor) -> dict[str, str]:
    """Return labels that a node has, or must have; `""` is a value that a label can have."""
    return {key: value.text(may_be_empty=True) for key, value in sorted(given.keys().items())}


def _spread(given: Cursor, own: Selector) -> Spread:
    if not given.is_mapping:
        return Spread(_key(given), own)
    fields = given.fields(("by", "at_most_apart"), required=("by",))
    apart = fields["at_most_apart"].integer(1, _MOST_APART) if "at_most_apart" in fields else 1
    return Spread(_key(fields["by"]), own, max_skew=apart)


def _apart(given: Cursor, own: Selector) -> Neighbours:
    return Neighbours(_key(given), own, apart=True)


def _key(given: Cursor) -> str:
    """A part of the data centre, or the label of nodes that tells it (`example.com/row`)."""
    text = given.name()
    return text if "/" in text else level_key(given.choice(LEVELS))
