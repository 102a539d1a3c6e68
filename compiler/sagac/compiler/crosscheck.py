"""The second solver: decides the text of a question on its own. The only module that knows cvc5."""

from __future__ import annotations

from typing import Any, Final

from sagac.compiler.questions import Answer

EFFORT: Final = 20_000_000
"""The solver's resources for one question: counted by itself, so that the answer does not depend on the machine."""

MISSING: Final = "the second solver is not installed: `pip install sagac[crosscheck]`"


def version() -> str:
    """The solver's name and version; empty where it is not installed."""
    solver = library()
    return "" if solver is None else f"cvc5 {solver.__version__}"


def library() -> Any:
    """The solver, where it is installed: it is an extra."""
    try:
        import cvc5  # type: ignore[import-untyped]  # it ships no types
    except ImportError:
        return None
    return cvc5


def decide(text: str) -> Answer:
    """The answer to a question in SMT-LIB 2."""
    cvc5 = library()
    assert cvc5 is not None, MISSING
    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("rlimit", str(EFFORT))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "question")
    symbols = parser.getSymbolManager()
    answers: list[str] = []
    try:
        while not (command := parser.nextCommand()).isNull():
            answers += str(command.invoke(solver, symbols)).split()
    except RuntimeError:  # what the solver says of a text that is no question
        return "unknown"
    told = [answer for answer in answers if answer in ("sat", "unsat", "unknown")]
    match told:
        case ["sat"]:
            return "sat"
        case ["unsat"]:
            return "unsat"
        case _:
            return "unknown"
