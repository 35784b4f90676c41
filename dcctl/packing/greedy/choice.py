"""The policies by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.packing.greedy.fgd import Fgd
from dcctl.packing.greedy.policies import BestFit, DotProduct, FirstFit
from dcctl.packing.greedy.value import UseValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dcctl.packing.choices import PolicyName
    from dcctl.packing.fit.feasibility import Feasibility
    from dcctl.packing.greedy.policies import Policy

POLICIES: Final[Mapping[PolicyName, Callable[[Feasibility, Mapping[int, int]], Policy]]] = {
    "use-value": UseValue,
    "fgd": Fgd,
    "first-fit": FirstFit,
    "best-fit": BestFit,
    "dot-product": DotProduct,
}
"""Each is made for a problem, with how many items of each class are expected."""
