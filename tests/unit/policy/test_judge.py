from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import InputError
from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.policy.load import load_config, load_policy
from basekeeper.values.facts import Facts
from basekeeper.values.finding import Category, Truth
from basekeeper.values.reference import Reference, parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from basekeeper.policy.policy import Policy
    from basekeeper.values.finding import Judgement

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HEX = "0" * 64
BASE_NAME = "org.opencontainers.image.base.name"


def _policy(text: str) -> Policy:
    return load_config({"basekeeper.toml": text.encode()}.get).policy


def _judge(
    image: str | Reference,
    facts: Facts | Mapping[str, object] | None = None,
    policy: Policy | None = None,
) -> Judgement:
    return (policy or load_policy()).judge(image, facts or {}, now=NOW)


def _quality(image: str, facts: Mapping[str, object] | None = None) -> dict[str, str]:
    quality = _judge(image, facts).quality
    return {name: answer.value.value for name, answer in quality.items()}


def test_nothing_in_the_empty_base_can_be_bad() -> None:
    judgement = _judge("scratch")
    assert (judgement.category, judgement.reference) == (Category.PREFERRED, None)
    assert set(_quality("scratch").values()) == {"yes"}
    assert judgement.quality["supported"].reason == "empty image"
    assert judgement.clause == "policy.preferred[0]"
    assert judgement.clause_origin == "shipped default"


def test_the_empty_base_needs_an_entry_of_its_own() -> None:
    policy = _policy('[policy]\nextends = false\n[[policy.permitted]]\nimage = "**"\n')
    judgement = _judge("scratch", policy=policy)
    assert (judgement.category, judgement.clause) == (Category.PROHIBITED, "default")
    assert judgement.category_known
    assert "does not name scratch" in judgement.reason


def test_accepts_a_parsed_reference_and_keeps_its_text() -> None:
    assert _judge(parse_reference("alpine:3.24")).text == "alpine:3.24"
    assert _judge(Reference("docker.io", "library/alpine")).text == "docker.io/library/alpine"
    assert _judge(parse_reference("scratch")).category is Category.PREFERRED


def test_text_that_is_no_reference_is_prohibited_for_sure() -> None:
    judgement = _judge("Not An Image")
    assert judgement.category_known
    assert judgement.reference is None
    assert "invalid image reference" in judgement.reason
    assert judgement.quality["official_source"].value is Truth.NO
    assert judgement.quality["supported"].value is Truth.UNKNOWN


def test_a_variable_that_is_not_resolved_is_unknown() -> None:
    judgement = _judge("${X}")
    assert judgement.category is Category.PROHIBITED
    assert not judgement.category_known
    assert {answer.value for answer in judgement.quality.values()} == {Truth.UNKNOWN}


def test_a_publisher_that_cannot_be_verified_is_prohibited_and_unknown() -> None:
    judgement = _judge("foo/bar:1")
    assert judgement.category is Category.PROHIBITED
    assert not judgement.category_known
    assert judgement.reason.startswith("could not verify: the publisher status of docker.io/foo")
    assert judgement.quality["official_source"].value is Truth.UNKNOWN


def test_a_registry_without_verified_publishers_is_prohibited_for_sure() -> None:
    judgement = _judge("quay.io/foo/bar")
    assert judgement.category_known
    assert judgement.quality["official_source"].value is Truth.NO


@pytest.mark.parametrize(
    ("image", "facts", "category", "known"),
    [
        ("foo/bar", {"verified_publisher": True}, Category.RESTRICTED, True),
        ("foo/bar", {"verified_publisher": False}, Category.PROHIBITED, True),
        ("foo/bar", {"official": True}, Category.RESTRICTED, True),
        ("node:24", {"official": False}, Category.PROHIBITED, True),
        ("alpine", {"official": False}, Category.PROHIBITED, True),
        ("alpine", {"official": None}, Category.PREFERRED, True),
    ],
)
def test_given_facts_beat_the_lists(
    image: str, facts: dict[str, object], category: Category, *, known: bool
) -> None:
    judgement = _judge(image, facts)
    assert (judgement.category, judgement.category_known) == (category, known)


def test_a_digest_cannot_be_proven_slim() -> None:
    judgement = _judge(f"debian@sha256:{HEX}")
    assert judgement.category is Category.RESTRICTED
    assert judgement.category_known
    assert "could not be told: a digest without a tag does not tell whether it is slim" in (
        judgement.reason
    )


