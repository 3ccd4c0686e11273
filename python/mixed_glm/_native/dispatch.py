"""Choice of the compiled core that fits this processor.

The wheel holds the same core compiled for several instruction sets, one extension module each: ``_core_v2``,
``_core_v3`` and ``_core_v4`` for the levels of the x86-64 psABI, or ``_core_portable`` on other processors. The
best that the processor can run is imported, and no other. The environment variable ``MIXED_GLM_ISA`` overrides
the choice, for tests and for bit-for-bit agreement between machines.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Collection
from types import ModuleType

# Best first; each with the x86-64 level that a processor must have for it.
REQUIRED_LEVEL = {"v4": 4, "v3": 3, "v2": 2, "portable": 0}


def built() -> tuple[str, ...]:
    """Instruction sets that this installation has a core for, best first."""
    return tuple(isa for isa in REQUIRED_LEVEL if importlib.util.find_spec(f"mixed_glm._core_{isa}"))


def select(level: int, available: Collection[str], override: str | None = None) -> str:
    """Name of the core to load.

    Parameters
    ----------
    level : int
        Highest x86-64 level of the processor (1 to 4), 0 on other architectures.
    available : collection of str
        Instruction sets that were built, a subset of ``REQUIRED_LEVEL``.
    override : str, optional
        The user's choice, ``"v3"`` or ``"x86-64-v3"`` for instance; None or empty: the best.

    Returns
    -------
    str
        An element of `available`.

    Raises
    ------
    ImportError
        If nothing in `available` runs here, or `override` is unknown, was not built, or does not run.
    """
    runnable = [isa for isa, needed in REQUIRED_LEVEL.items() if isa in available and needed <= level]
    if override:
        isa = override.strip().lower().removeprefix("x86-64-")
        if isa in runnable:
            return isa
        if isa not in REQUIRED_LEVEL:
            raise ImportError(f"MIXED_GLM_ISA must be one of {', '.join(REQUIRED_LEVEL)}; got {override!r}")
        reason = "this processor cannot run it" if isa in available else "no core was built for it"
        usable = ", ".join(runnable) or "none"
        raise ImportError(f"MIXED_GLM_ISA={override!r}: {reason}; usable here: {usable}")
    if not runnable:
        raise ImportError(
            f"no compiled core of mixed_glm runs on this processor (x86-64 level {level}, built: "
            f"{', '.join(available) or 'none'}); build one from source with "
            "pip install --no-binary mixed-glm -C cmake.define.MIXED_GLM_ISA=portable mixed-glm"
        )
    return runnable[0]


def load() -> ModuleType:
    """Import the core for this processor, or the one that ``MIXED_GLM_ISA`` names."""
    from mixed_glm import _cpu

    isa = select(_cpu.x86_64_level(), built(), os.environ.get("MIXED_GLM_ISA"))
    return importlib.import_module(f"mixed_glm._core_{isa}")
