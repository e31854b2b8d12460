"""Identifying: what an image was built on, of what several sources say. Pure.

The order of trust is that of `Method`. Where the layers of an image begin with those of one that a
source names, this is proven whoever names it, and the source decides only what it is called. Of
several that fit, the one with most layers counts: an image stands on its base, and the base on
others. Without a proof the claims of one source stand, and never with high confidence: who pushes
an image writes its annotations and its provenance too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.values.bases import Candidate, Confidence, Identified, Method
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from basekeeper.values.bases import Built, Clue
    from basekeeper.values.reference import Reference

FRONTENDS: Final = frozenset(
    {"docker.io/docker/dockerfile", "docker.io/docker/dockerfile-upstream"}
)
"""What provenance lists beside images that stages use: no image stands on them."""

_LISTS_MANY: Final = len(Method)
"""Rank of provenance that lists several images: any of them may be the base, or none."""

_NOP: Final = r"(?:/bin/sh -c #\(nop\) +)?"
_EMPTY: Final = re.compile(
    _NOP + r"(?:ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL"
    r"|USER|VOLUME)\b.*",
    re.DOTALL | re.ASCII,
)
"""Commands in the history of an image that make no layer."""
_COMMAND: Final = re.compile(_NOP + r"CMD\b.*", re.DOTALL | re.ASCII)


def identify(image: Built, clues: Iterable[Clue]) -> Identified | Unknown:
    """Tell what an image was built on.

    Args:
        image: The image, for one platform.
        clues: What sources say of it for that platform, those of one source in their order. The
            image itself may be among them, and is passed over.

    Returns:
        Unknown where nothing names a base, or where none that is named can be it.
    """
    own = set(image.digests)
    told = [
        one for one in clues if own.isdisjoint(one.digests) and one.reference.name not in FRONTENDS
    ]
    proven = [one for one in told if _proves(image, one)]
    return _by_layers(image, proven, told) if proven else _without_proof(image, told)


def _proves(image: Built, clue: Clue) -> bool:
    """Tell whether an image begins with the layers of another one.

    It may add nothing to a base that somebody names; that it equals an image proves nothing.
    """
    below = clue.diff_ids
    if not below or below != image.diff_ids[: len(below)]:
        return False
    return len(below) < len(image.diff_ids) or clue.method is not Method.LAYERS


@dataclass(frozen=True, slots=True)
class _Group:
    """Clues that speak of one image."""

    clues: tuple[Clue, ...]

    @property
    def named_by(self) -> tuple[Method, ...]:
        """Who names it, the most trusted first."""
        found = {one.method for one in self.clues} - {Method.LAYERS}
        return tuple(sorted(found, key=lambda one: one.rank))

    @property
    def order(self) -> tuple[int, bool]:
        """How much its best name is trusted, the most first."""
        return min((one.method.rank, one.is_past) for one in self.clues)

    @property
    def is_doubtful(self) -> bool:
        """Tell whether nothing but an inherited label names it."""
        return all(one.is_inherited for one in self.clues)

    def candidate(self, layers: int | None, *, is_present: bool = True) -> Candidate:
        """Describe it by its best clue; it may be that not this digest is meant."""
        best = min(self.clues, key=lambda one: (one.method.rank, one.is_past))
        digests = best.digests or next((one.digests for one in self.clues if one.digests), ())
        return Candidate(
            reference=best.reference.with_digest(None),
            digest=digests[0] if digests and is_present else None,
            layers=layers,
            named_by=self.named_by,
        )


def _grouped(clues: Iterable[Clue]) -> list[_Group]:
    """Gather clues that speak of one image, the most trusted first."""
    groups: list[list[Clue]] = []
    for clue in clues:
        own = next((one for one in groups if any(_is_same(clue, other) for other in one)), None)
        if own is None:
            groups.append([clue])
        else:
            own.append(clue)
    return sorted((_Group(tuple(one)) for one in groups), key=lambda one: one.order)


def _is_same(one: Clue, other: Clue) -> bool:
    """Tell whether two clues speak of one image: of one digest, else of one name."""
    if one.digests and other.digests:
        return not set(one.digests).isdisjoint(other.digests)
    return _name(one.reference) == _name(other.reference)


def _name(reference: Reference) -> tuple[str, str | None]:
    return reference.name, reference.tag


def _by_layers(image: Built, proven: Sequence[Clue], told: Sequence[Clue]) -> Identified:
    """Name the longest of the images whose layers an image begins with."""
    count = max(len(one.diff_ids or ()) for one in proven)
    longest = [one for one in proven if len(one.diff_ids or ()) == count]
    groups = _grouped(longest)
    first = groups[0]
    candidates = tuple(one.candidate(count) for one in groups)
    method = min((*first.named_by, Method.LAYERS), key=lambda one: one.rank)
    agreeing, contradicting = _others(longest, told)
    rivals = sum(one.named_by[:1] == first.named_by[:1] for one in groups)
    is_sure = rivals == 1 and not first.is_doubtful
    reasons = [_naming(first), f"{_layers(image, count)} are those of this base"]
    if rivals > 1:
        reasons.append(f"{rivals} images have the same layers")
    return Identified(
        candidates=candidates,
        method=method,
        confidence=Confidence.HIGH if is_sure else Confidence.MEDIUM,
        reasons=(*filter(None, reasons), *map(_objection, contradicting)),
        agreeing=tuple(one for one in (*agreeing, Method.LAYERS) if one is not method),
        contradicting=contradicting,
    )


def _layers(image: Built, count: int) -> str:
    whole = len(image.diff_ids)
    if count == whole:
        return "all of its layers" if count > 1 else "its only layer"
    return f"the first {count} of its {whole} layers"


def _others(
    longest: Sequence[Clue], told: Sequence[Clue]
) -> tuple[tuple[Method, ...], tuple[Method, ...]]:
    """Tell which methods come to the same as layers do, and which to something else."""
    agreeing, contradicting = [], []
    for method in (Method.DOCKERFILE, Method.PROVENANCE, Method.ANNOTATION):
        own = [one for one in told if one.method is method]
        if any(_agrees(one, longest) for one in own):
            agreeing.append(method)
            continue
        against = [one for one in own if _contradicts(one, longest)]
        lists_all = method is Method.PROVENANCE
        if against and (not lists_all or len(against) == len(own)):
            contradicting.append(method)
    return tuple(agreeing), tuple(contradicting)


def _agrees(clue: Clue, longest: Sequence[Clue]) -> bool:
    """Tell whether a clue names one of the proven images; a Dockerfile names what is newest now."""
    by_name = clue.method is Method.DOCKERFILE or not clue.digests
    return any(
        clue is one
        or not set(clue.digests).isdisjoint(one.digests)
        or (by_name and _name(clue.reference) == _name(one.reference))
        for one in longest
    )


def _contradicts(clue: Clue, longest: Sequence[Clue]) -> bool:
    """Tell whether a clue names something else; another digest of the same name may be the same."""
    if clue.is_past or clue.is_inherited:
        return False
    names = {_name(one.reference) for one in longest}
    return clue.diff_ids is not None or _name(clue.reference) not in names


def _naming(group: _Group) -> str:
    """Say who names an image."""
    if not group.named_by:
        return ""
    is_past = all(one.is_past for one in group.clues if one.method is Method.DOCKERFILE)
    words = {
        Method.DOCKERFILE: "the Dockerfile named it before"
        if is_past
        else "the Dockerfile names it",
        Method.PROVENANCE: "its provenance lists it",
        Method.ANNOTATION: "a label that images inherit names it"
        if all(one.is_inherited for one in group.clues if one.method is Method.ANNOTATION)
        else "its annotations name it",
    }
    return " and ".join(words[one] for one in group.named_by)


def _objection(method: Method) -> str:
    return {
        Method.DOCKERFILE: "the Dockerfile names another one now",
        Method.PROVENANCE: "its provenance does not list it",
        Method.ANNOTATION: "its annotations name another one",
    }[method]


def _without_proof(image: Built, told: Sequence[Clue]) -> Identified | Unknown:
    """Take the best claim that nothing refutes; else guess."""
    present = [one for one in told if not one.is_past and one.method is not Method.LAYERS]
    is_known = bool(image.diff_ids)
    unproven = [one for one in present if not (is_known and one.diff_ids)]
    if unproven:
        return _by_claims(unproven)
    refuted = [one for one in told if one.diff_ids]
    if len(image.diff_ids) == 1 and refuted:
        return Unknown(
            "the image has a single layer, which no base that is named has",
            "squashed images cannot be told apart: publish it with the layers of its base",
        )
    guess = _by_history(image, refuted) or _by_name(refuted)
    if guess is not None:
        return guess
    hint = "built FROM scratch it has none; else name the Dockerfile it is built of in [[product]]"
    return Unknown(_nothing_words(image, refuted), hint)


def _by_claims(claims: Sequence[Clue]) -> Identified:
    """Name what the most trusted source names of which the layers could not be compared."""
    groups = _grouped(claims)
    listed = [one for one in groups if Method.PROVENANCE in one.named_by]

    def rank(group: _Group) -> int:
        method = group.named_by[0]
        is_one_of_many = group.named_by == (Method.PROVENANCE,) and len(listed) > 1
        return _LISTS_MANY if is_one_of_many else method.rank

    best = min(map(rank, groups))
    chosen = [one for one in groups if rank(one) == best]
    first = chosen[0]
    method = first.named_by[0]
    others = {one.method for one in claims} - set(first.named_by)
    contradicting = tuple(sorted(others, key=lambda one: one.rank)) if len(chosen) == 1 else ()
    is_clear = len(chosen) == 1 and not first.is_doubtful
    reasons = [_naming(first), _uncompared(first)]
    if len(chosen) > 1:
        reasons.append(f"it is one of {len(chosen)}, of which any may be the base")
    return Identified(
        candidates=tuple(one.candidate(None) for one in chosen),
        method=method,
        confidence=Confidence.MEDIUM if is_clear else Confidence.LOW,
        reasons=(*reasons, *map(_objection, contradicting)),
        agreeing=first.named_by[1:],
        contradicting=contradicting,
    )


def _uncompared(group: _Group) -> str:
    """Say why the layers of an image prove nothing."""
    problem = next((one.problem for one in group.clues if one.problem is not None), None)
    return "layers were not compared" + (f": {problem}" if problem is not None else "")


def _by_history(image: Built, refuted: Sequence[Clue]) -> Identified | None:
    """Guess the image that was made by the same commands as this one at its beginning."""
    fitting = [
        one
        for one in refuted
        if one.history
        and len(one.history) < len(image.history)
        and one.history == image.history[: len(one.history)]
    ]
    if not fitting:
        return None
    count = max(len(one.history) for one in fitting)
    groups = _grouped(one for one in fitting if len(one.history) == count)
    first = groups[0]
    return Identified(
        candidates=tuple(one.candidate(None, is_present=False) for one in groups),
        method=Method.HISTORY,
        confidence=Confidence.LOW,
        reasons=(
            *filter(None, [_naming(first)]),
            f"the first {count} of its {len(image.history)} commands are those of this base",
            "its layers are others: another build of it, or a rebuilt image",
        ),
        agreeing=first.named_by,
        contradicting=(Method.LAYERS,),
    )


def _by_name(refuted: Sequence[Clue]) -> Identified | None:
    """Name what a source names by a tag, though that tag points to other layers now."""
    named = [one for one in refuted if _is_by_tag(one)]
    if not named:
        return None
    first = _grouped(named)[0]
    return Identified(
        candidates=(first.candidate(None, is_present=False),),
        method=first.named_by[0],
        confidence=Confidence.LOW,
        reasons=(_naming(first), "its layers are not those that this base has now"),
        agreeing=first.named_by[1:],
        contradicting=(Method.LAYERS,),
    )


def _is_by_tag(clue: Clue) -> bool:
    """Tell whether a name may have meant other layers when the image was built."""
    if clue.is_past or clue.is_inherited:
        return False
    return clue.method is Method.DOCKERFILE or (
        clue.method is Method.ANNOTATION and not clue.digests
    )


def _nothing_words(image: Built, refuted: Sequence[Clue]) -> str:
    """Say that there is no base, and how many commands may be one's."""
    reason = "nothing tells what it was built on"
    if refuted:
        reason = "it begins with the layers of no base that is named"
    count = guess_base_commands(image.history)
    if not count:
        return reason
    whole = len(image.history)
    return f"{reason}; the first {count} of its {whole} commands look like those of a base"


def guess_base_commands(history: Sequence[str]) -> int:
    """Guess how many commands of a history are those of the base; 0: that cannot be told.

    As Trivy's `GuessBaseImageIndex` does: up to the last `CMD` that comes before a layer, since
    most bases end with one.

    Args:
        history: As of `ImageConfig.history`.
    """
    has_layer = False
    for number in range(len(history), 0, -1):
        command = history[number - 1]
        if not has_layer:
            has_layer = _EMPTY.fullmatch(command) is None
        elif _COMMAND.fullmatch(command) is not None:
            return number
    return 0
