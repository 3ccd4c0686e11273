"""Fixed effects that the responses bound on one side only: what second-order corrections cannot reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mixed_glm as mg
from mixed_glm._assess.separation import unbounded_effects

PRIOR_SD = 50.0


def separated(family: Any = "binomial", sd: float = PRIOR_SD) -> mg.MixedGLM:
    """A column that is one in four rows, all of them failures, or of the lowest category."""
    rng = np.random.default_rng(5)
    groups = np.arange(120) % 12
    rare = np.zeros(120)
    rare[:4] = 1.0
    eta = 0.4 * rng.standard_normal(12)[groups] + 0.3
    if family == "binomial":
        y = rng.binomial(1, 1 / (1 + np.exp(-eta))).astype(float)
    else:
        y = rng.integers(3, size=120).astype(float)
    y[:4] = 0.0
    exog = np.column_stack([np.ones(120), rare]) if family == "binomial" else rare[:, None]
    scale = [5.0, sd] if family == "binomial" else [5.0, 5.0, sd]
    return mg.MixedGLM(y, exog, np.eye(12)[groups], np.zeros(12, int), family, vcp_p=1.0, fe_p=scale)


@pytest.fixture(scope="module")
def exact() -> tuple[float, float]:
    """Mean and standard deviation of the second coefficient given psi = -1, all others integrated out, by summation.

    Its density hardly depends on psi: it is the prior's but for its upper end.
    """
    model, psi = separated(), -1.0
    grid = np.linspace(-5 * PRIOR_SD, 20.0, 401)
    x = np.asarray(model.exog)
    log_p = np.empty(len(grid))
    for k, b in enumerate(grid):
        given = mg.MixedGLM(
            model.endog,
            x[:, :1],
            model.exog_vc,
            model.ident,
            "binomial",
            vcp_p=1.0,
            fe_p=[5.0],
            offset=b * x[:, 1],
        )
        log_p[k] = given.log_marginal([psi]) - 0.5 * (b / PRIOR_SD) ** 2
    weight = np.exp(log_p - log_p.max())
    mean = np.average(grid, weights=weight)
    return mean, np.sqrt(np.average((grid - mean) ** 2, weights=weight))


@pytest.mark.parametrize("n_quad", [1, 15, 0])
def test_the_mean_of_a_separated_effect_is_that_of_its_density(
    n_quad: int, exact: tuple[float, float]
) -> None:
    model = separated()
    with pytest.warns(mg.PriorPullWarning, match=r"bound the fixed effects FE_2 on one side") as caught:
        result = model.fit_laplace(n_quad=n_quad) if n_quad else model.fit()
    assert len(caught) == 1  # nothing that advises a wider prior
    assert result.status == "fell back"
    assert result.converged
    mean, sd = exact
    # Of four rows in one cell; the corrections are three standard deviations off.
    assert result.fe_mean[1] == pytest.approx(mean, abs=0.2 * sd)
    assert result.fe_sd[1] == pytest.approx(sd, rel=0.3)
    draws = result.posterior_sample(2000, rng=1).params[:, 1]
    assert draws.mean() == pytest.approx(mean, abs=0.25 * sd)
    assert result.posterior.quantile(0.975)[1] < 5.0


def test_without_expectation_propagation_its_mode_stands_in() -> None:
    model = separated(mg.families.Cumulative("probit"))
    with pytest.warns(mg.PriorPullWarning, match="stands in the place of their mean"):
        result = model.fit_laplace()
    assert result.status == "rough integration"
    assert -PRIOR_SD < result.fe_mean[-1] < 0.0


def test_many_responses_are_told_which_of_them_it_is() -> None:
    model = separated()
    fine = np.asarray(model.endog).copy()
    fine[0] = 1.0
    responses = np.column_stack([fine, model.endog])
    for n_quad in (1, 15):
        with pytest.warns(mg.ConvergenceWarning, match="1 rough integration"):
            many = model.fit_many(responses, n_quad=n_quad)
        assert many.to_frame()["status"].tolist() == ["converged", "rough integration"]


def test_a_prior_that_bounds_it_leaves_the_method_alone() -> None:
    with pytest.warns(mg.PriorPullWarning, match=r"A wider prior would take them further") as caught:
        result = separated(sd=2.0).fit_laplace()
    assert len(caught) == 1
    assert result.method == "laplace"
    assert result.status == "converged"


@pytest.mark.parametrize(
    ("family", "y", "expected"),
    [
        ("binomial", [0, 1, 0, 1, 0, 0, 1, 1], [False, False, True]),
        ("binomial", [0, 1, 0, 1, 1, 0, 0, 1], [False, False, False]),
        ("binomial", [0, 0, 0, 0, 1, 1, 1, 1], [True, True, True]),  # the sum of two columns tells them apart
        ("poisson", [3, 1, 0, 4, 0, 0, 2, 5], [False, False, True]),
        ("gaussian", [0, 1, 0, 1, 0, 0, 1, 1], [False, False, False]),
    ],
)
def test_which_effects_the_responses_do_not_bound(family: str, y: list[int], expected: list[bool]) -> None:
    x = np.array([-2.0, -1.0, -4.0, -3.0, 0.0, 0.0, 1.0, 2.0])
    level = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    exog = np.column_stack([np.ones(8), x, level])
    model = mg.MixedGLM(np.array(y), exog, np.eye(4)[np.arange(8) % 4], np.zeros(4, int), family)
    assert unbounded_effects(model.spec).tolist() == expected
