"""dcctl's own form: what a file says is what is asked for."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
import pytest
import yaml

from dcctl.errors import UsageError
from dcctl.inventory.asked import Asked, Rate
from dcctl.inventory.model import Dataset, Quota, Resources
from dcctl.inventory.placement import Neighbours, Selector, Spread, Toleration, level_key, level_of
from dcctl.inventory.sources.jobs import job, models
from dcctl.inventory.sources.jobs.graph import cycle
from dcctl.inventory.sources.jobs.parse import parse
from dcctl.inventory.sources.jobs.resources import KINDS
from dcctl.inventory.sources.jobs.schema import json_schema
from dcctl.inventory.sources.jobs.source import read
from tests.conftest import ROOT

if TYPE_CHECKING:
    from dcctl.inventory.model import Workload
    from dcctl.inventory.placement import Template

EXAMPLES = ROOT / "examples" / "jobs"
GIB = 1 << 30


def _asked(*lines: str) -> Asked:
    return parse(
        [("f.yaml", "kind: Jobs\njobs:\n- name: a\n  each: {cpu: 1}\n" + "".join(f"  {x}\n" for x in lines))]
    )


def _job(*lines: str) -> Workload:
    return _asked(*lines).workloads[0]


def _template(*lines: str) -> Template:
    asked = _asked(*lines)
    return asked.templates[asked.workloads[0].members[0].template or ""]


def test_a_job_is_a_workload_whose_members_wait() -> None:
    asked = read([str(EXAMPLES / "llama-70b.yaml")])
    work = next(each for each in asked.workloads if each.id == "llama-70b")
    assert [each.name for each in work.members[:2]] == ["llama-70b-0", "llama-70b-1"]
    assert {(each.phase, each.node, each.uid) for each in work.members} == {("pending", None, None)}
    assert work.members[0].requests == Resources(
        cpu_milli=96_000,
        memory_bytes=1 << 40,
        storage_bytes=2 * 10**12,
        devices={"nvidia.com/gpu": 8},
        bandwidth_bps=400 * 10**9,
        power_mw=6_000_000,
        pods=1,
    )
    assert (work.gang_min, work.priority, work.preemptible, work.queue) == (32, 100, False, "nlp")
    assert (work.within, work.after, work.duration_s) == ("site", ("tokenize",), 302_400)
    assert work.data == (Dataset("c4-tokens", 15 * 10**11, ("dc1",)),)
    assert asked.templates[work.members[0].template or ""].models == ("H100",)


def test_a_share_of_a_board_is_no_device() -> None:
    asked = parse([("f", "kind: Jobs\njobs:\n- {name: a, each: {gpu: 0.25, gpu_memory: 20Gi}}")])
    assert asked.workloads[0].members[0].requests == Resources(
        gpu_milli=250, gpu_memory_bytes=20 * GIB, pods=1
    )


@pytest.mark.parametrize(
    ("lines", "least"),
    [
        ((), None),
        (("members: 4",), 4),
        (("members: 4", "gang: true"), 4),
        (("members: 4", "gang: false"), None),
        (("members: 4", "gang: {min: 2}"), 2),
        (("members: 4", "gang: {min: 1}"), None),
    ],
)
def test_all_members_are_a_gang_unless_told_otherwise(lines: tuple[str, ...], least: int | None) -> None:
    assert _job(*lines).gang_min == least


def test_where_members_may_stand() -> None:
    own = Selector({"dcctl.io/job": "a"})
    template = _template(
        "models: [NVIDIA H100 80GB HBM3]",
        "selector: {disk: ssd, empty: ''}",
        "tolerate: [gpu]",
        "spread: {by: rack, at_most_apart: 2}",
        "apart: node",
    )
    assert template.models == ("NVIDIA H100 80GB HBM3",)
    assert template.node_selector == {"disk": "ssd", "empty": ""}
    assert template.tolerations == (Toleration("gpu", "Exists"),)
    assert template.spreads == (Spread("dcctl.io/rack", own, max_skew=2),)
    assert template.neighbours == (Neighbours("dcctl.io/node", own, apart=True),)
    assert template.labels == own.labels
    assert _template("spread: example.com/row").spreads[0].key == "example.com/row"


def test_the_key_of_a_level_means_the_level() -> None:
    assert level_of(level_key("rack")) == "rack"
    assert level_of("rack") is None


def test_a_job_that_needs_nothing_has_no_template() -> None:
    assert _job().members[0].template is None
    assert not _asked().templates


def test_data_of_unknown_size_is_not_empty() -> None:
    assert _job("data: [{name: c4, size: unknown}]").data == (Dataset("c4", None),)


def test_work_of_the_cluster_may_come_before() -> None:
    assert _job("after: [nlp/tokenize]").after == ("nlp/tokenize",)


def test_files_and_documents_are_read_as_one() -> None:
    second = "kind: Jobs\nmodels:\n- {name: m, training: {cpu: 1}}\n"
    one = f"kind: Jobs\njobs:\n- {{name: b, each: {{cpu: 1}}, after: [a]}}\n---\n{second}"
    other = '{"kind": "Jobs",\n\t"jobs": [{"name": "a", "each": {"cpu": 1}}]}'
    asked = parse([("one.yaml", one), ("two.json", other)])
    assert [(each.id, each.source) for each in asked.workloads] == [
        ("a", "file:two.json"),
        ("b", "file:one.yaml"),
    ]
    assert [each.name for each in asked.elastic] == ["m"]


def test_aliases_and_merges_are_followed() -> None:
    text = "kind: Jobs\njobs:\n- &a {name: a, each: {cpu: 1}, priority: 5}\n- {<<: *a, name: b}\n"
    assert [(each.id, each.priority) for each in parse([("f", text)]).workloads] == [("a", 5), ("b", 5)]


def test_the_first_article_costs_what_it_says() -> None:
    asked = read([str(EXAMPLES / "article-nodes.yaml")])
    supply, wanted = asked.supply, asked.workloads[0].members[0].requests
    assert supply is not None
    assert wanted is not None
    assert len(supply.nodes) == 10
    assert (_cost(wanted, supply.rates), _cost(supply.nodes[0].allocatable, supply.rates)) == (21_000, 42_000)


def test_the_version_may_be_named() -> None:
    assert parse([("f", "apiVersion: dcctl/v1\nkind: Jobs\njobs: [{name: a, each: {cpu: 1}}]")]).workloads


def _cost(amount: Resources | None, rates: dict[str, Rate]) -> float:
    costs = [int(getattr(amount, name)) * rate.cost_milli / rate.per for name, rate in rates.items()]
    return sum(costs) / 1000


def test_the_second_article_wants_more_than_there_is() -> None:
    asked = read([str(EXAMPLES / "article-models.yaml")])
    assert asked.supply is not None
    assert asked.supply.total == Resources(cpu_milli=10_000, memory_bytes=10**11)
    assert [each.training for each in asked.elastic] == [
        Resources(cpu_milli=100_000, memory_bytes=20 * 10**9, devices={"nvidia.com/gpu": 50}),
        Resources(cpu_milli=50_000, memory_bytes=30 * 10**9, devices={"nvidia.com/gpu": 20}),
    ]


def test_boards_of_a_supply_have_their_model() -> None:
    text = "kind: Jobs\nsupply: {nodes: [{name: 'n[1-2]', each: {cpu: 8, gpu: 2}, model: H100, rack: r1}]}"
    supply = parse([("f", text)]).supply
    assert supply is not None
    first = supply.nodes[0]
    assert [(each.index, each.model, each.vendor) for each in first.accelerators or ()] == [
        (0, "H100", "nvidia"),
        (1, "H100", "nvidia"),
    ]
    assert (first.name, first.rack, first.allocatable) == ("n1", "r1", first.capacity)


def test_what_is_asked_survives_json() -> None:
    asked = read([str(EXAMPLES / "llama-70b.yaml"), str(EXAMPLES / "article-nodes.yaml")])
    assert msgspec.json.decode(msgspec.json.encode(asked), type=Asked) == asked


def test_standard_input_and_a_file_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"kind: Jobs\njobs:\n- {name: a, each: {cpu: 0}}"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    with pytest.raises(UsageError, match="stdin:3: "):
        read(["-"])
    with pytest.raises(UsageError, match="is given twice"):
        read(["a.yaml", "a.yaml"])


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ({}, []),
        ({"a": ["b"], "b": []}, []),
        ({"a": ["a"]}, ["a"]),
        ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, ["a", "b", "c"]),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, []),
        ({str(at): [str(at + 1)] for at in range(5000)}, []),
    ],
)
def test_a_circle_is_found_from_its_first_job(after: dict[str, list[str]], found: list[str]) -> None:
    assert cycle(after) == found


def test_the_schema_takes_the_examples_and_refuses_what_the_reader_does() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in EXAMPLES.glob("*.yaml"):
        validator.validate(_plain(path.read_text(encoding="utf-8")))
    for each in ("{cpu: 1, memory: 8Gb}", "{memory: 8}", "{cpus: 1}", "{}", "{power: 6kWh}"):
        document = _plain(f"kind: Jobs\njobs: [{{name: a, each: {each}}}]")
        assert not validator.is_valid(document), each


def _plain(text: str) -> Any:  # what JSON can be
    return json.loads(json.dumps(yaml.safe_load(text), default=lambda moment: moment.isoformat()))


def test_every_form_in_the_document_is_read() -> None:
    text = (ROOT / "docs" / "job-files.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        asked = parse([("docs/job-files.md", block)])
        assert asked.workloads or asked.elastic or asked.quotas


def test_every_key_is_in_the_document() -> None:
    words = set(re.findall(r"[a-z_]+", (ROOT / "docs" / "job-files.md").read_text(encoding="utf-8")))
    assert {*job.KEYS, *KINDS} <= words
    assert {*models.MODEL_KEYS, *models.SUPPLY_KEYS, *models.NODE_KEYS} <= words


def test_quotas_of_owners_and_queues() -> None:
    text = "kind: Jobs\nquotas:\n  rl: {gpu: 0}\n  nlp: {gpu: 4, cpu: 1.5, memory: 1TiB}"
    assert parse([("f", text)]).quotas == (
        Quota("nlp", "nlp", "file:f", Resources(1500, 1 << 40, devices={"nvidia.com/gpu": 4})),
        Quota("rl", "rl", "file:f", Resources(devices={"nvidia.com/gpu": 0})),
    )
