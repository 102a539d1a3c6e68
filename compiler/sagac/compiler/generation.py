"""What `sagac gen` writes: which modules a checked project has, and which of those on disk are stale."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from keyword import iskeyword
from typing import Final, TypeAlias

from sagac.compiler import cases, emitter
from sagac.compiler.model import Project
from sagac.compiler.verdicts import Judgement
from sagac.runtime.plan import Plan

Modules: TypeAlias = Mapping[str, str]
"""The text of each module, by its path below the output folder."""


IMPORTED: Final = frozenset(
    {"asyncio", "collections", "dataclasses", "datetime", "decimal", "enum", "hypothesis", "pydantic", "pytest"}
    | {"sagac", "typing", "uuid"}
)
"""Modules that emitted ones import: one beside them of the same name would be found first."""


def executors(project: Project, plans: Mapping[str, Plan]) -> Modules:
    """The executor module of each spec file that has sagas with plans; `plans` by the sagas' full names."""
    return {f"{name}.py": emitter.executor_module(project, file, plans) for file, name in names(project, plans).items()}


def generate(
    project: Project, plans: Mapping[str, Plan], judgements: Sequence[Judgement] = (), package: str = ""
) -> Modules:
    """Every module of a project. `package` is where the executor modules are imported from; empty beside the tests."""
    modules = dict(executors(project, plans))
    told = {
        saga.full_name: cases.cases(saga, plans[saga.full_name], judgements)
        for saga in project.sagas
        if saga.full_name in plans
    }
    for file, name in names(project, plans).items():
        module = f"{package}.{name}" if package else name
        modules[f"test_{name}.py"] = emitter.test_module(project, file, plans, told, module)
    return modules


def stale(expected: Modules, present: Modules) -> tuple[str, ...]:
    """A line for each module that is missing, or is not what the specs say."""
    return tuple(differences(expected, present))


def differences(expected: Modules, present: Modules) -> Iterator[str]:
    for path in sorted(expected):
        if path not in present:
            yield f"`{path}` is missing: run `sagac gen`"
        elif present[path] != expected[path]:
            yield f"`{path}` is stale: run `sagac gen`"


def names(project: Project, plans: Mapping[str, Plan]) -> Mapping[str, str]:
    """The module name of each spec file with sagas: its own, with its folders before it where two have one."""
    files = sorted({saga.span.file for saga in project.sagas if saga.full_name in plans})
    chosen = {file: identifier(file.rpartition("/")[2]) for file in files}
    shared = {name for name, count in Counter(chosen.values()).items() if count > 1}
    return {file: identifier(file) if name in shared else name for file, name in chosen.items()}


def identifier(path: str) -> str:
    """A file's path as a name that Python can import."""
    name = re.sub(r"\W", "_", path.removesuffix(".saga").lstrip("./"), flags=re.ASCII)
    return f"saga_{name}" if not name.isidentifier() or iskeyword(name) or name in IMPORTED else name
