"""Errors say where they happened, and whether a retry can help."""

from __future__ import annotations

import pytest

from sagac.runtime import errors
from sagac.runtime.errors import BindingError, JournalError, LeaseLostError, SagacError


def test_an_error_says_where_and_whether_a_retry_helps() -> None:
    error = SagacError("it broke", saga="shop.Order", run="r1", step="pay", attempt=2, position=7)
    assert str(error) == (
        "it broke (saga `shop.Order`, run `r1`, step `pay`, attempt 2, position 7; a retry cannot help)"
    )
    assert str(JournalError("disk full")) == "disk full (a retry can help)"
    assert (error.saga, error.step, error.attempt, error.position) == ("shop.Order", "pay", 2, 7)


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith("Error")])
def test_every_error_is_one_of_ours(name: str) -> None:
    assert issubclass(getattr(errors, name), SagacError)


def test_what_a_retry_can_help_with_says_so() -> None:
    assert LeaseLostError("gone").retry_helps
    assert not BindingError(("no handler",)).retry_helps
