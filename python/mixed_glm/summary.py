"""The table that `MixedGLMResults.summary` returns, under its documented name."""

from mixed_glm._report.summary import Summary

__all__ = ["Summary"]
