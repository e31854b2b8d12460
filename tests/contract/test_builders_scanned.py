"""From one tree and two bases to the proof of what the new base fixes: all parts real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.proving import BaseProof, build_delta
from basekeeper.values.vulnerability import Scan
from tests.contract.builder_kinds import BASE, builder_images, yard
from tests.contract.test_builders import built
from tests.fakes import trivydb

if TYPE_CHECKING:
    from basekeeper.values.building import Built
    from tests.contract.builder_kinds import Yard
    from tests.contract.scanner_kinds import Bench

__all__ = ["builder_images", "yard"]


@pytest.mark.slow
@pytest.mark.component("scanner")
def test_what_the_new_base_fixes_is_found_in_what_was_built_on_it(
    yard: Yard, trivy_bench: Bench
) -> None:
    scanner = trivy_bench.scanner()

    def look(base: str) -> tuple[Built, Scan]:
        image = built(yard.build("FROM debian:11\nRUN touch /app\n", base=base, output=base))
        found = scanner.scan(image.image, now=trivydb.UPDATED)
        assert isinstance(found, Scan), found
        return image, found

    delta = build_delta(look("debian-11-old"), look("debian-11"), (BASE, BASE))
    assert delta.proven, delta.problems
    assert isinstance(delta.after, BaseProof)
    assert len(delta.comparison.fixed) > 0
    assert delta.comparison.introduced == ()
