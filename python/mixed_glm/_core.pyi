"""Interface of the compiled core, whichever instruction set was chosen."""

__version__: str
__isa__: str
__eigen_version__: str
