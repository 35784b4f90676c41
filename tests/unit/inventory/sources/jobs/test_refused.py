"""What is refused, each with its line, what is wrong with it, and the next command."""

from __future__ import annotations

import pytest

from dcctl.errors import DcctlError, UsageError
from dcctl.inventory.sources.jobs.parse import parse

JOB = "kind: Jobs\njobs:\n- name: a\n  each: {cpu: 1}\n"
EACH = "kind: Jobs\njobs:\n- name: a\n  each: "
MODEL = "kind: Jobs\nmodels:\n- name: a\n  "
SUPPLY = "kind: Jobs\nsupply:\n  "
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n"
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n"
CONTAINER = "  containers: [{name: c}]\n"


def _request(text: str) -> str:
    return f"{POD}  containers:\n  - name: c\n    resources:\n      requests:\n        {text}\n"


OWN = {
    "bits for bytes": (EACH + "{memory: 8Gb}", 4, "Gb is gigabits; did you mean 8GB or 8Gi?"),
    "bits in small letters": (EACH + "{memory: 8gb}", 4, "gb is gigabits; did you mean 8GB or 8Gi?"),
    "a prefix alone": (EACH + "{memory: 8G}", 4, "of 2 to Slurm; did you mean 8GB or 8Gi?"),
    "thousandths of bytes": (EACH + "{memory: 8m}", 4, "'m' is no unit that is known here; did you mean 8MB"),
    "no unit": (EACH + "{memory: 8}", 4, "'8' has no unit; write it as 80GB or 80Gi"),
    "an exponent": (EACH + "{memory: 1e9}", 4, "'e9' is no unit that is known here"),
    "words": (EACH + "{memory: lots}", 4, "'lots' is no amount of memory"),
    "on a line of its own": (EACH + "\n    cpu: 1\n    storage: 2T", 6, "did you mean 2TB or 2Ti?"),
    "nothing": (EACH + "{cpu: 0}", 4, "'0' asks for nothing; leave it out"),
    "less than nothing": (EACH + "{cpu: -2}", 4, "'-2' is negative"),
    "too fine": (EACH + "{cpu: 0.00001}", 4, "is finer than a thousandth"),
    "too much": (EACH + "{memory: 99999EB}", 4, "is more than there can be"),
    "one and a half boards": (EACH + "{gpu: 1.5}", 4, "neither a whole number of GPUs nor a share of one"),
    "gpu twice": (EACH + "{gpu: 1, nvidia.com/gpu: 1}", 4, "gpu is nvidia.com/gpu, and both are there"),
    "half a device": (EACH + "{amd.com/gpu: 0.5}", 4, "is finer than one device"),
    "a resource misspelt": (EACH + "{gpus: 1}", 4, "the resource is not known; did you mean gpu?"),
    "bytes on a network": (EACH + "{bandwidth: 4GB/s}", 4, "a network counts bits; did you mean 4Gb/s?"),
    "no rate": (EACH + "{bandwidth: 400G}", 4, "did you mean 400Gb/s?"),
    "small kilo of watts": (EACH + "{power: 6kw}", 4, "did you mean 6kW?"),
    "energy for power": (EACH + "{power: 6kWh}", 4, "did you mean 6kW?"),
    "power without a unit": (EACH + "{power: 6}", 4, "'6' has no unit; write it as 6kW or 700W"),
    "nothing at all": (EACH + "{}", 4, "names no resource; known are cpu, memory"),
    "a list of amounts": (EACH + "[cpu]", 4, "a list is not a set of `key: value`"),
    "each is empty": ("kind: Jobs\njobs:\n- name: a\n  each:\n", 3, "the key `each` is missing"),
    "no name": ("kind: Jobs\njobs:\n- {each: {cpu: 1}}", 3, "the key `name` is missing"),
    "a name with blanks": ("kind: Jobs\njobs:\n- name: a b\n  each: {cpu: 1}", 3, "is no name"),
    "a name with escapes": (
        'kind: Jobs\njobs:\n- {name: "a\\e[2J", each: {cpu: 1}}',
        3,
        "control characters",
    ),
    "a key misspelt": (JOB + "  member: 3", 5, "the key is not known; did you mean members?"),
    "no members": (JOB + "  members: 0", 5, "0 is not from 1 to 1,000,000"),
    "too many members": (JOB + "  members: 1000001", 5, "is not from 1 to 1,000,000"),
    "members in words": (JOB + "  members: many", 5, "'many' is not a whole number"),
    "a gang larger than the job": (JOB + "  members: 3\n  gang: {min: 4}", 6, "more than the 3 members"),
    "a gang that is a word": (JOB + "  gang: maybe", 5, "'maybe' is none of true, false"),
    "a key of gang": (JOB + "  gang: {max: 4}", 5, "the key is not known; known are min"),
    "no level": (JOB + "  within: racks", 5, "did you mean rack?"),
    "spread by nothing": (JOB + "  spread: {at_most_apart: 1}", 5, "the key `by` is missing"),
    "spread by no skew": (JOB + "  spread: {by: rack, at_most_apart: 0}", 5, "0 is not from 1 to"),
    "apart by no level": (JOB + "  apart: nodes", 5, "did you mean node?"),
    "a priority in words": (JOB + "  priority: high", 5, "'high' is not a whole number"),
    "a priority of 64 bits": (JOB + "  priority: 2147483648", 5, "is not from -2,147,483,648 to"),
    "yes": (JOB + "  preemptible: yes", 5, "'yes' is none of true, false"),
    "days in words": (JOB + "  duration: 3 days", 5, "is no length of time; write it as 3d12h"),
    "a bare duration": (JOB + "  duration: 90", 5, "is no length of time"),
    "no duration": (JOB + "  duration: 0s", 5, "is not a whole number of seconds above 0"),
    "units out of order": (JOB + "  duration: 5m3h", 5, "a small one before a large one"),
    "no zone": (JOB + "  deadline: 2026-11-24T08:00", 5, "does not say in which time zone"),
    "no date": (JOB + "  deadline: tomorrow", 5, "'tomorrow' is no date and time"),
    "before 1970": (JOB + "  deadline: 1969-01-01T00:00Z", 5, "is before 1970"),
    "a deadline too near": (
        JOB + "  earliest: 2026-11-24T07:00Z\n  duration: 2h\n  deadline: 2026-11-24T08:00Z",
        7,
        "is before the earliest moment at which the job can have ended",
    ),
    "after nobody": (JOB + "  after: [b]", 5, "no job is called b"),
    "after somebody like it": (
        JOB + "  after: [traim]\n- {name: train, each: {cpu: 1}}",
        5,
        "did you mean train?",
    ),
    "after itself": (JOB + "  after: [a]", 3, "each waits for the next: a -> a"),
    "a circle": (
        JOB
        + "  after: [c]\n- {name: b, each: {cpu: 1}, after: [a]}\n- {name: c, each: {cpu: 1}, after: [b]}",
        3,
        "each waits for the next: a -> c -> b -> a",
    ),
    "after one twice": (JOB + "  after: [a, a]", 5, "a is there twice"),
    "a name twice": (JOB + "- {name: a, each: {cpu: 1}}", 5, "another job of this name is at f.yaml:3"),
    "data of no size": (JOB + "  data: [{name: x}]", 5, "the key `size` is missing"),
    "data of half a unit": (JOB + "  data:\n  - name: x\n    size: 5T", 7, "did you mean 5TB or 5Ti?"),
    "data nearly unknown": (JOB + "  data: [{name: x, size: unknow}]", 5, "'unknow' is no size"),
    "data twice": (
        JOB + "  data: [{name: x, size: 1TB}, {name: x, size: 1TB}]",
        5,
        "the data x is there twice",
    ),
    "selector as a list": (JOB + "  selector: [a]", 5, "a list is not a set of `key: value`"),
    "tolerate as a word": (JOB + "  tolerate: key", 5, "'key' is not a list"),
    "a key twice": (JOB + "  name: b", 5, "the key 'name' is there twice"),
    "jobs as a set": ("kind: Jobs\njobs: {a: 1}", 2, "a set of keys is not a list"),
    "nothing asked": ("kind: Jobs\n", 1, "neither `jobs`, `models`, `supply` nor `quotas`"),
    "a model that wants nothing": (MODEL + "weight: 2", 3, "wants neither training nor inference"),
    "a model of no weight": (MODEL + "weight: 0\n  training: {cpu: 1}", 4, "asks for nothing"),
    "a model twice": (
        MODEL + "training: {cpu: 1}\n- {name: a, training: {cpu: 1}}",
        5,
        "another model is called a",
    ),
    "an empty supply": ("kind: Jobs\nsupply: {}", 2, "says nothing; known are nodes, total, price"),
    "a price of no unit": (SUPPLY + "price: {storage: 200}", 3, "write it as 200 per TB"),
    "a price of a wrong unit": (SUPPLY + "price: {bandwidth: 200 per TB}", 3, "write it as 200 per Gb/s"),
    "a price in words": (SUPPLY + "price: {storage: x per TB}", 3, "'x' is no number"),
    "nodes without an end": (
        SUPPLY + "nodes: [{name: 'n[1-', each: {cpu: 1}}]",
        3,
        "a bracket has no partner",
    ),
    "a node twice": (
        SUPPLY + "nodes: [{name: n, each: {cpu: 1}}, {name: n, each: {cpu: 1}}]",
        3,
        "there twice",
    ),
    "a quota without amounts": ("kind: Jobs\nquotas:\n  nlp: {}", 3, "names no resource"),
    "a quota of nothing": ("kind: Jobs\nquotas:\n  nlp:\n", 3, "has no value"),
    "a quota of a list": ("kind: Jobs\nquotas: [nlp]", 2, "is not a set of `key: value`"),
    "a quota of the memory of a GPU": (
        "kind: Jobs\nquotas:\n  nlp: {gpu_memory: 80GB}",
        3,
        "gpu_memory is of one GPU; a quota counts them",
    ),
    "a quota of a name with blanks": ("kind: Jobs\nquotas:\n  n l p: {gpu: 1}", 3, "a name without blanks"),
    "a quota twice": (
        "kind: Jobs\nquotas:\n  nlp: {gpu: 1}\n---\nkind: Jobs\nquotas:\n  nlp: {gpu: 2}",
        7,
        "the quota of nlp is said a second time",
    ),
    "a supply twice": (
        SUPPLY + "total: {cpu: 1}\n---\n" + SUPPLY + "total: {cpu: 1}",
        6,
        "said a second time",
    ),
    "another kind": ("kind: Job\nspec: {}", 1, "Job has no apiVersion"),
    "a newer form": ("kind: Jobs\napiVersion: dcctl/v2\njobs: []", 2, "this dcctl reads dcctl/v1"),
    "no kind": ("jobs: []", 1, "says neither `kind: Jobs` nor"),
    "an inventory": ("nodes: [a]", 1, "is an inventory, not work"),
    "a list": ("- a", 1, "a list is not a set of `key: value`"),
    "a word": ("hello", 1, "'hello' is not a set of `key: value`"),
}
MANIFESTS = {
    "negative replicas": (
        DEPLOYMENT + "  replicas: -1\n  template: {spec: {containers: [{name: c}]}}",
        5,
        "is below 0",
    ),
    "too many replicas": (
        DEPLOYMENT + "  replicas: 2000000\n  template: {spec: {containers: [{name: c}]}}",
        5,
        "is above 1,000,000",
    ),
    "replicas in words": (
        DEPLOYMENT + "  replicas: three\n  template: {}",
        5,
        "a text where a whole number belongs",
    ),
    "no template": (DEPLOYMENT + "  replicas: 3", 4, "the key `template` is missing"),
    "no spec": ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}", 1, "the key `spec` is missing"),
    "nobody": (
        "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: c}]}",
        1,
        "this Pod has no metadata.name",
    ),
    "no containers": (POD + "  containers: []", 5, "spec.containers: has no containers"),
    "bytes of CPU": (_request("cpu: 8Gb"), 9, "'8Gb' is not a quantity; write 8 cores as 8"),
    "bits": (_request("memory: 8Gb"), 9, "'8Gb' is not a quantity; did you mean 8G or 8Gi?"),
    "bytes": (_request("memory: 8kB"), 9, "did you mean 8k or 8Ki?"),
    "a negative request": (_request("cpu: -1"), 9, "'-1' is a negative quantity"),
    "a share of two": (
        POD.replace("{name: p}", "\n  name: p\n  annotations:\n    gpu-fraction: '1.5'") + CONTAINER,
        6,
        "'1.5' is not between 0 and 1",
    ),
    "a label that is a number": (
        POD.replace("{name: p}", "{name: p, labels: {a: 1}}") + CONTAINER,
        3,
        "is a whole number where a text belongs; put it in quotes",
    ),
    "a name that is a word of YAML": (POD.replace("name: p", "name: off") + CONTAINER, 3, "put it in quotes"),
    "a selector that is a number": (POD + CONTAINER + "  nodeSelector: {a: 1}", 6, "put it in quotes"),
    "no skew": (
        POD + CONTAINER + "  topologySpreadConstraints:\n"
        "  - maxSkew: 0\n    topologyKey: a\n    whenUnsatisfiable: DoNotSchedule",
        7,
        "is below 1",
    ),
    "a port out of range": (
        POD + "  containers:\n  - name: c\n    ports: [{hostPort: 70000}]",
        7,
        "is above 65,535",
    ),
    "one twice": (POD + CONTAINER + "---\n" + POD + CONTAINER, 7, "another Pod default/p is at f.yaml:1"),
    "a list of words": ("apiVersion: v1\nkind: List\nitems: [a]", 3, "'a' is not a set of `key: value`"),
    "a list of nothing known": (
        "apiVersion: v1\nkind: List\nitems: [{kind: Pod}]",
        3,
        "`apiVersion` is missing",
    ),
    "a share of memory": (
        POD.replace("{name: p}", "{name: p, annotations: {gpu-memory: 2Gi}}") + CONTAINER,
        3,
        "gpu-memory: '2Gi' is not a whole number above 0",
    ),
}
WHOLE = {
    "no YAML": ("a: b: c", "f.yaml:1:5", "mapping values are not allowed"),
    "a template of Helm": ("a: {{ .Values.b }}\nc: {{ d }}: {", "f.yaml:", ""),
    "empty": ("", "f.yaml", "is empty"),
    "only comments": ("# nothing\n---\n", "f.yaml", "is empty"),
    "itself": ("a: &a [*a]", "f.yaml", "contains itself"),
    "deep": ("[" * 300, "f.yaml", "nested more than 200 levels"),
    "a bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "f.yaml",
        "stands for more than 2,000,000 values",
    ),
    "a bomb of merges": (
        "a: &a {x: 1}\n"
        + "".join(
            f"{b}: &{b} {{<<: [{','.join([f'*{a}'] * 9)}]}}\n"
            for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "f.yaml",
        "stands for more than 2,000,000 values",
    ),
}


