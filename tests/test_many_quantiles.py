"""fit_many(keep_quantiles=...): those of the fits of single responses."""

import numpy as np
import pytest
from many_problems import crossed, one_factor, single_fit

import mixed_glm as mg

LEVELS = [0.025, 0.975, 0.5]
FIELDS = ("fe_quantiles", "vcp_quantiles", "vc_quantiles")
PRIORS = ("fe_p", "vcp_p")

pytestmark = pytest.mark.filterwarnings("ignore::mixed_glm.MixedGLMWarning")

CASES = {
    "line": (one_factor, {}),
    "line, priors by numbers": (one_factor, {"fe_p": 2.0, "vcp_p": 1.0}),
    "mode": (one_factor, {"integrate": "mode"}),
    "grid of one": (one_factor, {"integrate": "grid"}),
    "without correction": (one_factor, {"mean_correction": False}),
    "leaf": (one_factor, {"n_quad": 9}),
    "grid": (crossed, {}),
    "ccd": (crossed, {"integrate": "ccd"}),
    "ridge": (crossed, {"integrate": "ridge"}),
    "ep": (one_factor, {"method": "ep"}),
    "vb": (one_factor, {"method": "vb"}),
    "map": (crossed, {"method": "map"}),
}


@pytest.mark.parametrize("name", CASES)
def test_are_those_of_single_fits(name):
    make, options = CASES[name]
    problem = make(m=3)
    many = problem.fit(keep_quantiles=LEVELS, keep_random_effects=True, **options)
    assert many.quantile_levels == tuple(LEVELS)
    priors = {key: value for key, value in options.items() if key in PRIORS}
    own = {key: value for key, value in options.items() if key not in (*PRIORS, "method")}
    for j in range(3):
        single = single_fit(problem.model(j, **priors), options.get("method", "laplace"), **own)
        layout, sd = single.posterior.spec.layout, single.posterior.sd
        for i, level in enumerate(LEVELS):
            expected = single.posterior.quantile(level)
            for field, part in zip(FIELDS, (layout.fe, layout.vcp, layout.vc), strict=True):
                off = np.abs(getattr(many, field)[j, i] - expected[part]) / sd[part]
                assert off.max() < 1e-9, (field, level)


def test_ends_of_intervals():
    problem = one_factor("poisson", m=2)
    many = problem.fit(keep_quantiles=[0.05, 0.95])
    interval = single_fit(problem.model(0), "laplace").conf_int(alpha=0.1).to_numpy()
    found = np.concatenate([many.fe_quantiles, many.vcp_quantiles], axis=2)[0].T
    np.testing.assert_allclose(found, interval[: len(found)], rtol=1e-9)


@pytest.mark.parametrize("make", [one_factor, crossed])
def test_bits_do_not_depend_on_threads_chunks_or_company(make):
    problem = make(m=5)
    options = {"keep_quantiles": LEVELS, "keep_random_effects": True}
    first = problem.fit(n_jobs=1, **options)
    alone = problem.with_responses(problem.y[:, 3:4]).fit(n_jobs=1, **options)
    other = problem.fit(n_jobs=3, chunk_size=2, **options)
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(other, field), getattr(first, field))
        np.testing.assert_array_equal(getattr(alone, field)[0], getattr(first, field)[3])


@pytest.mark.parametrize("integrate", ["auto", "mode", "grid"])
def test_all_else_is_as_without(integrate):
    problem = one_factor(m=4, groups=12)
    kept = problem.fit(keep_quantiles=LEVELS, keep_random_effects=True, integrate=integrate)
    plain = problem.fit(keep_random_effects=True, integrate=integrate)
    assert all(getattr(plain, field) is None for field in FIELDS)
    assert plain.quantile_levels == ()
    for field in ("fe_mean", "fe_sd", "vcp_mean", "vcp_sd", "vc_mean", "vc_sd", "log_evidence", "n_iter"):
        np.testing.assert_array_equal(getattr(kept, field), getattr(plain, field), err_msg=field)


def test_frames():
    problem = one_factor(m=3)
    fits = problem.fit(keep_quantiles=[0.1, 0.9])
    assert fits.vc_quantiles is None
    wide, long = fits.to_frame(), fits.to_frame(long=True)
    name = fits.vcp_names[0]
    at = list(wide.columns).index(f"{name} mean")
    assert list(wide.columns[at : at + 4]) == [f"{name} {what}" for what in ("mean", "sd", "0.1", "0.9")]
    np.testing.assert_array_equal(wide[f"{name} 0.9"], fits.vcp_quantiles[:, 1, 0])
    assert list(long.columns) == ["response", "type", "name", "mean", "sd", "0.1", "0.9", "status"]
    np.testing.assert_array_equal(
        long["0.1"].to_numpy().reshape(3, -1)[:, : len(fits.fep_names)], fits.fe_quantiles[:, 0]
    )


