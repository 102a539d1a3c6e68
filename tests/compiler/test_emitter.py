"""Emitted modules: formatted, typed, importable, and the same bytes for the same spec."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.compiler.emitted import AWKWARD, FIXTURES, ORDER, ROOT, TRIP, Planned, from_files, from_text, planned

from sagac.compiler import generation, layout
from sagac.compiler.source import Source
from sagac.runtime.plan import Wire

GOLDEN = ROOT / "tests" / "golden"
SPECS = {"order": (ORDER,), "trip": (TRIP,), "awkward": AWKWARD}
KEY = UUID("00000000-0000-4000-8000-000000000001")


@pytest.fixture(scope="module")
def emitted() -> dict[str, Planned]:
    return {name: from_files(*paths) for name, paths in SPECS.items()}


@pytest.fixture(scope="module")
def folder(emitted: dict[str, Planned], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every module of every spec."""
    out = tmp_path_factory.mktemp("emitted")
    for spec in emitted.values():
        for name, text in spec.modules.items():
            (out / name).write_text(text, encoding="utf-8")
    return out


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-m", *map(str, command)], capture_output=True, text=True, cwd=folder)
    return done.stdout + done.stderr if done.returncode else ""


def module_in(folder: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"emitted_{name}", folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_emitted_modules_are_as_the_formatter_leaves_them(folder: Path) -> None:
    assert run("ruff", "format", "--isolated", "--diff", ".", folder=folder) == ""


def test_emitted_modules_import_what_they_use_and_nothing_else(folder: Path) -> None:
    assert run("ruff", "check", "--isolated", "--select", "E4,E7,E9,F,UP,B", ".", folder=folder) == ""


def test_emitted_modules_are_strictly_typed(folder: Path) -> None:
    modules = [path.name for path in sorted(folder.glob("*.py"))]
    assert len(modules) == 6
    assert run("mypy", "--config-file=", "--strict", *modules, folder=folder) == ""


@pytest.mark.parametrize("name", ["order", "trip", "test_trip"])
def test_emitted_modules_are_the_golden_ones(name: str, emitted: dict[str, Planned], update_golden: bool) -> None:
    text = emitted[name.removeprefix("test_")].modules[f"{name}.py"]
    # Not `.py`: no tool of this repository shall take a golden for a module of it.
    golden = GOLDEN / f"emitted_{name}.txt"
    if update_golden:
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


SCRIPT = """
import hashlib, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.compiler.emitted import from_files
text = "".join(from_files(*map(Path, sys.argv[1:])).modules.values())
print(hashlib.sha256(text.encode()).hexdigest())
"""


def test_the_same_spec_gives_the_same_bytes_whatever_the_hash_seed(emitted: dict[str, Planned]) -> None:
    expected = hashlib.sha256("".join(emitted["awkward"].modules.values()).encode()).hexdigest()
    roots = ":".join(str(ROOT / root) for root in (".", "compiler", "runtime", "grammar"))
    for seed in ("1",):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *map(str, AWKWARD)],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": roots},
        )
        assert done.stdout.strip() == expected


def test_a_saga_class_offers_what_the_executor_needs(folder: Path) -> None:
    order: Any = module_in(folder, "order")
    saga = order.PlaceOrder
    assert saga.plan is order.PLACE_ORDER
    assert (saga.input, saga.output) == (order.PlaceOrderInput, order.PlaceOrderOutput)
    assert saga.protocols == {"courier": order.Courier, "payments": order.Payments, "warehouse": order.Warehouse}
    bound = saga(warehouse=1, payments=2, courier=3)
    assert (bound.warehouse, bound.payments, bound.courier) == (1, 2, 3)


@pytest.mark.parametrize(
    ("field", "value"), [("quantity", 0), ("total", 0), ("quantity", -3), ("tier", "none"), ("sku", None)]
)
def test_a_bad_input_is_refused(folder: Path, field: str, value: object) -> None:
    order: Any = module_in(folder, "order")
    good = {"order_id": KEY, "customer": KEY, "sku": "a", "quantity": 1, "total": 1}
    assert order.PlaceOrderInput(**good).tier == order.Tier.STANDARD
    with pytest.raises(ValidationError):
        order.PlaceOrderInput(**{**good, field: value})


def test_the_refusal_of_an_input_quotes_the_author(folder: Path) -> None:
    order: Any = module_in(folder, "order")
    with pytest.raises(ValidationError, match="`quantity > 0` and `total > 0`"):
        order.PlaceOrderInput(order_id=KEY, customer=KEY, sku="a", quantity=0, total=0)


def test_docstrings_say_what_the_author_said(folder: Path) -> None:
    awkward: Any = module_in(folder, "awkward")
    first, owner = awkward.PlanStoreService.__doc__.split("\n\n")
    assert first == 'Ends with a "quote"'
    assert owner.strip() == 'Owner: déjà vu – 日本語 "office".'
    assert awkward.PlanStoreService.book.__doc__.startswith("First line.\n")
    assert "ending in a backslash \\\n" in awkward.PlanStoreService.book.__doc__
    assert awkward.Field__.__doc__.strip() == 'Says """a lot""" and ends in a quote"'


