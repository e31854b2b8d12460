"""A vulnerability from its detection to the proof that it is gone, and one that was missed.

Everything is real: registry, Debian images, Trivy, its database, and the ledger, of every kind.
Two products stand on one base. Its openssl has a critical flaw; a fix comes out, then a base with
it. One product is published anew in time, the other too late.
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.ledger_places import LEDGERS, clone, text_of
from tests.fakes import trivydb
from tests.fakes.derived import push_base, push_derived
from tests.fakes.provisioned import provisioned
from tests.fakes.realregistry.fixtures import image_layout, real_registries
from tests.fakes.trivydb import CRITICAL
from tests.integration.program import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.realregistry.running import RealRegistries
    from tests.integration.program import Outcome

__all__ = ["clone", "image_layout", "real_registries"]

pytestmark = [pytest.mark.component("scanner"), pytest.mark.slow]

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
REPOSITORY = "git.example/acme/shop"


class World:
    """A repository with two products, and what time does to it."""

    def __init__(
        self, root: Path, ledger: str, registries: RealRegistries, program: Path, layout: Path
    ) -> None:
        """Publish both products on the old base."""
        self.root, self.layout = root, layout
        registry = registries.start("anonymous")
        self.address, self.pusher = registry.address, registries.pusher
        self.name = f"story-{root.parent.name}"
        self.place = root.parent
        self.environ = {
            "BASEKEEPER_SETTINGS": str(self.place / "settings.toml"),
            "BASEKEEPER_LEDGER": ledger,
        }
        (self.place / "settings.toml").write_text(
            f'[registry."{self.address}"]\nprivate = true\nhttp = true\n'
            f'[ledger]\nrepository = "{REPOSITORY}"\n'
            f'[scanner]\nprogram = "{program}"\ndatabase = "{self.place}/database"\n',
            "utf-8",
        )
        products = []
        for product in ("shop", "late"):
            folder = root / product
            folder.mkdir()
            (folder / "Dockerfile").write_text(f"FROM {self.address}/{self.name}/base:11-slim\n")
            products.append(
                f'[[product]]\nname = "{product}"\ndockerfile = "{product}/Dockerfile"\n'
                f'image = "{self.address}/{self.name}/{product}:stable"\n'
            )
        (root / "Dockerfile").unlink()
        (root / "basekeeper.toml").write_text("\n".join(products), "utf-8")
        self.base("debian-11-old")
        self.publish("shop", "debian-11-old")
        self.publish("late", "debian-11-old")

    def base(self, image: str) -> None:
        """Move the tag of the base."""
        push_base(self.pusher, self.layout, image, f"{self.name}/base:11-slim")

    def publish(self, product: str, base: str) -> None:
        """Publish a product on a base."""
        content = f"{product} on {base}"
        push_derived(self.pusher, self.layout, base, f"{self.name}/{product}:stable", content)

    def advisories(self, now: datetime, *, fixed: bool) -> None:
        """Renew the scanner's database."""
        shutil.rmtree(self.place / "database", ignore_errors=True)
        content = trivydb.advisories()
        if not fixed:
            for release in ("debian 11", "debian 12", "debian 13"):
                openssl = content[release]["buckets"]["openssl"]["pairs"]
                openssl[CRITICAL] = {"Status": 2}
        trivydb.write_database(
            provisioned("advisories"),
            self.place / "database",
            content,
            updated=now - timedelta(hours=2),
        )

    def scan(self, now: datetime) -> dict[str, Any]:
        """Scan and record."""
        told = self.run("scan", now, "-f", "json")
        assert told.code == 0, told.err + told.out
        found: dict[str, Any] = told.json
        assert found["recorded"]["repository"] == REPOSITORY
        return found

    def states(self, now: datetime) -> dict[str, str]:
        """Tell the state of the critical flaw in each product."""
        told = self.run("deadlines", now, "--closed", "-f", "json")
        found: dict[str, str] = {}
        for one in json.loads(told.out)["deadlines"]:
            if one["vulnerability"] == CRITICAL:
                found[one["product"]] = one["state"]
        return found

    def gate(self, now: datetime, *arguments: str) -> int:
        """Ask the gate of CI."""
        return self.run("check", now, "--online", "--rule", "unpatched-critical", *arguments).code

    def run(self, verb: str, now: datetime, *arguments: str) -> Outcome:
        """Run the program."""
        return run(self.root, verb, "--now", now.isoformat(), *arguments, **self.environ)


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    clone: Path,
    real_registries: RealRegistries,
    image_layout: Path,
) -> World:
    ledger = text_of(request.param, request, clone.parent)
    return World(clone, ledger, real_registries, provisioned("scanner"), image_layout)


@pytest.mark.parametrize("world", LEDGERS, indirect=True)
def test_one_product_is_patched_in_time_and_the_other_is_not(  # noqa: PLR0915  # one story
    world: World,
) -> None:
    now = START
    world.advisories(now, fixed=False)
    first = world.scan(now)
    assert first["recorded"]["events"] > 0
    assert world.states(now) == {"shop": "waiting-for-fix", "late": "waiting-for-fix"}
    assert world.gate(now) == 0

    now = published = START + timedelta(days=1)  # a fixed package comes out
    world.advisories(now, fixed=True)
    world.scan(now)
    assert world.states(now) == {"shop": "waiting-for-base", "late": "waiting-for-base"}
    assert world.gate(now) == 0, "there is time left"
    assert world.gate(now, "--fail-on", "warning") == 1
    assert world.scan(now)["recorded"]["events"] == 0, "the same again adds nothing"

    now = published + timedelta(hours=20)  # a base with it comes out, and both trees stand on it
    world.base("debian-11")
    world.advisories(now, fixed=True)
    world.scan(now)
    assert world.states(now) == {"shop": "fixed-unreleased", "late": "fixed-unreleased"}

    now = published + timedelta(hours=40)
    world.publish("shop", "debian-11")
    world.advisories(now, fixed=True)
    world.scan(now)
    assert world.states(now) == {"shop": "closed-in-time", "late": "fixed-unreleased"}
    assert world.run("deadlines", now).code == 0

    now = published + timedelta(hours=49)  # 48 hours have passed since the fix
    world.advisories(now, fixed=True)
    world.scan(now)
    assert world.states(now) == {"shop": "closed-in-time", "late": "breached"}
    assert world.gate(now) == 0, "the tree stands on the fixed base; what is late is the release"
    overdue = world.run("deadlines", now)
    assert (overdue.code, CRITICAL in overdue.out) == (1, True)

    now = published + timedelta(hours=60)
    world.publish("late", "debian-11")
    world.advisories(now, fixed=True)
    world.scan(now)
    assert world.states(now) == {"shop": "closed-in-time", "late": "closed-late"}
    assert world.run("deadlines", now).code == 0

    then = published + timedelta(hours=49)
    back = world.run("deadlines", now, "--as-of", then.isoformat())
    assert (back.code, CRITICAL in back.out) == (1, True), "what was known then can be told again"
    sound = run(world.root, "ledger", "verify", **world.environ)
    assert sound.code == 0, sound.err + sound.out
