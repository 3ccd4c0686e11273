"""The compiled core's own interface: settings by name, one class of statuses, several cores in one process."""

from __future__ import annotations

import enum
import pickle
import subprocess
import sys

import numpy as np
import pytest

import mixed_glm as mg
from mixed_glm import _core
from mixed_glm._native import dispatch
from mixed_glm._spec.approximation import Approximation, core_method
from mixed_glm._spec.design import make_core

SETTINGS = (_core.Approximation, _core.MapMethod, _core.VariationalMethod, _core.MarginalMethod)


def small_model(**priors: float) -> mg.MixedGLM:
    rng = np.random.default_rng(0)
    group = np.arange(80) % 8
    x = np.column_stack([np.ones(80), rng.normal(size=80)])
    y = rng.poisson(np.exp(1.0 + np.linspace(-1.5, 1.5, 8)[group]))
    return mg.MixedGLM(y, x, np.eye(8)[group], np.zeros(8, int), "poisson", **priors)


@pytest.mark.parametrize("settings", [*SETTINGS, _core.Model], ids=lambda cls: cls.__name__)
def test_nothing_is_given_by_position(settings: type) -> None:
    with pytest.raises(TypeError):
        settings(1)


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda cls: cls.__name__)
def test_unknown_names_are_refused(settings: type) -> None:
    with pytest.raises(TypeError, match=rf"{settings.__name__}\(\) has no argument tolerence"):
        settings(tolerence=1e-3)


def test_values_that_do_not_fit_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"MapMethod\(\): max_iterations cannot be 1.5"):
        _core.MapMethod(max_iterations=1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"MarginalMethod\(\): approximation cannot be 'ep'"):
        _core.MarginalMethod(approximation="ep")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="approx: expected 'laplace', 'leaf', 'ep' or 'vb', got 'vb_full'"):
        _core.Approximation(name="vb_full")
    with pytest.raises(
        ValueError, match="integrate: expected 'auto', 'line', 'grid', 'ridge', 'ccd' or 'mode', got ''"
    ):
        _core.MarginalMethod(integrate="")


def test_an_argument_that_a_model_needs_is_named() -> None:
    with pytest.raises(TypeError, match=r"Model\(\) needs argument endog"):
        _core.Model(exog=np.ones((3, 1), order="F"))  # type: ignore[call-arg]


def test_equal_settings_are_compiled_once() -> None:
    def made(**options: object) -> _core.MarginalMethod:
        start = options.pop("start", np.empty(0))
        return core_method(start=start, approximation=Approximation("laplace"), **options)

    assert made(integrate="grid") is made(integrate="grid")
    assert made(integrate="grid") is not made(integrate="mode")
    assert made(start=np.zeros(1)) is not made(start=np.zeros(1))
    made(max_iterations=10)
    with pytest.raises(TypeError, match=r"max_iterations cannot be 10\.0"):  # though equal to 10
        made(max_iterations=10.0)


def test_an_approximation_tells_what_it_is() -> None:
    made = _core.Approximation(name="leaf", n_quad=7, mean_correction=False, leaf=[2, 0])
    assert (made.name, made.leaf, made.n_quad, made.mean_correction) == ("leaf", [2, 0], 7, False)
    assert _core.Approximation().name == "laplace"


def test_the_response_of_a_model_is_checked() -> None:
    model = small_model()
    design = model.spec.design
    good = make_core(design, model.family)
    assert good.nobs == 80
    endog = np.array(design.endog, dtype=float)
    endog[3] = -1.0
    arguments = {
        "exog": model.exog, "vc_indptr": np.zeros(81, np.int64), "vc_indices": np.zeros(0, np.int32),
        "vc_data": np.zeros(0), "ident": np.zeros(0, np.int32), "family": model.family.core,
        "trials": np.ones(80), "weights": np.ones(80), "offset": np.zeros(80), "fe_p": np.ones(2), "sd_priors": [],
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"endog: -1.* in row 3 is no response of the poisson family"):
        _core.Model(endog=endog, **arguments)
    with pytest.raises(ValueError, match="offset: expected length 80, got 79"):
        _core.Model(endog=design.endog, **arguments | {"offset": np.zeros(79)})


