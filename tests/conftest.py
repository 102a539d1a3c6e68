"""What all tests share: the option that rewrites goldens, and a look at the shape of the repository."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from sagac.compiler import driver
from sagac.compiler.diagnostics import Diagnostic

TODAY = date(2026, 11, 21)
ROOT = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = ("compiler", "runtime", "grammar")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files with what comes out now")


def pytest_configure() -> None:
    for root in SOURCE_ROOTS:
        stray = ROOT / root / "sagac" / "__init__.py"
        if stray.exists():
            # `sagac` is one package with several roots; an `__init__.py` in one of them would hide the others.
            raise pytest.UsageError(f"remove {stray.relative_to(ROOT)}: `sagac` is a namespace package")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether goldens are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def check_text() -> Callable[[str], tuple[Diagnostic, ...]]:
    """Everything that a check says about one text."""
    return _check_text


def _check_text(text: str) -> tuple[Diagnostic, ...]:
    return driver.check_text(text, TODAY).diagnostics
