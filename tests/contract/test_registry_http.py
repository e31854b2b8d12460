"""What any registry answers over the wire, asked without our client.

The same questions go to simulated and real registries, so that what other tests learn from the
simulator holds for Debian's docker-registry.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.contract.registry_places import ACCEPT, PLACES, ask, token
from tests.fakes.realregistry.filling import ATTACHED_TO, FILLED, LIFECYCLE
from tests.fakes.realregistry.running import SETUPS

if TYPE_CHECKING:
    from tests.contract.registry_places import Place

everywhere = pytest.mark.parametrize("place", PLACES, indirect=True)
with_login = pytest.mark.parametrize(
    "place", [one for one in PLACES if str(one.id).endswith(("basic", "token"))], indirect=True
)
with_tokens = pytest.mark.parametrize(
    "place", [one for one in PLACES if str(one.id).endswith("token")], indirect=True
)

ACCEPTED = {"Accept": ACCEPT}
NOWHERE = f"sha256:{'0' * 64}"


def tagged() -> list[tuple[str, str, str]]:
    return [(where, tag, name) for where, tags in FILLED.items() for tag, name in tags.items()]


@everywhere
def test_every_tag_points_to_the_digest_of_its_image(place: Place) -> None:
    for repository, tag, name in tagged():
        answer = ask(place, "HEAD", f"/v2/{repository}/manifests/{tag}", ACCEPTED)
        image = place.images[name]
        assert answer.status == 200
        assert answer.headers["docker-content-digest"] == image["digest"]
        assert answer.headers["content-type"] == image["mediaType"]
        assert int(answer.headers["content-length"]) == image["size"]
        assert answer.body == b""


@everywhere
def test_a_manifest_comes_byte_for_byte_by_tag_and_by_digest(place: Place) -> None:
    for repository, tag, name in tagged():
        digest = place.images[name]["digest"]
        for reference in (tag, digest):
            answer = ask(place, "GET", f"/v2/{repository}/manifests/{reference}", ACCEPTED)
            assert answer.status == 200
            assert answer.body == place.blob(digest)


@everywhere
def test_a_config_comes_byte_for_byte(place: Place) -> None:
    manifest = json.loads(place.blob(place.images["debian-11"]["digest"]))
    digest = manifest["config"]["digest"]
    answer = ask(place, "GET", f"/v2/library/debian/blobs/{digest}")
    assert (answer.status, answer.body) == (200, place.blob(digest))
    assert answer.headers["docker-content-digest"] == digest


@everywhere
def test_all_tags_are_listed(place: Place) -> None:
    answer = ask(place, "GET", "/v2/library/debian/tags/list")
    assert answer.status == 200
    assert set(json.loads(answer.body)["tags"]) == set(FILLED["library/debian"])


@everywhere
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v2/library/debian/manifests/no-such-tag", "MANIFEST_UNKNOWN"),
        (f"/v2/library/debian/manifests/{NOWHERE}", "MANIFEST_UNKNOWN"),
        ("/v2/library/no-such/manifests/latest", "MANIFEST_UNKNOWN"),
        (f"/v2/library/debian/blobs/{NOWHERE}", "BLOB_UNKNOWN"),
        ("/v2/library/no-such/tags/list", "NAME_UNKNOWN"),
    ],
)
def test_what_is_not_there_is_404_with_a_code(place: Place, path: str, code: str) -> None:
    answer = ask(place, "GET", path, ACCEPTED)
    assert (answer.status, answer.code) == (404, code)


@everywhere
def test_who_has_the_content_gets_no_body(place: Place) -> None:
    digest = place.images["debian-12"]["digest"]
    path = "/v2/library/debian/manifests/12-slim"
    etag = ask(place, "HEAD", path, ACCEPTED).headers["etag"]
    assert etag == f'"{digest}"'
    for method in ("GET", "HEAD"):
        answer = ask(place, method, path, {**ACCEPTED, "If-None-Match": etag})
        assert (answer.status, answer.body) == (304, b"")
    other = ask(place, "GET", path, {**ACCEPTED, "If-None-Match": f'"{NOWHERE}"'})
    assert other.status == 200


@everywhere
def test_referrers_are_found_by_their_fallback_tag_alone(place: Place) -> None:
    repository, image = ATTACHED_TO
    digest = place.images[image]["digest"]
    assert ask(place, "GET", f"/v2/{repository}/referrers/{digest}").status == 404
    path = f"/v2/{repository}/manifests/{digest.replace(':', '-')}"
    listed = json.loads(ask(place, "GET", path, ACCEPTED).body)["manifests"]
    assert [one["artifactType"] for one in listed] == [LIFECYCLE]


@everywhere
def test_an_index_is_not_given_to_who_does_not_accept_it(place: Place) -> None:
    single = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    answer = ask(place, "GET", "/v2/library/debian/manifests/12-slim", single)
    assert (answer.status, answer.code) == (404, "MANIFEST_UNKNOWN")


@everywhere
def test_dockers_list_becomes_one_manifest_for_who_does_not_accept_it(place: Place) -> None:
    single = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    answer = ask(place, "HEAD", "/v2/docker/debian/manifests/12", single)
    index = json.loads(place.blob(place.images["debian-12-docker"]["digest"]))
    assert answer.headers["docker-content-digest"] == index["manifests"][0]["digest"]


@with_login
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_does_not_log_in_is_asked_to(place: Place, method: str) -> None:
    answer = ask(place, method, "/v2/private/hello/manifests/1.0.0", ACCEPTED, login=False)
    assert answer.status == 401
    scheme = {"basic": "Basic ", "token": "Bearer "}[place.setup]
    assert answer.headers["www-authenticate"].startswith(scheme)


@with_tokens
def test_a_token_for_the_public_opens_nothing_private(place: Place) -> None:
    for path, status in (("/v2/acme/hello/tags/list", 200), ("/v2/private/hello/tags/list", 401)):
        found = json.loads(token(place, path, None).body)["token"]
        bearer = {"Authorization": f"Bearer {found}"}
        assert ask(place, "GET", path, bearer, login=False).status == status


@with_tokens
def test_no_token_is_issued_for_a_wrong_password(place: Place) -> None:
    answer = token(place, "/v2/private/hello/tags/list", ("tester", "wrong"))
    assert answer.status == 401


def questions(twin: Place) -> list[tuple[str, str, dict[str, str]]]:
    """Everything that a client of ours may ask, and some that it may not."""
    digest = twin.images["debian-11"]["digest"]
    config = json.loads(twin.blob(digest))["config"]["digest"]
    paths = [
        *(f"/v2/{where}/manifests/{tag}" for where, tag, _ in tagged()),
        f"/v2/library/debian/manifests/{digest}",
        f"/v2/library/debian/manifests/{NOWHERE}",
        f"/v2/library/debian/blobs/{config}",
        f"/v2/library/debian/blobs/{NOWHERE}",
        "/v2/library/debian/manifests/nope",
        "/v2/library/none/manifests/nope",
        f"/v2/library/none/blobs/{config}",
    ]
    single = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    known = {**ACCEPTED, "If-None-Match": f'"{digest}"'}
    return [
        *((method, path, ACCEPTED) for method in ("GET", "HEAD") for path in paths),
        ("GET", "/v2/", {}),
        ("GET", "/v2/library/none/tags/list", {}),
        ("HEAD", "/v2/library/debian/tags/list", {}),
        ("GET", f"/v2/library/debian/referrers/{digest}", {}),
        ("GET", "/v2/docker/debian/manifests/12", single),
        ("HEAD", "/v2/library/debian/manifests/12-slim", single),
        ("GET", "/v2/library/debian/manifests/11-slim", {}),
        ("GET", f"/v2/library/debian/manifests/{digest}", known),
        ("HEAD", f"/v2/library/debian/manifests/{digest}", known),
        ("GET", f"/v2/library/debian/blobs/{config}", {"If-None-Match": f'"{config}"'}),
    ]


VARYING = frozenset({"date", "connection"})


def shown(place: Place, method: str, path: str, headers: dict[str, str], *, login: bool) -> object:
    answer = ask(place, method, path, headers, login=login)
    kept = {name: value for name, value in answer.headers.items() if name not in VARYING}
    if "www-authenticate" in kept:  # the realm has a port
        kept["www-authenticate"] = kept["www-authenticate"].partition("127.0.0.1")[0]
    return method, path, answer.status, kept, answer.body


@pytest.mark.component("registry")
@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("who", ["tester", "nobody"])
def test_the_simulator_answers_as_the_real_one_does(
    setup: str, who: str, twins: dict[str, tuple[Place, Place]]
) -> None:
    simulated, genuine = twins[setup]
    login = who == "tester"
    for method, path, headers in questions(genuine) if login else questions(genuine)[-12:]:
        expected = shown(genuine, method, path, headers, login=login)
        assert shown(simulated, method, path, headers, login=login) == expected
