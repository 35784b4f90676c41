"""The linear programme that bounds one box of the search for the largest sum of products (see bilinear)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dcctl.packing.sharing.bilinear import Box, Product, Scaled

_TANGENTS = (0.25, 0.5, 1.0, 2.0, 4.0)


class Solved(NamedTuple):
    """The optimum of a box."""

    bound: float
    columns: list[float]
    roots: list[float]
    """g of each product."""
    values: list[float]
    """z of each product."""


class Relaxation:
    """One programme for all boxes: its columns are those of the problem, then g and z of each product.

    z stands for t f: it is at most the secant of g^2 over the box, and at most McCormick's planes.
    """

    def __init__(self, problem: Scaled) -> None:
        import highspy

        self._problem = problem
        self._solver = solver = highspy.Highs()
        self._infinity = highspy.kHighsInf
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("presolve", "off"),
            ("random_seed", 0),
        ):
            solver.setOptionValue(option, value)
        for option in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
            solver.setOptionValue(option, 1e-9)
        self._tangents: set[tuple[int, float]] = set()
        self._maximize = highspy.ObjSense.kMaximize
        self._infeasible = highspy.HighsModelStatus.kInfeasible
        self._optimal = highspy.HighsModelStatus.kOptimal
        self._build()

    def _build(self) -> None:
        problem, solver, size = self._problem, self._solver, len(self._problem.keys)
        for at, least in enumerate(problem.least):
            counts = at in problem.single or any(at in one[:2] for one in problem.products)
            solver.addCol(problem.single.get(at, 0.0), least, 1.0 if counts else least, 0, [], [])
        for product in problem.products:
            solver.addCol(0.0, 0.0, 1.0, 0, [], [])
            solver.addCol(product.worth, 0.0, 1.0, 0, [], [])
        solver.changeObjectiveSense(self._maximize)
        for row in problem.rows:
            self._row(dict(row), 1.0)
        self._first = len(problem.rows)
        for at, product in enumerate(problem.products):
            root, value = size + 2 * at, size + 2 * at + 1
            self._row({value: 1.0, root: -1.0}, 0.0)
            self._row({value: 1.0, product.training: 0.0, product.inference: -1.0}, 0.0)
            self._row({value: 1.0, product.training: -1.0, product.inference: 0.0}, 0.0)
        for at in range(len(problem.products)):
            for slope in _TANGENTS:
                self.add_tangent(at, slope)

    def _row(self, terms: dict[int, float], most: float) -> None:
        self._solver.addRow(-self._infinity, most, len(terms), list(terms), list(terms.values()))

    def add_tangent(self, at: int, slope: float) -> bool:
        """Hold the g of a product below (slope t + f / slope) / 2, for every box. False: it was there."""
        key = (at, round(slope, 9))
        if key in self._tangents:
            return False
        self._tangents.add(key)
        product, root = self._problem.products[at], len(self._problem.keys) + 2 * at
        self._row({root: 1.0, product.training: -slope / 2, product.inference: -0.5 / slope}, 0.0)
        return True

    def solve(self, box: Box) -> Solved | None:
        """The optimum over a box; None where it is empty."""
        for at, (product, interval) in enumerate(zip(self._problem.products, box, strict=True)):
            self._restrict(at, product, *interval)
        self._solver.run()
        status = self._solver.getModelStatus()
        if status == self._infeasible:
            return None
        if status != self._optimal:
            return self._trivial(box)
        values = list(self._solver.getSolution().col_value)
        size = len(self._problem.keys)
        return Solved(
            self._solver.getInfo().objective_function_value,
            values[:size],
            values[size::2],
            values[size + 1 :: 2],
        )

    def _trivial(self, box: Box) -> Solved:
        """What holds whatever the solver says: each product is at most the square of its g."""
        problem, values = self._problem, [high * high for _, high in box]
        bound = sum(one.worth * value for one, value in zip(problem.products, values, strict=True))
        lows = [low for low, _ in box]
        return Solved(bound + sum(problem.single.values()), list(problem.least), lows, values)

    def _restrict(self, at: int, product: Product, low: float, high: float) -> None:
        """G between low and high, so each factor (at most 1) is at least low^2."""
        solver, size = self._solver, len(self._problem.keys)
        root, row = size + 2 * at, self._first + 3 * at
        training = max(self._problem.least[product.training], low * low)
        inference = max(self._problem.least[product.inference], low * low)
        solver.changeColBounds(root, low, high)
        solver.changeCoeff(row, root, -(low + high))
        solver.changeRowBounds(row, -self._infinity, -low * high)
        solver.changeCoeff(row + 1, product.training, -inference)
        solver.changeRowBounds(row + 1, -self._infinity, -inference)
        solver.changeCoeff(row + 2, product.inference, -training)
        solver.changeRowBounds(row + 2, -self._infinity, -training)
