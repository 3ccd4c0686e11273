"""Saved models and results: a zip archive with a JSON header and arrays, written and read without pickle.

The format is documented in docs/howto/save_and_load.md. Modules: `archive` (the file), `values` (plain values as JSON
and arrays), `formulas` (formulaic's specifications as plain values), `contents` (models and fits).
"""

from mixed_glm._saving.contents import Saved, load, save

__all__ = ["Saved", "load", "save"]
