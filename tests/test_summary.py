"""The printed summary: layout, numbers, HTML, LaTeX."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg
from mixed_glm._report.summary import _number
from mixed_glm.summary import Summary


@pytest.fixture
def summary() -> Summary:
    table = pd.DataFrame(
        {"Type": ["M", "V"], "Post. Mean": ["-1.2345", "0.5000"], "SD": ["", "1.649"]},
        index=["x & <y>", "herd"],
    )
    return Summary(
        "Binomial Mixed GLM Results", [("Family:", "binomial"), ("Link:", "logit")], table, ["A note"]
    )


def test_text_layout(summary: Summary) -> None:
    assert str(summary).splitlines() == [
        "   Binomial Mixed GLM Results",
        "================================",
        "Family: binomial     Link: logit",
        "--------------------------------",
        "         Type  Post. Mean     SD",
        "--------------------------------",
        "x & <y>   M       -1.2345",
        "herd      V        0.5000  1.649",
        "================================",
        "A note",
    ]


def test_lines_have_one_width(summary: Summary) -> None:
    lines = str(summary).splitlines()
    ruled = [len(line) for line in lines if set(line) <= set("=-")]
    assert len(set(ruled)) == 1
    assert max(map(len, lines)) == ruled[0]
    assert lines[0].strip() == summary.title
    assert lines[-1] == "A note"


def test_tables(summary: Summary) -> None:
    header, parameters = summary.tables
    assert header.loc[0].tolist() == ["Family:", "binomial"]
    assert parameters.loc["herd", "SD"] == "1.649"


def test_html_is_escaped(summary: Summary) -> None:
    text = summary._repr_html_()
    assert "x &amp; &lt;y&gt;" in text
    assert "<caption>Binomial Mixed GLM Results</caption>" in text


def test_latex(summary: Summary) -> None:
    pytest.importorskip("jinja2")
    text = summary.as_latex()
    assert r"x \& <y>" in text
    assert r"\toprule" in text
    assert "% A note" in text


def test_latex_without_jinja(summary: Summary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.delitem(sys.modules, "pandas.io.formats.style", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'mixed-glm\[latex\]'"):
        summary.as_latex()


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.23456, "1.2346"), (0.0, "0.0000"), (-12345.6, "-12345.6000"), (1e-6, "1.000e-06"), (1e12, "1.000e+12"),
     (np.nan, "nan"), (np.inf, "inf")],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert _number(value) == text


def test_cells_of_a_fit() -> None:
    data = mg.datasets.load_cbpp()
    data.loc[0, "incidence"] = np.nan
    model = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=data, family="binomial", n_trials="size", vcp_p=0.5
    )
    result = model.fit_map()
    summary = result.summary(alpha=0.1)
    table = summary.table
    assert list(table.columns) == ["Type", "Post. Mean", "Post. SD", "LB", "UB", "SD", "SD (LB)", "SD (UB)"]
    assert list(table["Type"]) == ["M"] * 4 + ["V"]
    assert table.loc["period[T.2]", "Post. Mean"] == f"{result.fe_mean[1]:.4f}"
    assert table.loc["period[T.2]", "SD"] == ""
    assert table.loc["herd", "SD"] == f"{np.exp(result.vcp_mean[0]):.3f}"
    for name, (lower, upper) in result.conf_int(0.1).iloc[:5].iterrows():
        assert list(table.loc[name, ["LB", "UB"]]) == [f"{lower:.4f}", f"{upper:.4f}"]
    low, high = np.exp(result.conf_int(0.1).loc["herd"])
    assert table.loc["herd", "SD (LB)"] == f"{low:.3f}"
    assert table.loc["herd", "SD (UB)"] == f"{high:.3f}"
    header = dict(summary.header)
    assert header["No. Observations:"] == "55"
    assert header["Rows Dropped (Missing):"] == "1"
    assert header["Effects of herd:"] == "15"
    assert header["Status:"] == "converged"
    assert "90 %" in summary.notes[3]
    assert summary.title == "Binomial Mixed GLM Results"
    assert result._repr_html_() == result.summary().as_html()


def test_random_effects_are_rows_where_they_are_asked_for() -> None:
    result = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=mg.datasets.load_cbpp(), family="binomial", n_trials="size"
    ).fit_laplace()
    short, long = result.summary().table, result.summary(alpha=0.1, random=True).table
    assert len(long) == len(short) + 15
    assert "R: random effects" not in str(result.summary())
    assert "R: random effects" in str(result.summary(random=True))
    rows = long[long["Type"] == "R"]
    table = result.random_effects(alpha=0.1)
    assert list(rows.index) == list(table.index)
    for column, of in {"Post. Mean": "Mean", "Post. SD": "SD", "LB": "Lower", "UB": "Upper"}.items():
        assert list(rows[column]) == [_number(value) for value in table[of]]
    assert set(rows["SD"]) == {""}