@pytest.mark.parametrize(
    ("text", "line", "sentence"), [*OWN.values(), *MANIFESTS.values()], ids=[*OWN, *MANIFESTS]
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse([("f.yaml", text)])
    error = caught.value
    assert error.what.split(": ")[0].split(":")[:2] == ["f.yaml", str(line)], error
    assert sentence in str(error)
    assert error.hint.startswith(("dcctl ", "kubectl "))
    assert "\n" not in str(error)


@pytest.mark.parametrize(("text", "place", "sentence"), WHOLE.values(), ids=WHOLE)
def test_what_is_no_document_is_told(text: str, place: str, sentence: str) -> None:
    with pytest.raises(DcctlError) as caught:
        parse([("f.yaml", text)])
    assert str(caught.value).startswith(place)
    assert sentence in caught.value.why
    assert caught.value.hint


def test_a_word_that_a_newer_kubernetes_may_know_is_a_gap() -> None:
    text = POD + CONTAINER + "  tolerations:\n  - key: a\n    operator: Maybe"
    (gap,) = parse([("f.yaml", text)]).gaps
    assert "where it may stand is unknown" in gap.reason
    assert "'Maybe'" in gap.reason


def test_names_are_unique_over_all_files() -> None:
    with pytest.raises(UsageError, match=r"two\.yaml:3: .*another job of this name is at one\.yaml:3"):
        parse([("one.yaml", JOB), ("two.yaml", JOB)])


def test_a_job_and_a_manifest_cannot_share_an_id() -> None:
    own = JOB.replace("name: a", "name: default/p")
    with pytest.raises(UsageError, match="the Pod default/p of a manifest has this name"):
        parse([("f.yaml", f"{own}---\n{POD}{CONTAINER}")])


def test_a_template_of_helm_is_rendered_first() -> None:
    with pytest.raises(UsageError) as caught:
        parse([("f.yaml", "{{- if .Values.on }}\nkind: Pod\n")])
    assert caught.value.hint == "helm template . | dcctl schedule plan -"
