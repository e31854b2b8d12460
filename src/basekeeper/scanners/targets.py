"""What a scanner is pointed at, what that is called, and whether an answer fits the question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.scanners import layouts
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.platforms import find_platform, plain_platform
from basekeeper.values.scanning import LayoutImage
from basekeeper.values.vulnerability import Subject, SubjectKind

if TYPE_CHECKING:
    from pathlib import Path

    from basekeeper.scanners.report import Report
    from basekeeper.scanners.workspace import Workspace
    from basekeeper.values.reference import Reference
    from basekeeper.values.scanning import ImageSource


def lay_out(image: ImageSource, space: Workspace) -> tuple[Path, str | None]:
    """Put an image where a scanner finds it: a layout that holds it alone, or its archive.

    Returns:
        Where it is, and the image id where it is known before.

    Raises:
        NotTold: It is not there, or content has not its digest.
    """
    if isinstance(image, LayoutImage):
        layout = space.root / "layout"
        return layout, layouts.pick(image, layout)
    link = space.root / "image.tar"
    if not image.path.is_file():
        raise NotTold(f"there is no archive {str(image.path)!r}")
    link.symlink_to(image.path.absolute())
    return link, None


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


def check_image(report: Report, kind: str, image: ImageSource, expected: str | None) -> None:
    """Refuse an answer about another image than the one asked about.

    Args:
        report: What the scanner told.
        kind: The word by which it calls images.
        image: What it was asked about.
        expected: The image id where it is known before.

    Raises:
        NotTold: It answered something else.
    """
    if report.artifact_type != kind:
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
