"""`python -m bench [SECTION …]`: prints what things cost, beside what they may; asserts nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from bench import check, kernel, proofs

SECTIONS: Final[Mapping[str, Callable[[bool], Iterator[str]]]] = {
    "check": check.lines,
    "proofs": proofs.lines,
    "kernel": kernel.lines,
}
"""What can be measured; each gives its table line by line, a short one if it is asked for `quick`."""


def main() -> None:
    """Measures the sections that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"one of: {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="the small sizes only")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"there is no section `{unknown[0]}`; there is {', '.join(SECTIONS)}")
    for name in arguments.sections or SECTIONS:
        print(f"# {name}", flush=True)
        for line in SECTIONS[name](arguments.quick):
            print(line, flush=True)


if __name__ == "__main__":
    main()
