"""What a spec declares and this version does not prove, in the author's words."""

from __future__ import annotations

from collections.abc import Iterable

from sagac.compiler import syntax
from sagac.compiler.model import Unproved


def service(node: syntax.Service) -> Iterable[Unproved]:
    """What is declared for a whole service and not proved."""
    for resource in node.items:
        if isinstance(resource, syntax.Resource):
            for item in resource.items:
                if isinstance(item, syntax.Observe):
                    owner = f"{node.name.text}.{resource.name.text}"
                    yield Unproved("observe", f"that `{item.call.path[-1].text}` shows the real `{owner}`", item.span)
