"""Workflows from a seed: random layers, FFT, Gaussian elimination, fork and join, Montage.

Costs follow Topcuoglu et al. (2002): a task takes a mean time, on each worker between 1 - h/2 and 1 + h/2 of
it; an edge takes on average `ccr` times as long as a task, times the slowness of its link.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from dcctl.packing.dag.problem import Edge, Problem, Task

if TYPE_CHECKING:
    from collections.abc import Iterator

Pairs = list[tuple[int, int]]
_MEAN_MS = 20_000
_SLOWNESS = (1.0, 2.0, 4.0)
"""Of the classes of links between two workers, against the fastest."""


def layered(random: Random, tasks: int = 60) -> tuple[int, Pairs]:
    """Layers of random width; each task waits for one to three of the layer before."""
    layers, made = [[0]], 1
    while made < tasks:
        width = min(random.randint(1, 2 * round(tasks**0.5)), tasks - made)
        layers.append(list(range(made, made + width)))
        made += width
    pairs = [
        (before, after)
        for upper, lower in pairwise(layers)
        for after in lower
        for before in random.sample(upper, min(len(upper), random.randint(1, 3)))
    ]
    return tasks, pairs


def fft(_random: Random, points: int = 16) -> tuple[int, Pairs]:
    """The recursive calls of a fast Fourier transform, and below them its butterflies."""
    depth = points.bit_length() - 1
    pairs = [((child - 1) // 2, child) for child in range(1, 2 * points - 1)]
    first = points - 1
    for level in range(depth):
        for at in range(points):
            row = first + level * points
            pairs += [(row + at, row + points + at), (row + at, row + points + (at ^ (1 << level)))]
    return first + (depth + 1) * points, pairs


def gauss(_random: Random, size: int = 11) -> tuple[int, Pairs]:
    """Gaussian elimination: in each step a pivot column, then an update of each column right of it."""
    number: dict[tuple[int, int], int] = {}
    for step in range(size - 1):
        for column in range(step, size):
            number[step, column] = len(number)
    pairs = []
    for (step, column), this in number.items():
        if column > step:
            pairs.append((number[step, step], this))
            if (step + 1, column) in number:
                pairs.append((this, number[step + 1, column]))
    return len(number), pairs


def fork_join(_random: Random, width: int = 12, stages: int = 4) -> tuple[int, Pairs]:
    """A task forks into many that are joined by the next, several times over."""
    pairs, join = Pairs(), 0
    for _ in range(stages):
        end = join + width + 1
        pairs += [(join, each) for each in range(join + 1, end)]
        pairs += [(each, end) for each in range(join + 1, end)]
        join = end
    return join + 1, pairs


def montage(_random: Random, images: int = 12) -> tuple[int, Pairs]:
    """A mosaic of images: project, fit the overlaps, model the background, correct, tile, add."""
    overlaps = [(at, other) for at in range(images) for other in (at + 1, at + 3) if other < images]
    fits = range(images, images + len(overlaps))
    concat, model = fits.stop, fits.stop + 1
    correct = range(model + 1, model + 1 + images)
    pairs = [(image, fit) for fit, both in zip(fits, overlaps, strict=True) for image in both]
    pairs += [(fit, concat) for fit in fits] + [(concat, model)]
    pairs += [(model, each) for each in correct] + [(at, each) for at, each in enumerate(correct)]
    last = correct.stop
    pairs += [(each, last) for each in correct] + [(last, last + 1), (last + 1, last + 2)]
    return last + 3, pairs


SHAPES = {"layered": layered, "fft": fft, "gauss": gauss, "fork-join": fork_join, "montage": montage}


def problem(shape: str, workers: int, ccr: float, heterogeneity: float, seed: int) -> Problem:
    """Return a workflow of that shape; the same arguments give the same one."""
    random = Random(f"{shape} {workers} {ccr} {heterogeneity} {seed}")
    tasks, pairs = SHAPES[shape](random)
    return Problem(
        tuple(f"w{number}" for number in range(workers)),
        tuple(_task(number, workers, heterogeneity, random) for number in range(tasks)),
        tuple(_edge(*pair, ccr, random) for pair in sorted(set(pairs))),
        _links(workers, random),
    )


def _task(number: int, workers: int, heterogeneity: float, random: Random) -> Task:
    mean = random.uniform(0.2, 1.8) * _MEAN_MS
    times = (mean * random.uniform(1 - heterogeneity / 2, 1 + heterogeneity / 2) for _ in range(workers))
    return Task(f"t{number}", tuple(max(1, round(time)) for time in times))


def _edge(before: int, after: int, ccr: float, random: Random) -> Edge:
    mean = random.uniform(0.2, 1.8) * _MEAN_MS * ccr / (sum(_SLOWNESS) / len(_SLOWNESS))
    return Edge(before, after, (0, *(round(mean * slowness) for slowness in _SLOWNESS)))


def _links(workers: int, random: Random) -> tuple[tuple[int, ...], ...]:
    classes = [[0] * workers for _ in range(workers)]
    for a in range(workers):
        for b in range(a):
            classes[a][b] = classes[b][a] = random.randint(1, len(_SLOWNESS))
    return tuple(map(tuple, classes))


def corpus(seeds: int) -> Iterator[tuple[str, int, float, float, Problem]]:
    """Yield (shape, workers, ccr, heterogeneity, workflow) over all shapes and a grid of costs."""
    for shape in SHAPES:
        for workers in (3, 8):
            for ccr in (0.1, 1.0, 5.0):
                for heterogeneity in (0.5, 1.5):
                    for seed in range(seeds):
                        made = problem(shape, workers, ccr, heterogeneity, seed)
                        yield shape, workers, ccr, heterogeneity, made
