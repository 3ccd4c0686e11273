"""What the parts of `MixedGLM` and of `MixedGLMResults` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM
    from mixed_glm.results import MixedGLMResults


class ModelPart:
    """A part of `MixedGLM`, which alone inherits from it."""

    def _model(self) -> MixedGLM:
        return cast("MixedGLM", self)


class ResultsPart:
    """A part of `MixedGLMResults`, which alone inherits from it."""

    def _results(self) -> MixedGLMResults:
        return cast("MixedGLMResults", self)
