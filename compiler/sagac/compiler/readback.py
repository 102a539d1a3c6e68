"""Reads the plans out of an emitted module: from its text alone, and nothing but what the emitter writes."""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

from sagac.compiler import notation
from sagac.runtime import plan
from sagac.runtime.plan import Plan

IMPORT: Final = ("sagac.runtime", "plan", notation.MODULE)
"""Where the plan's types come from, and under which name: module, name, name here."""

Constants: TypeAlias = Mapping[str, Any]
"""The parts that stand above a plan under names of their own."""

HEAD: Final = re.compile(r"^- `([^`]+)` version (\d+), plan ([0-9a-f]{64})$", re.MULTILINE)
"""A saga in the module's docstring, with the digest of its plan."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why no plan can be read back from a module, and where."""

    reason: str
    line: int


class Unexpected(Exception):  # noqa: N818  # never leaves this module: it becomes a value
    """Something that the emitter does not write; becomes an `Unreadable`."""

    def __init__(self, reason: str, node: ast.AST | None = None) -> None:
        super().__init__(reason)
        self.found = Unreadable(reason, getattr(node, "lineno", 1))


def plans(text: str) -> tuple[Plan, ...] | Unreadable:
    """The plans of an emitted module in their order, or why it is not one."""
    try:
        with uncollected():
            module = ast.parse(text)
            found = tuple(planned(module))
        compare_with_head(ast.get_docstring(module) or "", found)
    except SyntaxError as error:
        return Unreadable(f"not Python: {error.msg}", error.lineno or 1)
    except Unexpected as error:
        return error.found
    return found


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the cycle collector out: a big tree of nodes has no cycles, and searching it takes most of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def compare_with_head(head: str, found: tuple[Plan, ...]) -> None:
    """The digests that the docstring names must be those of the plans below it."""
    named = [(saga, int(version), digest) for saga, version, digest in HEAD.findall(head)]
    if named != [(one.saga, one.version, plan.digest(one)) for one in found]:
        raise Unexpected("the digests in the module's docstring are not those of its plans")


def planned(module: ast.Module) -> Iterator[Plan]:
    """The plan that each saga class binds, where every name means what it seems to mean."""
    constants: dict[str, Any] = {}
    imported = False
    names: set[str] = set()
    for node in module.body:
        bound = bound_names(node)
        if twice := names & bound:
            raise Unexpected(f"`{min(twice)}` is bound twice", node)
        names |= bound
        imported = imported or is_plan_import(node)
        if isinstance(node, ast.Assign):
            built = value(node.value, constants)
            constants[min(bound)] = typed(built, node) if isinstance(built, Plan) else built
        elif isinstance(node, ast.ClassDef) and (chosen := chosen_plan(node)) is not None:
            if not isinstance(found := constants.get(chosen), Plan):
                raise Unexpected(f"`{node.name}` binds no plan of this module", node)
            yield found
    if not imported:
        raise Unexpected("the plan's types are not imported")


def bound_names(node: ast.stmt) -> frozenset[str]:
    """The names that a statement of the module binds; a statement of another kind does not belong there."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return frozenset()
        case ast.ImportFrom(names=names) if all(alias.name != "*" for alias in names):
            return imported_names(node)
        case ast.ClassDef():
            return frozenset({node.name})
        case ast.Assign(targets=[ast.Name(id=name)]):
            return frozenset({name})
        case _:
            raise Unexpected("a statement that no emitted module has", node)


def imported_names(node: ast.ImportFrom) -> frozenset[str]:
    names = frozenset(alias.asname or alias.name for alias in node.names)
    if notation.MODULE in names and not is_plan_import(node):
        raise Unexpected("the plan's types are imported from elsewhere", node)
    return names


def is_plan_import(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and node.level == 0
        and any((node.module, alias.name, alias.asname) == IMPORT for alias in node.names)
    )


def chosen_plan(node: ast.ClassDef) -> str | None:
    """The constant that a saga's class binds as its plan; `None` for any other class."""
    found = None
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id="plan"), annotation=annotation, value=ast.Name(id=name)) if (
                ast.unparse(annotation) == f"ClassVar[{notation.MODULE}.Plan]"
            ):
                if found is not None:
                    raise Unexpected(f"`{node.name}` binds two plans", statement)
                found = name
            case ast.AnnAssign() | ast.AsyncFunctionDef() | ast.FunctionDef():
                pass
            case ast.Assign(targets=[ast.Name()], value=ast.Constant()) | ast.Expr(value=ast.Constant(value=str())):
                pass
            case _:
                raise Unexpected(f"`{node.name}` has a statement that no emitted class has", statement)
    return found


def value(node: ast.expr, constants: Constants) -> Any:
    """The value of an expression of the few kinds that a plan is written in."""
    if isinstance(node, ast.Constant):
        return constant(node)
    if isinstance(node, ast.Name) and node.id in constants:
        return constants[node.id]
    if isinstance(node, ast.Call):
        return struct(node, constants)
    if isinstance(node, ast.Tuple):
        return tuple([value(item, constants) for item in node.elts])
    if isinstance(node, ast.List):
        return [value(item, constants) for item in node.elts]
    if isinstance(node, ast.Dict):
        return dictionary(node, constants)
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and type(number := value(node.operand, constants)) is int
    ):
        return -number
    raise Unexpected("an expression that no plan is written in", node)


def constant(node: ast.Constant) -> bool | int | str | None:
    content = node.value
    if content is None or isinstance(content, bool | int | str):
        return content
    raise Unexpected("a literal that no plan is written with", node)


def dictionary(node: ast.Dict, constants: Constants) -> dict[str, Any]:
    keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
    if not all(isinstance(key, str) for key in keys) or len(set(keys)) != len(keys):
        raise Unexpected("a dictionary whose keys are not all different texts", node)
    return {str(key): value(item, constants) for key, item in zip(keys, node.values, strict=True)}


def struct(node: ast.Call, constants: Constants) -> msgspec.Struct:
    """A part of a plan, from its constructor call."""
    function = node.func
    if not (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == notation.MODULE
        and function.attr in notation.CONSTRUCTORS
    ):
        raise Unexpected("a call of something that is no part of a plan", node)
    fields = {keyword.arg: value(keyword.value, constants) for keyword in node.keywords if keyword.arg is not None}
    if len(fields) != len(node.keywords):
        raise Unexpected("arguments that are not written out", node)
    try:
        return notation.CONSTRUCTORS[function.attr](*[value(argument, constants) for argument in node.args], **fields)
    except TypeError as error:
        raise Unexpected(str(error), node) from error


def typed(built: Any, node: ast.stmt) -> Plan:
    """The plan, once every field has the type that the contract says."""
    try:
        return plan.decode(plan.encode(built))
    except (msgspec.ValidationError, TypeError) as error:
        raise Unexpected(str(error), node) from error