@pytest.mark.parametrize(
    ("image", "facts", "expected"),
    [
        ("alpine:3.24", {}, ("yes", "yes", "yes", "yes")),
        ("alpine:3.20", {}, ("yes", "no", "no", "yes")),
        ("debian:12-slim", {}, ("yes", "no", "yes", "yes")),
        ("ubuntu:24.04", {}, ("yes", "no", "yes", "yes")),
        ("ubuntu:25.10", {}, ("yes", "no", "no", "unknown")),
        ("node:26-slim", {}, ("yes", "yes", "yes", "yes")),
        ("node:24", {}, ("yes", "no", "yes", "no")),
        ("node:20-alpine3.24", {}, ("yes", "no", "no", "yes")),
        ("node:26-alpine3.20", {}, ("yes", "yes", "no", "yes")),
        ("gcr.io/distroless/nodejs20-debian12", {}, ("yes", "no", "no", "yes")),
        ("foo/bar:1", {}, ("unknown", "unknown", "unknown", "unknown")),
        ("quay.io/a/b", {"os_release": "alpine 3.20"}, ("no", "unknown", "no", "unknown")),
        (f"node@sha256:{HEX}", {}, ("yes", "unknown", "unknown", "unknown")),
        (
            f"node@sha256:{HEX}",
            {"resolved_version": "26.1.0", "os_release": {"ID": "debian", "VERSION_ID": "13"}},
            ("yes", "yes", "yes", "unknown"),
        ),
        (
            "node:26-slim",
            {"os_release": {"ID": "debian", "VERSION_ID": "11"}},
            ("yes", "yes", "no", "yes"),
        ),
    ],
)
def test_quality(image: str, facts: dict[str, object], expected: tuple[str, str, str, str]) -> None:
    criteria = ("official_source", "current_version", "supported", "minimal_size")
    assert _quality(image, facts) == dict(zip(criteria, expected, strict=True))


def test_an_answer_says_on_which_axis_and_by_which_data() -> None:
    answer = _judge("node:20-alpine3.20").quality["supported"]
    assert "Node.js 20: support ended on 2026-04-30" in answer.reason
    assert "Alpine Linux 3.20: support ended on 2026-04-01" in answer.reason
    assert answer.source == "endoflife.date"
    assert isinstance(answer.as_of, date)


def test_the_calendar_is_read_at_the_given_instant() -> None:
    policy = load_policy()
    early = datetime(2026, 4, 30, 23, 59, tzinfo=UTC)
    late = datetime(2026, 5, 1, tzinfo=UTC)
    answers = [
        policy.judge("node:20-bookworm-slim", now=now).quality["supported"].value
        for now in (early, late)
    ]
    assert answers == [Truth.YES, Truth.NO]


def test_names_a_smaller_tag_and_a_replacement() -> None:
    assert _judge("node:24").minimal_alternative == "24-slim"
    assert _judge("centos:7").suggestion is not None
    policy = _policy(
        '[[policy.prohibited]]\nimage = "node:24"\nreplacement = "node:26"\nrationale = "old"\n'
    )
    judgement = _judge("node:24", policy=policy)
    assert judgement.suggestion == "node:26"
    assert (judgement.category, judgement.explicit) == (Category.PROHIBITED, True)
    assert (judgement.reason, judgement.clause) == ("old", "policy.prohibited[0]")


