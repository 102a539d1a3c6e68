"""What became of a run, for the code that started it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from pydantic import BaseModel

from sagac.runtime import kernel
from sagac.runtime.expressions import Unavailable
from sagac.runtime.run import Held as HeldAction
from sagac.runtime.run import Residue, Run
from sagac.runtime.services import Binding
from sagac.runtime.wire import Decoder


@dataclass(frozen=True, slots=True)
class Completed:
    """Every step is done or skipped."""

    output: Any = None
    """The saga's output model; a plain mapping for a run of another version of the saga; None without an output."""


@dataclass(frozen=True, slots=True)
class Compensated:
    """Everything that took effect was undone, but for the residue that the saga declares."""

    cause: str
    residue: tuple[Residue, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing more happens before a person settles one of these actions."""

    actions: tuple[HeldAction, ...]
    standing: tuple[str, ...]
    """The steps whose effect stands, or may."""
    cause: str = ""
    """What turned the run, if it was turned."""

    @property
    def why(self) -> str:
        """One line for each action that is held."""
        return "\n".join(f"{_name(action)}: {action.why}" for action in self.actions)

    @property
    def help(self) -> str:
        """What to do about it."""
        names = " and ".join(_name(action) for action in self.actions)
        return f"find out at the service whether {names} took effect, and settle it there"


Outcome: TypeAlias = Completed | Compensated | Held
"""What `outcome` returns."""


def project(run: Run, binding: Binding | None) -> Outcome:
    """The outcome of a run that has ended or is held."""
    match kernel.status(run):
        case "completed":
            return Completed(_output(run, binding))
        case "compensated" | "compensated with residue":
            return Compensated(_cause(run), kernel.residue(run))
        case _:
            return Held(kernel.held(run), kernel.standing(run), _cause(run))


def _cause(run: Run) -> str:
    """What turned the run; a doubt with what is known of it: the last that was heard may be a handler's defect."""
    if not run.cause_step:
        return run.cause
    action = run.actions[run.layout.position[run.cause_step]]
    return f"{run.cause}: {action.detail}" if action.state == "revoking" and action.detail else run.cause


def _output(run: Run, binding: Binding | None) -> Any:
    try:
        fields = kernel.output(run)
    except Unavailable:
        return None
    if binding is None or binding.output is None or binding.plan != run.plan:
        return fields or None
    return _decoder(binding.output).decode(fields)


@lru_cache
def _decoder(model: type[BaseModel]) -> Decoder:
    return Decoder(model)


def _name(action: HeldAction) -> str:
    return f"`{action.step}`" if action.direction == "do" else f"the undo of `{action.step}`"
