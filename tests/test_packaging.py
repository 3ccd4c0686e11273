"""What the installed package carries besides Python: cores, headers, CMake package, licences, metadata."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from importlib import metadata
from pathlib import Path

import pytest

import mixed_glm
from mixed_glm import _cpu
from mixed_glm.__main__ import main as print_paths
from mixed_glm._native import dispatch as _dispatch

SOURCE = Path(__file__).resolve().parent.parent
REQUIRED_HEADERS = [
    "mixed_glm/mixed_glm.hpp",
    "mixed_glm/version.hpp",
    "mixed_glm/families/family.hpp",
    "Eigen/Core",
    "Eigen/Sparse",
]


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def header_version() -> str:
    text = Path(mixed_glm.get_include(), "mixed_glm", "version.hpp").read_text(encoding="utf-8")
    return ".".join(
        re.search(rf"#define MIXED_GLM_VERSION_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH")
    )


class TestMetadata:
    def test_one_version_everywhere(self):
        cmake = Path(mixed_glm.get_cmake_dir(), "mixed_glmConfigVersion.cmake").read_text(encoding="utf-8")
        assert mixed_glm.__version__ == header_version()
        assert metadata.version("mixed_glm") == header_version()
        assert f'set(PACKAGE_VERSION "{header_version()}")' in cmake

    def test_licence_is_stated_and_carried(self):
        stated = metadata.metadata("mixed_glm")
        assert stated["License-Expression"] == "BSD-3-Clause"
        assert {"LICENSE", "licenses/Eigen-MPL-2.0.txt"} <= set(stated.get_all("License-File"))
        shipped = Path(mixed_glm.get_include()).parent / "share" / "licenses" / "mixed_glm"
        assert "Mozilla Public License Version 2.0" in (shipped / "Eigen-MPL-2.0.txt").read_text(
            encoding="utf-8"
        )
        assert "BSD 3-Clause" in (shipped / "LICENSE").read_text(encoding="utf-8")

    def test_no_upper_bounds(self):
        assert metadata.metadata("mixed_glm")["Requires-Python"] == ">=3.11"
        # Extras may have them: arviz 1 is not for every Python.
        bounds = [r.split(";")[0] for r in metadata.requires("mixed_glm") if "extra ==" not in r]
        assert bounds
        assert not [bound for bound in bounds if "<" in bound or "==" in bound]

    def test_typed(self):
        assert any(Path(directory, "py.typed").is_file() for directory in mixed_glm.__path__)


class TestPaths:
    @pytest.mark.parametrize("header", REQUIRED_HEADERS)
    def test_headers_are_there(self, header):
        assert Path(mixed_glm.get_include(), header).is_file()

    def test_no_part_of_eigen_that_is_not_needed(self):
        assert not Path(mixed_glm.get_include(), "unsupported").exists()

    def test_cython_declarations_are_there(self):
        assert any(Path(directory, "kernels.pxd").is_file() for directory in mixed_glm.__path__)

    def test_entry_points_lead_to_the_cmake_and_pkgconfig_files(self):
        for group, file in [("cmake.root", "mixed_glmConfig.cmake"), ("pkg_config", "mixed_glm.pc")]:
            (entry,) = metadata.entry_points(group=group, name="mixed_glm")
            module = importlib.import_module(entry.value)
            assert any(Path(directory, file).is_file() for directory in module.__path__)

    def test_command_line_prints_them(self, capsys):
        assert print_paths(["--includes"]) == 0
        assert print_paths(["--cmakedir"]) == 0
        assert print_paths(["--version"]) == 0
        includes, cmakedir, version = capsys.readouterr().out.splitlines()
        assert includes == f"-I{mixed_glm.get_include()}"
        assert cmakedir == mixed_glm.get_cmake_dir()
        assert version == mixed_glm.__version__

    def test_unknown_option_is_refused(self, capsys):
        with pytest.raises(SystemExit) as stop:
            print_paths(["--include-dirs"])
        assert stop.value.code == 2
        assert "--include-dirs" in capsys.readouterr().err

    @pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler")
    def test_a_program_compiles_with_the_printed_flags(self, tmp_path, capsys):
        print_paths(["--cflags"])
        flags = capsys.readouterr().out.split()
        source = tmp_path / "version.cpp"
        source.write_text(
            "#include <Eigen/Core>\n#include <mixed_glm/version.hpp>\n#include <cstdio>\n"
            "int main() { std::puts(MIXED_GLM_VERSION); return Eigen::Vector2d::Ones().sum() == 2 ? 0 : 1; }\n"
        )
        subprocess.run(["c++", *flags, str(source), "-o", str(tmp_path / "version")], check=True)
        printed = subprocess.run([tmp_path / "version"], check=True, capture_output=True, text=True).stdout
        assert printed.strip() == mixed_glm.__version__


@pytest.fixture
def installed():
    """Files of the installed wheel, relative to the directory of the package."""
    direct = json.loads(metadata.distribution("mixed_glm").read_text("direct_url.json") or "{}")
    if direct.get("dir_info", {}).get("editable"):
        pytest.skip("an editable install is no wheel")
    files = [file.as_posix() for file in metadata.files("mixed_glm")]
    return {file.removeprefix("mixed_glm/") for file in files if "__pycache__" not in file}


class TestFileLists:
    def test_wheel_has_every_source_and_header(self, installed):
        package = SOURCE / "python" / "mixed_glm"
        wanted = {
            file.relative_to(package).as_posix()
            for file in package.rglob("*")
            if file.suffix in {".py", ".pyi", ".pxd", ".typed", ".csv"}
        } | {
            file.relative_to(SOURCE / "cpp").as_posix()
            for file in (SOURCE / "cpp" / "include").rglob("*.hpp")
        }
        assert wanted - installed == set()

    def test_wheel_has_nothing_else(self, installed):
        extra = re.compile(
            r"(_cpu|_core_(v[234]|portable))\..*(so|pyd)|include/(mixed_glm|Eigen)/.*|share/(cmake|pkgconfig|licenses)/.*"
            r"|[\w/]+\.(py|pyi|pxd|typed|csv|html\.jinja)|mixed_glm-.*|\.\./.*"
        )
        assert [file for file in installed if not extra.fullmatch(file)] == []

    def test_sdist(self, tmp_path):
        if not (SOURCE / "pyproject.toml").is_file():
            pytest.skip("not run from a source tree")
        build = f"import scikit_build_core.build as b; print(b.build_sdist({str(tmp_path)!r}))"
        made = subprocess.run(
            [sys.executable, "-c", build], cwd=SOURCE, check=True, capture_output=True, text=True
        ).stdout.split()[-1]
        with tarfile.open(tmp_path / made) as archive:
            files = {name.partition("/")[2] for name in archive.getnames()}
        headers = {file.relative_to(SOURCE).as_posix() for file in (SOURCE / "cpp").rglob("*.hpp")}
        assert {
            "pyproject.toml",
            "CMakeLists.txt",
            "README.md",
            "LICENSE",
            "python/mixed_glm/__init__.py",
        } <= files
        assert {"licenses/Eigen-MPL-2.0.txt", "tests/test_packaging.py", *headers} <= files
        assert [
            f for f in files if f.endswith((".so", ".pyd", ".pyc")) or f.startswith(("build/", "Eigen/"))
        ] == []


class TestInstructionSets:
    @pytest.mark.parametrize(("level", "expected"), [(4, "v4"), (3, "v3"), (2, "v2")])
    def test_best_that_runs_is_selected(self, level, expected):
        assert _dispatch.select(level, {"v2", "v3", "v4"}) == expected

    def test_portable_runs_everywhere_and_yields_to_better(self):
        assert _dispatch.select(0, {"portable"}) == "portable"
        assert _dispatch.select(1, {"portable", "v3"}) == "portable"
        assert _dispatch.select(3, {"portable", "v3"}) == "v3"

    def test_missing_level_falls_to_the_next(self):
        assert _dispatch.select(4, {"v2", "v3"}) == "v3"

    @pytest.mark.parametrize("name", ["v2", "x86-64-v2", "X86-64-V2 "])
    def test_override(self, name):
        assert _dispatch.select(4, {"v2", "v3", "v4"}, name) == "v2"

    def test_empty_override_is_none(self):
        assert _dispatch.select(3, {"v2", "v3"}, "") == "v3"

    @pytest.mark.parametrize(
        ("level", "available", "override", "message"),
        [
            (3, {"v2", "v3", "v4"}, "v4", "cannot run it; usable here: v3, v2"),
            (4, {"v2", "v3"}, "v4", "no core was built for it; usable here: v3, v2"),
            (4, {"v2"}, "avx2", "must be one of v4, v3, v2, portable; got 'avx2'"),
            (1, ["v3", "v2"], None, "x86-64 level 1, built: v3, v2"),
            (0, set(), None, "built: none"),
        ],
    )
    def test_refusals_say_why(self, level, available, override, message):
        with pytest.raises(ImportError, match=re.escape(message)):
            _dispatch.select(level, available, override)

    def test_loaded_core_is_the_selected_one(self):
        chosen = _dispatch.select(_cpu.x86_64_level(), _dispatch.built(), os.environ.get("MIXED_GLM_ISA"))
        assert mixed_glm.__isa__ == chosen
        assert mixed_glm._core.__name__ == "mixed_glm._core"

    @pytest.mark.parametrize("isa", _dispatch.built())
    def test_every_built_core_imports_or_is_refused(self, isa):
        result = run_python("import mixed_glm; print(mixed_glm.__isa__)", MIXED_GLM_ISA=isa)
        if _dispatch.REQUIRED_LEVEL[isa] <= _cpu.x86_64_level():
            assert result.stdout.split() == [isa]
        else:
            assert "this processor cannot run it" in result.stderr

    def test_unknown_environment_value_is_an_import_error(self):
        result = run_python("import mixed_glm", MIXED_GLM_ISA="sse9")
        assert result.returncode != 0
        assert "ImportError: MIXED_GLM_ISA must be one of" in result.stderr

    @pytest.mark.skipif(not Path("/proc/cpuinfo").is_file(), reason="no /proc/cpuinfo")
    def test_level_agrees_with_the_kernel(self):
        found = re.search(
            r"^flags\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE
        )
        flags = set(found[1].split()) if found else set()
        level = _cpu.x86_64_level()
        assert (level >= 3) == ({"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm"} <= flags)
        assert (level >= 4) == (
            {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"} <= flags
        )


def test_import_needs_no_optional_package_and_none_that_is_slow():
    heavy = ["matplotlib", "statsmodels", "tqdm", "jinja2", "IPython"]
    heavy += ["formulaic", "scipy.optimize", "scipy.interpolate", "scipy.integrate"]
    result = run_python(f"import sys, mixed_glm; print([m for m in {heavy} if m in sys.modules])")
    assert result.stdout.strip() == "[]", result.stderr
