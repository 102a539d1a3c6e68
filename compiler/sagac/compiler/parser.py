"""From a text to its tree, with everything that is wrong with its syntax."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from lark import Lark
from lark.lexer import Lexer, PatternStr

from sagac.compiler import expectations, recovery, syntax, tokens
from sagac.compiler.builder import Builder, Tail, TooDeepError
from sagac.compiler.codes import finding
from sagac.compiler.diagnostics import Diagnostic, in_order
from sagac.compiler.machine import END, Machine, Rule, Table
from sagac.compiler.source import Source, Span
from sagac.compiler.tokens import Lexed, Token


def parse(source: Source) -> tuple[syntax.File, tuple[Diagnostic, ...]]:
    """The tree of what could be understood, and every finding; never raises."""
    lexed = tokens.lex(source)
    builder = Builder(source.text)
    end = Token(END, "", Span(source.name, len(source.text), len(source.text)), True, None)
    machine = Machine(table(), lexed.tokens, end, builder)
    reader = recovery.Reader(machine, frozenset(found.span.start for found in lexed.findings))
    items = _run(reader)
    file, order = _file(items, lexed, reader.skipped, Span(source.name, 0, len(source.text)))
    strays = _stray_docs(lexed, builder, reader.skipped)
    built = (found for found in builder.findings if not _follows(found, reader.findings))
    findings = [*lexed.findings, *reader.findings, *built, *order, *strays]
    if not lexed.tokens and not findings:
        findings.append(_empty(source))
    return file, in_order(findings)


def _follows(found: Diagnostic, mistakes: Iterable[Diagnostic]) -> bool:
    """Whether something seems empty or chained only because of what was left out of it."""
    start, end = found.span.start, found.span.end + 2
    return found.code in ("E112", "E119") and any(start <= mistake.span.start <= end for mistake in mistakes)


def _run(reader: recovery.Reader) -> Iterable[Any]:
    machine = reader.machine
    index = 0
    while True:
        token = machine.token(index)
        try:
            kind = machine.kind(index, machine.states)
            if not machine.feed(kind, token):
                index = reader.recover(index)
            elif token is machine.end:
                return machine.values[-1]  # type: ignore[no-any-return]  # the builder's `start` made it
            else:
                index += 1
        except TooDeepError as error:
            index = reader.too_deep(error.span, index)


def _file(
    items: Iterable[Any], lexed: Lexed, skipped: tuple[Span, ...], span: Span
) -> tuple[syntax.File, list[Diagnostic]]:
    """The file that these items make, and what stands in the wrong order."""
    header: dict[str, Tail] = {}
    imports: list[syntax.Import] = []
    declarations: list[syntax.Declaration] = []
    findings: list[Diagnostic] = []
    for item in items:
        if isinstance(item, Tail):
            findings.extend(_misplaced(item, header, bool(imports or declarations)))
            header.setdefault(item.name, item)
        elif isinstance(item, syntax.Import):
            imports.append(item)
            if declarations:
                advice = "write it above the declarations"
                findings.append(finding("E117", "an `import` stands above the declarations", item.span, help=advice))
        else:
            declarations.append(item)
    file = syntax.File(
        span=span,
        language=header["language"].value if "language" in header else None,
        package=header["package"].value if "package" in header else (),
        imports=tuple(imports),
        declarations=tuple(declarations),
        comments=lexed.comments,
        skipped=skipped,
    )
    return file, findings


def _misplaced(item: Tail, header: Mapping[str, Tail], late: bool) -> Iterable[Diagnostic]:
    if item.name in header:
        message = f"a file has one `{item.name}`"
        yield finding("E117", message, item.span, header[item.name].span, help="remove one of them")
    elif late or (item.name == "language" and header):
        message = f"`{item.name}` stands at the top of the file"
        yield finding("E117", message, item.span, help="`language`, `package`, imports, declarations: in this order")


def _stray_docs(lexed: Lexed, builder: Builder, skipped: tuple[Span, ...]) -> Iterable[Diagnostic]:
    unread = [
        span
        for start, span in lexed.docs.items()
        if start not in builder.documented and not any(place.start <= start < place.end for place in skipped)
    ]
    for span in (*lexed.strays, *unread):
        advice = "put it on its own line above a declaration, a step or a field, or write `//`"
        yield finding("W102", "this `///` comment documents nothing", span, help=advice)


def _empty(source: Source) -> Diagnostic:
    end = Span(source.name, len(source.text), len(source.text))
    return finding("W101", "this file declares nothing", end, help="write a `saga` or a `service`")


class _Unused(Lexer):
    """Tells Lark that the tokens come from elsewhere."""

    def __init__(self, conf: object) -> None:
        pass

    def lex(self, *arguments: object) -> Any:
        raise AssertionError("the parser feeds its own tokens")


@cache
def table() -> Table:
    """The table of the one grammar, made once."""
    text = (resources.files("sagac.grammar") / "saga.lark").read_text(encoding="utf-8")
    lark = Lark(text, parser="lalr", lexer=_Unused, keep_all_tokens=True, maybe_placeholders=False)
    conf: Any = lark.parse_interactive("").parser_state.parse_conf
    texts = {terminal.name: terminal.pattern.value for terminal in lark.terminals if _is_text(terminal)}
    origins = {str(rule.origin.name) for rule in lark.rules}
    actions: list[dict[str, int]] = [{} for _ in conf.states]
    gotos: list[dict[str, int]] = [{} for _ in conf.states]
    numbers: dict[Any, int] = {}
    for state, row in conf.states.items():
        for symbol, (_, target) in row.items():
            if symbol in origins:
                gotos[state][symbol] = target
            elif isinstance(target, int):
                actions[state][texts.get(symbol, symbol)] = target
            else:
                actions[state][texts.get(symbol, symbol)] = ~numbers.setdefault(target, len(numbers))
    heads = _heads(lark.rules, texts)
    return Table(
        actions=tuple(actions),
        gotos=tuple(gotos),
        rules=tuple(map(_rule, numbers)),
        first=conf.start_state,
        last=conf.end_state,
        words=frozenset(word for word in texts.values() if word.isalpha()),
        heads=heads,
        all_heads=frozenset().union(*heads.values()),
        boundaries=frozenset(state for state, row in enumerate(actions) if _is_boundary(row, heads)),
    )


def _is_text(terminal: Any) -> bool:
    return isinstance(terminal.pattern, PatternStr)


def _rule(rule: Any) -> Rule:
    origin, size = str(rule.origin.name), len(rule.expansion)
    if origin.startswith("__"):
        return Rule(size, origin, "*")
    if rule.alias is None and size == 1 and (rule.options.expand1 or origin.startswith("_")):
        return Rule(size, origin, "")
    return Rule(size, origin, str(rule.alias or origin))


def _heads(rules: Iterable[Any], texts: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    """By repeated rule: the words that can stand first in it."""
    firsts: dict[str, set[str]] = {}
    for rule in rules:
        if rule.expansion:
            firsts.setdefault(str(rule.origin.name), set()).add(str(rule.expansion[0].name))
    return {name: _first_words(name, firsts, texts) for name in expectations.CLAUSES}


def _is_boundary(row: Mapping[str, int], heads: Mapping[str, frozenset[str]]) -> bool:
    shifted = {kind for kind, action in row.items() if action >= 0}
    return {"NAME", "}"} <= shifted or any(words <= shifted for words in heads.values())


def _first_words(name: str, firsts: Mapping[str, set[str]], texts: Mapping[str, str]) -> frozenset[str]:
    reached, waiting = {name}, [name]
    while waiting:
        for symbol in firsts.get(waiting.pop(), ()):
            if symbol not in reached:
                reached.add(symbol)
                waiting.append(symbol)
    return frozenset(texts[symbol] for symbol in reached if symbol in texts and texts[symbol].isalpha())
