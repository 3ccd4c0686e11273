"""fit_many(executor=...): threads, processes, a dask cluster; lost chunks."""

import concurrent.futures as cf
import multiprocessing
import os
import signal
import threading
import time

import numpy as np
import pytest
from deadly import die_once
from many_problems import assert_identical, crossed, one_factor

from mixed_glm._many import remote
from mixed_glm._many.problem import fit_chunk


@pytest.fixture(scope="module")
def problem():
    return one_factor("poisson", m=12, seed=3)


@pytest.fixture(scope="module")
def reference(problem):
    return problem.fit(keep_random_effects=True)


def test_threads(problem, reference):
    with cf.ThreadPoolExecutor(3) as executor:
        results = problem.fit(executor=executor, chunk_size=2, keep_random_effects=True)
        assert_identical(results, reference)
        offset = np.zeros(problem.y.shape)
        results = problem.fit(executor=executor, chunk_size=5, keep_random_effects=True, offset=offset)
    assert_identical(results, reference)


@pytest.mark.slow
def test_processes(problem, reference):
    context = multiprocessing.get_context("spawn")
    with cf.ProcessPoolExecutor(2, mp_context=context) as executor:
        results = problem.fit(executor=executor, chunk_size=3, keep_random_effects=True)
    assert_identical(results, reference)


class Deadly(cf.ProcessPoolExecutor):
    """Lets one of its processes die after the first few chunks."""

    def __init__(self, flag, **options):
        super().__init__(**options)
        self.flag, self.submitted = flag, 0

    def submit(self, function, *arguments):
        self.submitted += 1
        if self.submitted == 3:
            return super().submit(die_once, self.flag, function, *arguments)
        return super().submit(function, *arguments)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL there")
def test_a_pool_of_processes_of_which_one_dies(problem, reference, tmp_path):
    context = multiprocessing.get_context("spawn")
    flag = tmp_path / "dead"
    with Deadly(str(flag), max_workers=2, mp_context=context) as executor:
        results = problem.fit(executor=executor, chunk_size=2, keep_random_effects=True)
        with pytest.raises(cf.BrokenExecutor):
            executor.submit(int)
    assert flag.exists()
    assert_identical(results, reference)


class Failing(cf.ThreadPoolExecutor):
    """Chunks that raise, so many times each."""

    def __init__(self, times):
        super().__init__(2)
        self.times, self.counts = times, {}

    def submit(self, function, problem, chunk, n_jobs):
        count = self.counts[chunk.start] = self.counts.get(chunk.start, 0) + 1
        if count <= self.times:
            return super().submit(_fail, ConnectionError("the line is dead"))
        return super().submit(function, problem, chunk, n_jobs)


def _fail(error):
    raise error


def test_chunks_that_fail_are_submitted_again(problem, reference):
    with Failing(remote.MOST_ATTEMPTS - 1) as executor:
        results = problem.fit(executor=executor, chunk_size=2, keep_random_effects=True)
    assert_identical(results, reference)
    assert set(executor.counts.values()) == {remote.MOST_ATTEMPTS}


def test_chunks_that_always_fail_are_given_up(problem):
    with (
        Failing(remote.MOST_ATTEMPTS) as executor,
        pytest.raises(
            RuntimeError, match=r"responses .* failed 4 times, .* ConnectionError: the line"
        ) as caught,
    ):
        problem.fit(executor=executor, chunk_size=2)
    assert isinstance(caught.value.__cause__, ConnectionError)


class Broken(cf.Executor):
    def submit(self, *_arguments):
        raise cf.BrokenExecutor("gone")


