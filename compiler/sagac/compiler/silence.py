"""Commands of which no contract says what they change: what is proved of records supposes that they change none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from sagac.compiler.model import Call, Project, Saga, Step
from sagac.compiler.obligations.obligation import Kept, Obligation
from sagac.compiler.verdicts import Family

ABOUT_RECORDS: Final[frozenset[Family]] = frozenset({"A5", "B1", "B2", "B3", "B4", "B5", "B6", "D4"})


def promises(project: Project) -> Mapping[str, tuple[str, ...]]:
    """What is supposed of the silent commands that some saga of the project calls, by service.

    Of a service without resources nothing is proved, so nothing is supposed.
    """
    found: dict[str, dict[str, None]] = {}
    for saga in project.sagas:
        for step in saga.steps:
            for call in calls(step):
                operation = project.operation(call)
                if operation.kind == "command" and not operation.changes and project.services[call.service].resources:
                    name = f"{project.services[call.service].name}.{call.operation}"
                    text = f"`{name}` changes no record that its contract does not name"
                    found.setdefault(call.service, {})[text] = None
    return {service: tuple(texts) for service, texts in found.items()}


def calls(step: Step) -> tuple[Call, ...]:
    """The do of a step, and its undos."""
    return (step.call, *(handler.call for handler in step.handlers))


def supposed(
    obligations: Iterable[Obligation], saga: Saga, silent: Mapping[str, tuple[str, ...]]
) -> tuple[Obligation, ...]:
    """The obligations, those about records of a service resting on its silent commands too."""
    if not silent:
        return tuple(obligations)
    steps = {step.name: step for step in saga.steps}
    return tuple(
        resting(each, steps[each.claim.step], silent)
        if isinstance(each, Kept) and each.claim.step and each.claim.family in ABOUT_RECORDS
        else each
        for each in obligations
    )


def resting(obligation: Kept, step: Step, silent: Mapping[str, tuple[str, ...]]) -> Kept:
    services = dict.fromkeys(call.service for call in calls(step))
    more = tuple(text for service in services for text in silent.get(service, ()))
    return replace(obligation, rests_on=(*obligation.rests_on, *more)) if more else obligation
