"""Links, from the mean to the linear predictor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from mixed_glm.families._support import Floats

LINKS: dict[str, Callable[[Floats], Floats]] = {
    "identity": np.asarray,
    "log": np.log,
    "logit": special.logit,
    "probit": special.ndtri,
    "cloglog": lambda p: np.log(-np.log1p(-p)),
    "loglog": lambda p: -np.log(-np.log(p)),
}
