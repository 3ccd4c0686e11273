"""Designs whose standard deviations mean something else than they seem to: said once, and only there."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from reference_data import FOLDER, load

import mixed_glm as mg

N = 600
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "g": np.repeat(np.arange(30), 20),
        "h": np.tile(list("abcdef"), 100),
        "x": RNG.uniform(10, 20, N),
        "grade": RNG.integers(1, 3, N),
        "mostly": (RNG.random(N) < 0.95) * 1.0,
        "one": "z",
        "row": np.arange(N),
        "pair": np.arange(N) // 2,
        "year": 1990 + np.arange(N) % 7,
        "y": RNG.integers(0, 2, N),
    }
)


def told(formula: str, family: str = "binomial", **options) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mg.MixedGLM.from_formula(formula, data=FRAME, family=family, **options)
    assert all(w.category is mg.DesignWarning and w.filename == __file__ for w in caught)
    return [str(w.message) for w in caught]


@pytest.mark.parametrize(
    ("formula", "messages"),
    [
        (
            "y ~ x + (x || g)",
            [r"x\|g is the slope .*mean 15.* of g, .*\(center\(x\) \|\| g\), .*\(x \| g\)$"],
        ),
        ("y ~ x + (1 | g) + (0 + x | g)", [r"x\|g is the slope"]),
        ("y ~ x + (x || g/h)", [r"x\|g is the slope", r"x\|g:h is the slope"]),
        ("y ~ x + (log(x) || g)", [r"center\(log\(x\)\)"]),
        ("y ~ grade + (grade || g)", [r"grade\|g is the slope"]),
        ("y ~ h + (1 | h)", ["h is both fixed and random: .* its 6 groups"]),
        ("y ~ 0 + h * x + (1 | h)", ["h is both fixed and random"]),
        ("y ~ year + h + (1 | h)", ["h is both fixed and random"]),
        ("y ~ h * center(x) + (0 + center(x) | h)", ["both fixed and random"]),
        ("y ~ x + (1 | one)", ["one has one random effect only, of one group"]),
        ("y ~ x + (1 | row)", ["row has a group for every binary response"]),
    ],
)
def test_doubtful_designs(formula: str, messages: list[str]) -> None:
    found = told(formula)
    assert len(found) == len(messages)
    for text, pattern in zip(found, messages, strict=True):
        assert re.search(pattern, text), text


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ center(x) + (center(x) || g)",
        "y ~ x + (0 + x | g)",  # has no intercept to depend on
        "y ~ mostly + (mostly || g)",  # an indicator has its origin
        "y ~ h + (h || g)",
        "y ~ h + (1 | g)",
        "y ~ g + (1 | g)",  # a trend and deviations from it
        "y ~ x + (1 | pair)",
        "y ~ h + (1 | g) + (1 | g:h)",
        "y ~ x + (1 | h) + (0 + x | g)",
        "y ~ x",
    ],
)
def test_sound_designs(formula: str) -> None:
    assert told(formula) == []


def test_counts_and_trials_of_single_rows_are_told_apart() -> None:
    assert told("y ~ x + (1 | row)", family="poisson") == []
    assert told("y ~ x + (1 | row)", n_trials=np.full(N, 5)) == []
    assert told("y ~ x + (1 | row)", freq_weights=np.full(N, 2)) == []
    assert len(told("y ~ x + (1 | row)", n_trials=np.ones(N))) == 1


def test_arrays() -> None:
    z = np.eye(30)[FRAME["g"]]
    arrays = np.c_[np.ones(N), FRAME["x"]], np.hstack([z, z * FRAME[["x"]].to_numpy()]), np.repeat([0, 1], 30)
    with pytest.warns(mg.DesignWarning, match=r"VC_2 is the slope .*\(center\(x\) \|\| g\)"):
        mg.MixedGLM(FRAME["y"], *arrays, "binomial")
    with pytest.warns(mg.DesignWarning, match="VC_1 is both fixed and random"):
        mg.MixedGLM(FRAME["y"], z, z, np.zeros(30, int), "binomial")


@pytest.mark.filterwarnings("error")
def test_loading_says_nothing_again(tmp_path) -> None:
    with pytest.warns(mg.DesignWarning):
        model = mg.MixedGLM.from_formula("y ~ h + (1 | h)", data=FRAME, family="binomial")
    model.save(tmp_path / "m.mglm")
    mg.MixedGLM.load(tmp_path / "m.mglm")


def notes(result: mg.MixedGLMResults) -> list[str]:
    return [note for note in result.summary().notes if "next to nothing" in note]


def test_a_posterior_that_is_its_prior_is_told_in_the_summary() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"one": "z", "row": np.arange(40), "y": rng.integers(0, 2, 40)})
    for formula in ("y ~ 1 + (1 | row)", "y ~ 1 + (1 | one)"):
        result = mg.MixedGLM.from_formula(formula, data=frame, family="binomial").fit()
        assert len(notes(result)) == 1, formula
        assert notes(result)[0].startswith("The posterior of ")
    # Only the posterior tells: three groups of two rows each, all of one kind.
    few = pd.DataFrame({"g": [0, 0, 1, 1, 2, 2], "y": [1, 0, 0, 1, 1, 0]})
    tight = mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=few, family="binomial", vcp_p=0.1).fit()
    assert len(notes(tight)) == 1


@pytest.mark.parametrize(
    "name", sorted(p.stem for p in FOLDER.glob("*.npz") if "." not in p.stem) or ["none"]
)
def test_no_false_alarms_on_real_data(name: str) -> None:
    model = load(name).model()  # a warning would be an error
    assert notes(model.fit_laplace(integrate="mode")) == []


@pytest.mark.filterwarnings("error")
def test_no_false_alarms_in_the_tutorial() -> None:
    data = mg.datasets.load_cbpp()
    for formula in (
        "incidence ~ period + (1 | herd)",
        "incidence ~ period + size + (1 | herd) + (1 | period:herd)",
    ):
        model = mg.MixedGLM.from_formula(formula, data=data, family="binomial", n_trials="size")
        assert notes(model.fit()) == []
