"""A model does not change after it was made, whatever becomes of the arrays it was made of, and cannot be changed by its own."""

from __future__ import annotations

import dataclasses
import pickle
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import mixed_glm as mg

N = 40
RNG = np.random.default_rng(0)
DENSE = np.eye(4)[np.arange(N) % 4] * RNG.normal(1.0, 0.1, (N, 1))


def arguments() -> dict[str, Any]:
    return {
        "endog": RNG.poisson(1.0, N).astype(float), "exog": np.asfortranarray(np.c_[np.ones(N), RNG.normal(size=N)]),
        "exog_vc": sparse.csr_array(DENSE), "ident": np.zeros(4, np.int32), "offset": np.zeros(N), "exposure": np.ones(N),
        "freq_weights": np.ones(N), "vcp_p": np.ones(1), "fe_p": np.ones(2),
    }  # fmt: skip


def spoil(value: Any) -> None:
    """Change every number that can be reached."""
    if sparse.issparse(value):
        for part in vars(value).values():
            for array in part if isinstance(part, tuple) else (part,):
                if isinstance(array, np.ndarray):
                    array[...] = 10**6
    elif isinstance(value, (pd.DataFrame, pd.Series)):
        value.iloc[:] = 99
    elif isinstance(value, np.ndarray):
        value[...] = 99


FORMS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "arrays": dict,
    "C order": lambda a: a | {"exog": np.ascontiguousarray(a["exog"])},
    "parts of arrays": lambda a: a | {"exog": np.repeat(a["exog"], 2, axis=0)[::2], "offset": np.zeros((N, 2))[:, 0]},
    "one column": lambda a: a | {"endog": a["endog"][:, None], "offset": a["offset"][:, None]},
    "frames": lambda a: a | {"exog": pd.DataFrame(a["exog"]), "exog_vc": pd.DataFrame(DENSE), "ident": pd.Series(a["ident"])},
    "series": lambda a: a | {k: pd.Series(a[k]) for k in ("endog", "offset", "exposure", "freq_weights", "vcp_p", "fe_p")},
    "nullable": lambda a: a | {k: pd.Series(a[k], dtype="Float64") for k in ("endog", "offset", "exposure", "freq_weights")},
    "masked": lambda a: a | {k: np.ma.asarray(a[k]) for k in ("endog", "exog", "offset", "ident")},
    "matrix": lambda a: a | {"exog_vc": sparse.csr_matrix(DENSE)},
    "int64 indices": lambda a: a | {"exog_vc": wide(sparse.csr_array(DENSE))},
    **{form: lambda a, form=form: a | {"exog_vc": sparse.csr_array(DENSE).asformat(form)} for form in ("csc", "coo", "bsr", "lil", "dia")},
}  # fmt: skip


def wide(z: sparse.csr_array) -> sparse.csr_array:
    z.indices, z.indptr = z.indices.astype(np.int64), z.indptr.astype(np.int64)
    return z


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", FORMS)
def test_what_was_given_may_change(form: str, tmp_path: Any) -> None:
    given = FORMS[form](arguments())
    model = mg.MixedGLM(family="poisson", **given)
    expected = model.fit_laplace(integrate="mode").params
    model = mg.MixedGLM(family="poisson", **given)  # without anything that the fit has kept
    for value in given.values():
        spoil(value)
    np.testing.assert_array_equal(model.fit_laplace(integrate="mode").params, expected)
    assert mg.fit_many(model.endog[:, None], model.exog, model.exog_vc, model.ident, "poisson").status[0] == 0
    model.save(tmp_path / "model")
    loaded = mg.MixedGLM.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.fit_laplace(integrate="mode").params, expected)


@pytest.mark.filterwarnings("ignore")  # of pandas 3, which has no other way
def test_a_frame_under_copy_on_write() -> None:
    frame = pd.DataFrame({"c": np.ones(N), "x": RNG.normal(size=N)})
    with pd.option_context("mode.copy_on_write", True):
        model = mg.MixedGLM(np.zeros(N), frame, None, None, "poisson")
        frame.loc[0, "c"] = 99
    assert model.exog[0, 0] == 1.0


def test_formulas() -> None:
    frame = pd.DataFrame(
        {"y": RNG.integers(0, 2, N), "x": RNG.normal(size=N), "g": np.arange(N) % 4, "o": np.zeros(N)}
    )
    result = mg.MixedGLM.from_formula(
        "y ~ x + (1 | g)", data=frame, family="binomial", offset="o"
    ).fit_laplace()
    before = result.params
    frame.iloc[:, :] = 1
    np.testing.assert_array_equal(result.model.fit_laplace().params, before)


