"""Long fits show how far they are, and end when they are told to; what they compute does not change."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse

import mixed_glm as mg
from mixed_glm import _core
from mixed_glm._console import progress as _progress
from mixed_glm._spec.design import make_core

tqdm_auto = pytest.importorskip("tqdm.auto")

Fit = Callable[..., mg.MixedGLMResults]


@pytest.fixture(scope="module")
def large() -> mg.MixedGLM:
    """A model that takes any method much longer than the 50 ms between two looks at the signals."""
    rng = np.random.default_rng(0)
    n, q = 200_000, 20_000
    group = rng.integers(0, q, n)
    z = sparse.csr_array((np.ones(n), (np.arange(n), group)), shape=(n, q))
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 4))])
    eta = x @ [0.2, 0.5, -0.5, 0.3, 0.1] + rng.normal(size=q)[group]
    y = rng.random(n) < 1 / (1 + np.exp(-eta))
    return mg.MixedGLM(y, x, z, np.zeros(q, int), "binomial")


FITS: dict[str, tuple[str, dict[str, Any]]] = {
    "laplace": ("fit_laplace", {}),
    "laplace on two threads": ("fit_laplace", {"n_jobs": 2}),
    "laplace by scipy": ("fit_laplace", {"method": "L-BFGS-B"}),
    "leaf": ("fit_laplace", {"n_quad": 5}),
    "ep": ("fit_ep", {"integrate": "mode"}),
    "vb": ("fit_vb", {}),
    "vb, full": ("fit_vb", {"covariance": "full"}),
    "map": ("fit_map", {}),
    "auto": ("fit", {"integrate": "mode"}),
}


def interrupted(seconds: float, work: Callable[[], object]) -> None:
    """Work with SIGINT sent to it after a while; again and again, should it be faster than that."""
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(seconds, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    for _ in range(10_000):
        work()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads on this system")
@pytest.mark.parametrize(("name", "options"), FITS.values(), ids=FITS.keys())
def test_control_c_ends_a_fit(name: str, options: dict[str, Any], large: mg.MixedGLM) -> None:
    fit = getattr(large, name)
    with pytest.raises(KeyboardInterrupt):
        interrupted(0.01, lambda: fit(**options))


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads on this system")
def test_a_model_is_as_it_was_after_an_interruption() -> None:
    rng = np.random.default_rng(1)
    n, q = 60_000, 6_000
    z = sparse.csr_array((np.ones(n), (np.arange(n), rng.integers(0, q, n))), shape=(n, q))
    arguments = (rng.poisson(1.0, n), np.ones(n), z, np.zeros(q, int), "poisson")
    model, other = mg.MixedGLM(*arguments), mg.MixedGLM(*arguments)
    with pytest.raises(KeyboardInterrupt):
        interrupted(0.03, model.fit_laplace)
    np.testing.assert_array_equal(model.fit_laplace().params, other.fit_laplace().params)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer signals on this system")
@pytest.mark.parametrize("what", ["draws", "densities", "integrals"])
def test_signals_are_heard_while_drawing_and_checking(what: str) -> None:
    rng = np.random.default_rng(0)
    n, q = 3000, 100
    group = np.arange(n) % q
    z = sparse.csr_array((np.ones(n), (np.arange(n), group)), shape=(n, q))
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    result = mg.MixedGLM(rng.integers(0, 2, n), x, z, np.zeros(q, int), "binomial").fit_laplace()
    core, mode = result.model.core(), result.params
    many = np.tile(mode, (60_000, 1))
    sampler = _core.ConditionalDraws(core, _core.Approximation(name="leaf", leaf=[0], n_quad=25))
    effects = mg.MixedGLM(result.model.endog, None, z, np.zeros(q, int), "binomial")
    bare = make_core(effects.spec.design, effects.family, merge_rows=False)
    psi = np.zeros((draws := 1500, 1))
    call = {  # into the core at once, so that Python itself has no occasion to listen
        "draws": lambda: sampler.draw(psi, psi, rng.standard_normal((draws, 2 + q))),
        "densities": lambda: _core.log_joint(core, many),
        "integrals": lambda: _core.integrate_effects(bare, psi, np.zeros((draws, n)), leaf=[0]),
    }[what]
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert len(heard) > 2  # one signal is kept for a call that does not listen until it ends


def test_an_error_in_a_report_ends_the_fit(large: mg.MixedGLM) -> None:
    def fail(stage: str, steps: int, value: float) -> None:
        raise LookupError(f"{stage} {steps}")

    with pytest.raises(LookupError, match=r"search|integration"):
        _core.fit_marginal(large.core(), _core.MarginalMethod(), report=fail)


def test_reports_go_on_while_the_fit_does(large: mg.MixedGLM) -> None:
    seen: list[tuple[str, int, float]] = []
    fit = _core.fit_marginal(large.core(), _core.MarginalMethod(), report=lambda *report: seen.append(report))
    assert "integration" in {stage for stage, _, _ in seen} <= {"search", "integration"}
    steps = [n for _, n, _ in seen]
    assert steps == sorted(steps)
    assert steps[-1] >= fit.iterations + fit.integration.evaluations
    assert seen[-1][2] < fit.mode_log_density  # at the last node


class Bar:
    """Stands in for tqdm's, and remembers what was to be seen."""

    shown: list[tuple[str, int, str]]

    def __init__(self, desc: str, unit: str) -> None:
        self.n, self.title, self.postfix = 0, desc, ""
        self.closed = False
        self.shown = []
        bars.append(self)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def set_description_str(self, text: str, refresh: bool) -> None:
        self.title = text

    def set_postfix_str(self, text: str, refresh: bool) -> None:
        self.postfix = text

    def refresh(self) -> None:
        self.shown.append((self.title, self.n, self.postfix))


