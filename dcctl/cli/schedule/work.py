"""What the verbs of `schedule` share: their arguments, and the problem that they make of a session."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from dcctl.packing.choices import Effort, PolicyName

if TYPE_CHECKING:
    from dcctl.app import Surveyed
    from dcctl.cli.session import Session
    from dcctl.inventory.asked import Asked
    from dcctl.inventory.model import Gap
    from dcctl.packing.problem import Job, Problem
    from dcctl.render.report import Shape

Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE...", help="Jobs in dcctl's form, or Kubernetes manifests; - is standard input."
    ),
]
Pending = Annotated[
    bool, typer.Option("--pending", help="Also place what waits in the fleet (alone: when no FILE is given).")
]
PolicyOption = Annotated[
    PolicyName, typer.Option("--policy", metavar="NAME", help="How a node is chosen among those that fit.")
]
EffortOption = Annotated[
    Effort,
    typer.Option(
        "--effort",
        metavar="HOW",
        help="fast: one pass; normal, best: search on, with a proven bound. No effect on a plan in time.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="The same seed gives the same plan.")]


class Work(NamedTuple):
    """The problem of a run, and what it was made of."""

    problem: "Problem"
    asked: "Asked"
    found: "Surveyed"

    @property
    def gaps(self) -> "tuple[Gap, ...]":
        """What could not be learned."""
        return (*self.found.fleet.gaps, *self.asked.gaps)


def work_of(
    session: "Session", shape: "Shape", files: list[str] | None, pending: bool, *, idle: bool = False
) -> Work:
    """The jobs of the files, and what waits, against the fleet.

    UsageError when nothing is asked for, unless the question makes sense without work (`idle`).
    """
    from dcctl.errors import UsageError
    from dcctl.inventory.asked import Asked
    from dcctl.packing.intake.fleet import problem_of

    if not (files or pending or idle):
        why = "name files with jobs, or --pending for what waits in the fleet"
        raise UsageError("nothing to plan", why, "dcctl schedule plan --pending")
    asked = _read(files) if files else Asked()
    found = session.survey(shape)
    problem = problem_of(
        found.whole,
        found.fleet.nodes,
        asked,
        pending=pending,
        now_s=session.now_s,
        snapshot=_digest(found),
    )
    return Work(problem, asked, found)


def _read(files: list[str]) -> "Asked":
    from dcctl.inventory.sources.jobs.source import read

    return read(files)


def _digest(found: "Surveyed") -> str:
    """What tells this fleet from every other; how long its sources took does not."""
    from hashlib import blake2b

    from msgspec.structs import replace

    from dcctl.inventory.snapshot import encode

    return blake2b(encode(replace(found.fleet, sources=())), digest_size=16).hexdigest()


class Typed(NamedTuple):
    """What a run was asked, as it was typed: to be repeated in the commands that it suggests."""

    work: str = ""
    """The files, and whether what waits counts too; empty: what waits."""
    when: str = ""
    """The options that say what changes over time and between sites."""

    @property
    def all(self) -> str:
        """Both; empty: what waits, at any time."""
        return f"{self.work} {self.when}".strip()


def typed(
    files: list[str] | None,
    pending: bool,
    windows: list[str] | None = None,
    price: str | None = None,
    carbon: str | None = None,
    links: str | None = None,
    wait_at_most: str | None = None,
) -> Typed:
    """The work of a run and the options of `when`, as they were named on the command line."""
    from shlex import join

    from dcctl.schedule.commands import files as typable

    named = (("--price", price), ("--carbon", carbon), ("--links", links), ("--wait-at-most", wait_at_most))
    options = [f"--window={window}" for window in windows or ()]
    options += [f"{option}={value}" for option, value in named if value is not None]
    words = [*typable(files or ()), *(["--pending"] if pending else [])]
    return Typed(join(words) if files else "", join(options))


def job_named(problem: "Problem", name: str) -> "Job":
    """The job of that id, or the only one whose id ends in it. UsageError when there is none."""
    from difflib import get_close_matches

    from dcctl.errors import UsageError

    jobs = {job.id: job for job in problem.jobs}
    ends = [job for job in problem.jobs if job.id.rpartition("/")[2] == name]
    if name in jobs or len(ends) == 1:
        return jobs[name] if name in jobs else ends[0]
    near = get_close_matches(name, jobs, 1, 0.5)
    known = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(jobs)[:5]) or 'none'}"
    raise UsageError(f"job {name}", f"is not among the work that is to be placed; {known}")
