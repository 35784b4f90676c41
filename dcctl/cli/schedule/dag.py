"""`dcctl schedule dag`: when tasks that wait for each other are done."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.inventory.model import Gap
    from dcctl.inventory.workflow import Crew
    from dcctl.render.report import Report


File = Annotated[str, typer.Argument(metavar="FILE", help="A file of `kind: Dag`; - is standard input.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Where the search begins.")]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        metavar="N",
        min=0,
        max=10**9,
        help="Steps of the search; 0: none. Default: about a second.",
    ),
]
Prove = Annotated[
    bool, typer.Option("--prove", help="Also ask CP-SAT for the best there is (pip install 'dcctl[exact]').")
]


def dag(
    session: "Session", file: File, seed: Seed = 0, steps: Steps = None, prove: Prove = False
) -> "Report":
    """When tasks that wait for each other are done, and which worker runs which of them when.

    Compares HEFT, PEFT, CPOP and a local search, keeps the best schedule, and tells how much shorter another
    could be at most. The same file and options give the same schedule. Links are taken to carry any number of
    transfers at once. The inventory is asked only if the file says `workers: each node` or `each pool`.
    """
    from dcctl.interrupts import awaited
    from dcctl.inventory.sources.workflows.source import read
    from dcctl.packing.dag.solve import solve
    from dcctl.render.dispatch import check_shape
    from dcctl.schedule.dag import crew, problem_of
    from dcctl.schedule.dag_report import DAG, dag_report

    check_shape(DAG, session.style())
    _check_stdin(session, file)
    if prove:
        _demand_ortools()
    gaps: list[Gap] = []

    def workers(each: str) -> "Crew":
        fleet = session.survey(DAG).fleet
        gaps.extend(fleet.gaps)
        return crew(fleet, each)

    asked = read(file, workers)
    problem = problem_of(asked)
    found = awaited(lambda: solve(problem, steps, seed, prove=prove))
    return dag_report(asked, problem, found, seed, tuple(gaps), prove=prove)


def _check_stdin(session: "Session", file: str) -> None:
    """UsageError when standard input would have to be read twice."""
    from dcctl.errors import UsageError

    if file == "-" and ("-" in session.settings.inventory or session.watch_s is not None):
        raise UsageError("standard input", "can be read once only", "dcctl schedule dag --help")


def _demand_ortools() -> None:
    """UsageError when CP-SAT is not there."""
    from importlib.util import find_spec

    from dcctl.errors import UsageError

    if find_spec("ortools") is None:
        raise UsageError("--prove", "needs ortools, which is not installed", "pip install 'dcctl[exact]'")
