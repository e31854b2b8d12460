"""What Trivy is pointed at, what that is called, and whether an answer fits the question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.scanners import layouts
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.platforms import find_platform, plain_platform
from basekeeper.values.scanning import ArchiveImage, LayoutImage, RegistryImage
from basekeeper.values.vulnerability import Subject, SubjectKind

if TYPE_CHECKING:
    from basekeeper.scanners.report import Report
    from basekeeper.scanners.workspace import Workspace
    from basekeeper.values.scanning import ImageSource
    from basekeeper.values.vulnerability import ScannerIdentity

_CONTAINER: Final = "container_image"


def point_at(image: ImageSource, space: Workspace) -> tuple[list[str], str | None]:
    """Return the arguments that name an image, and the image id where it is known before."""
    if isinstance(image, RegistryImage):
        return _registry_target(image, space), None
    if isinstance(image, LayoutImage):
        layout = space.root / "layout"
        expected = layouts.pick(image, layout)
        return ["--input", str(layout)], expected
    link = space.root / "image.tar"
    if not image.path.is_file():
        raise NotTold(f"there is no archive {str(image.path)!r}")
    link.symlink_to(image.path.absolute())
    return ["--input", str(link)], None


def _registry_target(image: RegistryImage, space: Workspace) -> list[str]:
    reference = image.reference
    if reference.digest is None:
        raise NotTold(f"{reference.familiar} has no digest", hint="scan images by their digest")
    repository = image.repository or f"{reference.registry}/{reference.repository}"
    if image.login is not None:
        space.log_in(repository.partition("/")[0], image.login)
    if image.authority is not None:
        space.trust(image.authority)
    insecure = ("--insecure",) if image.http else ()
    return [
        "--image-src", "remote", "--platform", image.platform, *insecure,
        "--", f"{repository}@{reference.digest}",
    ]  # fmt: skip


def subject_of(image: ImageSource, found_id: str | None, platform: str | None) -> Subject:
    """Say what was looked at; an archive has no digest but the image's id."""
    if isinstance(image, RegistryImage):
        name, digest = image.reference.familiar, image.reference.digest
        return Subject(kind=SubjectKind.REGISTRY, name=name, digest=digest, platform=image.platform)
    if isinstance(image, LayoutImage):
        return Subject(
            kind=SubjectKind.LAYOUT,
            name=str(image.path),
            digest=image.digest,
            platform=image.platform,
        )
    return Subject(
        kind=SubjectKind.ARCHIVE,
        name=str(image.path),
        digest=found_id,
        platform=image.platform or platform,
    )


def check_image(report: Report, image: ImageSource, expected: str | None) -> None:
    """Refuse an answer about another image than the one asked about."""
    if report.artifact_type != _CONTAINER:
        raise NotTold(f"the scanner took the image for {report.artifact_type!r}")
    if report.image_id is None or expected not in (None, report.image_id):
        raise NotTold("the scanner answered about another image")
    if isinstance(image, RegistryImage) and image.reference.digest not in report.digests:
        raise NotTold("the scanner answered about another digest")
    wanted = image.platform
    if wanted is None:
        return
    if report.platform is None:
        raise NotTold("the image does not say which platform it is for")
    if find_platform(wanted, [plain_platform(report.platform)]) is None:
        raise NotTold(f"the image is for {report.platform}, not for {wanted}")


def sbom_key(image: ImageSource, scanner: ScannerIdentity) -> str | None:
    """Under which an SBOM is kept; None for what has no digest."""
    if isinstance(image, ArchiveImage):
        return None
    digest = image.reference.digest if isinstance(image, RegistryImage) else image.digest
    return f"sbom trivy {scanner.version} {scanner.digest} {digest} {image.platform}"