@pytest.mark.parametrize(
    ("entry", "image", "category", "source"),
    [
        ('permitted]]\nimage = "quay.io/team/**"', "quay.io/team/a", "permitted", "yes"),
        ('permitted]]\nimage = "quay.io/team/**"', "quay.io/teams/a", "prohibited", "no"),
        ('preferred]]\nimage = "**"', "quay.io/a/b", "preferred", "no"),
        ('prohibited]]\nimage = "quay.io/a/b"', "quay.io/a/b", "prohibited", "no"),
        ('permitted]]\nimage = "foo/*"\nofficial = false', "foo/x", "permitted", "unknown"),
        ('permitted]]\nimage = "node"\nofficial = false', "node:24", "restricted", "yes"),
        ('permitted]]\nimage = "node"\nlts = false', "node:25", "permitted", "yes"),
        ('permitted]]\nimage = "node"\nlts = false', "node:24", "restricted", "yes"),
        ('permitted]]\nimage = "node"\nvariant = ["slim", "alpine"]', "node:24-alpine", "perm", ""),
        ('prohibited]]\nimage = "node"\nvariant = ["slim"]', f"node@sha256:{HEX}", "proh", "yes"),
        (
            'permitted]]\nimage = "mirror.gcr.io/library/*"',
            "mirror.gcr.io/library/node",
            "perm",
            "",
        ),
        ('permitted]]\nimage = "mirror.gcr.io/library/*"', "node", "restricted", "yes"),
        ('permitted]]\nimage = "**"\npublisher = ["official"]', "node", "permitted", "yes"),
        ('permitted]]\nimage = "**"\npublisher = ["verified"]', "node", "restricted", "yes"),
        ('permitted]]\nimage = "node:24*"', f"node@sha256:{HEX}", "restricted", "yes"),
    ],
)
def test_entries_decide_by_pattern_and_conditions(
    entry: str, image: str, category: str, source: str
) -> None:
    policy = _policy(f"[[policy.{entry}\n")
    judgement = _judge(image, policy=policy)
    assert judgement.category.value.startswith(category), judgement.reason
    assert judgement.quality["official_source"].value.value.startswith(source)


def test_a_prohibition_that_might_match_is_not_passed_over() -> None:
    policy = _policy('[[policy.prohibited]]\nimage = "node"\nlts = false\n')
    judgement = _judge(f"node@sha256:{HEX}", policy=policy)
    assert judgement.category is Category.PROHIBITED
    assert not judgement.category_known
    assert not judgement.explicit
    assert judgement.reason == "could not verify: a digest names no known line of Node.js"


def test_an_unknown_condition_of_a_grant_is_mentioned() -> None:
    judgement = _judge(f"ubuntu@sha256:{HEX}")
    assert judgement.category is Category.RESTRICTED
    assert judgement.reason.endswith("could not be told: a digest names no known line of Ubuntu")


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("biuld", "docker.io/library/biuld is not an official image"),
        ("ghcr.io/acme/tool:1", "ghcr.io verifies no publishers"),
        ("localhost:5000/x", "localhost:5000 verifies no publishers"),
        ("bitnami/redis:7", "docker.io/bitnami is no longer maintained by Bitnami (Broadcom) as"),
    ],
)
def test_says_only_what_matters_of_an_image_that_nobody_answers_for(
    image: str, reason: str
) -> None:
    judgement = _judge(image)
    assert judgement.category is Category.PROHIBITED
    assert judgement.reason.startswith(f"no entry of the policy allows it: {reason}")
    source = judgement.quality["official_source"]
    assert source.value is Truth.NO
    assert source.reason.startswith(reason)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("python:3.10-slim", "python:3.14-slim"),
        (
            f"hub.corp.example/library/python:3.10@sha256:{HEX}",
            "hub.corp.example/library/python:3.14",
        ),
        ("gcr.io/distroless/nodejs22-debian12", "gcr.io/distroless/nodejs22-debian13"),
        ("python:3.14", None),
        ("scratch", None),
    ],
)
def test_names_the_image_to_move_to(image: str, expected: str | None) -> None:
    policy = _policy('[policy.mirrors]\n"hub.corp.example" = "docker.io"\n')
    assert _judge(image, policy=policy).next_reference == expected


@pytest.mark.parametrize(
    ("prefix", "image"),
    [
        ("mirror.gcr.io", "mirror.gcr.io/library/alpine:3.24"),
        ("registry.hub.docker.com", "registry.hub.docker.com/hashicorp/vault:1"),
        ("docker.io/arm64v8", "arm64v8/node:26"),
    ],
)
def test_a_mirror_that_the_policy_switched_off_is_nobody(prefix: str, image: str) -> None:
    policy = _policy(f'[policy.mirrors]\n"{prefix}" = "{prefix}"\n')
    assert _judge(image).category is not Category.PROHIBITED
    judgement = _judge(image, policy=policy)
    assert judgement.category is Category.PROHIBITED
    assert judgement.quality["official_source"].value is Truth.NO
    given = policy.judge(image, {"official": True}, now=NOW)
    assert given.category is Category.RESTRICTED


def test_tells_whether_tags_are_versions() -> None:
    assert _judge("python:3.14").tags_are_versions
    assert not _judge("gcr.io/distroless/nodejs22-debian13").tags_are_versions