bars: list[Bar] = []
CBPP = "incidence ~ period + (1 | herd)"


def cbpp() -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(
        CBPP, data=mg.datasets.load_cbpp(), family="binomial", n_trials="size", vcp_p=0.3
    )


@pytest.mark.parametrize(
    ("name", "options", "title", "value"),
    [
        ("fit_laplace", {}, "laplace, integration", "log density"),
        ("fit_laplace", {"method": "BFGS", "integrate": "mode"}, "laplace, search", "log density"),
        ("fit_laplace", {"n_quad": 5}, "leaf, integration", "log density"),
        ("fit_ep", {}, "ep, integration", "log density"),
        ("fit", {}, "leaf, integration", "log density"),
        ("fit_map", {}, "map, search", "log density"),
        ("fit_map", {"method": "BFGS"}, "map, search", "log density"),
        ("fit_vb", {}, "vb, search", "bound"),
        ("fit_vb", {"fit_method": "L-BFGS-B"}, "vb, search", "bound"),
        ("fit_vb", {"covariance": "full"}, "vb, search", "bound"),
    ],
)
def test_every_fit_shows_its_progress(
    name: str, options: dict[str, Any], title: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tqdm_auto, "tqdm", Bar)
    bars.clear()
    result = getattr(cbpp(), name)(progress=True, **options)
    *before, bar = bars
    # For one component there is nothing to be found out.
    assert [b.title for b in before] == (["choice of a method"] if name == "fit" else [])
    assert all(b.closed for b in bars)
    assert bar.title == title
    assert bar.n >= 1
    label, _, number = bar.postfix.rpartition(" ")
    assert label == value
    assert np.isfinite(float(number))
    np.testing.assert_array_equal(result.params, getattr(cbpp(), name)(**options).params)


def test_a_check_shows_its_progress(capsys: pytest.CaptureFixture[str]) -> None:
    result = cbpp().fit_laplace()
    expected = result.check(draws=100)
    assert capsys.readouterr().err == ""
    found = result.check(draws=100, progress=True)
    assert "check: 100%" in capsys.readouterr().err
    np.testing.assert_array_equal(found.log_weights, expected.log_weights)


def test_a_real_bar(capsys: pytest.CaptureFixture[str]) -> None:
    cbpp().fit_laplace(progress=True)
    assert "laplace, integration" in capsys.readouterr().err


def test_without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r"pip install 'mixed-glm\[progress\]'"):
        cbpp().fit_laplace(progress=True)
    cbpp().fit_laplace()


def test_evaluations_are_counted() -> None:
    seen: list[tuple[str, int, float]] = []

    def parabola(x: npt.NDArray[np.float64]) -> float:
        return float(x @ x)

    counted = _progress.counting(lambda *report: seen.append(report), parabola)
    assert counted(np.array([3.0])) == 9.0
    assert counted(np.array([2.0])) == 4.0
    assert seen == [("search", 1, -9.0), ("search", 2, -4.0)]
    assert _progress.counting(None, parabola) is parabola
