from __future__ import annotations

from dataclasses import replace

from basekeeper.rules.builds import chains
from basekeeper.rules.rule import FileView
from tests.unit.rules.making import view


def test_a_build_that_is_not_shipped_has_no_final_chain_to_judge() -> None:
    shipped = view("FROM golang\n")
    plans = tuple(replace(plan, shipped=False) for plan in shipped.file.plans)
    helper = FileView(replace(shipped.file, plans=plans), shipped.subjects)
    assert len(chains(shipped)) == 1
    assert chains(helper) == ()
