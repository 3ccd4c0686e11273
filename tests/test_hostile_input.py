"""Input that once crashed, hung, gave NaN without a word, or an error that did not name the argument."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import mixed_glm as mg

N = 6
X = np.column_stack([np.ones(N), np.arange(N)])
Z = sparse.csr_array(np.eye(3)[[0, 1, 2, 0, 1, 2]])
Y = np.array([0.0, 1, 1, 0, 1, 0])


def make(**changes):
    arguments = {"endog": Y, "exog": X, "exog_vc": Z, "ident": [0, 0, 0], "family": "binomial"} | changes
    return mg.MixedGLM(**arguments)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"exog": 1e60 * X}, ValueError, "exog must be at most 1e.50 in absolute value, got 1e.60 at row 0"),
        ({"exog_vc": 1e60 * Z}, ValueError, "exog_vc must be at most 1e.50 in absolute value, got 1e.60 at row 0"),
        ({"offset": [0, 0, 1e300, 0, 0, 0]}, ValueError, "offset must be at most 1e.50 .* at row 2"),
        ({"fe_p": 1e-300}, ValueError, "fe_p must be a positive, finite standard deviation"),
        ({"vcp_p": 1e300}, ValueError, "vcp_p must be a positive, finite standard deviation"),
        ({"exog": [[10**400, 1]] * N}, TypeError, "exog must be numeric"),
        ({"offset": [10**400] * N}, TypeError, "offset must be numeric"),
        ({"endog": [[1], [2, 3]]}, TypeError, "endog must hold"),
        ({"endog": {1, 2}}, TypeError, "endog"),
        ({"endog": np.zeros(N, "V8")}, TypeError, "endog"),
        ({"ident": [[1], [2, 3]]}, TypeError, "ident must hold"),
        ({"ident": [[1], [2, 3]], "exog_vc": None}, TypeError, "ident must hold"),
        ({"exog_vc": pd.DataFrame(index=range(N)), "ident": [0]}, ValueError, "ident must have one label"),
    ]
    + [
        ({name: value}, TypeError, f"{name} must be a list of names")
        for name in ("fep_names", "vcp_names", "vc_names")
        for value in (1.5, 3, np.array(2.0), object(), "abc", b"abc")
    ],
)  # fmt: skip
def test_the_argument_is_named(changes, error, message):
    with pytest.raises(error, match=message):
        make(**changes)


def test_labels_of_the_other_byte_order():
    assert list(make(ident=np.array([5, 5, 2], dtype=">i4")).ident) == [1, 1, 0]


def corrupt(value, **arrays):
    for name, array in arrays.items():
        setattr(value, name, array)
    return value


def lil(**arrays):
    return corrupt(Z.tolil(), **arrays)


LISTS = np.array([[0], [1], [2], [0], [1], [2]], dtype=object)
LONG = np.array([[1.0], [1.0] * 5000, [1.0], [1.0], [1.0], [1.0]], dtype=object)
POINTERS, INDICES = np.arange(N + 1), np.array([0, 1, 2, 0, 1, 2])
FEW = np.array([0, 2, 4, 6])

CORRUPT = {
    "csr: column beyond the shape": lambda: corrupt(Z.copy(), indices=INDICES + 10**6),
    "csr: negative column": lambda: corrupt(Z.copy(), indices=-INDICES),
    "csr: pointer beyond the entries": lambda: corrupt(Z.copy(), indptr=POINTERS * 10**6),
    "csr: pointers decrease": lambda: corrupt(Z.copy(), indptr=POINTERS[::-1].copy()),
    "csr: pointer negative": lambda: corrupt(Z.copy(), indptr=POINTERS - 1),
    "csr: too few pointers": lambda: corrupt(Z.copy(), indptr=POINTERS[:-1]),
    "csr: pointers are no integers": lambda: corrupt(Z.copy(), indptr=POINTERS.astype(float)),
    "csr: too few data": lambda: corrupt(Z.copy(), data=np.ones(2)),
    "csr: data of two dimensions": lambda: corrupt(Z.copy(), data=np.ones((6, 1))),
    "csr: other shape": lambda: corrupt(Z.copy(), _shape=(N, 2)),
    "csc: row beyond the shape": lambda: corrupt(Z.tocsc(), indices=INDICES + 10**6),
    "csc: too few data": lambda: corrupt(Z.tocsc(), data=np.ones(1)),
    "bsr: column beyond the shape": lambda: corrupt(Z.tobsr((2, 1)), indices=np.full(6, 99)),
    "bsr: data of other dimensions": lambda: corrupt(Z.tobsr((2, 1)), data=np.ones(12)),
    "bsr: blocks do not fit": lambda: corrupt(Z.tobsr((2, 1)), data=np.ones((6, 5, 1)), indptr=FEW),
    "coo: row beyond the shape": lambda: corrupt(Z.tocoo(), row=INDICES + 10**6),
    "coo: too few columns": lambda: corrupt(Z.tocoo(), col=INDICES[:2]),
    "lil: column beyond the shape": lambda: lil(rows=LISTS * 500),
    "lil: data longer than its row": lambda: lil(data=LONG),
    "lil: a row that is no list": lambda: lil(rows=np.array([None] * N, dtype=object)),
    "dia: offsets do not match": lambda: corrupt(Z.todia(), offsets=np.zeros(1, int)),
}


@pytest.mark.parametrize("name", CORRUPT)
def test_corrupt_sparse_arrays(name):
    """scipy.sparse itself reads or writes beyond its arrays with most of these."""
    with pytest.raises(ValueError, match=r"exog_vc must (be a sound sparse array|have \d rows)"):
        make(exog_vc=CORRUPT[name]())


def test_a_corrupt_sparse_response():
    with pytest.raises(ValueError, match="exog must be a sound sparse array"):
        make(exog=corrupt(sparse.csr_array(X), indices=np.full(11, 10**6)))


@pytest.mark.parametrize(
    "weights", [np.zeros(N), np.array([0.0, 1, 1, 1, 1, 1])], ids=["none counts", "an outlier does not"]
)
def test_standardized_columns_with_weights_of_zero(weights):
    x = np.column_stack([np.zeros(N), np.arange(N) / 3.0])
    x[0, 0] = 1e9
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.MixedGLMWarning)
        result = make(exog=x, freq_weights=weights).fit_map(scale_fe=True)
    assert np.isfinite(result.params).all()


def test_standardized_columns_that_underflow():
    x = np.column_stack([np.full(N, 5e-324), 1e-170 * np.arange(N), np.arange(N)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.MixedGLMWarning)
        result = make(exog=x).fit_map(scale_fe=True)
    assert np.isfinite(result.bse).all()
    assert (result.bse > 0).all()


def test_lost_precision_is_told():
    """Log densities of 1e17 are known to 16 nats: how they fall off around the mode is noise."""
    flagged = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        model = make(
            endog=rng.binomial(8, 0.4, N), n_trials=8, freq_weights=1e16 * rng.integers(1, 4, size=N)
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = model.fit_laplace()
            except RuntimeError:  # "the fit failed"
                flagged += 1
                continue
        assert bool(caught) != result.converged
        assert not result.converged or (result.bse > 0).all()
        flagged += not result.converged
    assert flagged > 0


FRAME = pd.DataFrame(
    {"y": Y, "x": np.arange(N), "g": list("abcabc"), "day": pd.date_range("2020", periods=N)}
)


@pytest.mark.parametrize(
    ("formula", "vc", "message"),
    [
        ("np.log ~ x + (1 | g)", None, "the response 'np.log' must have one value a row"),
        ("y ~ x + (0 + day:x | g)", None, r"cannot evaluate '0 \+ day:x'"),
        ("y ~ \ud800 + (1 | g)", None, "half a character"),
        ("y ~ C(g, x) + (1 | g)", None, "cannot evaluate"),  # contrasts without a second dimension
        ("y ~ x", {"a": "0 + np.log"}, "vc_formulas: cannot evaluate"),
        ("y ~ x", {"a": "0 + np"}, "vc_formulas: cannot evaluate"),
        ("y ~ ()", None, "formula"),
        ("y ~ x +\\\n", None, "formula"),
    ],
)
def test_formulas(formula, vc, message):
    with pytest.raises(ValueError, match=message):
        mg.MixedGLM.from_formula(formula, vc, data=FRAME, family="binomial")


@pytest.mark.parametrize(
    "ident",
    [
        np.ma.masked_array([0, 0, 0], [True, False, False]),
        np.ma.masked_array(["a", "b", "a"], [True, False, False]),
        ["a", np.nan, "a"],
        ["a", None, "a"],
    ],
)
def test_missing_labels_of_columns(ident):
    with pytest.raises(ValueError, match="ident must not have missing labels"):
        make(ident=ident)


def test_labels_of_columns_that_are_written_in_the_same_way():
    with pytest.raises(ValueError, match="vcp_names must be distinct, got '1' twice"):
        make(ident=[1, "1", 1])


def test_masks_in_data():
    rows = np.ma.array(
        [(0.0, 1.0, 1), (1.0, 2.0, 2), (1.0, 9.0, 2)], dtype=[("y", float), ("x", float), ("g", int)],
        mask=[(0, 0, 0), (0, 0, 0), (0, 1, 0)],
    )  # fmt: skip
    columns = {name: rows[name] for name in rows.dtype.names}
    for data in (rows, columns):
        assert mg.MixedGLM.from_formula("y ~ 0 + x + (1 | g)", data=data, family="binomial").n_missing == 1
    weights = np.ma.masked_array(np.ones(N), np.arange(N) == 1)
    model = mg.MixedGLM.from_formula("y ~ x", data=FRAME, family="binomial", freq_weights=weights)
    assert (model.n_missing, model.nobs) == (1, N - 1)


@pytest.mark.parametrize("formula", ["y ~ Intercept", "y ~ x + (Intercept || g)", "y ~ `x:z` + x:z"])
def test_columns_that_would_have_one_name(formula):
    data = FRAME.assign(**{"Intercept": np.arange(N), "z": 1.0, "x:z": 2.0})
    with pytest.raises(ValueError, match=r"two columns called '(Intercept|x:z)'.*rename the column of data"):
        mg.MixedGLM.from_formula(formula, data=data, family="binomial")


def test_a_slope_called_intercept():
    data = FRAME.assign(Intercept=np.arange(N) + 2.0)
    model = mg.MixedGLM.from_formula("y ~ 0 + x + (0 + Intercept | g)", data=data, family="binomial")
    assert model.vcp_names == ["Intercept|g"]
    np.testing.assert_array_equal(model.exog_vc.sum(axis=1), data["Intercept"])
    np.testing.assert_array_equal(model._encoding.encode_random(data).sum(axis=1), data["Intercept"])


@pytest.mark.parametrize("formula", ["y ~ a b", "y ~ x + (a b | g)", "y ~ (x"])
def test_messages_are_plain_text(formula):
    with pytest.raises(ValueError, match="formula") as caught:
        mg.MixedGLM.from_formula(formula, data=FRAME, family="binomial")
    with pytest.raises(ValueError, match=r"vc_formulas|formula") as of_components:
        mg.MixedGLM.from_formula("y ~ x", {"a": "a b"}, data=FRAME, family="binomial")
    with pytest.raises(ValueError, match="L: cannot understand") as of_contrast:
        make(exog_vc=None, ident=None).fit_map().contrast("FE_1 > 0")
    for message in map(str, (caught.value, of_components.value, of_contrast.value)):
        assert message.isprintable()
        assert "⧛" not in message


def test_weights_next_to_nothing_are_nothing():
    """Means of a row's logarithms, weighted by denormal numbers, were NaN."""
    y, x = np.array([3.9, 0.5, 2.7, 0.19, 0.2, 0.04]), np.ones((6, 1))
    point = np.zeros(6)
    values = [
        mg.MixedGLM(
            y, x, np.eye(3)[np.arange(6) % 3], np.zeros(3, int), "gamma", freq_weights=[3, 2, 1, w, 0, 3]
        ).logposterior(point)
        for w in (5e-324, 0.0)
    ]
    assert values[0] == values[1]
    assert np.isfinite(values[0])
