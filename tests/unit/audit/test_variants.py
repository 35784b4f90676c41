"""What checks of pods say of manifests that were labelled by the standards, before there was a check."""

from __future__ import annotations

from collections import Counter

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.scene import Scene
from tests.unit.audit.manifests import evidence
from tests.unit.audit.variants import NAMES, Variant, variants

CHECKS = tuple(CATALOGUE[name] for name in sorted(NAMES))


def failed(variant: Variant) -> set[str]:
    """Checks that find a fault; what is told for information alone is none."""
    tallies = evaluate(Scene(evidence(variant.manifest), 0), CHECKS)
    told = {
        one.check.id for one in failures(tallies) if one.severity != "info" or one.check.severity == "info"
    }
    return told - variant.unclear


def test_checks_of_pods_are_right_about_labelled_variants() -> None:
    counts: Counter[str] = Counter()
    wrong: list[tuple[str, str]] = []
    every = list(variants())
    for variant in every:
        found = failed(variant)
        counts["true"] += len(found & variant.fails)
        counts["false"] += len(found - variant.fails)
        counts["missed"] += len(variant.fails - found)
        wrong += [(name, variant.name) for name in sorted(found ^ variant.fails)]
    assert len(every) >= 2_000
    assert counts["true"] / (counts["true"] + counts["false"]) >= 0.98, wrong[:40]
    assert counts["true"] / (counts["true"] + counts["missed"]) >= 0.99, wrong[:40]


def test_every_check_of_pods_is_asked_by_some_variant_and_says_nothing_of_others() -> None:
    assert {name for variant in variants(each=1) for name in variant.fails} == NAMES