def test_an_executor_that_takes_no_more_work(problem):
    with pytest.raises(RuntimeError, match=r"the executor broke and takes no more work .gone.; with out="):
        problem.fit(executor=Broken())


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        (
            cf.ThreadPoolExecutor,
            r"got the class ThreadPoolExecutor; give an instance, as ThreadPoolExecutor\(\)",
        ),
        ("threads", "got str"),
        (type("Client", (), {"submit": None, "get_executor": None})(), r"got a Client; .* get_executor\(\)"),
    ],
)
def test_what_is_no_executor(problem, tmp_path, executor, message):
    with pytest.raises(TypeError, match=f"executor must be a concurrent.futures.Executor, {message}"):
        problem.fit(executor=executor, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_futures_of_another_kind(problem):
    class Other(cf.Executor):
        def submit(self, *_arguments):
            return 3

    with pytest.raises(TypeError, match=r"must return a concurrent.futures.Future from submit, got int"):
        problem.fit(executor=Other())


class Busy(cf.ThreadPoolExecutor):
    """Takes no chunk at once."""

    def __init__(self, times):
        super().__init__(2)
        self.times, self.tried = times, 0

    def submit(self, *arguments):
        self.tried += 1
        if self.tried % (self.times + 1):
            raise OSError("the scheduler does not answer")
        return super().submit(*arguments)


def test_chunks_that_cannot_be_submitted_at_once(problem, reference, monkeypatch):
    monkeypatch.setattr(remote, "PAUSE", 0.001)
    with Busy(remote.MOST_ATTEMPTS - 1) as executor:
        results = problem.fit(executor=executor, chunk_size=2, keep_random_effects=True)
    assert_identical(results, reference)
    assert executor.tried == 6 * remote.MOST_ATTEMPTS


def test_an_executor_that_was_shut_down(problem, monkeypatch):
    monkeypatch.setattr(remote, "PAUSE", 0.001)
    executor = cf.ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(
        RuntimeError, match=r"takes no more work .*after shutdown.*; with out=, finished"
    ) as caught:
        problem.fit(executor=executor)
    assert isinstance(caught.value.__cause__, RuntimeError)


class Altering(cf.ThreadPoolExecutor):
    """Another version of the package on the workers, as it were: the first results are altered."""

    def __init__(self, alter, times):
        super().__init__(2)
        self.alter, self.times = alter, times

    def submit(self, function, *arguments):
        self.times -= 1
        if self.times < 0:
            return super().submit(function, *arguments)
        return super().submit(lambda: self.alter(function(*arguments)))


ALTERED = {
    "one row": (lambda a: a | {"fe_mean": a["fe_mean"][:1]}, "fe_mean of shape .2, 2. .* got .1, 2."),
    "one column": (lambda a: a | {"vc_sd": a["vc_sd"][:, :1]}, "vc_sd of shape .2, 10. .* got .2, 1."),
    "one number": (lambda a: a | {"status": np.int8(0)}, "status of shape .2,. .* got .. and int8"),
    "another type": (lambda a: a | {"n_iter": a["n_iter"].astype(float)}, "type int32, got .2,. and float64"),
    "one less": (lambda a: {k: v for k, v in a.items() if k != "vcp_sd"}, "vcp_sd .* got None and NoneType"),
    "lists": (lambda a: {k: v.tolist() for k, v in a.items()}, "fe_mean .* got None and list"),
    "nothing": (lambda _: None, "fe_mean .* got None and NoneType"),
}


@pytest.mark.parametrize(("alter", "message"), ALTERED.values(), ids=ALTERED.keys())
def test_results_of_another_shape(problem, reference, alter, message):
    with Altering(alter, 3) as executor:
        results = problem.fit(executor=executor, chunk_size=2, keep_random_effects=True)
    assert_identical(results, reference)
    with (
        Altering(alter, 1000) as executor,
        pytest.raises(
            RuntimeError, match=f"failed 4 times, .* ValueError: the result of a fit should .*{message}"
        ),
    ):
        problem.fit(executor=executor, chunk_size=2, keep_random_effects=True)


def test_cancelled_chunks_are_submitted_again(problem, reference):
    class Cancelling(cf.ThreadPoolExecutor):
        done = False

        def submit(self, *arguments):
            if not self.done:
                self.done = True
                future = cf.Future()
                future.cancel()
                future.set_running_or_notify_cancel()
                return future
            return super().submit(*arguments)

    with Cancelling(1) as executor:
        results = problem.fit(executor=executor, chunk_size=4, keep_random_effects=True)
    assert_identical(results, reference)


def test_few_chunks_are_under_way(problem):
    waiting, most = set(), []
    lock = threading.Lock()

    class Watched(cf.ThreadPoolExecutor):
        def submit(self, *arguments):
            future = super().submit(*arguments)
            with lock:
                waiting.add(future)
                most.append(len(waiting))
            future.add_done_callback(lambda f: (lock.acquire(), waiting.discard(f), lock.release()))
            return future

    with Watched(2) as executor:
        problem.fit(executor=executor, chunk_size=1)
    assert max(most) <= 4
    assert len(most) == 12


def test_what_is_sent_is_compact():
    import pickle

    problem = crossed(n=2000, sizes=(300, 40), m=5)
    model = problem.model(0)
    sent = []

    class Listening(cf.ThreadPoolExecutor):
        def submit(self, function, *arguments):
            assert function is fit_chunk
            sent.append(len(pickle.dumps(arguments)))
            return super().submit(function, *arguments)

    with Listening(1) as executor:
        model.fit_many(problem.y, executor=executor, integrate="mode", chunk_size=5)
    x, codes, rows, y = 2000 * 2 * 8, 2000 * 2 * 4, 2000 * (8 + 3 * 8), problem.y.nbytes
    assert len(sent) == 1
    assert sent[0] < x + codes + rows + y + 10_000


@pytest.mark.slow
def test_dask_cluster_with_a_worker_killed(problem, reference):
    distributed = pytest.importorskip("distributed")
    killed = []
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            worker_dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor()

        def kill_one():
            while not killed:
                busy = [w for w, tasks in client.processing().items() if tasks]
                if busy:
                    pids = client.run(os.getpid)
                    killed.append(pids[busy[0]])
                    os.kill(killed[0], signal.SIGKILL)
                time.sleep(0.01)

        killer = threading.Thread(target=kill_one)
        killer.start()
        y = np.tile(problem.y, (1, 400))
        results = problem.with_responses(y).fit(executor=executor, chunk_size=200, keep_random_effects=True)
        killer.join(timeout=20)
        executor.shutdown()
    assert killed
    for field in ("fe_mean", "fe_sd", "vcp_mean", "vcp_sd", "vc_mean", "vc_sd", "log_evidence"):
        values = getattr(reference, field)
        expected = np.tile(values, (400,) + (1,) * (values.ndim - 1))
        np.testing.assert_array_equal(getattr(results, field), expected)
