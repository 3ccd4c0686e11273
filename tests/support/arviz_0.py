"""ArviZ 0.x, to compare with."""

import warnings
from types import ModuleType

import pytest


def arviz_0() -> ModuleType:
    """ArviZ 0.x, whose import warns of ArviZ 1; skipped where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        az = pytest.importorskip("arviz")
    if not hasattr(az, "psislw"):
        pytest.skip("another ArviZ than 0.x")
    return az
