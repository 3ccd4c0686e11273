"""Crossed factors with many levels: conjugate gradients and probes, forced on smaller designs, against the exact factor."""

import numpy as np
import pytest

import mixed_glm as mg
from mixed_glm import _core
from mixed_glm._spec.design import model_arguments


def crossed(rows, levels, sds, seed, slope=False):
    """Formula, data and known effects of binary rows in crossed factors."""
    rng = np.random.default_rng(seed)
    codes = [rng.integers(q, size=rows) for q in levels]
    effects = [sd * rng.normal(size=q) for sd, q in zip(sds, levels, strict=True)]
    x = rng.normal(size=rows)
    eta = -0.5 + 0.5 * x + sum(u[c] for u, c in zip(effects, codes, strict=True))
    data = {f"g{k}": c for k, c in enumerate(codes)} | {"x": x}
    data["y"] = (rng.random(rows) < 1 / (1 + np.exp(-eta))).astype(float)
    terms = [f"(1 | g{k})" for k in range(len(levels))]
    if slope:
        terms[0] = "(1 + x | g0)"
    return "y ~ x + " + " + ".join(terms), data


def fit(monkeypatch, formula, data, factorization, family="binomial", **options):
    def make_core(design, family, change=None, *, merge_rows=True):
        return _core.Model(
            merge_rows=merge_rows, factorization=factorization, **model_arguments(design, family, change)
        )

    with monkeypatch.context() as patch:
        patch.setattr("mixed_glm._spec.spec.make_core", make_core)
        model = mg.MixedGLM.from_formula(formula, data=data, family=family)
        return model.fit_laplace(**options)


DESIGNS = {
    "two factors": ((6000, (300, 200), (1.0, 0.5), 1), {}),
    "large effects": ((6000, (300, 200), (3.0, 3.0), 2), {}),
    "three factors and one small": ((8000, (300, 200, 150, 8), (1.0, 0.5, 1.0, 0.5), 3), {}),
    "correlated slopes": ((8000, (200, 150), (1.0, 0.7), 4), {"slope": True}),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_the_fit_is_that_of_the_exact_factor(monkeypatch, name):
    arguments, options = DESIGNS[name]
    formula, data = crossed(*arguments, **options)
    exact = fit(monkeypatch, formula, data, "exact", integrate="mode")
    probes = fit(monkeypatch, formula, data, "iterative", integrate="mode")
    assert exact.integration.probes == 0
    assert 16 <= probes.integration.probes <= 512
    sd = np.asarray(exact.vcp_sd)
    off = (np.asarray(probes.vcp_mean) - np.asarray(exact.vcp_mean)) / sd
    assert np.abs(off).max() < 0.04
    assert np.abs((probes.fe_mean - exact.fe_mean) / exact.fe_sd).max() < 0.02
    np.testing.assert_allclose(probes.fe_sd, exact.fe_sd, rtol=0.01)
    ratio = np.asarray(probes.vc_sd) / np.asarray(exact.vc_sd) - 1.0
    assert np.sqrt(np.mean(ratio**2)) < 0.03
    tolerance = 5 * probes.integration.log_density_error + 0.05
    assert probes.log_density == pytest.approx(exact.log_density, abs=tolerance)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch):
    formula, data = crossed(10_000, (900, 700), (1.0, 0.5), 5)
    one, three = (fit(monkeypatch, formula, data, "iterative", integrate="mode", n_jobs=n) for n in (1, 3))
    assert np.array_equal(one.params, three.params)
    assert np.array_equal(one.bse, three.bse)
    assert one.log_density == three.log_density


def test_a_fit_is_repeated_to_the_last_bit(monkeypatch):
    formula, data = crossed(4000, (200, 150), (1.0, 0.5), 6)
    first, second = (fit(monkeypatch, formula, data, "iterative") for _ in range(2))
    assert np.array_equal(first.params, second.params)
    assert np.array_equal(first.bse, second.bse)