def test_failures_keep_their_names_and_are_refusals(folder: Path) -> None:
    order: Any = module_in(folder, "order")
    from sagac.runtime import Refusal

    assert {
        name: issubclass(getattr(order, name), Refusal) for name in ("OutOfStock", "Declined", "CaptureDenied")
    } == {
        "OutOfStock": True,
        "Declined": True,
        "CaptureDenied": True,
    }


def test_names_that_python_has_a_use_for_come_back_as_the_author_wrote_them(folder: Path) -> None:
    from sagac.runtime import wire

    awkward: Any = module_in(folder, "awkward")
    parcel: dict[str, Wire] = {"amount": "2.50", "Field": "title", "copy": True}
    given: dict[str, Wire] = {
        "id": str(KEY),
        "total": "9",
        "names": ["a"],
        "parcel": parcel,
        "validate": False,
        "limit": 1_500,
    }
    read = wire.Decoder(awkward.Field_Input).decode(given)
    assert (read.validate_, read.parcel.copy_, read.parcel.Field__) == (False, True, awkward.Field_.TITLE)
    assert read.limit.total_seconds() == 1.5
    written = wire.encode_fields(read)
    assert {name: written[name] for name in given} == given
    assert written["since"] is None


def test_two_services_of_one_name_in_python_get_two() -> None:
    spec = from_text(
        """
        saga A version 1 {
          key id
          input { id: uuid }
          step a { do card_network.book(id)  compensate card_network.cancel(id) }
          step b after a { do cardNetwork.book(id)  compensate cardNetwork.cancel(id) }
        }
        """
    )
    text = spec.modules["a.py"]
    assert "class CardNetwork(Protocol)" in text and "class CardNetworkService(Protocol)" in text


def test_a_service_with_a_name_of_the_saga_class_itself_gets_another_field() -> None:
    spec = from_text(
        """
        saga A version 1 {
          key id
          input { id: uuid }
          step a { do output.book(id)  compensate output.cancel(id) }
        }
        """
    )
    assert (
        '    protocols: ClassVar[Mapping[str, type]] = {"output": Output}\n\n    output_: Output\n'
        in spec.modules["a.py"]
    )


STRING = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@settings(max_examples=300, deadline=None)
@given(text=STRING)
def test_a_string_is_printed_as_itself(text: str) -> None:
    assert eval(layout.string(text)) == text


def test_printed_strings_and_docstrings_are_as_the_formatter_leaves_them(tmp_path: Path) -> None:
    texts = [
        "",
        "a",
        '"',
        "'",
        "it's",
        'say "x"',
        "\\",
        "tab\t",
        "日本",
        "🎉",
        "é" * 70,
        "\x00\x7f",
        "\u200d",
        "\u0301a",
        "…–",
    ]
    lines = []
    for number, text in enumerate(texts):
        lines += layout.assignment(f"A_{number}", layout.tuple_of([layout.wire([text] * 9), layout.wire({text: text})]))
    for number, text in enumerate(one for one in texts if one.strip()):
        lines += ["", "", f"class B_{number}:", *layout.docstring(f"{text}\n\n    {text}\n{text}", 4)]
    (tmp_path / "strings.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert run("ruff", "format", "--isolated", "--diff", ".", folder=tmp_path) == ""


def test_a_module_is_named_after_its_spec() -> None:
    saga = "saga {name} version 1 {{ key id  input {{ id: uuid }}  step a {{ do x.y(id)  compensate x.z(id) }} }}"
    files = ["shop/my-orders.saga", "shop/uuid.saga", "b/trip.saga", "c/trip.saga", "class.saga", "7up.saga"]
    spec = planned(*(Source(file, saga.format(name=f"S{number}")) for number, file in enumerate(files)))
    assert sorted(generation.executors(spec.project, spec.plans)) == [
        "b_trip.py",
        "c_trip.py",
        "my_orders.py",
        "saga_7up.py",
        "saga_class.py",
        "saga_uuid.py",
    ]


def test_a_spec_without_sagas_has_no_module() -> None:
    assert from_files(FIXTURES / "awkward_contracts.saga").modules == {}


def test_stale_and_missing_modules_are_named(emitted: dict[str, Planned]) -> None:
    modules = emitted["trip"].modules
    assert generation.stale(modules, modules) == ()
    assert generation.stale(modules, {"trip.py": modules["trip.py"] + "\n"}) == (
        "`test_trip.py` is missing: run `sagac gen`",
        "`trip.py` is stale: run `sagac gen`",
    )


def test_tests_import_the_executor_from_its_package(emitted: dict[str, Planned]) -> None:
    spec = emitted["trip"]
    text = generation.generate(spec.project, spec.plans, package="app.sagas")["test_trip.py"]
    assert "from sagac.runtime import testing\n\nfrom app.sagas.trip import Trip\n" in text
