"""What checks say of manifests that were labelled by the standards, before there was a check."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.scene import Scene
from tests.unit.audit import variants, variants_rights
from tests.unit.audit.manifests import evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.unit.audit.variants import Variant

PRECISION, RECALL = 0.98, 0.99


def failed(variant: Variant, names: frozenset[str]) -> set[str]:
    """Checks that find a fault; what is told for information alone is none."""
    checks = [CATALOGUE[name] for name in sorted(names)]
    told = {
        one.check.id
        for one in failures(evaluate(Scene(evidence(variant.manifest), 0), checks))
        if one.severity != "info" or one.check.severity == "info"
    }
    return told - variant.unclear


@pytest.mark.parametrize(
    ("every", "names", "least"),
    [
        pytest.param(variants.variants, variants.NAMES, 2_000, id="pods"),
        pytest.param(variants_rights.variants, variants_rights.NAMES, 2_000, id="rights"),
    ],
)
def test_checks_are_right_about_labelled_variants(
    every: Callable[[], Iterator[Variant]],
    names: frozenset[str],
    least: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    counts: Counter[str] = Counter()
    wrong: list[tuple[str, str]] = []
    for variant in every():
        found = failed(variant, names)
        counts["variants"] += 1
        counts["true"] += len(found & variant.fails)
        counts["false"] += len(found - variant.fails)
        counts["missed"] += len(variant.fails - found)
        wrong += [(name, variant.name) for name in sorted(found ^ variant.fails)]
    precision = counts["true"] / (counts["true"] + counts["false"])
    recall = counts["true"] / (counts["true"] + counts["missed"])
    with capsys.disabled():
        sys.stdout.write(f" {counts['variants']:,} variants: precision {precision:.4f}, recall {recall:.4f} ")
    assert counts["variants"] >= least
    assert precision >= PRECISION, wrong[:40]
    assert recall >= RECALL, wrong[:40]


def labelled(every: Iterable[Variant]) -> set[str]:
    return {name for variant in every for name in variant.fails}


def test_every_check_has_a_label() -> None:
    assert labelled(variants.variants(each=1)) == variants.NAMES
    assert labelled(variants_rights.variants(each=1)) == variants_rights.NAMES
