"""What later phases only seem to find because a mistake made the parser leave something out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sagac.compiler import syntax
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.source import Span

LOCAL = ("E3", "E5", "W6")
"""Types, shapes and warnings look at one clause at a time; the other families rest on everything around them."""


def believable(findings: Iterable[Diagnostic], files: Mapping[str, syntax.File]) -> tuple[Diagnostic, ...]:
    """Those findings of later phases that would be there without the mistakes, too.

    What was left out might have declared the very name that now seems unknown, and might have been the undo that a
    proof now misses. So while anything is left out, only findings about single clauses count, and only in those steps
    and other parts that are whole.
    """
    broken = [place for file in files.values() for left_out in file.skipped for place in _around(file, left_out)]
    if not any(file.skipped for file in files.values()):
        return tuple(findings)
    return tuple(found for found in findings if found.code.startswith(LOCAL) and not _touches(found.span, broken))


def _around(file: syntax.File, left_out: Span) -> Iterable[Span]:
    """The innermost part of a saga or a service that something was left out of, or the whole declaration."""
    for declared in file.declarations:
        if _contains(declared.span, left_out):
            items = declared.items if isinstance(declared, syntax.Saga | syntax.Service) else ()
            inner = [item.span for item in items if _contains(item.span, left_out)]
            yield from inner or (declared.span,)


def _contains(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _touches(place: Span, broken: Iterable[Span]) -> bool:
    return any(place.file == other.file and place.start < other.end and other.start < place.end for other in broken)
