"""The picture of an effect: curve and interval are predictions, the dots the rows of the model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": np.repeat(np.arange(12), 10), "x": rng.uniform(0, 10, 120)})
    frame["f"] = rng.choice(["a$", "b", "c"], 120, p=[0.2, 0.5, 0.3])
    frame["t"] = rng.uniform(1, 3, 120)
    frame["y"] = rng.poisson(frame.t * np.exp(0.2 + 0.1 * frame.x + rng.normal(size=12)[frame.g] * 0.4))
    frame.loc[5, "x"] = np.nan
    return frame


@pytest.fixture(scope="module")
def counts(frame: pd.DataFrame) -> mg.MixedGLMResults:
    return mg.MixedGLM.from_formula(
        "y ~ x * f + (1 | g)", data=frame, exposure="t", family="poisson"
    ).fit_laplace()


def test_curve_and_band_are_predictions(frame, counts) -> None:
    ax = counts.plot_effect("x", alpha=0.2)
    (line,) = ax.lines
    x, y = line.get_data()
    new = pd.DataFrame({"x": x, "f": "b"})  # most rows have it
    table = counts.predict(new, exposure=np.ones(len(new)), interval=0.8)
    np.testing.assert_allclose(y, table["mean"])
    assert (x.min(), x.max()) == (frame["x"].min(), frame["x"].max())
    band = ax.collections[-1].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(table["lower"].min())
    assert band[:, 1].max() == pytest.approx(table["upper"].max())
    used = frame.drop(index=5)
    np.testing.assert_allclose(ax.collections[0].get_offsets(), np.c_[used.x, used.y / used.t])
    assert ax.get_xlabel() == "x"
    assert ax.get_ylabel() == "mean of y"
    assert "typical group" in ax.get_title()
    assert "80 %" in ax.get_title()


def test_levels_of_a_factor_and_of_another(frame, counts) -> None:
    ax = counts.plot_effect("f", "x", random="marginal")
    assert [t.get_text() for t in ax.get_xticklabels()] == [r"a\$", "b", "c"]
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    x = frame["x"]
    assert texts == [f"{v:.4g}" for v in (x.mean() - x.std(), x.mean(), x.mean() + x.std())]
    lines = counts.plot_effect("x", "f")
    assert [line.get_label() for line in lines.lines] == [r"a\$", "b", "c"]
    lines.figure.canvas.draw()
    bottom = lines.transData.inverted().transform(lines.get_legend().get_window_extent())[0, 1]
    bands = [
        c.get_paths()[0].vertices[:, 1].max()
        for c in lines.collections
        if len(c.get_paths()[0].vertices) > 50
    ]
    assert len(bands) == 3
    assert max(bands) < bottom
    dots = lines.collections
    assert sum(len(d.get_offsets()) for d in dots if hasattr(d, "get_sizes") and len(d.get_sizes())) == 119
    _, mine = plt.subplots()
    assert counts.plot_effect("x", at={"f": "c", "g": 3}, random="conditional", ax=mine, data=False) is mine
    group = pd.DataFrame({"x": mine.lines[0].get_xdata(), "f": "c", "g": 3})
    expected = counts.predict(group, exposure=np.ones(len(group)), random="conditional")
    np.testing.assert_allclose(mine.lines[0].get_ydata(), expected)
    assert not [c for c in mine.collections if len(getattr(c, "get_sizes", list)())]


def test_shares_of_successes() -> None:
    data = mg.datasets.load_cbpp()
    result = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=data, family="binomial", n_trials="size"
    ).fit_laplace()
    ax = result.plot_effect("period")
    dots = ax.collections[0]
    np.testing.assert_allclose(dots.get_offsets()[:, 1], data["incidence"] / data["size"])
    assert np.argmax(dots.get_sizes()) == data["size"].argmax()
    assert ax.get_ylabel() == "probability of incidence"
    means = ax.collections[-1].get_offsets()[:, 1]
    np.testing.assert_allclose(means, result.predict(pd.DataFrame({"period": [1, 2, 3, 4]})))


def test_offsets_of_the_formula_are_those_of_the_curve(frame) -> None:
    result = mg.MixedGLM.from_formula(
        "y ~ x + offset(log(t)) + (1 | g)", data=frame, family="poisson"
    ).fit_laplace()
    ax = result.plot_effect("x")
    used = frame.drop(index=5)
    np.testing.assert_allclose(ax.collections[0].get_offsets()[:, 1], used.y / used.t * used.t.mean())
    along = result.plot_effect("t")
    np.testing.assert_allclose(along.collections[0].get_offsets(), np.c_[used.t, used.y])


def test_rows_at_typical_and_chosen_values(counts) -> None:
    grid = counts.datagrid(x=[0, 1], f=None)
    assert grid[["x", "f"]].to_numpy().tolist() == [
        [0, "a$"],
        [0, "b"],
        [0, "c"],
        [1, "a$"],
        [1, "b"],
        [1, "c"],
    ]
    typical = counts.datagrid(g=[3])
    assert typical["f"].tolist() == ["b"]
    assert typical["x"][0] == pytest.approx(counts.model.data.frame["x"].mean())
    assert counts.predict(typical, exposure=1.0 * np.ones(1), random="conditional").shape == (1,)
    with pytest.raises(ValueError, match="x is a number"):
        counts.datagrid(x=None)
    with pytest.raises(ValueError, match="no column 'z'"):
        counts.datagrid(z=1)


def test_what_does_not_fit_is_refused(frame, counts, tmp_path) -> None:
    with pytest.raises(ValueError, match="got 'x' twice"):
        counts.plot_effect("x", "x")
    with pytest.raises(ValueError, match="got 'f' twice"):
        counts.plot_effect("x", "f", at={"f": "b"})
    with pytest.raises(ValueError, match="at must have one value of each variable, got several of 'f'"):
        counts.plot_effect("x", at={"f": ["b", "c"]})
    with pytest.raises(ValueError, match="no column 'w'"):
        counts.plot_effect("w")
    many = frame.assign(k=(np.arange(120) % 7).astype(str))
    result = mg.MixedGLM.from_formula("y ~ x + k + (1 | g)", data=many, family="poisson").fit_laplace()
    with pytest.raises(ValueError, match="'k' has 7 levels, and at most 6"):
        result.plot_effect("x", "k")
    counts.save(tmp_path / "fit.mglm")
    loaded = mg.load(tmp_path / "fit.mglm")
    with pytest.raises(ValueError, match="newdata must be given"):
        loaded.plot_effect("x")
    with pytest.raises(ValueError, match="exposure must be given"):
        loaded.plot_effect("x", newdata=frame)
    mixed = frame.sample(frac=1, random_state=1).reset_index(drop=True)  # as many rows, in another order
    dots = loaded.plot_effect("x", newdata=mixed, exposure="t").collections[0].get_offsets()
    np.testing.assert_allclose(dots[:, 1], mixed.y / mixed.t)
