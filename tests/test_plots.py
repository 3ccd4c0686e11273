"""Caterpillar plots: what is drawn, and what is said without matplotlib."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import mixed_glm as mg

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(scope="module")
def result() -> mg.MixedGLMResults:
    formula = "incidence ~ period + (1 | herd) + (1 | period:herd)"
    data = mg.datasets.load_cbpp()
    return mg.MixedGLM.from_formula(
        formula, data=data, family="binomial", n_trials="size", vcp_p=[0.3, 0.1]
    ).fit_map()


def test_effects_in_order_with_intervals(result: mg.MixedGLMResults) -> None:
    _, ax = plt.subplots()
    assert result.plot_random_effects("herd", ax=ax) is ax
    drawn = ax.lines[-1].get_xdata()
    np.testing.assert_allclose(drawn, np.sort(result.vc_mean[:15]))
    segments = np.array(ax.collections[0].get_segments())[:, :, 0]
    order = np.argsort(result.vc_mean[:15])
    np.testing.assert_allclose(segments, result.conf_int().loc["herd[1]":"herd[15]"].to_numpy()[order])
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert labels == [str(j + 1) for j in order]
    assert ax.get_ylabel() == "herd"
    assert ax.get_xlabel() == "random effect (log odds)"
    assert ax.get_title() == "herd: posterior mode and 95 % interval"
    plt.close("all")


def test_own_axes(result: mg.MixedGLMResults) -> None:
    ax = result.plot_random_effects(1)
    assert ax.get_ylabel() == "period:herd"
    plt.close("all")


def test_which_component(result: mg.MixedGLMResults) -> None:
    with pytest.raises(ValueError, match="'herd', 'period:herd'; the model has several"):
        result.plot_random_effects()


def test_without_matplotlib(result: mg.MixedGLMResults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'mixed-glm\[plot\]'"):
        result.plot_random_effects("herd")