def test_an_entry_that_asks_for_official_images_alone_says_so() -> None:
    policy = _policy(
        '[policy]\nextends = false\n[[policy.restricted]]\nimage = "**"\npublisher = ["official"]\n'
    )
    steps = policy.explain("ghcr.io/acme/tool", now=NOW).steps
    assert steps[-1].reason == "ghcr.io/acme/tool is not an official image"


TRUSTED = """
[[policy.trusted]]
namespace = "registry.corp.example/base"
rationale = "ours"
upstream = "docker.io/library"
"""


@pytest.mark.parametrize(
    ("image", "labels", "built_on", "supported"),
    [
        ("node:20-bookworm", {}, "docker.io/library/node:20-bookworm", "no"),
        ("node:24-bookworm", {}, "docker.io/library/node:24-bookworm", "yes"),
        ("node:24", {BASE_NAME: "docker.io/library/alpine:3.20"}, "library/alpine:3.20", "no"),
        (f"node@sha256:{HEX}", {}, None, "unknown"),
        (f"node:20@sha256:{HEX}", {}, "docker.io/library/node:20", "no"),
        ("node:24", {BASE_NAME: "Not An Image"}, None, "unknown"),
    ],
)
def test_a_companys_own_image_is_as_old_as_what_it_is_built_on(
    image: str, labels: dict[str, str], built_on: str | None, supported: str
) -> None:
    facts: dict[str, object] = {"labels": labels} if labels else {}
    judgement = _judge(f"registry.corp.example/base/{image}", facts, _policy(TRUSTED))
    assert judgement.category is Category.PERMITTED
    assert judgement.quality["official_source"].value is Truth.YES
    assert judgement.reason.startswith("ours")
    assert (built_on or "built on") in judgement.reason or built_on is None
    assert ("built on" in judgement.reason) is (built_on is not None)
    assert judgement.quality["supported"].value.value == supported


def test_without_an_upstream_nothing_is_guessed() -> None:
    policy = _policy('[[policy.trusted]]\nnamespace = "registry.corp.example/base"\n')
    judgement = _judge("registry.corp.example/base/node:20", policy=policy)
    assert judgement.axes == ()
    assert judgement.quality["supported"].value is Truth.UNKNOWN


def test_trust_ends_at_the_namespace() -> None:
    policy = _policy(TRUSTED)
    for image in ("registry.corp.example/base-evil/node:20", "registry.corp.example/node:20"):
        assert _judge(image, policy=policy).category is Category.PROHIBITED


def test_what_a_companys_image_tells_itself_beats_its_upstream() -> None:
    facts = {"os_release": "debian 13", "labels": {BASE_NAME: "docker.io/library/node:20-buster"}}
    judgement = _judge("registry.corp.example/base/node:24", facts, _policy(TRUSTED))
    systems = [axis.cycle for axis in judgement.axes if axis.axis == "os"]
    assert systems == ["13"]


def test_explains_which_entries_were_tried_and_why_they_did_not_match() -> None:
    explanation = load_policy().explain(f"debian@sha256:{HEX}", now=NOW)
    told = [(step.clause.name, step.matched.value) for step in explanation.steps]
    assert told == [
        ("policy.preferred[0]", "no"),
        ("policy.preferred[1]", "no"),
        ("policy.preferred[2]", "no"),
        ("policy.permitted[0]", "unknown"),
        ("policy.permitted[1]", "no"),
        ("policy.restricted[0]", "yes"),
    ]
    assert explanation.steps[1].reason == "alpine names other images"
    assert explanation.steps[-1].reason == "named by **; debian is on the official list"
    assert explanation.judgement == _judge(f"debian@sha256:{HEX}")


def test_nothing_is_tried_for_text_that_is_no_reference() -> None:
    assert load_policy().explain("${X}", now=NOW).steps == ()


def test_uses_the_given_catalogue(tmp_path: Path) -> None:
    catalogue = Catalogue.load(tmp_path)
    judgement = load_policy().judge("alpine", now=NOW, catalogue=catalogue)
    assert judgement.category is Category.PREFERRED


def test_refuses_an_instant_without_a_time_zone() -> None:
    with pytest.raises(InputError, match="expected an instant with a time zone"):
        load_policy().judge("alpine", now=datetime(2026, 11, 23))  # noqa: DTZ001


def test_refuses_facts_that_are_none() -> None:
    with pytest.raises(InputError, match="unknown fact 'oficial'"):
        _judge("alpine", {"oficial": True})
    assert _judge("alpine", Facts(stage="build")) == _judge("alpine")
