"""What the command line leaves behind: every result that can be written is, and nothing is written over by mistake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg
from mixed_glm.cli import main
from mixed_glm.cli._messages import one_line, plain

ARGUMENTS = ["incidence ~ C(period) + (1 | herd)", "--family", "binomial", "--n-trials", "size", "--method", "map", "--vcp-p", "0.3"]  # fmt: skip
posix = pytest.mark.skipif(os.name == "nt", reason="the shell, devices and links of POSIX")
linux = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a table and a saved fit of it."""
    monkeypatch.chdir(tmp_path)
    mg.datasets.load_cbpp().to_csv("cbpp.csv", index=False)
    assert main(["fit", "cbpp.csv", *ARGUMENTS, "--save", "old.mglm"]) == 0
    return tmp_path


def run(*arguments: str, to: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, its output into a file or device."""
    with open(to, "w") as output:  # noqa: PTH123
        return subprocess.run(
            [sys.executable, "-m", "mixed_glm", *arguments],
            stdout=output, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip


def assert_one_line(error: str, *said: str) -> None:
    assert error.startswith("mixed-glm: error: ")
    assert error.count("\n") == 1
    for words in said:
        assert words in error


@linux
def test_results_are_kept_though_the_terminal_is_full(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    done = run("fit", "cbpp.csv", *ARGUMENTS, "--save", "f.mglm", "--output", "o.json", "--plot", "p.png", to="/dev/full")  # fmt: skip
    assert done.returncode == 2
    assert_one_line(done.stderr, "'the standard output': No space left on device")
    assert mg.load("f.mglm").params == pytest.approx(mg.load("old.mglm").params)
    assert Path("o.json").stat().st_size > 0
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    shutil.copy("f.mglm", "g.mglm")
    done = run("compare", "f.mglm", "old.mglm", "--draws", "50", "--output", "c.csv", to="/dev/full")
    assert done.returncode == 2
    assert len(pd.read_csv("c.csv")) == 2
    done = run("demo", "--plot", "demo.pdf", to="/dev/full")
    assert done.returncode == 2
    assert Path("demo.pdf").read_bytes().startswith(b"%PDF")
    done = run("predict", "f.mglm", "cbpp.csv", to="/dev/full")
    assert done.returncode == 2
    assert_one_line(done.stderr, "'the standard output': No space left on device")


@posix
def test_results_are_kept_though_nobody_reads(folder: Path) -> None:
    command = [sys.executable, "-m", "mixed_glm", "fit", "cbpp.csv", *ARGUMENTS, "--save", "f.mglm", "--output", "o.csv"]  # fmt: skip
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == ""
    assert mg.load("f.mglm").converged
    assert len(pd.read_csv("o.csv")) == 20
    closed = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *command], capture_output=True, check=False)
    assert (closed.returncode, closed.stderr) == (0, b"")


@linux
def test_warnings_that_cannot_be_told_do_not_end_a_fit(folder: Path) -> None:
    command = [sys.executable, "-m", "mixed_glm", "fit", "cbpp.csv", *ARGUMENTS[:-2], "--save", "f.mglm"]
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, check=False)
    assert done.returncode == 0
    assert b"Mixed GLM Results" in done.stdout


def test_a_failure_of_one_file_leaves_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")

    def broken(*_: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(mg.MixedGLMResults, "plot_posterior", broken)
    outputs = ["--save", "f.mglm", "--output", "o.csv", "--plot", "p.png", "--picture", "posterior"]
    capsys.readouterr()
    with pytest.raises(KeyError):  # a bug keeps its traceback
        main(["fit", "cbpp.csv", *ARGUMENTS, *outputs])
    assert "Mixed GLM Results" in capsys.readouterr().out
    assert mg.load("f.mglm").converged
    assert Path("o.csv").exists()
    assert not Path("p.png").exists()


def test_a_directory_that_vanishes_during_the_fit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = mg.MixedGLM.fit

    def and_remove(*arguments: object, **options: object) -> mg.MixedGLMResults:
        shutil.rmtree("gone")
        return fit(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(mg.MixedGLM, "fit", and_remove)
    Path("gone").mkdir()
    capsys.readouterr()
    assert main(["fit", "cbpp.csv", *ARGUMENTS, "--save", "f.mglm", "--output", "gone/o.csv"]) == 2
    printed = capsys.readouterr()
    assert "Mixed GLM Results" in printed.out
    assert_one_line(printed.err, "'gone/o.csv': There is no directory")
    assert mg.load("f.mglm").converged

    Path("gone").mkdir()
    assert main(["fit", "cbpp.csv", *ARGUMENTS, "--save", "gone/f.mglm", "--output", "gone/o.csv"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert ["gone/f.mglm" in lines[0], "gone/o.csv" in lines[1], len(lines)] == [True, True, 2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "DATA", "--save", "cbpp.csv"], "--save: 'cbpp.csv' is the same file as DATA"),
        (["fit", "DATA", "--output", "LINK.csv"], "--output: 'LINK.csv' is the same file as DATA"),
        (["fit", "DATA", "--output", "HARD.csv"], "--output: 'HARD.csv' is the same file as DATA"),
        (["fit", "DATA", "--output", "sub/../cbpp.csv"], "the same file as DATA"),
        (["fit", "DATA", "--save", "new.csv", "--output", "./new.csv"], "--output: 'new.csv' is the same file as --save"),
        (["fit", "DATA", "--save", "x.png", "--plot", "sub/../x.png"], "--plot: 'sub/../x.png' is the same file as --save"),
        (["predict", "old.mglm", "cbpp.csv", "--output", "cbpp.csv"], "--output: 'cbpp.csv' is the same file as DATA"),
        (["predict", "FIT.csv", "cbpp.csv", "--output", "FIT.csv"], "is the same file as FIT, 'FIT.csv'"),
        (["compare", "old.mglm", "FIT.csv", "--output", "FIT.csv"], "is the same file as FIT, 'FIT.csv'"),
        (["compare", "old.mglm", "old.mglm"], "FIT: 'old.mglm' is given twice"),
        (["fit", "DATA", "--save", "-"], "--save must name a file, got '-'"),
        (["fit", "DATA", "--save", "sub"], "--save: cannot write 'sub': Is a directory"),
        (["fit", "DATA", "--save", "read-only"], "--save: cannot write 'read-only': The file is read-only"),
        (["fit", "DATA", "--output", "read-only.csv"], "--output: cannot write 'read-only.csv'"),
        (["fit", "DATA", "--plot", "herds"], "--plot: the name must end in"),
        (["demo", "--plot", "no/demo.png"], "--plot: there is no directory 'no'"),
    ],
)  # fmt: skip
@posix
def test_refused_before_any_work(
    folder: Path,
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("sub").mkdir()
    Path("LINK.csv").symlink_to("cbpp.csv")
    Path("HARD.csv").hardlink_to("cbpp.csv")
    shutil.copy("old.mglm", "FIT.csv")
    for name in ("read-only", "read-only.csv"):
        Path(name).write_text("old")
        Path(name).chmod(0o444)
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    def work(*_: object, **__: object) -> None:
        raise AssertionError("began to work")

    for module in ("_fit", "_predict", "_compare", "_demo"):
        for name in ("read_table", "load", "compare"):
            monkeypatch.setattr(f"mixed_glm.cli.{module}.{name}", work, raising=False)
    capsys.readouterr()
    filled = [part for a in arguments for part in (["cbpp.csv", *ARGUMENTS] if a == "DATA" else [a])]
    assert main(filled) == 2
    assert_one_line(capsys.readouterr().err, said)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@posix
def test_the_standard_input_is_not_written_over(folder: Path) -> None:
    with open("cbpp.csv") as table:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "mixed_glm", "predict", "old.mglm", "-", "--output", "cbpp.csv"],
            stdin=table, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert_one_line(done.stderr, "--output: 'cbpp.csv' is the same file as DATA, '-'")


@linux
def test_devices_may_be_shared(folder: Path) -> None:
    assert main(["fit", "cbpp.csv", *ARGUMENTS, "--save", "/dev/null"]) == 0
    assert Path("/dev/null").is_char_device()


@posix
def test_all_files_keep_their_permissions(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("pyarrow")
    names = ["f.mglm", "o.json", "o.csv", "p.png", "p.parquet", "p.json"]
    for name in names:
        Path(name).write_text("old")
        Path(name).chmod(0o640)
    assert (
        main(["fit", "cbpp.csv", *ARGUMENTS, "--save", "f.mglm", "--output", "o.json", "--plot", "p.png"])
        == 0
    )
    assert main(["fit", "cbpp.csv", *ARGUMENTS, "--output", "o.csv"]) == 0
    for name in ("p.parquet", "p.json"):
        assert main(["predict", "f.mglm", "cbpp.csv", "--output", name]) == 0
    assert {name: Path(name).stat().st_mode & 0o777 for name in names} == dict.fromkeys(names, 0o640)
    assert all(Path(name).stat().st_size > 3 for name in names)


@pytest.mark.parametrize("name", ["O.CSV", "O.Json", "O.PARQUET"])
def test_suffixes_of_any_case(folder: Path, name: str) -> None:
    if name.endswith("PARQUET"):
        pytest.importorskip("pyarrow")
    assert main(["predict", "old.mglm", "cbpp.csv", "--output", name]) == 0
    read = {"O.CSV": pd.read_csv, "O.Json": pd.read_json, "O.PARQUET": pd.read_parquet}[name]
    np.testing.assert_allclose(read(name)["predicted"], mg.load("old.mglm").predict(), rtol=1e-12)


@pytest.mark.parametrize("suffix", ["PNG", "pdf", "svg", "svgz", "eps", "ps"])
def test_formats_of_pictures(folder: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    starts = {
        "PNG": b"\x89PNG",
        "pdf": b"%PDF",
        "svg": b"<?xml",
        "svgz": b"\x1f\x8b",
        "eps": b"%!PS",
        "ps": b"%!PS",
    }
    assert main(["fit", "cbpp.csv", *ARGUMENTS, "--plot", f"p.{suffix}"]) == 0
    assert Path(f"p.{suffix}").read_bytes().startswith(starts[suffix])
    assert f"random effects: p.{suffix}" in capsys.readouterr().out


def test_messages_are_plain_text() -> None:
    assert one_line("a \x1b[31mred\x1b[0m\r\nline\x07 \x1b]0;title\x07") == "a red line ]0;title"
    assert plain("a\nb\x9b2J\u202ec\x00") == "a\nb2Jc"
    assert one_line("é ü 日本") == "é ü 日本"


def test_labels_do_not_steer_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = mg.datasets.load_cbpp()
    data["period"] = data["period"].astype(str).replace({"2": "z\x1b[2J\x1b[31mx\u202e"})
    data.to_csv("hostile.csv", index=False)
    capsys.readouterr()
    assert main(["fit", "hostile.csv", *ARGUMENTS]) == 0
    assert main(["fit", "hostile.csv", "incidence ~ \x1b[31m + \x07", *ARGUMENTS[1:]]) == 2
    assert main(["predict", "old.mglm", "hostile.csv"]) == 2
    printed = "".join(capsys.readouterr())
    assert "C(period)[T.zx]" in printed
    assert not {"\x1b", "\x07", "\u202e"} & set(printed)


def test_labels_that_the_terminal_cannot_show(folder: Path) -> None:
    data = mg.datasets.load_cbpp()
    data["period"] = data["period"].astype(str).replace({"2": "é"})
    data.to_csv("accents.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-m", "mixed_glm", "fit", "accents.csv", *ARGUMENTS],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0
    assert r"C(period)[T.\xe9]" in done.stdout
