from Cython.Build import cythonize
from setuptools import Extension, setup

import mixed_glm

extension = Extension(
    "poisson_score",
    ["poisson_score.pyx"],
    language="c++",
    include_dirs=[mixed_glm.get_include()],
    define_macros=[("EIGEN_MPL2_ONLY", None)],
    extra_compile_args=["-std=c++17", "-O3", "-fno-math-errno", "-fno-trapping-math"],
)
setup(ext_modules=cythonize([extension], language_level=3))
