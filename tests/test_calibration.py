"""Calibration of posteriors on data drawn from the prior, a small version; the programme is benchmarks.calibration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

SOURCE = Path(__file__).resolve().parent.parent
PRIORS = ["poisson-units", "binomial-own-location", "binomial-halfnormal", "poisson-exponential"]


def run(*arguments: str) -> str:
    """Run Python in the source tree; in a process of its own, because benchmarks set the number of threads."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=SOURCE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("matplotlib")
    to = tmp_path_factory.mktemp("calibration")
    run(
        "-m", "benchmarks.calibration", "--replicates", "150", "--designs", "binomial-thin", "poisson",
        "--methods", "fit", "vb", "--to", str(to),
    )  # fmt: skip
    return to


@pytest.fixture(scope="module")
def priors_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Default priors, in units of the columns, and others of the standard deviation."""
    pytest.importorskip("matplotlib")
    to = tmp_path_factory.mktemp("calibration-priors")
    run("-m", "benchmarks.calibration", "--replicates", "200", "--designs", *PRIORS, "--to", str(to))
    return to


def probabilities(folder: Path, design: str, method: str) -> npt.NDArray[np.float64]:
    """Of fixed effects, log standard deviation and the first random effect, shape (N, 4)."""
    with np.load(folder / "calibration.npz") as content:
        return content[f"{design}/{method}/probability"][:, :4].astype(float)


@pytest.mark.parametrize("design", ["binomial-thin", "poisson"])
def test_fit_is_calibrated(folder: Path, design: str) -> None:
    assert_calibrated(probabilities(folder, design, "fit"), 150)


@pytest.mark.slow
@pytest.mark.parametrize("design", PRIORS)
def test_fit_is_calibrated_under_default_and_other_priors(priors_folder: Path, design: str) -> None:
    assert_calibrated(probabilities(priors_folder, design, "fit"), 200)


def assert_calibrated(found: npt.NDArray[np.float64], replicates: int) -> None:
    assert found.shape == (replicates, 4)
    assert ((found > 0) & (found < 1)).all()
    for column in found.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
        assert stats.chisquare(np.histogram(column, 10, (0, 1))[0]).pvalue > 1e-4
    for level in (0.5, 0.8, 0.95):
        inside = np.abs(found - 0.5) < level / 2
        assert abs(inside.mean() - level) < 4 * np.sqrt(level * (1 - level) / inside.size)


def test_mean_field_is_not(folder: Path) -> None:
    """It fails where it is known to: the same test can tell."""
    found = probabilities(folder, "poisson", "vb")
    assert stats.kstest(found[:, 0], "uniform").pvalue < 1e-6
    assert np.mean(np.abs(found[:, 0] - 0.5) < 0.475) < 0.8


def test_tables_and_pictures(folder: Path) -> None:
    rows = (folder / "calibration.md").read_text(encoding="utf-8").splitlines()[2:]
    verdicts = {
        (row.split("|")[1].strip()[:7], row.split("|")[2].strip()): row.split("|")[-2].strip() for row in rows
    }
    assert verdicts["poisson", "`fit_vb()`"] == "FAILS"
    assert verdicts["poisson", "`fit()`"] == verdicts["binomia", "`fit()`"] == "passes"
    assert len((folder / "coverage.md").read_text(encoding="utf-8").splitlines()) == 2 + 4
    assert len((folder / "tails.md").read_text(encoding="utf-8").splitlines()) == 2 + 4
    assert (folder / "calibration_poisson.png").read_bytes().startswith(b"\x89PNG")


def test_any_number_of_processes_gives_the_same(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for jobs in ("1", "2"):
        run(
            "-m", "benchmarks.calibration", "--replicates", "25", "--designs", "poisson", "--methods", "laplace",
            "--jobs", jobs, "--to", str(tmp_path / jobs),
        )  # fmt: skip
    one, two = (probabilities(tmp_path / jobs, "poisson", "laplace") for jobs in ("1", "2"))
    assert one.shape == (25, 4)
    assert (one == two).all()


def test_band_and_chi_square_of_uniform_numbers() -> None:
    """5 % of uniform samples leave the band; skewed or narrow ones do."""
    code = """
import numpy as np
from benchmarks.calibration.uniform import band, chi_square, outside
rng = np.random.default_rng(1)
samples = rng.random((400, 500))
print(np.mean([outside(x) for x in samples]), np.mean([chi_square(x) < 0.05 for x in samples]))
print(all(outside(x**1.3) for x in samples[:50]), all(chi_square(0.5 + 0.8 * (x - 0.5)) < 1e-3 for x in samples[:50]))
"""
    shares, detected = run("-c", code).splitlines()
    assert all(0.02 < float(share) < 0.09 for share in shares.split())
    assert detected == "True True"
