"""Methods made of functions: signature and docstring stand once, at the function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from mixed_glm._effects.own_rows import own_rows
from mixed_glm._fit.fit import Fit, HasFit
from mixed_glm._spec.spec import HasSpec, ModelSpec

P = ParamSpec("P")
T = TypeVar("T")


def of_spec(function: Callable[Concatenate[ModelSpec, P], T]) -> Callable[Concatenate[HasSpec, P], T]:
    """The method that hands `spec` of its object to `function`, whose first argument it is."""

    @functools.wraps(function)
    def method(self: HasSpec, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(self.spec, *args, **kwargs)

    return as_method(method, function)


def of_fit(function: Callable[Concatenate[Fit, P], T]) -> Callable[Concatenate[HasFit, P], T]:
    """The method that hands `fit` of its object to `function`, whose first argument it is."""

    @functools.wraps(function)
    def method(self: HasFit, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(self.fit, *args, **kwargs)

    return as_method(method, function)


def of_result(function: Callable[Concatenate[HasFit, P], T]) -> Callable[Concatenate[HasFit, P], T]:
    """The method that hands its object to `function`, whose first argument it is."""

    @functools.wraps(function)
    def method(self: HasFit, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(self, *args, **kwargs)

    return as_method(method, function)


def of_fit_and_rows(function: Callable[Concatenate[Fit, P], T]) -> Callable[Concatenate[HasFit, P], T]:
    """As `of_fit`; where `newdata` is not given, it is the rows that the model was made from, with what it has beside them."""
    taken = inspect.signature(function).parameters

    @functools.wraps(function)
    def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if kwargs.get("newdata") is None:
            own = {name: value for name, value in own_rows(self).items() if name in taken}
            kwargs.update({name: value for name, value in own.items() if kwargs.get(name) is None})
        return function(self.fit, *args, **kwargs)

    return as_method(method, function)


def as_method(method: T, function: Callable[..., Any], returns: Any = None) -> T:
    """Show `method` with the signature of `function`, ``self`` in the first place; `returns`: another result."""
    signature = inspect.signature(function)
    first, *others = signature.parameters.values()
    own = first.replace(name="self", annotation=inspect.Parameter.empty)
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[own, *others],
        return_annotation=signature.return_annotation if returns is None else returns,
    )
    return method
