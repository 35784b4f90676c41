"""JUnit XML: a suite for each topic, a case for each finding, and one for each check that found nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TextIO
from xml.sax.saxutils import escape as markup
from xml.sax.saxutils import quoteattr

from dcctl.render.interchange import stamp
from dcctl.render.text import escape, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.render.report import Findings, Report, Result, Rule

_NO_XML: Final = re.compile("[\ufffe\uffff]")
_SKIPPED = ("na", "manual")


def as_junit(report: Report, out: TextIO) -> None:
    """Write the suites. New findings fail, known and waived ones are skipped, the unknown is an error."""
    found = report.findings
    assert found is not None  # noqa: S101  # dispatch sees to it
    by: dict[str, list[Result]] = {}
    for one in (*found.results, *found.unknown):
        by.setdefault(one.rule, []).append(one)
    suites = [_suite(topic, rules, found.at_s, by) for topic, rules in _topics(found).items()]
    totals = [sum(each) for each in zip(*(counts for counts, _ in suites), strict=True)] or [0, 0, 0, 0]
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(f'<testsuites name="dcctl audit" {_counts(totals[:3])} time="0">\n')
    for _, lines in suites:
        out.writelines(f"{line}\n" for line in lines)
    out.write("</testsuites>\n")


def _topics(found: Findings) -> dict[str, list[Rule]]:
    topics: dict[str, list[Rule]] = {}
    for rule in found.rules:
        topics.setdefault(rule.id.partition("-")[0], []).append(rule)
    return topics


def _suite(
    topic: str, rules: list[Rule], at_s: int, by: dict[str, list[Result]]
) -> tuple[list[int], list[str]]:
    cases = [case for rule in rules for case in _cases(rule, by.get(rule.id, []))]
    counts = [
        len(cases),
        *(sum(f"<{word}" in case for case in cases) for word in ("failure", "error", "skipped")),
    ]
    head = f'  <testsuite name="{topic}" {_counts(counts)} time="0" timestamp="{stamp(at_s).rstrip("Z")}">'
    return counts, [head, *cases, "  </testsuite>"]


def _counts(counts: list[int]) -> str:
    words = ("tests", "failures", "errors", "skipped")
    return " ".join(f'{word}="{count}"' for word, count in zip(words, counts, strict=False))


def _cases(rule: Rule, those: list[Result]) -> Iterator[str]:
    for one in those:
        if one.state == "fail":
            yield _case(rule, f"{one.object} {one.where}".strip(), _of(one, rule))
        else:
            inside = _element("skipped" if one.state == "manual" else "error", f"{one.state}: {one.says}")
            yield _case(rule, one.object or rule.title, inside)
    if not those:
        yield _case(rule, rule.title, _element("skipped", _why_not(rule)) if rule.state in _SKIPPED else "")


def _why_not(rule: Rule) -> str:
    return ": ".join(filter(None, ("does not apply", "; ".join(rule.not_applicable))))


def _of(one: Result, rule: Rule) -> str:
    if one.waived:
        return _element("skipped", f"waived by {one.waived.owner}: {one.waived.reason}")
    if one.status != "new":
        return _element("skipped", f"{one.status}: {one.says}")
    return _element("failure", f"{one.severity}: {one.says}", f"{rule.fix} [{one.id}]", one.severity)


def _case(rule: Rule, name: str, inside: str) -> str:
    head = f'    <testcase classname={_attribute(rule.id)} name={_attribute(name)} time="0"'
    return f"{head}>{inside}</testcase>" if inside else f"{head}/>"


def _element(word: str, message: str, text: str = "", kind: str = "") -> str:
    of = f" type={_attribute(kind)}" if kind else ""
    return f"<{word} message={_attribute(message)}{of}>{markup(_clean(text))}</{word}>"


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    """Return a text of characters that XML 1.0 has."""
    return _NO_XML.sub(lambda found: escape(found[0]), printable(text, unicode=True))