def test_chunks_on_disk(tmp_path):
    problem = one_factor(m=5)
    options = {"keep_quantiles": [0.25, 0.75], "out": tmp_path, "chunk_size": 2}
    first, again = problem.fit(**options), problem.fit(**options)
    np.testing.assert_array_equal(first.fe_quantiles, again.fe_quantiles)
    with pytest.raises(ValueError, match=r"another problem \(what differs: keep_quantiles\)"):
        problem.fit(out=tmp_path)
    with pytest.raises(ValueError, match="keep_quantiles"):
        problem.fit(**(options | {"keep_quantiles": [0.25]}))


@pytest.mark.parametrize("method", ["laplace", "vb"])
def test_of_a_response_that_is_none(method):
    problem = one_factor(m=3)
    y = problem.y.astype(float)
    y[0, 1] = np.nan
    fits = problem.with_responses(y).fit(keep_quantiles=[0.5], keep_random_effects=True, method=method)
    for field in FIELDS:
        values = getattr(fits, field)
        assert np.isnan(values[1]).all()
        assert np.isfinite(values[[0, 2]]).all()


def test_of_no_responses():
    problem = one_factor(m=3)
    fits = problem.with_responses(problem.y[:, :0]).fit(keep_quantiles=[0.5, 0.9], keep_random_effects=True)
    assert fits.fe_quantiles.shape == (0, 2, 2)
    assert fits.vc_quantiles.shape[:2] == (0, 2)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (0.5, TypeError, r"keep_quantiles must be a list of probabilities such as \[0.025, 0.975\]"),
        ("ends", TypeError, "must be a list of probabilities"),
        ([[0.1, 0.9]], TypeError, "must be a list of probabilities"),
        (["0.1"], TypeError, r"keep_quantiles\[0\] must be a number between 0 and 1"),
        ([0.5, 97.5], ValueError, r"keep_quantiles\[1\] must be between 0 and 1"),
        ([0.0, 0.5], ValueError, r"keep_quantiles\[0\] must be between 0 and 1"),
        ([0.5, 0.5], ValueError, "must name each probability once"),
        ([True], TypeError, r"keep_quantiles\[0\] must be a number"),
    ],
)
def test_levels_that_are_none(given, error, message):
    with pytest.raises(error, match=message):
        one_factor(m=1).fit(keep_quantiles=given)


@pytest.mark.parametrize("name", ["intercept and slope", "gaussian", "three"])
def test_correlations_and_the_parameter_of_the_family(name):
    rng = np.random.default_rng(3)
    n, groups, m = 240, 12, 2
    g = rng.permutation(np.arange(n) % groups)
    t = rng.normal(size=(n, 2))
    columns = [np.ones(n), t[:, 0], t[:, 1]][: 1 if name == "gaussian" else 3 if name == "three" else 2]
    z = np.hstack([np.eye(groups)[g] * c[:, None] for c in columns])
    ident = np.repeat(np.arange(len(columns)), groups)
    terms = {} if name == "gaussian" else {
        "levels": np.tile(np.arange(groups), len(columns)), "correlated": [tuple(range(len(columns)))],
    }  # fmt: skip
    exog = np.column_stack([np.ones(n), t[:, 0]])
    eta = (exog @ [0.5, 0.3])[:, None] + z @ rng.normal(size=(z.shape[1], m))
    family = "gaussian" if name == "gaussian" else "poisson"
    y = (
        eta + rng.normal(size=eta.shape)
        if name == "gaussian"
        else rng.poisson(np.exp(np.minimum(eta, 4))).astype(float)
    )
    many = mg.fit_many(y, exog, z, ident, family, keep_quantiles=LEVELS, keep_random_effects=True, **terms)
    single = mg.MixedGLM(y[:, 1], exog, z, ident, family, **terms).fit_laplace()
    layout, sd = single.posterior.spec.layout, single.posterior.sd
    for i, level in enumerate(LEVELS):
        expected = single.posterior.quantile(level)
        for block in ("fe", "vcp", "cor", "family", "vc"):
            found, part = getattr(many, f"{block}_quantiles")[1, i], layout.slices[block]
            np.testing.assert_allclose((found - expected[part]) / sd[part], 0.0, atol=1e-7)
    assert f"{[*many.cor_names, *many.family_names][0]} 0.5" in many.to_frame().columns


def test_quantiles_of_correlations_need_an_integration():
    exog, z = np.ones((12, 1)), np.hstack([np.eye(4)[np.arange(12) % 4]] * 2)
    with pytest.raises(ValueError, match="keep_quantiles with correlated effects needs an integration"):
        mg.fit_many(
            np.ones((12, 1)), exog, z, np.repeat([0, 1], 4), "poisson", keep_quantiles=[0.5], integrate="mode",
            levels=np.tile(np.arange(4), 2), correlated=[(0, 1)],
        )  # fmt: skip