def test_the_grid_draws_and_predictions_agree_with_the_exact_factor(monkeypatch):
    formula, data = crossed(6000, (300, 200), (1.0, 0.5), 7)
    exact = fit(monkeypatch, formula, data, "exact")
    probes = fit(monkeypatch, formula, data, "iterative")
    np.testing.assert_allclose(probes.bse, exact.bse, rtol=0.03)
    assert probes.log_evidence == pytest.approx(exact.log_evidence, abs=0.3)
    draws = [result.posterior_sample(400, rng=1).params for result in (exact, probes)]
    spreads = [draw.std(axis=0).mean() for draw in draws]
    np.testing.assert_allclose(spreads[1], spreads[0], rtol=0.02)
    np.testing.assert_allclose(probes.predict(), exact.predict(), atol=0.003)


def test_weakly_linked_halves_get_more_probes(monkeypatch):
    """Communities of ten by ten levels that few rows leave."""
    rng = np.random.default_rng(8)
    rows, levels = 9000, 300
    g = rng.integers(levels, size=rows)
    h = np.where(
        rng.random(rows) < 0.01, rng.integers(levels, size=rows), g // 10 * 10 + rng.integers(10, size=rows)
    )
    eta = 3 * rng.normal(size=levels)[g] + 3 * rng.normal(size=levels)[h]
    data = {"g": g, "h": h, "y": (rng.random(rows) < 1 / (1 + np.exp(-eta))).astype(float)}
    formula = "y ~ 1 + (1 | g) + (1 | h)"
    exact = fit(monkeypatch, formula, data, "exact", integrate="mode")
    probes = fit(monkeypatch, formula, data, "iterative", integrate="mode")
    assert probes.integration.probes > 16
    off = (np.asarray(probes.vcp_mean) - np.asarray(exact.vcp_mean)) / np.asarray(exact.vcp_sd)
    assert np.abs(off).max() < 0.06
    ratio = np.asarray(probes.vc_sd) / np.asarray(exact.vc_sd) - 1.0
    assert np.sqrt(np.mean(ratio**2)) < 0.05


def test_other_probes_hardly_move_a_fit(monkeypatch):
    """Signs hang on the numbers of the levels: with these permuted they are other ones."""
    formula, data = crossed(20_000, (800, 700), (1.0, 0.5), 10)
    rng = np.random.default_rng(11)
    renamed = data | {f"g{k}": rng.permutation(q)[data[f"g{k}"]] for k, q in enumerate((800, 700))}
    first, second = (
        fit(monkeypatch, formula, each, "iterative", integrate="mode") for each in (data, renamed)
    )
    off = (np.asarray(second.vcp_mean) - np.asarray(first.vcp_mean)) / np.asarray(first.vcp_sd)
    assert 0 < np.abs(off).max() < 0.02
    assert np.abs(off).max() < 5 * first.integration.psi_error + 1e-4
    assert second.integration.psi_error == pytest.approx(first.integration.psi_error, rel=0.8)


def test_the_exact_factor_that_stands_in_is_told(monkeypatch):
    """A chain, in which each level meets two, and large counts: conjugate gradients walk along it."""
    rng = np.random.default_rng(12)
    levels = 1500
    g = np.repeat(np.arange(levels), 2)
    h = (g + np.tile([0, 1], levels)) % levels
    eta = 9 + 2 * rng.normal(size=levels)[g] + 2 * rng.normal(size=levels)[h]
    data = {"g": g, "h": h, "y": rng.poisson(np.exp(np.minimum(eta, 20))).astype(float)}
    formula = "y ~ 1 + (1 | g) + (1 | h)"
    exact = fit(monkeypatch, formula, data, "exact", family="poisson", integrate="mode")
    with pytest.warns(mg.FactorizationWarning, match="the exact factor took their place"):
        other = fit(monkeypatch, formula, data, "iterative", family="poisson", integrate="mode")
    assert other.integration.fell_back
    assert not exact.integration.fell_back
    assert other.status == "converged"
    np.testing.assert_allclose(other.params, exact.params, rtol=1e-4, atol=1e-4)
    assert "exact factor in place of iterations" in str(other.integration)


def test_an_unknown_factorization_is_refused():
    formula, data = crossed(100, (5, 4), (1.0, 0.5), 9)
    model = mg.MixedGLM.from_formula(formula, data=data, family="binomial")
    spec = model.spec
    with pytest.raises(
        ValueError, match="factorization: expected 'automatic', 'exact' or 'iterative', got 'fast'"
    ):
        _core.Model(factorization="fast", **model_arguments(spec.design, spec.family, None))
