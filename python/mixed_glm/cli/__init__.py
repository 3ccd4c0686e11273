"""The command ``mixed-glm``: fits models to tables, predicts from saved fits, and compares them."""

from mixed_glm.cli._main import main

__all__ = ["main"]
