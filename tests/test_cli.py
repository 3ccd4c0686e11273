"""The command line: what it prints and writes, and one line for every error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import mixed_glm as mg
from mixed_glm.cli import main

FORMULA = "incidence ~ C(period) + (1 | herd)"


@pytest.fixture
def csv(tmp_path: Path) -> str:
    path = tmp_path / "cbpp.csv"
    data = mg.datasets.load_cbpp()
    data["twice"] = 2
    data.to_csv(path, index=False)
    return str(path)


def test_fit_prints_the_summary(csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["fit", csv, FORMULA, "--family", "binomial", "--n-trials", "size", "--vcp-p", "0.5"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "Binomial Mixed GLM Results" in printed.out
    assert "C(period)[T.4]" in printed.out
    assert printed.err == ""


def test_warnings_are_one_line(csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", csv, FORMULA, "--family", "binomial", "--n-trials", "size", "--method", "map"]) == 0
    error = capsys.readouterr().err
    assert error.startswith("mixed-glm: warning: the joint mode has collapsed")
    assert error.count("\n") == 1


def test_output_and_plot(csv: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    output, plot = tmp_path / "fit.json", tmp_path / "herds.png"
    arguments = ["fit", csv, FORMULA, "--family", "binomial", "--link", "probit", "--n-trials", "size", "--weights",
                 "twice", "--method", "map", "--fe-p", "5", "--vcp-p", "0.3", "--output", str(output), "--plot", str(plot)]  # fmt: skip
    assert main(arguments) == 0
    assert plot.read_bytes().startswith(b"\x89PNG")
    written = json.loads(output.read_text())
    data = mg.datasets.load_cbpp()
    result = mg.MixedGLM.from_formula(
        FORMULA, data=data, family=mg.families.Binomial(link="probit"), n_trials="size", fe_p=5.0, vcp_p=0.3,
        freq_weights=[2] * len(data),
    ).fit_map()  # fmt: skip
    assert written["link"] == "probit"
    assert [p["mean"] for p in written["parameters"]] == pytest.approx(result.params)
    assert [p["sd"] for p in written["parameters"]] == pytest.approx(result.bse)
    assert written["parameters"][4]["name"] == "herd"
    assert written["converged"] is True
    assert str(plot) in capsys.readouterr().out


def test_offset_and_exposure(csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", csv, FORMULA, "--family", "poisson", "--exposure", "size", "--offset", "twice"]) == 0
    assert "Poisson" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "nowhere.csv"}, "nowhere.csv"),
        ({"formula": "incidence ~ nope"}, "'nope', which is not a column of data"),
        ({"formula": "incidence"}, "response ~ terms"),
        ({"--family": "gaussian"}, "gaussian"),
        ({"--family": "poisson", "--alpha": "2"}, "--alpha"),
        ({"--link": "nope"}, "nope"),
        ({"--method": "magic", "--n-trials": "size"}, "method must be 'auto' or one of"),
        ({"--n-trials": "nope"}, "n_trials: data has no column 'nope'"),
        ({"--fe-p": "0", "--n-trials": "size"}, "fe_p must be a positive"),
        ({"--fe-p": "much"}, "--fe-p"),
    ],
)
def test_errors_are_one_line_and_status_2(
    csv: str, changes: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"--family": "binomial"} | {k: v for k, v in changes.items() if k.startswith("--")}
    arguments = ["fit", changes.get("data", csv), changes.get("formula", FORMULA)]
    for name, value in options.items():
        arguments += [name, value]
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    error = capsys.readouterr().err
    assert status == 2
    assert error.count("\n") == 1
    assert error.startswith("mixed-glm: error: ")
    assert message in error


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--help"])
    assert stop.value.code == 0
    assert "mixed-glm fit trial.csv" in capsys.readouterr().out


def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    plot = tmp_path / "demo.png"
    assert main(["demo", "--plot", str(plot)]) == 0
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "period[T.2]" in capsys.readouterr().out


def test_demo_without_matplotlib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["demo"]) == 0
    printed = capsys.readouterr()
    assert "period[T.2]" in printed.out
    assert "pip install 'mixed-glm[plot]'" in printed.out


def test_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mixed_glm", "fit", "nowhere.csv", "y ~ x", "--family", "poisson"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
