"""Ctrl-C and progress of fit_many."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from many_problems import assert_identical, one_factor

_LONG = """
import sys, time
import numpy as np
import mixed_glm as mg
rng = np.random.default_rng(0)
y = np.broadcast_to(rng.integers(0, 2, (1000, 1)), (1000, 10_000_000))
x = np.column_stack([np.ones(1000), rng.normal(size=1000)])
z = np.eye(100)[np.arange(1000) % 100]
options = dict(family="binomial", method="ep", n_jobs=2, chunk_size=int(sys.argv[2]))
if sys.argv[3] == "executor":
    from concurrent.futures import ThreadPoolExecutor
    options["executor"] = ThreadPoolExecutor(2)
print("begin", flush=True)
try:
    mg.fit_many(y, x, z, np.zeros(100, int), out=sys.argv[1], **options)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter there")
@pytest.mark.parametrize(("chunk_size", "kind"), [(20, "threads"), (100_000, "threads"), (20, "executor")])
def test_ctrl_c_stops_soon_and_finished_chunks_remain(tmp_path, chunk_size, kind):
    process = subprocess.Popen(
        [sys.executable, "-c", _LONG, str(tmp_path), str(chunk_size), kind], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "begin\n"
        until = time.monotonic() + 60
        if chunk_size == 20:
            while len(list(tmp_path.glob("*.npz"))) < 2:
                assert time.monotonic() < until
                time.sleep(0.02)
        else:
            time.sleep(2.0)
        os.kill(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    finished = list(tmp_path.glob("*.npz"))
    assert (len(finished) >= 2) == (chunk_size == 20)
    for path in finished:
        with np.load(path) as arrays:
            assert np.isfinite(arrays["fe_mean"]).all()
    assert not list(tmp_path.glob("*.part"))


def test_progress(capsys):
    pytest.importorskip("tqdm")
    problem = one_factor(m=5)
    assert_identical(problem.fit(progress=True, chunk_size=2), problem.fit())
    shown = capsys.readouterr().err
    assert "fit_many" in shown
    assert "5.00/5.00" in shown


def test_progress_needs_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r"mixed-glm\[progress\]"):
        one_factor(m=1).fit(progress=True)
