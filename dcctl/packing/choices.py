"""What may be chosen of the packing core by name: `--help` lists it, so nothing is loaded here."""

from typing import Final, Literal, TypeAlias

PolicyName: TypeAlias = Literal["use-value", "fgd", "first-fit", "best-fit", "dot-product"]
"""How a node is chosen among those that fit; made by `dcctl.packing.greedy.choice`."""
DEFAULT_POLICY: Final[PolicyName] = "use-value"

Effort: TypeAlias = Literal["fast", "normal", "best"]
"""One pass; with a search after it; with a long one."""
