"""The command line: what it prints and writes, and one line for every error."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
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


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "COMMAND: fit, report,"),
        (["fit", "a.csv", "y ~ x"], "--family: gaussian, binomial,"),
        (["fit", "a.csv"], "FORMULA: such as 'y ~ x + (1 | g)'"),
        (["fit", "y ~ x", "a.csv", "--family", "poisson"], "mixed-glm fit a.csv 'y ~ x' ..."),
    ],
)
def test_what_is_missing_is_told_with_what_may_stand_there(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.suppress(SystemExit):  # which the parser raises
        assert main(arguments) == 2
    assert expected in capsys.readouterr().err


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


@pytest.mark.parametrize(
    ("options", "method", "named"),
    [
        (["--method", "laplace", "--n-quad", "7", "--leaf", "herd", "--integrate", "mode"], "leaf",
         {"method": "laplace", "n_quad": 7, "leaf": "herd", "integrate": "mode"}),
        (["--method", "ep", "--n-quad", "15", "--vcp-p", "0.5", "--fe-p", "1,2,2,3"], "ep",
         {"method": "ep", "n_quad": 15}),
        (["--method", "vb", "--covariance", "full", "--scale-fe"], "vb",
         {"method": "vb", "covariance": "full", "scale_fe": True}),
        (["--integrate", "ccd"], None, {"integrate": "ccd"}),
    ],
)  # fmt: skip
def test_options_of_the_fit(
    csv: str, tmp_path: Path, options: list[str], method: str | None, named: dict[str, object]
) -> None:
    output = tmp_path / "fit.json"
    arguments = ["fit", csv, FORMULA, "--family", "binomial", "--n-trials", "size", "--output", str(output)]
    assert main([*arguments, *options]) == 0
    written = json.loads(output.read_text())
    priors = {"vcp_p": 0.5, "fe_p": [1, 2, 2, 3]} if "--fe-p" in options else {}
    result = mg.MixedGLM.from_formula(
        FORMULA, data=mg.datasets.load_cbpp(), family="binomial", n_trials="size", **priors
    ).fit(**named)  # type: ignore[arg-type]
    assert method is None or written["method"].startswith(method)
    assert [p["mean"] for p in written["parameters"]] == pytest.approx(result.params)
    assert [p["sd"] for p in written["parameters"]] == pytest.approx(result.bse)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--n-quad", "7"],
            "fit(method='auto') takes integrate, progress, n_jobs, got 'n_quad'; method='laplace'",
        ),
        (["--method", "map", "--integrate", "grid"], "got 'integrate'"),
        (["--method", "laplace", "--n-quad", "7", "--leaf", "cow"], "got 'cow'"),
        (["--vcp-p", "1,2"], "vcp_p must be one number or one for each of the 1"),
        (["--vcp-p", "-1"], "vcp_p must be a positive"),
    ],
)
def test_options_that_do_not_fit(
    csv: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", csv, FORMULA, "--family", "binomial", "--n-trials", "size", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("picture", ["random-effects", "posterior", "coefficients", "predictive-check"])
def test_pictures(csv: str, picture: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot = tmp_path / "picture.pdf"
    arguments = ["fit", csv, FORMULA, "--family", "binomial", "--n-trials", "size"]
    assert main([*arguments, "--plot", str(plot), "--picture", picture]) == 0
    assert plot.read_bytes().startswith(b"%PDF")


def test_estimates_as_csv(csv: str, tmp_path: Path) -> None:
    output = tmp_path / "estimates.csv"
    arguments = ["fit", csv, FORMULA, "--family", "binomial", "--n-trials", "size", "--output", str(output)]
    assert main(arguments) == 0
    written = pd.read_csv(output, index_col="name")
    assert list(written.columns) == ["type", "mean", "sd", "lower", "upper"]
    assert len(written) == 4 + 1 + 15


def test_progress(csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    assert main(["fit", csv, FORMULA, "--family", "binomial", "--n-trials", "size", "--progress"]) == 0
    assert "integration" in capsys.readouterr().err


@pytest.fixture
def saved(csv: str, tmp_path: Path) -> str:
    path = tmp_path / "cbpp.mglm"
    arguments = ["fit", csv, FORMULA, "--family", "binomial", "--n-trials", "size", "--save", str(path)]
    assert main(arguments) == 0
    return str(path)


def test_predictions_are_printed(saved: str, csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["predict", saved, csv]) == 0
    printed = pd.read_csv(io.StringIO(capsys.readouterr().out))
    data = pd.read_csv(csv)
    assert list(printed.columns) == [*data.columns, "predicted"]
    np.testing.assert_allclose(printed["predicted"], mg.load(saved).predict(data), rtol=1e-12)
    assert main(["predict", saved, csv, "--linear"]) == 0
    linear = pd.read_csv(io.StringIO(capsys.readouterr().out))
    np.testing.assert_allclose(linear["predicted"], mg.load(saved).predict(data, linear=True), rtol=1e-12)


def test_intervals(saved: str, csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    options = ["--random", "conditional", "--interval", "0.9", "--draws", "200", "--seed", "7"]
    assert main(["predict", saved, csv, *options]) == 0
    printed = pd.read_csv(io.StringIO(capsys.readouterr().out))
    expected = mg.load(saved).predict(pd.read_csv(csv), random="conditional", interval=0.9, draws=200, rng=7)
    for column, name in {"predicted": "mean", "median": "median", "lower": "lower", "upper": "upper"}.items():
        np.testing.assert_allclose(printed[column], expected[name], rtol=1e-12)


def test_some_random_terms(saved: str, csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    name = mg.load(saved).model.vcp_names[0]
    assert main(["predict", saved, csv, "--include", name]) == 0
    printed = pd.read_csv(io.StringIO(capsys.readouterr().out))
    expected = mg.load(saved).predict(pd.read_csv(csv), include=[name])
    np.testing.assert_allclose(printed["predicted"], expected, rtol=1e-12)
    assert main(["predict", saved, csv, "--include", "cow"]) == 2
    assert "include must list random terms" in capsys.readouterr().err


def test_new_responses(saved: str, csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    options = ["--random", "conditional", "--predictive", "--interval", "0.9", "--n-trials", "size"]
    assert main(["predict", saved, csv, *options]) == 0
    printed = pd.read_csv(io.StringIO(capsys.readouterr().out))
    inside = (printed["incidence"] >= printed["lower"]) & (printed["incidence"] <= printed["upper"])
    assert inside.mean() > 0.8
    assert (printed["upper"] <= printed["size"]).all()
    assert main(["predict", saved, csv, "--predictive"]) == 2
    assert "n_trials must be given" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_predictions_as_files(saved: str, csv: str, suffix: str, tmp_path: Path) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    output = tmp_path / f"predicted{suffix}"
    assert main(["predict", saved, csv, "--output", str(output)]) == 0
    read = {".csv": pd.read_csv, ".json": pd.read_json, ".parquet": pd.read_parquet}[suffix]
    np.testing.assert_allclose(read(output)["predicted"], mg.load(saved).predict(), rtol=1e-12)


def test_offsets_of_new_rows(csv: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "rates.mglm")
    model = ["--family", "poisson", "--exposure", "size", "--offset", "twice"]
    assert main(["fit", csv, FORMULA, *model, "--save", path]) == 0
    capsys.readouterr()
    assert main(["predict", path, csv, "--exposure", "size", "--offset", "twice"]) == 0
    printed = pd.read_csv(io.StringIO(capsys.readouterr().out))
    np.testing.assert_allclose(printed["predicted"], mg.load(path).predict(), rtol=1e-10)
    assert main(["predict", path, csv, "--exposure", "size"]) == 2
    assert "offset must be given for new rows" in capsys.readouterr().err


def test_parquet_in(csv: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    table = tmp_path / "cbpp.parquet"
    pd.read_csv(csv).to_parquet(table)
    arguments = [FORMULA, "--family", "binomial", "--n-trials", "size"]
    assert main(["fit", csv, *arguments]) == 0
    from_csv = capsys.readouterr().out
    assert main(["fit", str(table), *arguments]) == 0
    assert capsys.readouterr().out == from_csv


def test_without_pyarrow(
    saved: str, csv: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("pyarrow", "fastparquet"):
        monkeypatch.setitem(sys.modules, package, None)
    assert main(["predict", saved, csv, "--output", str(Path(saved).with_suffix(".parquet"))]) == 2
    assert capsys.readouterr().err.endswith("parquet files need pyarrow: pip install 'mixed-glm[parquet]'\n")


def test_comparison(saved: str, csv: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other, output = str(tmp_path / "plain.mglm"), tmp_path / "comparison.csv"
    formula = "incidence ~ 1 + (1 | herd)"
    assert main(["fit", csv, formula, "--family", "binomial", "--n-trials", "size", "--save", other]) == 0
    capsys.readouterr()
    assert main(["compare", other, saved, "--output", str(output)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "elpd_diff" in lines[0]
    assert lines[1].startswith(saved)
    assert lines[2].startswith(other)
    written = pd.read_csv(output, index_col="fit")
    expected = mg.compare({name: mg.load(name) for name in (other, saved)})
    assert list(written.index) == [saved, other]
    np.testing.assert_allclose(written["elpd_loo"], expected["elpd_loo"])
    assert main(["compare", other, saved, "--criterion", "waic", "--draws", "100"]) == 0
    assert "elpd_waic" in capsys.readouterr().out
    assert main(["compare", other, saved, "--exact", "--output", str(output)]) == 0
    exact = mg.compare({name: mg.load(name) for name in (other, saved)}, exact=True)
    np.testing.assert_allclose(pd.read_csv(output)["elpd_loo"], exact["elpd_loo"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "nowhere.mglm", "CSV"], "nowhere.mglm"),
        (["predict", "CSV", "CSV"], "is not a saved model"),
        (["predict", "SAVED", "nowhere.csv"], "nowhere.csv"),
        (["predict", "SAVED", "CSV", "--offset", "nope"], "no column 'nope'"),
        (["predict", "SAVED", "CSV", "--output", "x.doc"], "must end in .csv or .json or .parquet, got 'x.doc'"),
        (["predict", "SAVED", "TWICE"], "the table already has a column 'predicted'"),
        (["compare"], "FIT.mglm"),
        (["compare", "SAVED", "nowhere.mglm"], "nowhere.mglm"),
        (["fit", "CSV", FORMULA, "--family", "binomial", "--n-trials", "size", "--output", "x.doc"], "x.doc"),
        (["fit", "CSV", FORMULA, "--family", "binomial", "--n-trials", "size", "--save", "/no/x"], "--save: there is no directory '/no'"),
        (["fit", "CSV", FORMULA, "--family", "poisson", "--plot", "x.png", "--picture", "nice"], "nice"),
        ([], "COMMAND"),
    ],
)  # fmt: skip
def test_errors_of_every_command(
    arguments: list[str],
    message: str,
    saved: str,
    csv: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    twice = tmp_path / "twice.csv"
    pd.read_csv(csv).assign(predicted=1).to_csv(twice)
    names = {"SAVED": saved, "CSV": csv, "TWICE": str(twice)}
    capsys.readouterr()
    try:
        status = main([names.get(a, a) for a in arguments])
    except SystemExit as stop:
        status = stop.code
    error = capsys.readouterr().err
    assert status == 2
    assert error.count("\n") == 1
    assert error.startswith("mixed-glm: error: ")
    assert message in error


def test_control_c_is_one_line(
    csv: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pd, "read_csv", interrupted)
    assert main(["fit", csv, FORMULA, "--family", "binomial"]) == 130
    assert capsys.readouterr().err == "mixed-glm: interrupted\n"


def test_offset_and_exposure(csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", csv, FORMULA, "--family", "poisson", "--exposure", "size", "--offset", "twice"]) == 0
    assert "Poisson" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "nowhere.csv"}, "nowhere.csv"),
        ({"formula": "incidence ~ nope"}, "'nope', which is not a column of data"),
        ({"formula": "incidence"}, "response ~ terms"),
        ({"--family": "tweedie"}, "tweedie"),
        ({"--family": "poisson", "--alpha": "2"}, "--alpha"),
        ({"--link": "nope"}, "nope"),
        ({"--method": "magic", "--n-trials": "size"}, "method must be one of 'auto'"),
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


@pytest.mark.parametrize("command", ["fit", "predict", "compare", "demo"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([command, "--help"], ["--help"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
        assert f"\n  mixed-glm {command}" in capsys.readouterr().out


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


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", b"x,y\n1,2\n1,2,3\n"), ("b.csv", b"\xac\xff"), ("c.csv", b""), ("d.parquet", b"no")]
)  # fmt: skip
def test_files_that_are_no_tables_are_named(
    tmp_path: Path, name: str, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["fit", str(path), "y ~ x", "--family", "poisson"]) == 2
    error = capsys.readouterr().err
    assert f"{str(path)!r} is not a csv or parquet table" in error
    assert error.count("\n") == 1


def test_picture_formats_are_checked_before_the_fit(csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert (
        main(["fit", csv, FORMULA, "--family", "binomial", "--n-trials", "size", "--plot", "herds.xyz"]) == 2
    )
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--plot: the name must end in" in printed.err


def test_a_reader_that_stops_is_no_error(saved: str, csv: str, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    pd.concat([pd.read_csv(csv)] * 200).to_csv(large, index=False)
    command = f'"{sys.executable}" -m mixed_glm predict {saved} {large} | head -n 1'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("incidence,")
    assert done.stderr == ""
