"""Lower or reject: whatever is deleted from a spec, the model or the findings differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sagac.compiler import parser, resolver, syntax
from sagac.compiler.source import Source

SPECS = sorted((Path(__file__).parents[2] / "specs" / "accepted").glob("*/*.saga"))

EVERYTHING = """
package shop

enum Tier { standard, vip }
type Line { sku: string, tier: Tier? }

service store {
  owner partner "Store" sla 2s contract "C-1"
  resource Stock[sku: string, run: uuid] {
    /// How many.
    free: int = 3
    held: int hold
    other: uuid references Shelf[other]
    invariant free >= 0
    observe look(sku, run)
  }
  resource Shelf[id: uuid] { states none*, used  clean none, used  done used }
  command reserve(sku: string, run: uuid, count: int) -> { was: int, note: string? }
    changes Stock[sku, run] { requires free >= count  free -= count  held += count  yields was = free }
    changes Shelf[run] none -> used
    idempotent for 7d
    fails Empty, Closed
    lands within 1m
    probe look(sku, run)
    holds for 1h skew 1s
  command release(sku: string, run: uuid)
    idempotent
    fails Gone
    revokes reserve
  query look(sku: string, run: uuid) -> { was: int, note: string? }?
}

/// Everything that a saga can say in this version.
saga All version 2 {
  owner "us"
  key run, sku
  on unknown hold
  input { run: uuid  sku: string  tier: Tier = vip  count: int where count > 0  lines: list[Line] }
  output { was: int = take.was where was > 0  tier: Tier = tier }
  deadline 1h
  rollback within 5m in order

  step look { do store.look(sku, run) }
  step take after look {
    when look is null or count > 3 else fail TooFew
    lock Shelf[run] within 9s
    do store.reserve(sku, run, count)
    compensate store.release(sku, run) when tier == vip {
      timeout 9s
      retry 4 times within 5m backoff 2s to 9s
      on refusal hold because "others give it back, too"
    }
    compensate store.release(sku, run) when tier != vip and take.was > 0
    timeout 8s
    retry 7 times within 1m backoff 1s to 2s
  }
  step more after take { do store.reserve(sku, run, 1)  undone by take because "it goes along" }
  step less after more { do store.release(sku, run)  left because "nothing to see" }
  step some after less { do store.release(sku, run)  mitigate store.release(sku, run) because "a trace" }
  pivot step end after some { do store.release(sku, run)  irreversible because "final"  retry forever }
  step either after end { when count > 9  do store.release(sku, run) }
  step or_else after end { when count <= 9  do store.release(sku, run) }

  exactly one of either, or_else
  require look.done before take when count > 3
  forbid either when count > 99
  ensure at completed: Shelf[run] == used
  ensure at compensated: clean
  ensure always: count > 0 or count < 9
  ensure at completed: take.done implies count > 0

  scenario "empty" {
    given input { count = 4  tier = standard }
    given take fails Empty
    given more unknown landed
    given undo take fails
    given cancel after take
    then compensated
    then order take, undo take
  }
  waive W603 on take until 2027-01-31 by "us" because "the partner changes it in March"
}
"""


def meaning(file: syntax.File) -> str:
    """All that the resolver makes of a file, apart from places."""
    project, findings = resolver.resolve({"a.saga": file})
    return re.sub(r"Span\(file='a.saga', start=\d+, end=\d+\)", "@", f"{project!r}\n{findings!r}")


def deletions(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The node with one of its parts deleted, for every part that a text could leave out."""
    for field in fields(node):
        value = getattr(node, field.name)
        name = f"{path}.{field.name}"
        if field.name in ("span", "comments", "language"):
            continue
        if field.name == "backoff":
            if value is not None:
                yield name, replace(node, backoff=None)
        elif isinstance(value, tuple):
            for at, item in enumerate(value):
                if len(value) > 1 or field.name in ("items", "clauses"):
                    yield f"{name}[{at}]", replace(node, **{field.name: (*value[:at], *value[at + 1 :])})
                if is_dataclass(item):
                    for where, smaller in deletions(item, f"{name}[{at}]"):
                        yield where, replace(node, **{field.name: (*value[:at], smaller, *value[at + 1 :])})
        elif is_dataclass(value):
            if "None" in str(field.type):
                yield name, replace(node, **{field.name: None})
            for where, smaller in deletions(value, name):
                yield where, replace(node, **{field.name: smaller})
        elif value is True:
            yield name, replace(node, **{field.name: False})
        elif field.name == "doc" and value:
            yield name, replace(node, **{field.name: ""})


def unnoticed(text: str) -> list[str]:
    file, findings = parser.parse(Source("a.saga", text))
    assert findings == ()
    before = meaning(file)
    return [where for where, smaller in deletions(file) if meaning(smaller) == before]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_no_clause_of_an_accepted_spec_can_be_deleted_unnoticed(path: Path) -> None:
    assert unnoticed(path.read_text(encoding="utf-8")) == []


def test_no_clause_of_any_kind_can_be_deleted_unnoticed() -> None:
    file, _ = parser.parse(Source("a.saga", EVERYTHING))
    assert [finding.code for finding in resolver.resolve({"a.saga": file})[1] if finding.severity == "error"] == []
    assert len(list(deletions(file))) == 227
    assert unnoticed(EVERYTHING) == []
