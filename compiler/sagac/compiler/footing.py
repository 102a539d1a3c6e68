"""What claims about records stand on beside what each names itself: commands that do just what their contracts say, and
nobody else who changes a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sagac.compiler import planner, wording
from sagac.compiler.model import Project, Saga, Step
from sagac.compiler.obligations.obligation import Kept, Obligation, Settled
from sagac.compiler.silence import calls
from sagac.compiler.source import Span
from sagac.compiler.unkept import REFERRING
from sagac.compiler.verdicts import Claim, Family, Proved

Commands = Mapping[str, tuple[str, ...]]
"""The commands that change records of each resource, by the resource's full name."""

OF_ANY_RUN: Final[frozenset[Family]] = frozenset({"B4", "B5", "D4"})
"""The families that ask about other runs: all commands of the project are in their questions."""

OF_OWN_RUN: Final[frozenset[Family]] = frozenset({"B6", "B7", "F"})
"""The families that follow a run through its own commands."""

CLOSED: Final[frozenset[Family]] = frozenset({"B4", "B5", "B6", "D4", "F"})
"""The families that speak of other runs, or of how records are when a run starts."""

NAMED_MAX: Final = 50
"""Of a resource that more commands change, they are named together."""


@dataclass(frozen=True, slots=True)
class Footing:
    """What the claims about a saga may stand on."""

    project: Project
    anyone: Commands
    """What sagas of the project change."""
    own: Commands
    """What this saga changes."""
    of_step: Mapping[str, tuple[str, ...]]
    """The resources of which a step and its undos change records."""
    of_ensure: Mapping[Span, tuple[str, ...]]
    """The resources that something ensured reads, by its place."""
    told: dict[tuple[Family, tuple[str, ...]], tuple[str, ...]] = field(default_factory=dict)


def standing(obligations: Iterable[Obligation], project: Project, saga: Saga) -> tuple[Obligation, ...]:
    """The obligations, those about records with what they stand on."""
    of_step = {step.name: changed(project, step) for step in saga.steps}
    own = changing(project, (saga,))
    of_ensure = {
        ensure.span: tuple(dict.fromkeys(reading.resource for reading in ensure.records)) or tuple(own)
        for ensure in saga.ensures
    }
    ground = Footing(project, changing(project, project.sagas), own, of_step, of_ensure)
    return tuple(on(ground, each) for each in obligations)


def changing(project: Project, sagas: Iterable[Saga]) -> Commands:
    """The commands that these sagas call, by the resources of which they change records."""
    found: dict[str, dict[str, None]] = {}
    for saga in sagas:
        once = {(call.service, call.operation): call for step in saga.steps for call in calls(step)}
        for call in once.values():
            name = wording.operation(planner.called(call))
            for change in project.operation(call).changes:
                found.setdefault(change.resource, {})[name] = None
    return {resource: tuple(names) for resource, names in found.items()}


def changed(project: Project, step: Step) -> tuple[str, ...]:
    changes = (change for call in calls(step) for change in project.operation(call).changes)
    return tuple(dict.fromkeys(change.resource for change in changes))


def on(ground: Footing, obligation: Obligation) -> Obligation:
    """The obligation with what it stands on; one that is not proved, or not about records, stands on nothing."""
    match obligation:
        case Kept(claim=claim) if more := beneath(ground, claim):
            return replace(obligation, rests_on=tuple(dict.fromkeys((*obligation.rests_on, *more))))
        case Settled(claim=claim, verdict=Proved(shallow="") as shown) if more := beneath(ground, claim):
            rests_on = tuple(dict.fromkeys((*shown.rests_on, *more)))
            return replace(obligation, verdict=replace(shown, rests_on=rests_on))
        case _:
            return obligation


def beneath(ground: Footing, claim: Claim) -> tuple[str, ...]:
    """What a claim stands on, by name."""
    if claim.family not in OF_ANY_RUN | OF_OWN_RUN:
        return ()
    about = ground.of_step.get(claim.step, ()) if claim.step else ground.of_ensure.get(claim.span, ())
    if claim.family == "B6" and REFERRING in claim.text:
        about = tuple(dict.fromkeys((*about, *referring(ground.project, about))))
    if (claim.family, about) not in ground.told:
        ground.told[claim.family, about] = tuple(promises(ground, claim.family, about))
    return ground.told[claim.family, about]


def referring(project: Project, about: tuple[str, ...]) -> Iterator[str]:
    """The resources that these refer to, and those that refer to these."""
    for service in project.services.values():
        for resource in service.resources.values():
            for each in resource.fields:
                if each.reference is not None and resource.full_name in about:
                    yield each.reference.resource
                if each.reference is not None and each.reference.resource in about:
                    yield resource.full_name


def promises(ground: Footing, family: Family, about: tuple[str, ...]) -> Iterator[str]:
    commands = ground.anyone if family in OF_ANY_RUN else ground.own
    for resource in about:
        names, called = commands.get(resource, ()), ground.project.resource(resource).name
        if len(names) > NAMED_MAX:
            yield f"each command that changes `{called}` does what its `changes` say, and nothing else"
        else:
            yield from (f"`{name}` does what its `changes` say, and nothing else" for name in names)
        if family in CLOSED:
            yield f"`{called}` is changed by nothing outside the project"
