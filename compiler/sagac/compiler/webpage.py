"""A document as one HTML file that needs nothing else: it can be read aloud, printed, and sent around."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from sagac.compiler.document import Block, Document, Heading, Item, Lines, Listing, Paragraph, Table

STYLE: Final = """\
:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3, h4 { line-height: 1.25; margin: 2rem 0 0.5rem; }
h1 { margin-top: 0; }
code, pre { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 0.9em; }
code { overflow-wrap: anywhere; }
pre { background: var(--soft); padding: 0.75rem; overflow-x: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 0.75rem 0; }
caption { text-align: left; padding: 0.25rem 0; font-style: italic; }
th, td { border: 1px solid var(--line); padding: 0.3rem 0.6rem; text-align: left; vertical-align: top; }
thead th { background: Canvas; position: sticky; top: 0; }
tbody th { font-weight: normal; }
td[data-word]::before { content: attr(data-mark) " "; }
td[data-word="proved"] { background: #2ea04322; }
td[data-word="shallow"], td[data-word="assumed"], td[data-word="waived"] { background: #d2992233; }
td[data-word="not proved"], td[data-word="not declared"] { background: #8883; }
td[data-word="undecided"], td[data-word="vacuous"], td[data-word="refuted"] { background: #f8514933; font-weight: 600; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  thead { display: table-header-group; }
  thead th { position: static; }
  tr, pre, li { break-inside: avoid; }
  h1, h2, h3, h4 { break-after: avoid; }
  pre { white-space: pre-wrap; }
}"""

MARKS: Final = {
    "proved": "✓",
    "shallow": "≈",
    "assumed": "○",
    "waived": "△",
    "not proved": "…",
    "not declared": "…",
    "undecided": "?",
    "vacuous": "✗",
    "refuted": "✗",
}
"""A sign beside each word, so that nobody depends on the colour."""

CODE: Final = re.compile(r"`([^`]*)`")


def text(document: Document) -> str:
    """The whole page, without an end of line at its end."""
    return "\n".join(lines(document))


def lines(document: Document) -> Iterator[str]:
    """The page's lines: its head, a table of contents, and each saga as a section of its own."""
    headings = [block for block in document.blocks if isinstance(block, Heading) and block.level == 1]
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{html.escape(titled(document, headings))}</title>"
    yield f"<style>\n{STYLE}\n</style>"
    yield "</head>"
    yield "<body>"
    yield f"<header><h1>{inline(document.title)}</h1></header>"
    yield from contents(headings)
    yield "<main>"
    for block, anchor in anchored(document.blocks):
        yield from block_lines(block, anchor)
    yield "</main>"
    yield "</body>"
    yield "</html>"


def titled(document: Document, headings: list[Heading]) -> str:
    """What a tab or a bookmark shows."""
    return f"{document.title}: {headings[0].text}" if len(headings) == 1 else document.title


def contents(headings: list[Heading]) -> Iterator[str]:
    """The way to each saga, where there are several."""
    if len(headings) < 2:
        return
    yield '<nav aria-label="Sagas">'
    yield "<ul>"
    for number, heading in enumerate(headings, 1):
        yield f'<li><a href="#saga-{number}">{inline(heading.text)}</a></li>'
    yield "</ul>"
    yield "</nav>"


def anchored(blocks: Iterable[Block]) -> Iterator[tuple[Block, str]]:
    """Each block with the name that leads to it; only sagas have one."""
    number = 0
    for block in blocks:
        is_saga = isinstance(block, Heading) and block.level == 1
        number += is_saga
        yield block, f' id="saga-{number}"' if is_saga else ""


def block_lines(block: Block, anchor: str) -> Iterator[str]:
    match block:
        case Heading():
            yield f"<h{block.level + 1}{anchor}>{inline(block.text)}</h{block.level + 1}>"
        case Paragraph():
            yield f"<p>{inline(block.text)}</p>"
        case Listing():
            yield "<ul>"
            yield from (f"<li>{item(each)}</li>" for each in block.items)
            yield "</ul>"
        case Table():
            yield from table(block)
        case Lines():
            # A region that scrolls sideways must be reachable without a mouse.
            yield f'<pre tabindex="0"><code>{html.escape(chr(10).join(block.lines))}</code></pre>'
        case _:
            assert_never(block)


def item(given: Item) -> str:
    below = "".join(f"<li>{inline(each)}</li>" for each in given.below)
    label = f"<strong>{html.escape(given.label)}</strong>: " if given.label else ""
    return label + inline(given.text) + (f"<ul>{below}</ul>" if below else "")


def table(given: Table) -> Iterator[str]:
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{html.escape(given.caption)}">'
    yield "<table>"
    yield f"<caption>{inline(given.caption)}</caption>"
    yield "<thead><tr>" + "".join(f'<th scope="col">{inline(name)}</th>' for name in given.head) + "</tr></thead>"
    yield "<tbody>"
    for first, *rest in given.rows:
        cells = "".join(cell(each, is_verdict=given.verdicts) for each in rest)
        yield f'<tr><th scope="row">{inline(first)}</th>{cells}</tr>'
    yield "</tbody>"
    yield "</table>"
    yield "</div>"


def cell(words: str, *, is_verdict: bool) -> str:
    if is_verdict and words in MARKS:
        return f'<td data-word="{words}" data-mark="{MARKS[words]}">{words}</td>'
    return f"<td>{inline(words)}</td>"


def inline(words: str) -> str:
    """Text with what stands in backticks as code."""
    return CODE.sub(r"<code>\1</code>", html.escape(words))