def test_statuses_are_those_of_the_core() -> None:
    assert mg.ResponseStatus is _core.ResponseStatus
    assert issubclass(mg.ResponseStatus, enum.IntEnum)
    labels = {status.name: status.label for status in mg.ResponseStatus}
    assert labels == {
        "CONVERGED": "converged",
        "FELL_BACK": "fell back",
        "POINTS_LEFT_OUT": "points left out",
        "COLLAPSED": "collapsed",
        "NOT_A_MAXIMUM": "not a maximum",
        "NOT_CONVERGED": "not converged",
        "FAILED": "failed",
        "INVALID_RESPONSE": "invalid response",
        "ROUGH_INTEGRATION": "rough integration",
    }
    assert [int(status) for status in mg.ResponseStatus] == list(range(9))
    assert [status.name for status in mg.ResponseStatus if status.converged] == [
        "CONVERGED",
        "FELL_BACK",
        "COLLAPSED",
        "ROUGH_INTEGRATION",
    ]
    assert mg.ResponseStatus(5) is mg.ResponseStatus.NOT_CONVERGED
    assert "POINTS_LEFT_OUT\n" in (mg.ResponseStatus.__doc__ or "")
    for status in mg.ResponseStatus:
        assert pickle.loads(pickle.dumps(status)) is status


@pytest.mark.parametrize("fit", ["map", "laplace", "ep", "vb"])
def test_single_fits_and_many_have_one_vocabulary(fit: str) -> None:
    model = small_model()
    one = getattr(model, f"fit_{fit}")()
    many = model.fit_many(model.endog[:, None], fit)
    assert one.status == mg.ResponseStatus(many.status[0]).label
    assert one.converged == many.converged[0]
    np.testing.assert_array_equal(one.fe_mean, many.fe_mean[0])
    np.testing.assert_array_equal(one.vcp_mean, many.vcp_mean[0])
    assert one.n_iter == many.n_iter[0]


def test_the_joint_mode_of_another_search_is_told_by_the_core() -> None:
    model = small_model(fe_p=2.0, vcp_p=1.0)
    newton = model.fit_map()
    other = _core.map_fit_at(model.core(), newton.params, converged=True)
    assert other.status.label == newton.status
    np.testing.assert_allclose(other.sd, newton.bse, rtol=1e-9)
    assert _core.map_fit_at(model.core(), newton.params, converged=False).status.label == "not converged"


SEVERAL = """
import importlib, sys
import numpy as np
import mixed_glm as mg
for isa in sys.argv[1:]:
    core = importlib.import_module(f"mixed_glm._core_{isa}")
    model = core.Model(
        endog=np.array([0.0, 1.0, 3.0]), exog=np.ones((3, 1), order="F"), vc_indptr=np.arange(4),
        vc_indices=np.zeros(3, np.int32), vc_data=np.ones(3), ident=np.zeros(1, np.int32),
        family=core.Family("poisson", "log"), trials=np.ones(3), weights=np.ones(3), offset=np.zeros(3),
        fe_p=np.ones(1), sd_priors=[("normal", 0.0, 1.0)],
    )
    fit = core.fit_marginal(model, core.MarginalMethod(approximation=core.Approximation(name="ep")))
    assert fit.status is core.ResponseStatus.CONVERGED
    print(core.__isa__, fit.status.label)
"""


def test_several_cores_in_one_process() -> None:
    from mixed_glm import _cpu

    usable = [isa for isa in dispatch.built() if dispatch.REQUIRED_LEVEL[isa] <= _cpu.x86_64_level()]
    done = subprocess.run(
        [sys.executable, "-c", SEVERAL, *usable], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{isa} converged" for isa in usable]
