"""Many threads of Python at once: on one model and on their own, all kinds of fit, draws, and fit_many."""

import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from processes import FITS, a_model, arguments, digest

import mixed_glm as mg

THREADS = 8


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.MixedGLMWarning)
        yield


def together(tasks):
    """Results of all tasks, begun at the same moment as far as there are threads for them."""
    barrier = threading.Barrier(THREADS)

    def wait_and_run(k):
        if k < THREADS:
            barrier.wait(timeout=60)
        return tasks[k]()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(wait_and_run, range(len(tasks))))


def everything(model):
    """One task for each kind of use of a model."""
    psi, params = np.full(model.k_vcp, -0.3), np.full(model.k_fep + model.k_vcp + model.k_vc, 0.1)

    def draws():
        return model.fit_laplace().posterior_sample(50, rng=1).params.tobytes()

    return [
        *(lambda fit=fit: digest(fit(model)) for fit in FITS.values()),
        draws,
        lambda: model.logposterior(params),
        lambda: model.logposterior_grad(params).tobytes(),
        lambda: model.logposterior_hess(params).toarray().tobytes(),
        *(
            lambda approx=approx: model.log_marginal(psi, approx)
            for approx in ("laplace", "leaf", "vb", "ep")
        ),
    ]


def test_every_use_of_one_model_at_once():
    expected = [task() for task in everything(a_model(400, (30, 8)))]
    shared = a_model(400, (30, 8))
    assert together(3 * everything(shared)) == 3 * expected


def test_models_of_their_own():
    def make_and_fit(seed):
        return digest(a_model(300, (20, 6), "poisson", seed).fit_ep())

    expected = [make_and_fit(seed) for seed in range(12)]
    found = together([lambda seed=seed: make_and_fit(seed) for seed in range(12)])
    assert found == expected
    assert len(set(found)) == 12


def test_fit_many_of_one_model_at_once():
    model = a_model(200, (20,))
    responses = np.column_stack([np.roll(arguments(200, (20,))["endog"], 7 * k) for k in range(5)])

    def fit():
        return model.fit_many(responses, n_jobs=2).fe_mean.tobytes()

    expected = a_model(200, (20,)).fit_many(responses, n_jobs=1).fe_mean.tobytes()
    assert together(THREADS * [fit]) == THREADS * [expected]


def test_the_core_lets_other_threads_run():
    """One call of the core that takes long: a thread that ticks does so in the middle of it."""
    model = a_model(200_000, (5_000, 300))
    model.core()
    ticks, over = [], threading.Event()

    def tick():
        while not over.is_set():
            ticks.append(time.perf_counter())
            time.sleep(1e-3)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        begun = time.perf_counter()
        model.log_marginal([-0.3, -0.3])
        ended = time.perf_counter()
    finally:
        over.set()
        thread.join()
    quarter = (ended - begun) / 4
    assert any(begun + quarter < tick < ended - quarter for tick in ticks)
