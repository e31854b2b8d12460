"""What Trivy is pointed at, what that is called, and whether an answer fits the question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.scanners import layouts
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.platforms import find_platform, plain_platform
from basekeeper.values.scanning import LayoutImage
from basekeeper.values.vulnerability import Subject, SubjectKind

if TYPE_CHECKING:
    from basekeeper.scanners.report import Report
    from basekeeper.scanners.workspace import Workspace
    from basekeeper.values.reference import Reference
    from basekeeper.values.scanning import ImageSource
    from basekeeper.values.vulnerability import ScannerIdentity

_CONTAINER: Final = "container_image"


def point_at(image: ImageSource, space: Workspace) -> tuple[list[str], str | None]:
    """Return the arguments that name an image, and the image id where it is known before."""
    if isinstance(image, LayoutImage):
        layout = space.root / "layout"
        expected = layouts.pick(image, layout)
        return ["--input", str(layout)], expected
    link = space.root / "image.tar"
    if not image.path.is_file():
        raise NotTold(f"there is no archive {str(image.path)!r}")
    link.symlink_to(image.path.absolute())
    return ["--input", str(link)], None


def registry_subject(reference: Reference, platform: str) -> Subject:
    """Say what an image of a registry is called."""
    return Subject(
        kind=SubjectKind.REGISTRY,
        name=reference.familiar,
        digest=reference.digest,
        platform=platform,
    )


def subject_of(image: ImageSource, found_id: str | None, platform: str | None) -> Subject:
    """Say what was looked at; an archive has no digest but the image's id."""
    if isinstance(image, LayoutImage):
        if image.reference is not None:
            return registry_subject(image.reference, image.platform)
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
    wanted = image.platform
    if wanted is None:
        return
    if report.platform is None:
        raise NotTold("the image does not say which platform it is for")
    if find_platform(wanted, [plain_platform(report.platform)]) is None:
        raise NotTold(f"the image is for {report.platform}, not for {wanted}")


def sbom_key(subject: Subject, scanner: ScannerIdentity) -> str | None:
    """Under which an SBOM is kept; None for what has no digest but the image's id."""
    if subject.kind is SubjectKind.ARCHIVE:
        return None
    return f"sbom trivy {scanner.version} {scanner.digest} {subject.digest} {subject.platform}"
