"""Finding the versions of an image on each axis, and judging each in its calendar.

Order of trust on each axis: given facts, the tag, a documented channel word, the list of tags built
today (which says what a moving tag stood for on that day), the name of the repository.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InvalidReference
from basekeeper.records import dataclass
from basekeeper.tags.axes import Runtime, split_name, split_tag
from basekeeper.tags.roles import is_minimal_repository
from basekeeper.tags.states import Claim, state_of
from basekeeper.tags.variants import system_behind
from basekeeper.tags.words import OS_RELEASE_PRODUCTS, RUNTIMES
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from basekeeper.lifecycle.calendar import Product
    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.tags.axes import OperatingSystem
    from basekeeper.tags.named import NamedImage
    from basekeeper.values.facts import Facts
    from basekeeper.values.finding import AxisState

BASE_NAME_LABEL: Final = "org.opencontainers.image.base.name"
"""Label that names an image's own base. Source: OCI image specification, annotations."""


@dataclass(frozen=True, slots=True)
class FoundAxes:
    """The axes of one image."""

    states: tuple[AxisState, ...]
    undetermined: tuple[str, ...]
    """Axes that could not be told, each `axis: reason`."""
    rests_on_list: bool
    """True where the application's version is what a moving tag stood for on a list's day."""


def find_axes(image: NamedImage, catalogue: Catalogue, facts: Facts, *, now: datetime) -> FoundAxes:
    """Find and judge application, runtimes, generation and operating system."""
    return _Finder(image, catalogue, facts, now).run()


