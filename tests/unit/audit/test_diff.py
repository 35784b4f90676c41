"""What `audit diff` says of any two runs of any history."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from dcctl.audit.changes import changes
from dcctl.audit.check import SEVERITIES
from dcctl.audit.finding import rank
from dcctl.audit.record import Record, compare, replayed
from tests.unit.audit.runs import finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.audit.check import Severity
    from dcctl.audit.finding import Finding

OBJECTS = "abcd"


class Night(NamedTuple):
    """What is wrong, how gravely, and what this run can tell nothing of."""

    wrong: dict[str, Severity]
    dark: frozenset[str]

    @property
    def seen(self) -> dict[str, Severity]:
        return {name: severity for name, severity in self.wrong.items() if name not in self.dark}


nights = st.lists(
    st.builds(
        Night,
        st.dictionaries(st.sampled_from(OBJECTS), st.sampled_from(SEVERITIES)),
        st.frozensets(st.sampled_from(OBJECTS)),
    ),
    min_size=2,
    max_size=6,
)


def history(told: Sequence[Night]) -> list[Record]:
    """The records that these nights leave."""
    records: list[Record] = []
    for number, night in enumerate(told, 1):
        now = [finding("RBAC-03", name, severity) for name, severity in night.seen.items()]
        found = compare(replayed(records), now, partial(_looked, night))
        gone, unsure = (tuple(one.id for one in each) for each in (found.gone, found.unsure))
        records.append(Record(number, number, "demo", "", new=found.new, gone=gone, unsure=unsure))
    return records


def _looked(night: Night, one: Finding) -> bool:
    return one.object not in night.dark


@given(nights, st.data())
def test_every_finding_of_either_run_is_in_exactly_one_class(told: list[Night], data: st.DataObject) -> None:
    records = history(told)
    new = data.draw(st.integers(2, len(records)))
    old = data.draw(st.integers(1, new - 1))
    found = changes(records, old, new)
    before, after = replayed(records[:old]), replayed(records[:new])
    assert Counter(one.finding.id for one in found) == Counter(before.keys() | after.keys())
    for change, one in found:
        between, last = told[old:new], told[new - 1]
        if change == "gone":
            looked = [night for night in between if one.object not in night.dark]
            assert looked, "nobody looked again"
            assert one.object not in looked[-1].seen, "who looked last saw it"
        elif change == "not comparable":
            assert one.object in last.dark
        elif change == "unchanged":
            assert one.object in last.seen
            assert rank(before[one.id].severity) <= rank(one.severity)
        else:
            assert one.object in last.seen
            assert one.id not in before or rank(one.severity) < rank(before[one.id].severity)


@given(nights)
def test_what_falls_dark_is_never_resolved(told: list[Night]) -> None:
    """Whatever was open before a night in which nobody tells anything is still open."""
    blind = Night({}, frozenset(OBJECTS))
    records = history([*told, blind])
    found = changes(records, len(told), len(told) + 1)
    assert {one.change for one in found} <= {"not comparable"}
    assert {one.finding.id for one in found} == set(replayed(records[:-1]))
