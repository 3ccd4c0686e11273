"""What the parts of `MixedGLM` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM


class ModelPart:
    """A part of `MixedGLM`, which alone inherits from it."""

    def _model(self) -> MixedGLM:
        return cast("MixedGLM", self)
