"""What the verbs of `schedule` share: their arguments, and the problem that they make of a session."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from dcctl.cli.curves import Carbon, Price
from dcctl.cli.schedule.when import Links, Wait, Windows
from dcctl.packing.choices import DEFAULT_POLICY, Effort, PolicyName

if TYPE_CHECKING:
    from dcctl.app import Surveyed
    from dcctl.cli.session import Session
    from dcctl.inventory.asked import Asked
    from dcctl.inventory.model import Gap
    from dcctl.packing.problem import Job, Problem
    from dcctl.packing.solve import Options
    from dcctl.render.report import Shape
    from dcctl.schedule.commands import Typed

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
Preempt = Annotated[
    bool,
    typer.Option("--preempt", help="Urgent work may push out running work of lower priority."),
]
NoCut = Annotated[
    bool, typer.Option("--no-cut", help="Leave boards as they are: cut none, make none whole again.")
]

_KNOWN = 5
"""Jobs that are told by name where one is not found."""


class Work(NamedTuple):
    """The problem of a run, and what it was made of."""

    problem: "Problem"
    asked: "Asked"
    found: "Surveyed"
    files: tuple[str, ...] = ()

    @property
    def gaps(self) -> "tuple[Gap, ...]":
        """What could not be learned."""
        return (*self.found.fleet.gaps, *self.asked.gaps)


class Planning(NamedTuple):
    """What a plan depends on besides the fleet: the work, and how it is planned."""

    files: Files = None
    pending: Pending = False
    policy: PolicyOption = DEFAULT_POLICY
    effort: EffortOption = "fast"
    seed: Seed = 0
    window: Windows = None
    price: Price = None
    carbon: Carbon = None
    links: Links = None
    wait_at_most: Wait = None
    preempt: Preempt = False
    no_cut: NoCut = False

    def options(self) -> "Options":
        """How to plan. UsageError for a time that cannot be read."""
        from dcctl.cli.schedule.when import seconds
        from dcctl.packing.solve import Options

        wait_s = seconds(self.wait_at_most)
        return Options(self.policy, self.seed, self.effort, wait_s, cut=not self.no_cut, preempt=self.preempt)

    def work(
        self, session: "Session", shape: "Shape", *, pending: bool = False, idle: bool = False
    ) -> "Work":
        """As `work_of`, under the conditions that the options tell. `pending`: what waits counts anyhow."""
        from dcctl.cli.schedule.when import conditions, under

        told = conditions(self.price, self.carbon, self.links)
        found = work_of(session, shape, self.files, self.pending or pending, idle=idle)
        return found._replace(problem=under(found.problem, told, self.window, found.found.whole))

    def typed(self) -> "Typed":
        """As it was named on the command line, without what is so by itself."""
        from shlex import join

        from dcctl.schedule.commands import Typed, files

        work = [*files(self.files or ()), *self._words("pending")] if self.files else []
        when = self._words("window", "price", "carbon", "links", "wait_at_most")
        how = self._words("effort", "preempt", "no_cut")
        return Typed(join(work), join(self._words("policy", "seed")), join([*when, *how]))

    def _words(self, *names: str) -> Iterator[str]:
        """Options that differ from what holds without them, each as one word."""
        for name in names:
            given, option = getattr(self, name), f"--{name.replace('_', '-')}"
            if given is True:
                yield option
            elif given != self._field_defaults[name]:
                yield from (f"{option}={one}" for one in (given if isinstance(given, list) else [given]))


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
    return Work(problem, asked, found, tuple(files or ()))


def _read(files: list[str]) -> "Asked":
    from dcctl.inventory.sources.jobs.source import read

    return read(files)


def _digest(found: "Surveyed") -> str:
    """What tells this fleet from every other; how long its sources took does not."""
    from hashlib import blake2b

    from msgspec.structs import replace

    from dcctl.inventory.snapshot import encode

    return blake2b(encode(replace(found.fleet, sources=())), digest_size=16).hexdigest()


def job_named(problem: "Problem", name: str) -> "Job":
    """The job of that id, or the only one whose id ends in it. UsageError when none of them waits."""
    from difflib import get_close_matches

    from dcctl.errors import UsageError
    from dcctl.inventory.folding import fold

    jobs = {job.id: job for job in problem.jobs}
    ends = [job for job in problem.jobs if job.id.rpartition("/")[2] == name]
    if name in jobs or len(ends) == 1:
        return jobs[name] if name in jobs else ends[0]
    if name in problem.running:
        where = fold({problem.bins[one.bin].name for one in problem.held if one.job == name})
        raise UsageError(f"job {name}", f"runs already, on {where}", f"dcctl assess --by workload -w {where}")
    near = get_close_matches(name, jobs, 1, 0.5)
    more = f" and {len(jobs) - _KNOWN:,} more" if len(jobs) > _KNOWN else ""
    known = f"known: {', '.join(sorted(jobs)[:_KNOWN]) or 'none'}{more}"
    known = f"did you mean {near[0]}?" if near else known
    raise UsageError(f"job {name}", f"is not among the work that is to be placed; {known}")