def arrays_of(model: mg.MixedGLM) -> list[np.ndarray]:
    z = model.exog_vc
    named = [getattr(model, name) for name in arguments() if name != "exog_vc"]
    return [*named, z.data, z.indices, z.indptr, model.data.endog, model.data.exog]


@pytest.mark.parametrize(
    "again", [lambda m: m, lambda m: pickle.loads(pickle.dumps(m))], ids=["made", "unpickled"]
)
def test_its_own_arrays_are_read_only(again: Callable[[mg.MixedGLM], mg.MixedGLM]) -> None:
    model = again(mg.MixedGLM(family="poisson", **arguments()))
    for array in arrays_of(model):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    assert model.fit_laplace().converged


def test_what_is_kept_of_the_priors_is_not_pickled() -> None:
    priors = mg.MixedGLM(family="poisson", **arguments()).spec.design.priors
    assert priors.fe_scale is priors.fe_scale  # made once
    again = pickle.loads(pickle.dumps(priors))
    assert vars(again).keys() == {field.name for field in dataclasses.fields(priors)}
    assert again == priors
    for array in (again.fe_loc, again.fe_scale, again.sd_scale):
        assert not array.flags.writeable


@pytest.mark.parametrize(
    "exog",
    [
        lambda n: np.asfortranarray(RNG.normal(size=(n, 24))),
        lambda n: RNG.normal(size=(n, 24)),
        lambda n: pd.DataFrame(RNG.normal(size=(n, 24))),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_there_is_one_copy_of_x(exog: Callable[[int], Any]) -> None:
    n = 100_000
    given, y = exog(n), np.zeros(n)
    tracemalloc.start()
    model = mg.MixedGLM(y, given, None, None, "poisson")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert model.exog.nbytes == 24 * n * 8
    assert peak < 1.6 * model.exog.nbytes  # and some vectors


@pytest.mark.parametrize("claim", [True, False])
def test_what_an_array_says_of_its_order_is_not_believed(claim: bool) -> None:
    """scipy.sparse keeps what it once found out of an array, and does not see when its parts are changed."""
    indices = np.array([1, 0, 0, 0, 1])
    z = sparse.csr_array((np.ones(5), indices, [0, 2, 4, 5]), shape=(3, 2))
    z.has_canonical_format = claim
    model = mg.MixedGLM(np.ones(3), None, z, [0, 0], "poisson")
    np.testing.assert_array_equal(model.exog_vc.toarray(), [[1, 1], [2, 0], [0, 1]])
    assert model.exog_vc.has_canonical_format
    assert z.has_canonical_format is claim
    np.testing.assert_array_equal(z.indices, indices)


def grouped(order: np.ndarray) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    z = sparse.csr_array((np.ones(200), (np.arange(200), order % 20)), shape=(200, 20))
    exog = np.asfortranarray(np.c_[np.ones(200), rng.normal(3.0, 2.0, 200)])
    return {"endog": rng.poisson(1.0, 200), "exog": exog, "exog_vc": z, "ident": np.zeros(20, int)}


def test_columns_that_a_fit_sorts_are_not_those_of_the_model() -> None:
    given = grouped(np.arange(200))
    model = mg.MixedGLM(family="poisson", **given)
    first = model.fit_laplace(integrate="mode").params
    np.testing.assert_array_equal(model.exog, given["exog"])
    again = mg.MixedGLM(family="poisson", **given).fit_laplace(integrate="mode")
    np.testing.assert_array_equal(again.params, first)
    np.testing.assert_array_equal(model.fit_laplace(integrate="mode").params, first)


@pytest.mark.parametrize(
    ("order", "kept"), [(np.arange(200), 0), (np.arange(200) // 10, 1)], ids=["scattered", "sorted"]
)
def test_a_compiled_model_keeps_columns_only_where_it_looks_at_them(order: np.ndarray, kept: int) -> None:
    model = mg.MixedGLM(family="poisson", fe_p=1.0, vcp_p=1.0, **grouped(order))
    before = sys.getrefcount(model.spec.design.exog)
    model.core()
    after = sys.getrefcount(model.spec.design.exog)
    assert after == before + kept
