"""The wheel that users install: what is in it, and that the runtime stands alone."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def run_python(installed: Path, code: str, *forbidden: str) -> subprocess.CompletedProcess[str]:
    """Runs `code` on the installed wheel, with the forbidden libraries missing as on a service's machine."""
    shut = (
        f"import sys; sys.modules.update(dict.fromkeys({list(forbidden)!r})); sys.path.insert(0, {str(installed)!r}); "
    )
    return subprocess.run(
        [sys.executable, "-c", shut + code], capture_output=True, text=True, timeout=60, cwd=installed
    )


def test_the_wheel_carries_the_grammar_the_templates_and_the_type_markers(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "sagac/grammar/saga.lark" in names
    assert {f"sagac/{part}/py.typed" for part in ("grammar", "compiler", "runtime")} <= names
    assert any(name.endswith(".j2") for name in names)
    assert "sagac/__init__.py" not in names


def test_the_runtime_imports_nothing_of_the_compiler(installed: Path) -> None:
    code = (
        "import sagac.runtime; "
        "assert sagac.runtime.__file__.startswith(sys.path[0]), sagac.runtime.__file__; "
        "print(sorted(m for m in sys.modules if m.startswith('sagac.') and not m.startswith('sagac.runtime')))"
    )
    done = run_python(installed, code, "lark", "networkx", "jinja2", "z3", "hypothesis")
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_without_the_compiler_extra_a_compiler_command_names_it_and_exits_69(installed: Path) -> None:
    code = "from sagac.runtime.cli import main; sys.argv = ['sagac', 'check', '.']; sys.exit(main())"
    done = run_python(installed, code, "lark", "networkx", "jinja2", "z3")
    assert done.returncode == 69, done.stderr
    assert "sagac[compiler]" in done.stderr
    assert "Traceback" not in done.stderr
