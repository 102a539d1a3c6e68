"""A saga's diagram shows its order, its undo order and what stays, whatever the author wrote."""

from __future__ import annotations

from sagac.compiler import graph, parser, picture, planner, resolver
from sagac.compiler.source import Source

ORDER = """
package shop

saga Order version 3 {
  key order
  input { order: uuid  total: int  note: string }

  step look { do desk.look(order)  compensate desk.forget(order) }
  step reserve {
    do stock.reserve(order)
    compensate stock.release(order) when total > 3
    compensate stock.drop(order) when total <= 3
  }
  step wrap after reserve {
    when note == "a \\"<b>\\" & #1`"
    do stock.wrap(order, note)
    mitigate stock.unwrap(order) because "paper is lost"
  }
  step label after reserve { do stock.label(order)  left because "a label is cheap" }
  pivot step ship after wrap, label { do courier.book(order)  irreversible because "it is gone"  retry forever }
}
"""


def drawn(text: str) -> list[str]:
    file, _ = parser.parse(Source("order.saga", text))
    project, findings = resolver.resolve({"order.saga": file})
    assert not [each.message for each in findings if each.severity == "error"]
    (saga,) = project.sagas
    dependencies, _ = graph.build(saga)
    return picture.mermaid(saga, dependencies, planner.plan(project, saga, dependencies)).split("\n")


def test_the_diagram_names_its_saga() -> None:
    assert drawn(ORDER)[:2] == ["flowchart TD", "  %% shop.Order version 3"]


def test_solid_arrows_are_the_order_and_dotted_ones_the_undo_order() -> None:
    lines = drawn(ORDER)
    solid = {line.strip() for line in lines if " --> " in line}
    dotted = {line.strip() for line in lines if "-.->" in line}
    assert solid == {"s1 --> s2", "s1 --> s3", "s2 --> s4", "s3 --> s4"}
    assert dotted == {f"{one[-2:]} -.->|undo| {one[:2]}" for one in solid}


def test_a_step_shows_its_call_guard_and_undos() -> None:
    (reserve,) = [line for line in drawn(ORDER) if line.startswith("  s1[")]
    assert reserve == (
        '  s1["reserve<br/>stock.reserve(order)<br/>undo: stock.release(order) when total #gt; 3'
        '<br/>undo: stock.drop(order) when total #lt;= 3"]'
    )


def test_the_pivot_has_a_shape_of_its_own_and_what_stays_a_thick_border() -> None:
    lines = drawn(ORDER)
    assert '  s4{{"pivot ship<br/>courier.book(order)<br/>irreversible"}}' in lines
    assert lines[-1] == "  class s3,s4 stays"


def test_nothing_that_an_author_writes_breaks_out_of_a_label() -> None:
    (wrap,) = [line for line in drawn(ORDER) if line.startswith("  s2[")]
    label = wrap.removeprefix('  s2["').removesuffix('"]').replace("<br/>", "")
    assert not set(label) & set('"<>&`')
    assert "#quot;#lt;b#gt;" in label


def test_the_same_saga_is_drawn_the_same() -> None:
    assert drawn(ORDER) == drawn(ORDER)
