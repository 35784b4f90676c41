"""Elastic demand larger than the supply: what share of what it wants each claim gets.

A claim wants amounts for training and for inference, each of which can be satisfied in part: all its
dimensions by the same fraction. Shares are exact fractions, so that no amount is ever promised twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from dcctl.packing.sharing.filling import fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Amounts: TypeAlias = Mapping[str, int]
"""Integers by dimension; the unit is that of the dimension."""
Supply: TypeAlias = Mapping[str, "int | None"]
"""How much there is by dimension. None, or no entry: nobody tells, so nothing is limited by it."""
Part: TypeAlias = Literal["training", "inference"]
PARTS: tuple[Part, ...] = ("training", "inference")
Key: TypeAlias = "tuple[int, Part]"
"""One part of one claim, by its position."""

ZERO, ONE = Fraction(0), Fraction(1)


class Claim(Struct, frozen=True):
    """What one model wants. A part that wants nothing is satisfied."""

    name: str
    training: Amounts = {}
    inference: Amounts = {}
    weight: Fraction = ONE
    """Its claim against that of the others; above zero."""
    minimum: Amounts = {}
    """What it is given before anybody shares."""
    quota: Amounts = {}
    """What it is never given more of."""

    def wanted(self, part: Part) -> Amounts:
        """What one part wants; dimensions of which it wants nothing are left out."""
        amounts = self.training if part == "training" else self.inference
        return {name: amount for name, amount in amounts.items() if amount > 0}


class Limit(NamedTuple):
    """What a share ends at: the supply of a dimension, or a claim's own quota of it."""

    dimension: str
    quota: bool = False


class Row(NamedTuple):
    """One limit: how much of it each part uses when it is satisfied whole, and how much there is."""

    limit: Limit
    uses: dict[Key, int]
    room: int

    def by_claim(self) -> dict[int, int]:
        """How much of it each claim uses when both its parts are satisfied whole."""
        found: dict[int, int] = {}
        for (at, _), amount in self.uses.items():
            found[at] = found.get(at, 0) + amount
        return found

    def left(self, shares: Mapping[Key, Fraction]) -> Fraction:
        """What is left of it at these shares."""
        return self.room - sum((amount * shares.get(key, ZERO) for key, amount in self.uses.items()), ZERO)


class Share(Struct, frozen=True):
    """What one claim gets, as fractions of what it wants."""

    name: str
    training: Fraction | None
    """None: it wants no training."""
    inference: Fraction | None
    dominant: Fraction
    """The largest fraction of any dimension of the supply that it is given."""
    limits: tuple[Limit, ...] = ()
    """What keeps it from more; empty when it is satisfied whole."""
    below_minimum: bool = False

    def satisfied(self, part: Part) -> Fraction | None:
        """The fraction of one part."""
        return self.training if part == "training" else self.inference

    @property
    def product(self) -> Fraction:
        """Training x inference satisfied."""
        return prod((one for one in (self.training, self.inference) if one is not None), start=ONE)


class Shares(Struct, frozen=True):
    """What each claim gets, in the order of the claims."""

    shares: tuple[Share, ...]
    value: Fraction
    """The sum of weight x training x inference satisfied."""
    bound: Fraction | None = None
    """No shares have a larger sum: proved. None: nobody asked."""


