from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any, ClassVar

import pytest

from basekeeper.records import dataclass as ours

SOURCE = Path(__file__).parents[2] / "src/basekeeper"
DECORATORS = pytest.mark.parametrize("decorate", [dataclasses.dataclass, ours])


def record(decorate: Any, **options: bool) -> Any:
    """Make the same class with the decorator of the standard library, or with ours."""

    @decorate(**options)
    class Record:
        """Has every kind of field that the program uses."""

        CONSTANT: ClassVar[int] = 3
        name: str
        hidden: str = dataclasses.field(repr=False)
        text: str = dataclasses.field(default="", compare=False)
        items: list[int] = dataclasses.field(default_factory=list)
        count: int = 0

        @property
        def double(self) -> int:
            return 2 * self.count

    return Record


@DECORATORS
@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("slots", [True, False])
@pytest.mark.parametrize("kw_only", [True, False])
def test_a_class_is_built_shown_compared_and_replaced(
    decorate: Any, *, frozen: bool, slots: bool, kw_only: bool
) -> None:
    cls = record(decorate, frozen=frozen, slots=slots, kw_only=kw_only)
    one = cls(name="a", hidden="s", items=[1])
    assert repr(one).endswith("Record(name='a', text='', items=[1], count=0)")
    assert one == cls(name="a", hidden="s", text="other", items=[1])
    assert one != cls(name="a", hidden="t", items=[1])
    assert one != record(decorate, frozen=frozen, slots=slots)(name="a", hidden="s", items=[1])
    assert dataclasses.replace(one, count=4).double == 8
    assert dataclasses.asdict(one)["items"] == [1]
    assert [field.name for field in dataclasses.fields(cls)] == list(dataclasses.asdict(one))
    assert hasattr(one, "__dict__") is not slots
    assert cls.__match_args__ == (() if kw_only else tuple(dataclasses.asdict(one)))
    assert list(inspect.signature(cls).parameters) == list(dataclasses.asdict(one))


@DECORATORS
def test_each_instance_gets_a_new_default_list(decorate: Any) -> None:
    cls = record(decorate, frozen=True, slots=True)
    assert cls("a", "s").items is not cls("a", "s").items


@DECORATORS
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), r"Record.__init__\(\) missing 2 required positional arguments: 'name' and 'hidden'"),
        (("a", "s", "t", [], 1, 2), r"takes from 3 to 6 positional arguments but 7 were given"),
    ],
)
def test_wrong_arguments_are_refused(
    decorate: Any, arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        record(decorate, slots=True)(*arguments)


@DECORATORS
def test_a_frozen_one_refuses_changes_and_has_a_hash(decorate: Any) -> None:
    one = record(decorate, frozen=True, slots=True)("a", "s", items=())
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        one.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'name'"):
        del one.name
    assert hash(one) == hash(dataclasses.replace(one, text="other"))


@DECORATORS
def test_what_can_change_has_no_hash(decorate: Any) -> None:
    one = record(decorate, slots=True)("a", "s")
    one.name = "b"
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


@DECORATORS
def test_without_comparison_only_the_same_one_is_equal(decorate: Any) -> None:
    cls = record(decorate, frozen=True, slots=True, eq=False)
    one = cls("a", "s")
    assert one == one  # noqa: PLR0124
    assert one != cls("a", "s")
    assert hash(one) == object.__hash__(one)


@DECORATORS
def test_what_a_class_defines_itself_stays(decorate: Any) -> None:
    @decorate(frozen=True, slots=True)
    class Owner:  # noqa: PLW1641  # the decorator does
        """Has methods of its own."""

        name: str
        length: int = dataclasses.field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", len(self.name))

        def __repr__(self) -> str:
            return "mine"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Owner)

    own: Any = Owner
    assert repr(own("a")) == "mine"
    assert own("a") == own("bc")
    assert hash(own("a")) != hash(own("bc"))
    assert own("bc").length == 2


@DECORATORS
def test_a_class_may_have_no_field_or_extend_another(decorate: Any) -> None:
    @decorate(frozen=True, slots=True)
    class Empty:
        """Has nothing."""

    @decorate(frozen=True, slots=True)
    class Longer(Empty):
        """Has a field."""

        name: str

    more: Any = Longer
    assert Empty() == Empty()
    assert len({Empty(), Empty()}) == 1
    assert more("a") != Empty()
    assert len({more("a"), more("a")}) == 1


def test_every_dataclass_of_the_program_is_made_this_way() -> None:
    standard = re.compile(r"from dataclasses import [^\n]*\bdataclass\b|dataclasses\.dataclass\(")
    users = {path.name for path in SOURCE.rglob("*.py") if standard.search(path.read_text())}
    assert users == {"records.py"}
