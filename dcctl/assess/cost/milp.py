"""HiGHS on a programme: the cheapest values, a bound that no values are below, and prices of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import highspy

    from dcctl.assess.cost.programme import Group, Programme, Row

GAP: Final = 1e-4
"""Between the cost and its bound, of the cost: what is proved at least, unless time runs out."""
_SMALL: Final = 3000
"""Columns up to which the last of the gap is closed too."""
_NODES: Final = 5000
"""Of the search tree, for that."""
_RAY: Final = 1e-9
_LEAST_S: Final = 0.1
_FEASIBLE_S: Final = 10.0
"""For one question whether there are any values."""

State: TypeAlias = Literal["solved", "infeasible", "stopped"]
"""`stopped`: there was no time to find any values."""


class Solved(NamedTuple):
    """What HiGHS says."""

    state: State
    values: list[float]
    """By column; empty where there are none."""
    cost: float
    bound: float
    """No values cost less."""
    duals: list[float]
    """By row, of a relaxed programme: by how much the cost grows with its end."""
    reduced: list[float] = []  # noqa: RUF012  # of a NamedTuple
    """By column, of a relaxed programme: by how much the cost grows with one of it, at least."""
    spent_s: float = 0
    """So far, by this solver."""

    @property
    def gap(self) -> float:
        """By how much others could be cheaper at most, as a share of the cost."""
        return max(0.0, self.cost - self.bound) / self.cost if self.cost > 0 else 0.0

    @property
    def exact(self) -> bool:
        """Whether nothing is cheaper, as far as floats tell."""
        return self.state == "solved" and self.gap <= 1e-9


def is_small(made: Programme) -> bool:
    """Whether it can be solved to the last, and again for every price."""
    return len(made.columns) <= _SMALL


def cheapest(made: Programme, limit_s: float) -> Solved:
    """Return the cheapest values, to the last where that is quick, else within GAP or as time allows."""
    if is_small(made):
        found = exactly(made, limit_s)
        if found.state == "infeasible" or (found.state == "solved" and found.gap <= GAP):
            return found
    return within(made, limit_s)


def within(
    made: Programme, limit_s: float, without: frozenset[int] = frozenset(), gap: float = GAP
) -> Solved:
    """Return the cheapest values within a gap or as time allows, some columns left at 0."""
    return _run(made, without, mip_rel_gap=GAP, time_limit=max(limit_s, _LEAST_S))


def any_values(made: Programme, limit_s: float, without: frozenset[int] = frozenset()) -> Solved:
    """Return the first values that are found, whatever they cost."""
    found = _run(made.free(), without, mip_rel_gap=1.0, time_limit=limit_s)
    cost = sum(one.cost * value for one, value in zip(made.columns, found.values, strict=False))
    return found._replace(cost=cost, bound=0)


def exactly(made: Programme, limit_s: float) -> Solved:
    """Return the cheapest values, proved to the last if the search tree stays small."""
    return _run(made, mip_rel_gap=0.0, mip_abs_gap=1e-6, mip_max_nodes=_NODES, time_limit=limit_s)


def relaxed(made: Programme) -> Solved:
    """Return the cheapest values where every node can be had in parts, with the prices of its rows."""
    return Relaxation(made).solved()


class Relaxation:
    """A programme where every node can be had in parts; rows are added, each answer starts from the last."""

    def __init__(self, made: Programme, without: frozenset[int] = frozenset()) -> None:
        """`without`: columns that are left at 0."""
        self._solver, self._made = _solver(), made
        self._solver.passModel(_model(made, without, relax=True))

    def solved(self) -> Solved:
        """Return the cheapest values, with the prices of rows and columns."""
        self._solver.run()
        return _answer(self._solver, whole=False)

    def add(self, row: Row) -> None:
        """From now on it holds."""
        import highspy

        lower = -highspy.kHighsInf if row.lower is None else row.lower
        upper = highspy.kHighsInf if row.upper is None else row.upper
        self._solver.addRow(lower, upper, len(row.terms), list(row.terms), list(row.terms.values()))


class Feasibility:
    """Asks again and again whether some of the conditions of one programme can hold together."""

    def __init__(self, made: Programme, *, relax: bool) -> None:
        """`relax`: nodes can be had in parts. Nothing is paid."""
        import highspy

        self._infeasible = highspy.HighsModelStatus.kInfeasible
        self._infinity = highspy.kHighsInf
        self._rows = [(at, row) for at, row in enumerate(made.rows) if row.group is not None]
        self._solver = _solver(mip_rel_gap=1.0, time_limit=_FEASIBLE_S)
        if relax:
            self._solver.setOptionValue("presolve", "off")  # or there is no ray
        self._solver.passModel(_model(made.free(), relax=relax))

    def holds(self, groups: frozenset[Group]) -> bool:
        """Whether these can hold together; what is not proved in time counts as if they could."""
        for at, row in self._rows:
            lower = row.lower if row.group in groups else None
            upper = row.upper if row.group in groups else None
            self._solver.changeRowBounds(
                at,
                -self._infinity if lower is None else lower,
                self._infinity if upper is None else upper,
            )
        self._solver.run()
        return bool(self._solver.getModelStatus() != self._infeasible)

    def proof(self) -> frozenset[Group]:
        """After conditions in parts did not hold: those that a proof of it needs (Farkas; the dual ray)."""
        _, known, ray = self._solver.getDualRay()
        if not known:
            return frozenset(row.group for _, row in self._rows if row.group is not None)
        return frozenset(row.group for at, row in self._rows if row.group and abs(ray[at]) > _RAY)


def _run(made: Programme, without: frozenset[int] = frozenset(), **options: float) -> Solved:
    solver = _solver(**options)
    solver.passModel(_model(made, without))
    solver.run()
    return _answer(solver, whole=any(column.whole for column in made.columns))


def _answer(solver: highspy.Highs, *, whole: bool) -> Solved:
    import highspy

    status, info, spent_s = solver.getModelStatus(), solver.getInfo(), solver.getRunTime()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return Solved("infeasible", [], 0, 0, [], spent_s=spent_s)
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Solved("stopped", [], 0, 0, [], spent_s=spent_s)
    answer = solver.getSolution()
    cost = info.objective_function_value
    bound = info.mip_dual_bound if whole else cost
    duals, reduced = list(answer.row_dual), list(answer.col_dual)
    return Solved("solved", list(answer.col_value), cost, bound, duals, reduced, spent_s)


def _solver(**options: float) -> highspy.Highs:
    import highspy

    solver = highspy.Highs()
    fixed = {"output_flag": False, "threads": 1, "random_seed": 0, "mip_feasibility_tolerance": 1e-9}
    for name, value in {**fixed, "primal_feasibility_tolerance": 1e-9, **options}.items():
        solver.setOptionValue(name, value)
    return solver


def _model(made: Programme, without: frozenset[int] = frozenset(), *, relax: bool = False) -> highspy.HighsLp:
    import highspy
    import numpy as np

    infinity = highspy.kHighsInf
    rows = made.rows
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(made.columns), len(rows)
    model.col_cost_ = np.array([column.cost for column in made.columns])
    model.col_lower_ = np.zeros(len(made.columns))
    model.col_upper_ = np.array([0 if at in without else infinity for at in range(len(made.columns))])
    model.row_lower_ = np.array([-infinity if row.lower is None else row.lower for row in rows], dtype=float)
    model.row_upper_ = np.array([infinity if row.upper is None else row.upper for row in rows], dtype=float)
    matrix = model.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kRowwise
    matrix.num_col_, matrix.num_row_ = len(made.columns), len(rows)
    matrix.start_ = np.cumsum([0, *(len(row.terms) for row in rows)])
    matrix.index_ = np.array([at for row in rows for at in row.terms], dtype=np.int32)
    matrix.value_ = np.array([value for row in rows for value in row.terms.values()], dtype=float)
    if not relax:
        kinds = highspy.HighsVarType
        model.integrality_ = [kinds.kInteger if one.whole else kinds.kContinuous for one in made.columns]
    return model
