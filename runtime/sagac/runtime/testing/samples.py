"""Values made up from types: what a reference service returns where nobody said what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, get_args, get_origin
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

PLAIN: Final[dict[Any, Any]] = {
    str: "a",
    int: 1,
    bool: True,
    Decimal: Decimal(1),
    UUID: UUID("00000000-0000-4000-8000-000000000001"),
    datetime: datetime(2026, 1, 1, tzinfo=UTC),
    AwareDatetime: datetime(2026, 1, 1, tzinfo=UTC),
    timedelta: timedelta(seconds=1),
}


def sample(target: Any) -> Any:
    """The plainest value of a type that a protocol or a generated model can have."""
    if target in PLAIN:
        return PLAIN[target]
    if get_origin(target) is Annotated:
        return sample(get_args(target)[0])
    if get_origin(target) is tuple:
        return (sample(get_args(target)[0]),)
    if isinstance(target, type) and issubclass(target, Enum):
        return next(iter(target))
    if isinstance(target, type) and issubclass(target, BaseModel):
        return target(**{name: sample(field.annotation) for name, field in target.model_fields.items()})
    alternatives = [alternative for alternative in get_args(target) if alternative is not type(None)]
    assert alternatives or target in (None, type(None)), f"no sample of {target!r}"
    return sample(alternatives[0]) if alternatives else None