class Sharing:
    """Claims on a supply as rows of limits."""

    def __init__(self, claims: Sequence[Claim], supply: Supply) -> None:
        self.claims, self.supply = claims, supply
        self.wants: dict[Key, Amounts] = {
            (at, part): wanted
            for at, claim in enumerate(claims)
            for part in PARTS
            if (wanted := claim.wanted(part))
        }
        every = list(_rows(self.wants, claims, supply))
        self.blocked = {key for row in every if not row.room for key in row.uses}
        """Parts that can have nothing: of something that they want there is none."""
        self.open = tuple(key for key in self.wants if key not in self.blocked)
        self.rows = [_without(row, self.blocked) for row in every if row.room]
        self._every = every
        self.least = {key: self._least(key) for key in self.wants}
        """The fraction of each part that its claim's minimum asks for."""

    def _least(self, key: Key) -> Fraction:
        at, _ = key
        mine = [wanted for (owner, _), wanted in self.wants.items() if owner == at]
        asked = [
            Fraction(amount, sum(wanted.get(name, 0) for wanted in mine))
            for name, amount in self.claims[at].minimum.items()
            if name in self.wants[key]
        ]
        return min(ONE, max(asked, default=ZERO))

    def parts(self) -> list[tuple[Key, ...]]:
        """The parts that each claim wants, of those that want any."""
        found: dict[int, list[Key]] = {}
        for key in self.wants:
            found.setdefault(key[0], []).append(key)
        return [tuple(keys) for keys in found.values()]

    def users(self) -> dict[int, list[Key]]:
        """The parts of each claim that can have something."""
        opened = [[key for key in keys if key not in self.blocked] for keys in self.parts()]
        return {keys[0][0]: keys for keys in opened if keys}

    def dominant(self, at: int, shares: Mapping[Key, Fraction]) -> Fraction:
        """The largest fraction of any dimension of the supply that one claim has at these shares."""
        found = [ZERO]
        for row in self.rows:
            if not row.limit.quota:
                used = sum(
                    (row.uses.get((at, part), 0) * shares.get((at, part), ZERO) for part in PARTS), ZERO
                )
                found.append(used / row.room)
        return max(found)

    def result(self, shares: Mapping[Key, Fraction], bound: Fraction | None = None) -> Shares:
        """These shares as an answer, with what limits each."""
        full = [row for row in self._every if not row.room or not row.left(shares)]
        found = tuple(self._share(at, shares, full) for at in range(len(self.claims)))
        value = sum((claim.weight * one.product for claim, one in zip(self.claims, found, strict=True)), ZERO)
        return Shares(found, value, bound)

    def _share(self, at: int, shares: Mapping[Key, Fraction], full: Iterable[Row]) -> Share:
        mine = {part: shares.get((at, part), ZERO) for part in PARTS if (at, part) in self.wants}
        short = [(at, part) for part, share in mine.items() if share < 1]
        return Share(
            name=self.claims[at].name,
            training=mine.get("training"),
            inference=mine.get("inference"),
            dominant=self.dominant(at, shares),
            limits=tuple(row.limit for row in full if any(key in row.uses for key in short)),
            below_minimum=any(share < self.least[at, part] for part, share in mine.items()),
        )


def _rows(wants: Mapping[Key, Amounts], claims: Sequence[Claim], supply: Supply) -> Iterable[Row]:
    """The supply of each dimension that is told, then the quotas."""
    for name in sorted({name for wanted in wants.values() for name in wanted}):
        uses = {key: wanted[name] for key, wanted in wants.items() if name in wanted}
        room = supply.get(name)
        if room is not None:
            yield Row(Limit(name), uses, max(0, room))
        for at, claim in enumerate(claims):
            mine = {key: amount for key, amount in uses.items() if key[0] == at}
            if mine and name in claim.quota:
                yield Row(Limit(name, quota=True), mine, claim.quota[name])


def _without(row: Row, blocked: set[Key]) -> Row:
    return row._replace(uses={key: amount for key, amount in row.uses.items() if key not in blocked})


def fair(claims: Sequence[Claim], supply: Supply) -> Shares:
    """Weighted dominant resource fairness: dominant shares are equal in proportion to weights.

    Ghodsi et al., "Dominant Resource Fairness", NSDI 2011, by progressive filling; a claim that a limit holds
    back leaves the rest to the others. Minimums come first; if they do not all fit, they are what is shared.
    """
    sharing = Sharing(claims, supply)
    return sharing.result(fair_shares(sharing))


def fair_shares(sharing: Sharing) -> dict[Key, Fraction]:
    """The shares of all parts by dominant resource fairness (see `fair`)."""
    whole = dict.fromkeys(sharing.open, ONE)
    reach = [sharing.dominant(at, whole) or ONE for at in range(len(sharing.claims))]
    return _filled(sharing, [one.weight / most for one, most in zip(sharing.claims, reach, strict=True)])


def max_min(claims: Sequence[Claim], supply: Supply) -> Shares:
    """The smallest satisfied fraction (divided by weight) is as large as can be, then the next, and so on."""
    sharing = Sharing(claims, supply)
    return sharing.result(_filled(sharing, [claim.weight for claim in claims]))


def _filled(sharing: Sharing, rates: Sequence[Fraction]) -> dict[Key, Fraction]:
    """The shares of all parts when the claims are filled together, each at its rate; minimums first."""
    users = sharing.users()
    rows = [(row.by_claim(), row.room) for row in sharing.rows]
    least = {at: max(sharing.least[key] for key in keys) for at, keys in users.items()}
    first = fill(rows, rates, dict.fromkeys(users, ZERO), least)
    last = fill(rows, rates, first, dict.fromkeys(users, ONE))
    return {key: last[at] for at, keys in users.items() for key in keys}


def given(claim: Claim, share: Share) -> dict[str, int]:
    """Whole units of every dimension that a claim gets: all of them together are never more than there is."""
    exact: dict[str, Fraction] = {}
    for part in PARTS:
        for name, amount in claim.wanted(part).items():
            exact[name] = exact.get(name, ZERO) + amount * (share.satisfied(part) or ZERO)
    return {name: int(amount) for name, amount in exact.items()}
