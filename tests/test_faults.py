"""Faults from outside: signals, no memory, no disk."""

import os
import signal
import subprocess
import sys

import pytest
from processes import FITS, run, script

posix = pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")

# Limits the address space to what the process has and so many bytes more, from nothing up to where all goes well: every
# allocation of a model and its fit fails in turn. Whatever happens must be a MemoryError; afterwards all works.
ALLOCATION = """
import faulthandler, resource, sys, threading, warnings
import mixed_glm as mg
import numpy as np
from processes import FITS, arguments, digest
warnings.simplefilter("ignore")
faulthandler.enable()
made_of = arguments(4000, (400, 20))

def one(fit):
    return digest(fit(mg.MixedGLM(**made_of)))

def many():
    design = {{k: v for k, v in made_of.items() if k != "endog"}}
    out = mg.fit_many(np.column_stack([np.roll(made_of["endog"], k) for k in range(6)]), **design, n_jobs=2)
    assert not out.status.any()
    return out.fe_mean.tobytes() + out.vcp_sd.tobytes()

def whole():
    return many() if {name!r} == "many" else one(FITS[{name!r}])

def in_use():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()

def limit(size):
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))

def every_limit():
    expected = whole()
    failed = succeeded = more = 0
    while succeeded < 3:
        limit(in_use() + more)
        try:
            result = whole()
            succeeded += 1
        except MemoryError:
            failed += 1
        finally:
            limit(resource.RLIM_INFINITY)
        more += 1 << 15
    assert result == expected
    print(failed)

threading.stack_size(1 << 26)  # in a thread, whose stack does not grow: that it cannot would end the process
thread = threading.Thread(target=every_limit)
thread.start()
thread.join()
"""


@posix
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")  # noqa: PTH110
@pytest.mark.slow
@pytest.mark.parametrize("name", [*(n for n in FITS if n != "auto"), "many"])
def test_allocation_failure(name):
    failed = int(
        run(
            ALLOCATION.format(name=name),
            OPENBLAS_NUM_THREADS="1",
            MALLOC_ARENA_MAX="1",
            MALLOC_TRIM_THRESHOLD_="0",
            MALLOC_MMAP_THRESHOLD_="4096",
        )
    )
    assert failed > 5


# A file may grow to so many bytes: what `save` writes beyond is refused, as on a full disk.
FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import mixed_glm as mg
from processes import a_model
result = a_model(300, (20,)).fit_laplace()
path = Path(sys.argv[1])
result.save(path)
old = path.read_bytes()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in (0, 1, 100, 1000, len(old) - 1):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        result.save(path)
    except OSError as error:
        assert error.errno, error
    else:
        raise AssertionError(f"saved within {limit} bytes")
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path], "something was left behind"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert mg.load(path).params.tolist() == result.params.tolist()
"""


@posix
def test_full_disk_during_save(tmp_path):
    code = FULL_DISK.replace("sys.argv[1]", repr(str(tmp_path / "saved")))
    run(code)


# Fits for ever; what Python sees of an interrupt during a fit is a KeyboardInterrupt from it.
ENDLESS = """
import time, warnings
from processes import FITS, a_model, digest
warnings.simplefilter("ignore")
fit = FITS[{name!r}]
small = a_model(300, (20, 5))
expected = digest(fit(small))
large = a_model(400_000, (40_000, 2_000))
large.core()
print("ready", flush=True)
begun = time.perf_counter()
try:
    fit(large)
    print("ended in", time.perf_counter() - begun, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
assert digest(fit(small)) == expected
large.logposterior([0.0] * (2 + 2 + 42_000))
print("usable", flush=True)
"""
PATIENCE = 10.0  # seconds: a second on an idle machine


@posix
@pytest.mark.slow
@pytest.mark.parametrize("name", FITS)
def test_interrupt(name):
    with subprocess.Popen(script(ENDLESS.format(name=name)), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            with pytest.raises(subprocess.TimeoutExpired):  # it is in the middle of the fit
                process.wait(0.3)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert output.split() == ["interrupted", "usable"]


# A thread that nobody waits for goes on fitting while Python ends, which takes a while here; then it asks for the lock.
DAEMON = """
import threading, time, warnings
import numpy as np
import mixed_glm as mg
from processes import arguments
warnings.simplefilter("ignore")
name, progress = {name!r}, {progress}
if name == "many":
    made_of = arguments(2_000, (100, 20))
    y = np.broadcast_to(made_of.pop("endog")[:, None], (2_000, 1_000_000))
    work = lambda: mg.fit_many(y, **made_of, n_jobs=2, progress=progress)
elif name == "short":  # ends now and then meanwhile
    model = mg.MixedGLM(**arguments(600, (20, 5)))
    work = lambda: model.fit_laplace(progress=progress)
else:
    model = mg.MixedGLM(**arguments(200_000, (20_000, 1_000)))
    model.core()
    threads = {{"n_jobs": 2}} if name in ("laplace", "ep", "auto") else {{}}
    work = lambda: model.fit(name, progress=progress, **threads)

def for_ever():
    begun.set()
    while True:
        work()

class Late:
    def __del__(self, sleep=time.sleep):
        sleep(0.3)

late, begun = Late(), threading.Event()
threading.Thread(target=for_ever, daemon=True).start()
begun.wait()
time.sleep({delay})
"""


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.05, 0.3])
@pytest.mark.parametrize("progress", [False, True])
@pytest.mark.parametrize("name", ["auto", "laplace", "ep", "vb", "map", "many", "short"])
def test_a_fit_that_outlives_python(name, progress, delay):
    run(DAEMON.format(name=name, progress=progress, delay=delay))
