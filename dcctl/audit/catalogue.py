"""All checks, in the order of the catalogue. Importing it is what enters them."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from dcctl.audit import checks
from dcctl.audit.check import CATALOGUE as _ENTERED
from dcctl.audit.check import Check

TOPICS: Final = (
    "RBAC", "POD", "NET", "SEC", "API", "KUB", "ADM", "NOD", "GPU", "FAB", "DRF", "STO", "ENE", "MOD", "SLF",
)  # fmt: skip
"""What ids begin with, in the order in which people read."""

for _module in iter_modules(checks.__path__):
    import_module(f"{checks.__name__}.{_module.name}")

CATALOGUE: Final[dict[str, Check]] = {
    name: _ENTERED[name]
    for name in sorted(_ENTERED, key=lambda name: (TOPICS.index(name.partition("-")[0]), name))
}
"""By id."""
