"""The dependency graph: a deterministic order, reduced, with every circle shown."""

from __future__ import annotations

from tests.compiler.judging import SERVICES, read

from sagac.compiler import graph
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.graph import Graph

UNDONE = "do work.may(id)  compensate work.revoke_may(id)"


def built(*steps: str) -> tuple[Graph, tuple[Diagnostic, ...]]:
    body = "\n".join(f"  step {step}" for step in steps)
    _, saga = read(f"{SERVICES}\nsaga Tested version 1 {{\n  key id\n  input {{ id: uuid }}\n{body}\n}}\n")
    return graph.build(saga)


def test_steps_stand_in_source_order_where_nothing_else_decides() -> None:
    found, findings = built(f"c after a {{ {UNDONE} }}", f"b {{ {UNDONE} }}", f"a {{ {UNDONE} }}")
    assert found.order == ("b", "a", "c")
    assert findings == ()


def test_an_order_that_others_imply_is_reduced_and_noted() -> None:
    found, findings = built(f"a {{ {UNDONE} }}", f"b after a {{ {UNDONE} }}", f"c after a, b {{ {UNDONE} }}")
    assert found.predecessors("c") == ("b",)
    assert found.successors("a") == ("b",)
    assert found.precedes("a", "c")
    assert not found.precedes("c", "a")
    assert [(finding.code, finding.message) for finding in findings] == [
        ("N403", "`c` comes after `a` already, through `b`")
    ]


def test_reading_a_result_is_an_order() -> None:
    found, findings = built(f"a {{ {UNDONE} }}", "b { do work.may(id)  compensate work.revoke_may(id)\n when a.n > 0 }")
    assert found.predecessors("b") == ("a",)
    assert findings == ()


def test_the_closure_of_steps_is_all_that_they_come_after() -> None:
    found, _ = built(
        f"a {{ {UNDONE} }}", f"b after a {{ {UNDONE} }}", f"c {{ {UNDONE} }}", f"d after b, c {{ {UNDONE} }}"
    )
    assert found.closure("b") == ("a", "b")
    assert found.closure("d") == ("a", "b", "c", "d")
    assert found.descendants[found.number["a"]] == 1 << found.number["b"] | 1 << found.number["d"]


def test_a_circle_is_shown_with_the_place_of_every_order() -> None:
    _, findings = built(f"a after c {{ {UNDONE} }}", f"b after a {{ {UNDONE} }}", f"c after b {{ {UNDONE} }}")
    (finding,) = findings
    assert finding.code == "E401"
    assert finding.message == "these steps wait for one another: `a -> b -> c -> a`"
    assert finding.trace == ("`b` says `after a`", "`c` says `after b`", "`a` says `after c`")
    assert len({label.span for label in finding.labels}) == 3


def test_an_order_against_the_data_is_told_apart() -> None:
    _, findings = built(
        f"a after b {{ {UNDONE} }}", "b { do work.may(id)  compensate work.revoke_may(id)\n when a.n > 0 }"
    )
    (finding,) = findings
    assert finding.code == "E402"
    assert finding.trace == ("`b` reads a result of `a`", "`a` says `after b`")
    assert finding.help == ("drop `b` from the `after` of `a`, unless another of these orders is the wrong one",)


def test_each_circle_is_found_once_and_the_shortest_is_shown() -> None:
    _, findings = built(
        f"a after d {{ {UNDONE} }}",
        f"b after a {{ {UNDONE} }}",
        f"c after b {{ {UNDONE} }}",
        f"d after a, c {{ {UNDONE} }}",
        f"x after y {{ {UNDONE} }}",
        f"y after x {{ {UNDONE} }}",
    )
    assert [finding.message for finding in findings] == [
        "these steps wait for one another: `a -> d -> a`",
        "these steps wait for one another: `x -> y -> x`",
    ]


def test_the_same_saga_gives_the_same_graph() -> None:
    steps = [f"s{place} after s{place // 3} {{ {UNDONE} }}" for place in range(1, 40)]
    assert built(f"s0 {{ {UNDONE} }}", *steps) == built(f"s0 {{ {UNDONE} }}", *steps)