class _Finder:
    """One pass over the axes of one image."""

    def __init__(
        self, image: NamedImage, catalogue: Catalogue, facts: Facts, now: datetime
    ) -> None:
        self._image = image
        self._catalogue = catalogue
        self._facts = facts
        self._now = now
        self._axes: list[AxisState] = []
        self._undetermined: list[str] = []
        self._from_list = False
        self._listed_tag = image.tag_text
        self._default: Claim | None = None

    def run(self) -> FoundAxes:
        """Find each axis in turn."""
        self._find_application()
        self._find_runtimes()
        self._find_generation()
        self._find_os()
        return FoundAxes(tuple(self._axes), tuple(self._undetermined), self._from_list)

    def _find_application(self) -> None:
        """The repository's own product, where that is an application."""
        product = self._image.product
        if product is None:
            if (
                not self._image.tag.runtimes
                and self._image.tag.os is None
                and self._image.in_name.os is None
            ):
                self._undetermined.append(f"application: no calendar for {self._image.name}")
            return
        if product.axis != "application":
            return
        claim = self._application_claim(product)
        if claim is None:
            what = f"the tag {self._image.tag_text!r}" if self._image.tag_text else "a digest"
            self._undetermined.append(f"application: {what} names no version of {product.title}")
            return
        self._axes.append(state_of(claim, "application", self._now))

    def _application_claim(self, product: Product) -> Claim | None:
        """The line of the application: by facts, by tag, by channel, by the list of tags."""
        fact = self._facts.resolved_version
        if fact is not None:
            return Claim(product, product.line_of(fact), fact)
        version = self._image.tag.application
        if version is not None:
            return self._by_version(product, version.plain or version.text)
        own = next((one for one in self._image.tag.runtimes if one.product == product.name), None)
        if own is not None:
            return Claim(product, product.line_of(own.version), own.version)
        for word in self._image.tag.variants:
            line = product.by_codename(word)
            if line is not None:
                return Claim(product, line, line.cycle)
        return self._by_channel(product) or self._by_list(product)

    def _by_version(self, product: Product, version: str) -> Claim:
        """The line of a version; a short one (`3` of Python) by the list or the newest line."""
        line = product.line_of(version)
        if line is not None:
            return Claim(product, line, version)
        listed = self._by_list(product)
        if listed is not None and listed.version.startswith(version + "."):
            return listed
        line = product.newest_within(version, self._now)
        because = "" if line is None else f"{version} stands for the newest {version}.x"
        return Claim(product, line, version, because)

    def _by_channel(self, product: Product) -> Claim | None:
        """The line that a documented channel word stands for at this instant."""
        word = self._image.tag.channel
        line = None if word is None else product.channel(word, self._now)
        if line is None:
            return None
        listed = self._by_list(product)
        if listed is not None and listed.line != line and word is not None:
            # The list is older than the move of the channel; it still knows the line's own tags.
            self._listed_tag = self._listed_tag.replace(word, line.cycle, 1)
        self._from_list = False
        return Claim(product, line, line.cycle, f"{word} stands for {line.cycle}")

    def _by_list(self, product: Product) -> Claim | None:
        """The line that a moving tag stood for on the day of the list."""
        if self._image.tags is None:
            return None
        versions = (
            split_tag(self._image.path, alias).application
            for alias in self._image.tags.aliases(self._image.tag_text)
        )
        known = [version for version in versions if version is not None]
        if not known:
            return None
        self._from_list = True
        version = max(known, key=lambda one: one.precision)
        line = product.line_of(version.plain)
        because = f"{self._image.tag_text} was {version.text} on {self._image.tags.as_of}"
        return Claim(product, line, version.plain, because)

    def _find_runtimes(self) -> None:
        """Second products that tag or name carry with a version."""
        done = {state.product for state in self._axes}
        for runtime in (
            *self._image.tag.runtimes,
            *self._image.in_name.runtimes,
            *self._family_runtime(),
        ):
            product = None if runtime.product is None else self._catalogue.product(runtime.product)
            if product is None or product.name in done:
                continue
            done.add(product.name)
            line = product.line_of(runtime.version)
            if line is None and product.newest_within(runtime.version, self._now) is not None:
                self._undetermined.append(
                    f"application: {runtime.name} {runtime.version} names no line of"
                    f" {product.title}"
                )
                continue
            claim = Claim(product, line, runtime.version)
            self._axes.append(state_of(claim, "application", self._now))

    def _family_runtime(self) -> tuple[Runtime, ...]:
        """The runtime of an image family whose tag is its version (`distroless/nodejs:18`)."""
        word = self._image.path.rsplit("/", maxsplit=1)[-1]
        version = self._image.tag.application
        if (
            version is None
            or self._image.product is None
            or self._image.product.axis != "generation"
        ):
            return ()
        return (Runtime(word, version.plain, RUNTIMES[word]),) if word in RUNTIMES else ()

    def _find_generation(self) -> None:
        """The generation of an image family such as distroless, named in the repository."""
        product = self._image.product
        if product is None or product.axis != "generation":
            return
        system = self._image.in_name.os
        if system is not None:
            cycle, because = f"{system.family}{system.release or ''}", ""
        elif f"{self._image.name}-{product.default_cycle}" in product.repositories:
            cycle = product.default_cycle or ""
            because = f"{self._image.name} was {cycle} on {product.as_of}"
            self._default = Claim(product, None, cycle, because)
        else:
            self._undetermined.append(f"generation: {self._image.name} names none")
            return
        claim = Claim(product, product.line_of(cycle), cycle, because)
        self._axes.append(state_of(claim, "generation", self._now))

    def _find_os(self) -> None:
        """The operating system: by facts, tag, list of tags, name of the repository."""
        claim = self._os_by_facts()
        system = (self._facts.os_release or {}).get("ID")
        if claim is None and system is not None:
            self._undetermined.append(f"os: no calendar for {system!r:.40}")
            return
        claim = claim or self._os_by_name()
        if claim is not None:
            claim = replace(claim, named=self._names_os(claim))
            self._axes.append(state_of(claim, "os", self._now))
        elif not is_minimal_repository(self._image.name) or self._image.product is not None:
            self._undetermined.append(f"os: {self._unnamed_os()}")

    def _names_os(self, claim: Claim) -> bool:
        """Tell whether name or tag pick the release; `alpine` alone leaves it to the publisher."""
        product, version = self._image.product, self._image.tag.application
        if product is None and version is not None and version.plain == claim.version:
            return True  # an image without product of its own: `buildpack-deps:24.04`
        systems = (self._image.tag.os, self._image.in_name.os)
        is_system = product is not None and product.axis == "os"
        return is_system or any(one is not None and one.release is not None for one in systems)

    def _unnamed_os(self) -> str:
        """Say what the name of the image leaves open about its operating system."""
        tag, product, named = self._image.tag_text, self._image.product, self._image.tag.os
        what = f"the tag {tag!r}" if tag else "a digest"
        if product is not None and product.axis == "os":
            return f"{what} names no release of {product.title}"
        if named is not None:
            return f"{what} names no release of {named.product}"
        return f"{what} names no operating system"

    def _os_by_facts(self) -> Claim | None:
        """What os-release or the base name label says."""
        release = self._facts.os_release
        if release is not None:
            return self._os_by_release(release)
        own = self._facts.resolved_version
        if own is not None and self._image.product is not None and self._image.product.axis == "os":
            return Claim(self._image.product, self._image.product.line_of(own), own)
        return self._os_by_label()

    def _os_by_release(self, release: Mapping[str, str]) -> Claim | None:
        """What os-release says; CentOS Stream and CentOS Linux share one `ID`."""
        name = OS_RELEASE_PRODUCTS.get(release.get("ID", ""), "")
        if name == "centos" and "Stream" in release.get("NAME", ""):
            name = "centos-stream"
        product, version = self._catalogue.product(name), release.get("VERSION_ID", "")
        if product is None or not version:
            return None
        return Claim(product, product.line_of(version), version, "by os-release")

    def _os_by_label(self) -> Claim | None:
        """What the label that names the image's base says, where that base names a system."""
        base = (self._facts.labels or {}).get(BASE_NAME_LABEL)
        if not base:
            return None
        try:
            reference = parse_reference(base)
        except InvalidReference:
            return None
        path = self._catalogue.name_of(reference).partition("/")[2]
        claim = self._os_claim(split_tag(path, reference.tag or "").os)
        return None if claim is None else Claim(claim.product, claim.line, claim.version, base)

    def _os_by_name(self) -> Claim | None:
        """What tag, channel, list and repository name say, in this order."""
        claim = self._os_claim(self._image.tag.os)
        if claim is not None:
            return claim
        product = self._image.product
        if product is not None and product.axis == "os":
            found = self._by_channel(product)
            if found is not None:
                return found
        if self._image.tags is not None:
            system = system_behind(self._image.tags, self._image.path, self._listed_tag)
            because = f"{self._listed_tag} was on it on {self._image.tags.as_of}"
            claim = self._os_claim(system, because)
            if claim is not None:
                return claim
        if self._default is not None:
            return self._os_claim(split_name(self._default.version).os, self._default.because)
        return self._os_claim(self._image.in_name.os)

    def _os_claim(self, system: OperatingSystem | None, because: str = "") -> Claim | None:
        """The line of an operating system that names a release and has a calendar."""
        if system is None or system.release is None:
            return None
        product = self._catalogue.product(system.product)
        if product is None:
            return None
        line = product.line_of(system.release) or product.newest_within(system.release, self._now)
        return Claim(product, line, system.release, because)
