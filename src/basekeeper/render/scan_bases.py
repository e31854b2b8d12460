"""What published images were built on, as every format shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from basekeeper.render.json import reference_object
from basekeeper.values.bases import Confidence, Method
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.values.bases import Candidate, Identified
    from basekeeper.values.scanrun import ScannedImage, ScanRun

MAX_CANDIDATES: Final = 3
"""Most candidates that are named for people."""

_SOURCES: Final = {
    Method.DOCKERFILE: "the Dockerfile",
    Method.PROVENANCE: "its provenance",
    Method.ANNOTATION: "its annotations",
    Method.LAYERS: "its layers",
    Method.HISTORY: "its history",
}


def published_bases(found: ScanRun) -> Iterator[tuple[ScannedImage, Identified | Unknown]]:
    """Yield the images of a run of which it was asked what they were built on, and the answers."""
    for image in found.further:
        if image.base is not None:
            yield image, image.base


def base_words(base: Identified | Unknown) -> str:
    """Say what an image stands on, and how that is known; or why it is not."""
    if isinstance(base, Unknown):
        return f"not identified: {base.reason}"
    tied = [one for one in base.candidates if one.named_by[:1] == base.base.named_by[:1]]
    names = " or ".join(one.reference.familiar for one in tied[:MAX_CANDIDATES])
    if len(tied) > MAX_CANDIDATES:
        names += f" or {len(tied) - MAX_CANDIDATES} more"
    chain = "".join(f" on {one.reference.familiar}" for one in base.below)
    return f"{names}{chain} ({_proof_words(base)})"


def _proof_words(base: Identified) -> str:
    proof = "layer proof" if base.proven else ""
    if base.proven and base.confidence is Confidence.HIGH:
        against = " and ".join(_SOURCES[one] for one in base.contradicting)
        return f"{proof}, against {against}" if against else proof
    sure = f"{base.confidence.value} confidence: {'; '.join(base.reasons)}"
    return f"{proof}, {sure}" if proof else sure


def base_object(base: Identified | Unknown | None) -> dict[str, Any] | None:
    """Write what an image was built on for programs; None: nobody asked."""
    if base is None:
        return None
    if isinstance(base, Unknown):
        return {
            "candidates": [],
            "method": None,
            "confidence": None,
            "proven": False,
            "ambiguous": False,
            "reasons": [],
            "agreeing": [],
            "contradicting": [],
            "below": [],
            "unknown": {"reason": base.reason, "hint": base.hint},
        }
    return {
        "candidates": [_candidate(one) for one in base.candidates],
        "method": base.method.value,
        "confidence": base.confidence.value,
        "proven": base.proven,
        "ambiguous": base.ambiguous,
        "reasons": list(base.reasons),
        "agreeing": [one.value for one in base.agreeing],
        "contradicting": [one.value for one in base.contradicting],
        "below": [_candidate(one) for one in base.below],
        "unknown": None,
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "reference": reference_object(one.reference),
        "digest": one.digest,
        "layers": one.layers,
        "named_by": [method.value for method in one.named_by],
    }
