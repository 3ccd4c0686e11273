"""The command line from a table to an answer: report, effects, left-out rows, draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg
from mixed_glm.cli import main

FIT = ["fit", "cbpp.csv", "incidence ~ C(period) + (1 | herd)", "--family", "binomial", "--n-trials", "size"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a table and a saved fit of it."""
    monkeypatch.chdir(tmp_path)
    mg.datasets.load_cbpp().astype({"period": int}).to_csv("cbpp.csv", index=False)
    assert main([*FIT, "--save", "cbpp.mglm"]) == 0
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_from_a_table_to_a_report_with_one_command(folder: Path) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    assert main([*FIT, "--report", "fit.html"]) == 0
    page = Path("fit.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<svg") == 5
    arguments = ["report", "cbpp.mglm", "--data", "cbpp.csv", "--n-trials", "size", "-o", "again.html"]
    assert main(arguments) == 0
    assert Path("again.html").read_text(encoding="utf-8") == page
    assert main(["report", "cbpp.mglm", "-o", "short.html", "--title", "<Herds>", "--draws", "100"]) == 0
    assert "<h1>&lt;Herds&gt;</h1>" in Path("short.html").read_text(encoding="utf-8")


def test_reports_that_cannot_be_made(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jinja2")
    assert ".html" in refused(capsys, *FIT, "--report", "fit.pdf")
    assert ".html" in refused(capsys, "report", "cbpp.mglm", "-o", "fit.txt")
    assert "--data" in refused(capsys, "report", "cbpp.mglm", "-o", "fit.html", "--n-trials", "size")
    assert "same file" in refused(capsys, "report", "cbpp.mglm", "-o", "cbpp.mglm")
    assert not Path("fit.html").exists()


def test_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = mg.load("cbpp.mglm")
    capsys.readouterr()
    assert main(["loo", "cbpp.mglm", "--output", "rows.csv"]) == 0
    assert capsys.readouterr().out == f"{result.loo()}\n"
    rows = pd.read_csv("rows.csv")
    np.testing.assert_allclose(rows["elpd"], result.loo().pointwise)
    np.testing.assert_allclose(rows["pareto_k"], result.loo().pareto_k)
    assert main(["loo", "cbpp.mglm", "--exact", "--output", "rows.json"]) == 0
    np.testing.assert_allclose(pd.read_json("rows.json")["elpd"], result.loo(exact=True).pointwise)
    assert main(["loo", "cbpp.mglm", "--group", "herd", "--output", "herds.csv"]) == 0
    herds = pd.read_csv("herds.csv")
    np.testing.assert_allclose(herds["elpd"], result.leave_out("herd").pointwise)
    assert len(herds) == 15
    assert "herd" in refused(capsys, "loo", "cbpp.mglm", "--group", "nobody")


@pytest.mark.parametrize(
    ("options", "method", "arguments"),
    [
        ([], "avg_comparisons", {}),
        (["--comparison", "ratio"], "avg_comparisons", {"comparison": "ratio"}),
        (["--predictions", "--by", "period"], "avg_predictions", {"by": "period"}),
        (
            ["--variables", "period", "--random", "marginal", "--level", "0.8", "--weights", "size"],
            "avg_comparisons",
            {"variables": "period", "random": "marginal", "conf_level": 0.8, "wts": "size"},
        ),
    ],
)
def test_effects(folder: Path, options: list[str], method: str, arguments) -> None:
    assert main(["effects", "cbpp.mglm", "cbpp.csv", *options, "--output", "table.csv"]) == 0
    expected = getattr(mg.load("cbpp.mglm"), method)(newdata=pd.read_csv("cbpp.csv"), **arguments)
    pd.testing.assert_frame_equal(pd.read_csv("table.csv"), expected, check_dtype=False)


def test_effects_that_are_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "slope" in refused(capsys, "effects", "cbpp.mglm", "cbpp.csv", "--slopes")
    assert "nobody" in refused(capsys, "effects", "cbpp.mglm", "cbpp.csv", "--variables", "nobody")


@pytest.mark.parametrize(
    ("options", "kind"),
    [([], "mean"), (["--linear"], "linear"), (["--predictive", "--n-trials", "size"], "response")],
)
def test_draws_of_predictions(folder: Path, options: list[str], kind: str) -> None:
    command = [
        "predict",
        "cbpp.mglm",
        "cbpp.csv",
        "--draws",
        "20",
        "--random",
        "conditional",
        "--output",
        "p.csv",
    ]
    assert main([*command, "--save-draws", "draws.csv", *options]) == 0
    found = pd.read_csv("draws.csv")
    more = {"n_trials": "size"} if kind == "response" else {}
    expected = mg.load("cbpp.mglm").predict_draws(
        pd.read_csv("cbpp.csv"), kind=kind, random="conditional", draws=20, **more
    )
    assert list(found.columns) == ["draw", "row", "value"]
    np.testing.assert_allclose(found["value"].to_numpy().reshape(20, 56), expected)
    assert len(pd.read_csv("p.csv")) == 56
