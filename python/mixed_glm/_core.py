"""Stands for the compiled core: importing it gives the extension module that fits this processor."""

import sys

from mixed_glm._native.dispatch import load

sys.modules[__name__] = load()
