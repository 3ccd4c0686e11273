"""What the data say of each standard deviation."""

from __future__ import annotations

import numpy as np

from mixed_glm._posterior.posterior import Posterior

_AS_WIDE, _AS_HIGH = (
    0.85,
    0.5,
)  # of a posterior that is called its prior: of its standard deviation, and from its mean


def uninformed(posterior: Posterior) -> list[str]:
    """Names of the components of whose standard deviation the data say next to nothing.

    Those whose logarithm has a posterior hardly narrower than its prior, and about the same mean.
    """
    spec = posterior.spec
    middle, width = spec.design.priors.of_log_sds
    wide = posterior.sd[spec.layout.vcp] >= _AS_WIDE * width
    same = wide & (np.abs(posterior.mean[spec.layout.vcp] - middle) <= _AS_HIGH * width)
    return [name for name, told in zip(spec.layout.vcp_names, same, strict=True) if told]
