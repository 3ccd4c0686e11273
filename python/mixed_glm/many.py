"""One design fitted to many responses: a gene, a site, a simulated data set each."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._assess.prior_pull import warn_of_pull_in_many
from mixed_glm._console.caller import warn
from mixed_glm._input.arrays import as_count, as_n_jobs, as_vector, require_same_index
from mixed_glm._many.columns import Columns
from mixed_glm._many.methods import make_method
from mixed_glm._many.problem import Problem
from mixed_glm._many.quantiles import as_levels, require_known_correlations
from mixed_glm._many.remote import require_executor
from mixed_glm._many.results import ManyResults, ResponseStatus, with_thresholds
from mixed_glm._many.run import Source, run
from mixed_glm._many.store import Store
from mixed_glm._spec.design import check_exposure, check_trials, make_design
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.exceptions import ConvergenceWarning
from mixed_glm.families import Cumulative, Family
from mixed_glm.families.given import as_given_family
from mixed_glm.priors import Prior

__all__ = ["ManyResults", "ResponseStatus", "fit_many"]

Floats = npt.NDArray[np.float64]


def fit_many(
    endogs: Any,
    exog: Any,
    exog_vc: Any = None,
    ident: Any = None,
    family: Any = None,
    vcp_p: Any = None,
    fe_p: Any = None,
    fep_names: Any = None,
    vcp_names: Any = None,
    vc_names: Any = None,
    *,
    method: str = "laplace",
    offset: Any = None,
    exposure: Any = None,
    n_trials: Any = None,
    freq_weights: Any = None,
    priors: Mapping[str, Prior] | None = None,
    levels: Any = None,
    correlated: Any = None,
    n_jobs: int = -1,
    executor: cf.Executor | None = None,
    progress: bool = False,
    keep_random_effects: bool = False,
    keep_quantiles: Any = None,
    out: Any = None,
    chunk_size: int | None = None,
    **options: Any,
) -> ManyResults:
    """Fit the same model to each of m responses.

    The work on the design is done once, nothing happens in Python for a single response, and each result is that of
    the fit of that response alone. For a design from a formula there is `MixedGLM.fit_many`.

    Parameters
    ----------
    endogs : array_like, shape (n, m)
        A response in each column: dense, a data frame (whose columns name the responses), scipy.sparse, or anything
        with a shape that can be sliced as ``[:, start:stop]``, such as `numpy.memmap`, zarr or h5py arrays. It is
        read piece by piece.
    exog, exog_vc, ident, family, vcp_p, fe_p, fep_names, vcp_names, vc_names
        The model, as for `MixedGLM`. The default prior of the intercept has its place from each response.
    method : {"laplace", "ep", "vb", "map"}, default "laplace"
        As in ``fit_laplace``, ``fit_ep``, ``fit_vb``, ``fit_map``.
    offset, exposure, n_trials : array_like, shape (n,) or (n, m), or float, optional
        As for `MixedGLM`, for all responses or for each of them; the latter in any form that `endogs` may have.
        Offsets or exposures of each response keep equal rows apart, which changes results of ``method="ep"`` alone (see Notes).
    freq_weights : array_like, shape (n,), optional
        How often each observation counts, as for `MixedGLM`.
    priors : mapping of str to Prior, optional
        Distributions of `mixed_glm.priors` by the names of the parameters, as for `MixedGLM`.
    levels, correlated
        Which random effects are correlated, as for `MixedGLM`; with ``"laplace"`` and ``"ep"``.
    n_jobs : int, default -1
        Threads; -1: as many as there are processors for this process (its affinity, and the quota of its container),
        -2: one less. Results do not depend on it. With `executor`, threads of each task, and -1 means one.
    executor : concurrent.futures.Executor, optional
        Who fits the chunks: a pool of processes, ``dask.distributed``'s ``client.get_executor()``, mpi4py.futures.
        Chunks that are lost, that fail, that cannot be submitted, or whose result has not the shape of one are
        submitted again, up to four times.
    progress : bool, default False
        Show a bar; needs tqdm.
    keep_random_effects : bool, default False
        Keep means and standard deviations of the random effects, m x q numbers each.
    keep_quantiles : list of float, optional
        Probabilities, as ``[0.025, 0.975]`` for the ends of 95 % intervals: keep these quantiles of the fixed effects and of the log
        standard deviations, and with `keep_random_effects` of the random effects, as the fit of a single response has them.
        With several components each response's density of the log standard deviations is interpolated in Python, which can take
        longer than its fit.
    out : path-like, optional
        Directory for finished chunks. A call with the same arguments takes up what it finds there, also while
        another such call is under way; one with other arguments is refused. Chunks that are damaged are made again.
    chunk_size : int, optional
        Number of responses that are read, fitted and written at a time. Results do not depend on it. Default: as
        `out` has it, or a 64th of all within bounds (32 MB; 6 MB with `executor`).
    **options
        Of the method: ``n_quad``, ``leaf``, ``integrate``, ``mean_correction``, ``minim_opts``, ``start`` for
        ``"laplace"``; ``n_quad``, ``integrate``, ``minim_opts``, ``start`` for ``"ep"``; ``covariance``, ``n_quad``,
        ``minim_opts`` for ``"vb"``; ``minim_opts`` for ``"map"``. See the fit of a single response.

    Returns
    -------
    ManyResults
        A response that is missing, outside of the family's support, or whose fit fails has a `status` that says so,
        and NaN; all others are unaffected.

    Raises
    ------
    ValueError, TypeError
        For any argument that does not fit, before any work; and for a directory `out` of another problem (the
        message says what differs).
    RuntimeError
        If `executor` takes no more work, or loses a chunk four times; finished chunks remain in `out`.
    KeyboardInterrupt
        Within a second; finished chunks remain in `out`.

    Warns
    -----
    ConvergenceWarning
        One, at the end, if there are responses whose status is not CONVERGED.
    PriorPullWarning
        At the end, for parameters that the priors move much in some responses; `prior_pull` of the results tells which.

    Notes
    -----
    Rows that are equal in covariates, groups and offset are merged where that pays. All methods but ``"ep"`` give
    the same results with and without that. Expectation propagation has one site for each merged row, which is a
    little more accurate than a site for each observation. Where each response has offsets of its own, rows cannot be
    merged for all of them: ``"ep"`` then differs from the fit of a single response, which merges (means by some
    1e-4 of a standard deviation).

    Examples
    --------
    >>> import numpy as np, mixed_glm as mg
    >>> rng = np.random.default_rng(0)
    >>> group = np.repeat(np.arange(20), 10)
    >>> x = np.column_stack([np.ones(200), rng.normal(size=200)])
    >>> y = rng.binomial(1, 0.5, size=(200, 1000))
    >>> out = mg.fit_many(y, x, np.eye(20)[group], np.zeros(20, int), family="binomial")
    >>> out.to_frame()  # doctest: +SKIP
    """
    matrix = Columns.of(endogs, "endogs")
    require_same_index(endogs=endogs, exog=exog, exog_vc=exog_vc)
    chosen = as_given_family(family)
    unknown = np.full(matrix.shape[0], chosen.placeholder)
    design = make_design(
        unknown, exog, exog_vc, ident, chosen, vcp_p=vcp_p, fe_p=fe_p, fep_names=fep_names, vcp_names=vcp_names,
        vc_names=vc_names, freq_weights=freq_weights, priors=priors, levels=levels, correlated=correlated,
        response_levels=_levels(chosen), any_response=True,
    )  # fmt: skip
    return fit_responses(
        ModelSpec(design, chosen), endogs, method, offset=offset, exposure=exposure, n_trials=n_trials, n_jobs=n_jobs,
        executor=executor, progress=progress, keep_random_effects=keep_random_effects, keep_quantiles=keep_quantiles,
        out=out, chunk_size=chunk_size, **options,
    )  # fmt: skip


def fit_responses(
    spec: ModelSpec,
    /,
    endogs: Any,
    method: str = "laplace",
    *,
    offset: Any = None,
    exposure: Any = None,
    n_trials: Any = None,
    n_jobs: int = -1,
    executor: cf.Executor | None = None,
    progress: bool = False,
    keep_random_effects: bool = False,
    keep_quantiles: Any = None,
    out: Any = None,
    chunk_size: int | None = None,
    **options: Any,
) -> ManyResults:
    """Fit this model's design, family and priors to each of m responses in the place of its own.

    Parameters
    ----------
    endogs : array_like, shape (n, m)
        A response in each column, with the rows that the model has; see `mixed_glm.fit_many`.
    method : {"laplace", "ep", "vb", "map"}, default "laplace"
        As for `mixed_glm.fit_many`.
    offset, exposure : array_like, shape (n,) or (n, m), or float, optional
        In the place of the model's own offset and exposure, which hold for all responses otherwise.
    n_trials : array_like, shape (n,) or (n, m), or int, optional
        In the place of the model's own.
    n_jobs, executor, progress, keep_random_effects, keep_quantiles, out, chunk_size, **options
        As for `mixed_glm.fit_many`.

    Returns
    -------
    ManyResults
    """
    layout = spec.layout
    matrix = Columns.of(endogs, "endogs")
    source, trials, shared_offset = _source(spec, matrix, offset, exposure, n_trials)
    made = make_method(spec, method, options)
    levels = as_levels(keep_quantiles)
    if levels:
        require_known_correlations(layout, options.get("integrate"))
    problem = Problem.of(spec, made, trials, shared_offset, source.shares_offset, keep_random_effects, levels)
    threads = _threads(n_jobs, executor)
    size = None if chunk_size is None else as_count(chunk_size, "chunk_size")
    default = source.default_chunk_size(executor is not None)
    store = None if out is None else Store.open(out, problem, source.size, size, default)
    arrays = run(
        problem, source, chunk_size=size or default if store is None else store.chunk_size, n_jobs=threads,
        executor=executor, store=store, progress=progress,
    )  # fmt: skip
    labels = list(range(source.size)) if matrix.labels is None else matrix.labels
    effects = spec.design.vc_names if keep_random_effects else None
    results = ManyResults(
        made.name, labels, list(layout.fep_names), list(layout.vcp_names), effects,
        cor_names=list(layout.cor_names), family_names=layout.family_names, family_kind=layout.blocks["family"].kind,
        **with_thresholds(arrays, layout), quantile_levels=levels,
    )  # fmt: skip
    _warn(results)
    sound = results.converged
    estimates = (results.prior_pull, results.vcp_mean, results.family_mean, results.family_sd)
    warn_of_pull_in_many(spec, *(values[sound] for values in estimates))
    return results


def _source(
    spec: ModelSpec, endogs: Columns, offset: Any, exposure: Any, n_trials: Any
) -> tuple[Source, Floats, Floats]:
    """Where chunks come from; trials and offset, shape (n,), of responses that have none of their own."""
    n, m = spec.nobs, endogs.shape[1]
    if endogs.shape[0] != n:
        dropped = f" ({spec.n_missing} more had missing values)" if spec.n_missing else ""
        raise ValueError(
            f"endogs must have {n} rows, one for each observation of the design{dropped}, got {endogs.shape[0]}"
        )
    each_trials, n_trials = _split(n_trials, "n_trials", n, m)
    each_offset, shared_offset = _split(offset, "offset", n, m)
    each_exposure, shared_exposure = _split(exposure, "exposure", n, m)
    check_exposure(exposure if each_exposure is None else np.ones(n), n, spec.family)
    trials = spec.design.n_trials if n_trials is None else check_trials(n_trials, None, n, spec.family)
    spec.family.validate_response(np.full(n, spec.family.placeholder), trials)
    if each_trials is not None:
        check_trials(np.ones(n), None, n, spec.family)
    if offset is None and exposure is None:
        total = spec.design.total_offset()
        total = np.zeros(n) if total is None else total
    else:
        total = np.zeros(n) if shared_offset is None else as_vector(shared_offset, "offset", n, scalar=True)
        if shared_exposure is not None:
            total = total + np.log(as_vector(shared_exposure, "exposure", n, scalar=True))
    source = Source(endogs, each_trials, each_offset, each_exposure, total, _whole_numbers(spec))
    return source, np.ones(n) if trials is None else trials, total


def _levels(family: Family) -> tuple[str, ...] | None:
    """Categories of responses that are ordinal."""
    if not isinstance(family, Cumulative):
        return None
    if family.categories is None:
        raise ValueError(
            "family: how many categories the responses have must be said, as families.Cumulative(categories=5); they are the "
            "numbers 0 to 4 then"
        )
    return tuple(map(str, range(family.categories)))


def _whole_numbers(spec: ModelSpec) -> Floats | None:
    """The categories of an ordinal response, where they are whole numbers: those of other responses are the same."""
    levels = spec.design.response_levels if spec.family.is_ordinal else None
    if levels is None or not all(level.removeprefix("-").isdecimal() for level in levels):
        return None
    numbers = np.array(levels, dtype=np.float64)
    return numbers if (np.diff(numbers) > 0).all() else None


def _split(value: Any, name: str, n: int, m: int) -> tuple[Columns | None, Any]:
    """A matrix with a column for each response, or what all share."""
    shape = getattr(value, "shape", None)
    if shape is None and value is not None:
        shape = np.shape(value)
    if shape is None or len(shape) < 2 or tuple(shape) == (n, 1) != (n, m):
        return None, value
    columns = Columns.of(value, name)
    if columns.shape != (n, m):
        raise ValueError(f"{name} must have shape {(n,)} or {(n, m)}, as endogs, got {columns.shape}")
    return columns, None


def _threads(n_jobs: Any, executor: cf.Executor | None) -> int:
    jobs = as_n_jobs(n_jobs)
    if executor is None:
        return _core.thread_count(jobs)
    require_executor(executor)
    return max(1, jobs)


def _warn(results: ManyResults) -> None:
    others = {
        status: count
        for status, count in results.status_counts().items()
        if status is not ResponseStatus.CONVERGED
    }
    if others:
        counts = ", ".join(f"{count} {status.label}" for status, count in others.items())
        warn(
            f"fit_many: {sum(others.values())} of {len(results)} responses did not simply converge: {counts}; "
            "see their status",
            ConvergenceWarning,
        )
