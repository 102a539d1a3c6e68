"""Python names for a spec's names: none is a keyword, none hides another."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Container, Iterable
from typing import Final

IMPORTED: Final = frozenset(
    {
        "Iterator", "hypothesis", "pytest", "testing",
        "AliasChoices", "AwareDatetime", "BaseModel", "Call", "ClassVar", "Decimal", "Field", "Mapping", "Protocol",
        "Refusal", "Self", "StrEnum", "UUID", "annotations", "dataclass", "datetime", "model_validator", "planned",
        "satisfying", "timedelta",
    }
)  # fmt: skip
"""What emitted modules import, whether or not this one does: a name does not change because a type came into use."""

TAKEN: Final = IMPORTED | frozenset(dir(builtins)) | frozenset(keyword.kwlist)

ANNOTATIONS: Final = frozenset({"bool", "int", "str", "tuple"})
"""Builtins that fields are annotated with, and which a field of that name would hide."""

MODEL_NAMES: Final = frozenset(
    {
        "construct", "copy", "dict", "from_orm", "json", "parse_file", "parse_obj", "parse_raw", "schema",
        "schema_json", "update_forward_refs", "validate",
    }
)  # fmt: skip
"""What every pydantic model has already; names that begin with `model_` are its own too."""

BINDING_NAMES: Final = frozenset({"plan", "input", "output", "protocols"})
"""What every saga class has already."""


def attribute(service: str) -> str:
    """A saga class's field for a service."""
    return f"{service}_" if service in BINDING_NAMES else service


def field(name: str, module_names: Container[str]) -> str:
    """A model's field: nothing that a model has already, nothing that its own annotations need."""
    if name.startswith(("_", "model_")):
        name = f"field_{name.lstrip('_')}"
    while name in MODEL_NAMES | ANNOTATIONS | IMPORTED or name in module_names:
        name += "_"
    return name


def member(name: str) -> str:
    """An enum's member, as constants are written."""
    return f"M{name}".upper() if name.startswith("_") else name.upper()


def pascal(name: str) -> str:
    """`card_network` as `CardNetwork`; `cardNetwork` too."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part) or "Service"


def constant(name: str) -> str:
    """`PlaceOrder` as `PLACE_ORDER`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return apart.upper()


class Names:
    """The names of a module, given out one by one: whoever comes first gets the plain one."""

    def __init__(self, taken: Iterable[str] = TAKEN) -> None:
        self._taken = set(taken)

    def give(self, *wishes: str) -> str:
        """The first of the wishes that is free, or the last one with underscores until it is."""
        free = next((wish for wish in wishes if wish not in self._taken), wishes[-1])
        while free in self._taken:
            free += "_"
        self._taken.add(free)
        return free

    def keep(self, name: str) -> str:
        """A name that cannot be another one, whether it is free or not."""
        self._taken.add(name)
        return name
