"""Maximum of the Laplace likelihood with flat priors, against gpboost.

gpboost maximizes over (beta, sd) what it gets by integrating u alone. Ours is the same number when beta is part of
the offset: `log_marginal` of the model without fixed effects, less the log prior of psi.
"""

import numpy as np
import pytest
from reference_data import load
from scipy.optimize import minimize

import mixed_glm as mg

pytestmark = pytest.mark.filterwarnings("ignore")

WIDE = 1e4  # prior standard deviation of psi
LIKELIHOODS = {"binomial": "bernoulli_logit", "poisson": "poisson"}


def expand(problem):
    """Binary rows instead of numbers of successes."""
    times = problem.trials.astype(int)
    if (times == 1).all():
        return problem
    y = np.concatenate(
        [np.repeat([1.0, 0.0], [s, t - s]) for s, t in zip(problem.y.astype(int), times, strict=True)]
    )
    rows = np.repeat(np.arange(len(times)), times)
    problem.y, problem.x, problem.z = y, problem.x[rows], problem.z[rows]
    problem.offset, problem.trials = problem.offset[rows], np.ones(len(rows))
    return problem


def codes(problem):
    """Levels of each factor, one column for each component."""
    z = problem.z.tocsc()
    columns = []
    for k in range(int(problem.ident.max()) + 1):
        levels = np.flatnonzero(problem.ident == k)
        columns.append(np.asarray(z[:, levels] @ np.arange(len(levels), dtype=float)))
    return np.column_stack(columns).astype(int)


def log_likelihood(problem, beta, psi):
    """Log likelihood of (beta, psi), u integrated by Laplace."""
    model = problem.model(exog=None, offset=problem.offset + problem.x @ beta, vcp_p=WIDE)
    prior = -0.5 * (psi / WIDE) ** 2 - np.log(WIDE * np.sqrt(2 * np.pi))
    return model.log_marginal(psi) - prior.sum()


@pytest.fixture(params=["cbpp", "epil", "contraception", "bacteria", "grouseticks", "verbagg"])
def fitted(request):
    gpboost = pytest.importorskip("gpboost")
    problem = expand(load(request.param))
    peer = gpboost.GPModel(
        group_data=codes(problem), likelihood=LIKELIHOODS[problem.family], num_parallel_threads=1,
        matrix_inversion_method="cholesky",  # its default for crossed effects estimates log-determinants
    )  # fmt: skip
    offset = problem.offset if np.any(problem.offset) else None
    peer.fit(problem.y, X=problem.x, offset=offset, params={"delta_rel_conv": 1e-10, "maxit": 2000})
    beta = np.asarray(peer.get_coef(format_pandas=False)).reshape(-1)[: problem.x.shape[1]]
    variance = np.asarray(peer.get_cov_pars(format_pandas=False)).reshape(-1)[: int(problem.ident.max()) + 1]
    return problem, peer, beta, 0.5 * np.log(variance)


def test_the_same_likelihood_and_no_better_point(fitted):
    problem, peer, beta, psi = fitted
    ours = log_likelihood(problem, beta, psi)
    assert ours == pytest.approx(-peer.get_current_neg_log_likelihood(), abs=2e-3)
    elsewhere = peer.neg_log_likelihood(
        np.exp(2 * (psi + 0.5)), problem.y, fixed_effects=problem.offset + problem.x @ beta
    )  # fmt: skip
    assert log_likelihood(problem, beta, psi + 0.5) == pytest.approx(-elsewhere, abs=2e-3)
    if len(problem.y) > 3000:
        return  # a search without gradients in beta takes long
    scale = np.r_[problem.reference["sd"][problem.blocks["beta"]], np.full(len(psi), 0.2)]
    start, p = np.r_[beta, psi], len(beta)

    def objective(step):
        at = start + scale * step
        return -log_likelihood(problem, at[:p], at[p:])

    best = minimize(objective, np.zeros(len(start)), method="BFGS", options={"gtol": 1e-2})
    assert -best.fun - ours < 0.01
    assert np.abs(best.x[:p]).max() < 0.05  # posterior standard deviations


def test_flat_priors_put_the_mode_of_psi_next_to_maximum_likelihood(fitted):
    """With beta integrated out the mode is that of restricted likelihood: within p / n of maximum likelihood."""
    problem, _, _, psi = fitted
    model = mg.MixedGLM(
        problem.y, problem.x, problem.z, problem.ident, family=problem.family, vcp_p=WIDE, fe_p=1e3,
        offset=problem.offset if np.any(problem.offset) else None,
    )  # fmt: skip
    result = model.fit_laplace(integrate="mode")
    assert result.converged
    assert np.abs(result.vcp_mean - psi).max() < result.vcp_sd.max()
    assert (result.vcp_mean > psi - 0.02).all()
