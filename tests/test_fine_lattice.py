"""Quantiles, densities and draws of a density that is known on a lattice, against fine grids of it."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import trapezoid
from simulated import crossed

from mixed_glm._posterior.fine_lattice import FineLattice
from mixed_glm._posterior.quantiles import margins_cdf, margins_quantile
from mixed_glm._posterior.sd_density import SMOOTH, smoothed_density

LEVELS = (0.005, 0.025, 0.1, 0.25, 0.5, 0.77, 0.975, 0.995)
STEP, DROP = 1.2, 10.0


def bent(x):
    """Log density of a ridge with a heavy lower tail, as few groups give; the second coordinate follows the first."""
    a, b = x[..., 0], x[..., 1]
    return 1.5 * a - np.exp(1.4 * a) - 0.5 * (b - 0.3 * a**2) ** 2 / 0.6**2


def walked(log_density, mode, axes):
    """Lattice in whitened coordinates, to where the density is low, as a fit walks it."""
    line = range(-12, 13)
    steps = np.array(list(itertools.product(line, repeat=len(mode))))
    points = mode + STEP * steps @ axes.T
    values = log_density(points)
    high = steps[values > values.max() - DROP]
    near = np.abs(steps[:, None] - high[None]).sum(axis=2).min(axis=1) <= 1
    return FineLattice(points[near], values[near], STEP * axes, STEP**2)


def exact(log_density, low, high, axis, count=1500):
    grids = [np.linspace(a, b, count) for a, b in zip(low, high, strict=True)]
    density = np.exp(log_density(np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1)))
    density = density.sum(axis=1 - axis)
    return grids[axis], density / trapezoid(density, grids[axis])


@pytest.fixture(scope="module")
def ridge():
    mode = np.array([np.log(1.5 / 1.4) / 1.4, 0.0])
    return walked(bent, mode, np.array([[0.55, 0.1], [-0.1, 0.6]]))


@pytest.mark.parametrize("axis", [0, 1])
def test_margins_of_a_bent_density(ridge, axis):
    x, density = exact(bent, [-6.0, -3.0], [2.0, 9.0], axis)
    below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(x))])
    sd = np.sqrt(trapezoid(density * (x - trapezoid(density * x, x)) ** 2, x))
    for level in LEVELS:
        off = margins_quantile(ridge.margins, level)[axis] - np.interp(level, below, x)
        assert abs(off) < (0.03 if 0.01 < level < 0.99 else 0.06) * sd, level
    at, found = smoothed_density(*ridge.margins[axis], SMOOTH)
    found = found / trapezoid(found, at)
    assert_allclose(found, np.interp(at, x, density, 0.0, 0.0), atol=0.03 * density.max())


def test_draws_have_the_density_that_they_are_told_with(ridge):
    drawn = ridge.draw(20_000, np.random.default_rng(0))
    ratio = bent(drawn.psi) - drawn.log_density
    assert np.std(ratio) < 0.04
    for axis, margin in enumerate(ridge.margins):
        below = np.interp(drawn.psi[:, axis], *margin)
        assert stats.kstest(below, "uniform").pvalue > 1e-3
    off = np.linalg.solve(ridge.cell, (drawn.psi - drawn.nodes).T)
    assert np.abs(off).max() <= 0.5


def test_densities_of_draws_integrate_to_one(ridge):
    """By a uniform sample of a box: the mean of the density that draws near it have."""
    drawn = ridge.draw(50_000, np.random.default_rng(1))
    low, high = np.quantile(drawn.psi, 0.25, axis=0), np.quantile(drawn.psi, 0.75, axis=0)
    inside = ((drawn.psi > low) & (drawn.psi < high)).all(axis=1)
    volume = np.mean(np.where(inside, np.exp(-drawn.log_density), 0.0))  # E 1/q over a box is its volume
    assert volume == pytest.approx(np.prod(high - low), rel=0.02)


@pytest.mark.parametrize("angle", [0.0, 1e-3, 0.3, np.pi / 4])
@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_margins_of_a_normal_density(angle, dimension):
    """Also where the lattice is parallel to the axes, and many of its points have the same coordinate."""
    turn = np.eye(dimension)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    mean, sd = np.linspace(0.5, -2.0, dimension), np.linspace(0.3, 1.5, dimension)
    steps = np.array(list(itertools.product(range(-4, 5), repeat=dimension)))
    cell = sd[:, None] * (STEP * turn)
    points = mean + steps @ cell.T
    log_density = -0.5 * (((points - mean) / sd) ** 2).sum(axis=1) + 17.0
    margins = FineLattice(points, log_density, cell, STEP**2).margins
    slack = 0.002 if dimension < 4 else 0.006
    for level in (0.025, 0.1, 0.25, 0.4, 0.5, 0.6, 0.77, 0.9):
        x = margins_quantile(margins, level)
        assert_allclose(stats.norm.cdf((x - mean) / sd), level, atol=slack)
        assert_allclose(margins_cdf(margins, x), level, atol=1e-9)


def test_points_that_failed_are_filled_in():
    def normal(x):
        return -0.5 * (x**2).sum(axis=-1)

    whole = walked(normal, np.zeros(2), np.eye(2))
    holes = FineLattice(whole.points, whole.log_density.copy(), whole.cell, whole.curvature)
    for at in ((1, 0), (-2, 1)):
        place = np.abs(whole.points - STEP * np.array(at)).sum(axis=1).argmin()
        holes.log_density[place] = -np.inf
    for level in (0.025, 0.5, 0.975):
        assert_allclose(
            margins_quantile(holes.margins, level), margins_quantile(whole.margins, level), atol=0.06
        )


def test_one_and_two_points():
    one = FineLattice(np.zeros((1, 2)), np.zeros(1), np.eye(2), 1.0)
    assert_allclose(margins_quantile(one.margins, 0.5), 0.0, atol=0.01)
    two = FineLattice(np.array([[0.0, 0.0], [1.0, 0.0]]), np.zeros(2), np.eye(2), 1.0)
    assert np.isfinite(two.draw(100, np.random.default_rng(0)).log_density).all()


def test_ends_of_a_fit_are_those_of_a_fine_grid():
    result = crossed(n=150).fit_laplace()
    posterior, core = result.posterior, result.model.spec.core()
    psi, sd, p = (
        posterior.mean[result.model.k_fep :][:2],
        posterior.sd[result.model.k_fep :][:2],
        result.model.k_fep,
    )
    grids = [np.linspace(m - 6.5 * s, m + 4.5 * s, 45) for m, s in zip(psi, sd, strict=True)]
    values = [
        [posterior.approximation.log_marginal(core, np.array([a, b]))[0] for b in grids[1]] for a in grids[0]
    ]
    lattice = FineLattice(
        np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, 2),
        np.ravel(values),
        np.diag([g[1] - g[0] for g in grids]),
        1e-3,
    )
    for level in (0.005, 0.025, 0.5, 0.975, 0.995):
        off = posterior.quantile(level)[p : p + 2] - margins_quantile(lattice.margins, level)
        assert np.abs(off / sd).max() < 0.015, level
