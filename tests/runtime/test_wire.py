"""What a handler gives and gets survives the journal in every type of the language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, BeforeValidator

from sagac.runtime import wire

ORDER = UUID("12345678-1234-5678-1234-567812345678")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Tier(StrEnum):
    standard = "standard"
    vip = "vip"


class Line(BaseModel):
    price: Decimal
    waits: timedelta | None = None


class Order(BaseModel):
    lines: tuple[Line, ...]
    tier: Tier


LINE = Line(price=Decimal(2))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (str, "naïve 日本", "naïve 日本"),
        (int, 42, 42),
        (int, -(2**70), -(2**70)),
        (bool, True, True),
        (Decimal, Decimal("10.00"), "10.00"),
        (Decimal, Decimal("1E+3"), "1000"),
        (UUID, ORDER, str(ORDER)),
        (datetime, NOON, "2026-11-21T12:00:00Z"),
        (timedelta, timedelta(minutes=1, milliseconds=5), 60_005),
        (Tier, Tier.vip, "vip"),
        (list[int], [1, 2], [1, 2]),
        (tuple[timedelta, ...], (timedelta(seconds=1),), [1000]),
        (timedelta | None, timedelta(seconds=2), 2000),
        (timedelta | None, None, None),
        (Annotated[timedelta, BeforeValidator(lambda value: value)], timedelta(seconds=2), 2000),
        (
            Order,
            Order(
                lines=(Line(price=Decimal("1.5"), waits=timedelta(seconds=3)), Line(price=Decimal(2))), tier=Tier.vip
            ),
            {"lines": [{"price": "1.5", "waits": 3000}, {"price": "2", "waits": None}], "tier": "vip"},
        ),
    ],
)
def test_a_value_comes_back_as_it_went(kind: Any, value: Any, expected: Any) -> None:
    encoded = wire.encode(value)
    assert encoded == expected
    assert wire.Decoder(kind).decode(encoded) == value


def test_an_instant_is_journaled_in_utc() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=9)))
    assert wire.encode(there) == "2026-11-21T12:00:00Z"


@pytest.mark.parametrize(
    "value",
    [
        NOON.replace(tzinfo=None),
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1E+999999"),
        1.5,
        "\ud800",
        {1, 2},
        object(),
        NOON.date(),
    ],
)
def test_what_the_journal_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        wire.encode(value)


@pytest.mark.parametrize(("kind", "value"), [(int, "many"), (Decimal, "x"), (Order, {"tier": "gold"}), (UUID, "1-2")])
def test_a_value_of_another_type_is_refused(kind: Any, value: Any) -> None:
    with pytest.raises(ValueError, match="validation error"):
        wire.Decoder(kind).decode(value)
    with pytest.raises(ValueError, match="validation error"):
        wire.Decoder(kind).check(value)
