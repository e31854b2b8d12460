"""What Trivy tells beyond what every scanner must."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.values.vulnerability import Sbom, Scan, Severity
from tests.fakes.trivydb import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.scanner_kinds import Bench

pytestmark = pytest.mark.component("scanner")


def test_every_vendors_severity_and_the_day_of_publication_are_told(trivy_bench: Bench) -> None:
    scan = trivy_bench.scanner().scan(trivy_bench.image("debian-11-old"), now=NOW)
    assert isinstance(scan, Scan), scan
    critical = scan.matches[0]
    assert dict(critical.severities) == {"nvd": Severity.CRITICAL, "ubuntu": Severity.MEDIUM}
    assert critical.severity_source == "nvd"
    assert critical.published is not None
    assert critical.published.isoformat() == "2026-11-01T02:03:04+00:00"
    assert (critical.fixed_at, critical.exploited, critical.epss) == (None, None, None)


def test_packages_are_listed_without_a_database(trivy_bench: Bench, tmp_path: Path) -> None:
    scanner = trivy_bench.scanner(cache_dir=tmp_path)
    assert isinstance(scanner.sbom(trivy_bench.image("debian-11"), now=NOW), Sbom)
