"""F, rules over runs: what `require` wants holds before a step is sent, what `forbid` names never does; and what an
output's `where` says of its value."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sagac.compiler import terms, wording
from sagac.compiler.model import OutputField, Rule, Saga
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Case, Never, Obligation, Sometimes, Story
from sagac.compiler.terms import TRUE, Formula, both, negation
from sagac.compiler.verdicts import Claim
from sagac.runtime.plan import Binary, Expression, Input, Items, Result, Unary

DEAD_RULE = "W703"


def owe(saga: Saga, conditions: Conditions) -> tuple[Obligation, ...]:
    """A claim for each rule, that it speaks of some run, and one for each output with a `where`."""
    found: list[Obligation] = []
    for rule in saga.rules:
        found.append(kept(saga, conditions, rule))
        if rule.guard is not None:
            found.append(triggered(saga, conditions, rule))
    found += [refined(saga, conditions, output) for output in saga.outputs if output.where is not None]
    return tuple(found)


def kept(saga: Saga, conditions: Conditions, rule: Rule) -> Never:
    """The step is never sent against the rule."""
    return Never(claim(saga, rule), cases(conditions, rule))


def claim(saga: Saga, rule: Rule) -> Claim:
    return Claim("F", saga.full_name, rule.step, f"`{text(rule)}`", rule.span)


def text(rule: Rule) -> str:
    """The rule as its author wrote it."""
    if rule.kind == "forbid":
        return f"forbid {rule.step} when {wording.expression(unnegated(rule.condition))}"
    when = "" if rule.guard is None else f" when {wording.expression(rule.guard.condition)}"
    return f"require {wording.expression(rule.condition)} before {rule.step}{when}"


def unnegated(condition: Expression) -> Expression:
    return condition.operand if isinstance(condition, Unary) and condition.operator == "not" else condition


def trigger(conditions: Conditions, rule: Rule) -> Formula:
    """The step is sent where the rule applies."""
    applies = TRUE if rule.guard is None else conditions.condition(rule.guard.condition)
    return both(conditions.enabled[rule.step], applies)


def cases(conditions: Conditions, rule: Rule) -> Callable[[], Iterator[Case]]:
    def found() -> Iterator[Case]:
        broken = negation(conditions.condition(rule.condition))
        yield Case(both(trigger(conditions, rule), broken), against(conditions, rule))

    return found


def against(conditions: Conditions, rule: Rule) -> Story:
    """The step is sent although the rule says no."""
    step = conditions.steps[rule.step]
    wanted = wording.expression(wording.plainly(rule.condition))
    return Story(
        first=(rule.step,),
        subject=rule.step,
        message=f"`{rule.step}` is sent in a run in which `{wanted}` does not hold",
        place=step.name_span,
        place_text="this step",
        help=(
            f"let `{rule.step}` run only then: `when {wanted}`",
            f"or fail the run otherwise: `when {wanted} else fail …` in `{rule.step}`",
        ),
    )


def triggered(saga: Saga, conditions: Conditions, rule: Rule) -> Sometimes:
    """Some run meets the rule's condition: a rule that never applies says nothing."""
    speaks = Claim("A6", saga.full_name, rule.step, f"some run meets the condition of `{text(rule)}`", rule.span)
    return Sometimes(
        speaks,
        trigger(conditions, rule),
        Story(then=(rule.step,), subject=rule.step),
        f"`{text(rule)}` never applies: `{rule.step}` is not sent where its condition holds",
        ("drop the rule, or its `when`",),
        DEAD_RULE,
    )


# --- outputs -------------------------------------------------------------------------------------------------------


def refined(saga: Saga, conditions: Conditions, output: OutputField) -> Never:
    """The value of an output is as its `where` says, whenever a run completes."""
    assert output.where is not None
    said = wording.expression(output.where.condition)
    owed = Claim("F", saga.full_name, "", f"output `{output.name}` is such that `{said}`", output.where.span)
    condition = conditions.condition(with_value(output.where.condition, output))

    def found() -> Iterator[Case]:
        passed = both(*(conditions.guard[name] for name in conditions.failing))
        yield Case(both(passed, negation(condition)), otherwise(saga, output, said))

    return Never(owed, found)


def with_value(condition: Expression, output: OutputField) -> Expression:
    """The condition with the output's value in the place of its name."""
    match condition:
        case Input(path=path) if path[0] == output.name:
            return output.value if len(path) == 1 else condition
        case Unary():
            return Unary(condition.operator, with_value(condition.operand, output))
        case Binary():
            left, right = with_value(condition.left, output), with_value(condition.right, output)
            return Binary(condition.operator, left, right)
        case Items():
            return Items(tuple(with_value(item, output) for item in condition.items))
        case _:
            return condition


def otherwise(saga: Saga, output: OutputField, said: str) -> Story:
    read = {leaf.step for leaf in terms.leaves(output.value) if isinstance(leaf, Result)}
    return Story(
        first=tuple(step.name for step in saga.steps),
        subject=next((step.name for step in saga.steps if step.name in read), saga.steps[0].name),
        message=f"a run can complete with an output `{output.name}` for which `{said}` does not hold",
        place=output.span,
        place_text="this is its value",
        help=("say less in the `where` of the output", "or fail the run before: `when … else fail …` in a step"),
    )
