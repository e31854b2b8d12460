from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.registry.authfile import AuthFile, AuthFileError
from basekeeper.registry.credential import Credential, Kind, make_credential
from basekeeper.registry.hosts import find_host
from basekeeper.registry.keyring import MAX_FILE_BYTES, Keyring
from basekeeper.values.settings import HostSettings, RegistrySettings

if TYPE_CHECKING:
    from collections.abc import Mapping


def _auth(username: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


def _nobody(helper: str, server: str) -> Credential | None:
    raise AssertionError((helper, server))


def _find(content: Mapping[str, Any], registry: str, repository: str = "a/b") -> Credential | None:
    return AuthFile("file", json.dumps(content).encode()).find(registry, repository, _nobody)


@pytest.mark.parametrize(
    ("key", "registry", "is_found"),
    [
        ("registry.example", "registry.example", True),
        ("REGISTRY.example", "registry.example", True),
        ("registry.example", "Registry.Example", True),
        ("https://registry.example", "registry.example", True),
        ("https://registry.example/v2/", "registry.example", True),
        ("http://registry.example/any/path", "registry.example", True),
        ("registry.example/v1/", "registry.example", True),
        ("registry.example:5000", "registry.example:5000", True),
        ("registry.example:5000", "registry.example", False),
        ("registry.example", "registry.example:5000", False),
        ("example", "registry.example", False),
        ("evil-registry.example", "registry.example", False),
        ("https://index.docker.io/v1/", "docker.io", True),
        ("index.docker.io", "docker.io", True),
        ("index.docker.io/v1/", "docker.io", True),
        ("docker.io", "docker.io", True),
        ("registry-1.docker.io", "docker.io", True),
        ("https://index.docker.io/v1/", "quay.io", False),
    ],
)
def test_an_entry_is_found_under_every_usual_spelling(
    key: str, registry: str, *, is_found: bool
) -> None:
    found = _find({"auths": {key: _auth("user", "pass")}}, registry)
    assert (found is not None) is is_found
    if found is not None:
        assert (found.username, found.secret, found.source) == ("user", "pass", "file")


@pytest.mark.parametrize(
    ("repository", "user"),
    [
        ("team/app", "app"),
        ("team/app/sub", "app"),
        ("team/application", "team"),
        ("team", "team"),
        ("teams/app", "all"),
        ("other", "all"),
    ],
)
def test_the_longest_prefix_of_a_repository_comes_first(repository: str, user: str) -> None:
    keys = {"r.example": "all", "r.example/team": "team", "r.example/team/app": "app"}
    content = {"auths": {key: _auth(name, "x") for key, name in keys.items()}}
    found = _find(content, "r.example", repository)
    assert found is not None
    assert found.username == user


def test_a_prefix_of_docker_hub_is_written_with_its_own_name() -> None:
    content = {"auths": {"docker.io/library": _auth("lib", "x"), "docker.io": _auth("all", "x")}}
    found = _find(content, "docker.io", "library/alpine")
    assert found is not None
    assert found.username == "lib"


def test_among_the_names_of_docker_hub_the_historical_one_comes_first() -> None:
    names = ("docker.io", "index.docker.io", "https://index.docker.io/v1/")
    found = _find({"auths": {name: _auth(name[:5], "x") for name in names}}, "docker.io")
    assert found is not None
    assert found.username == "https"


@pytest.mark.parametrize(
    ("entry", "kind", "username", "secret"),
    [
        (_auth("user", "pa:ss"), Kind.PASSWORD, "user", "pa:ss"),
        (_auth("user", "pass\0\0"), Kind.PASSWORD, "user", "pass"),
        (_auth("AWS", "token"), Kind.PASSWORD, "AWS", "token"),
        (_auth("oauth2accesstoken", "ya29"), Kind.PASSWORD, "oauth2accesstoken", "ya29"),
        (_auth("gitlab-ci-token", "job"), Kind.PASSWORD, "gitlab-ci-token", "job"),
        (_auth("robot$team+ci", "x"), Kind.PASSWORD, "robot$team+ci", "x"),
        (_auth("<token>", "identity"), Kind.IDENTITY, "<token>", "identity"),
        ({"username": "user", "password": "pass"}, Kind.PASSWORD, "user", "pass"),
        ({**_auth("user", ""), "identitytoken": "it"}, Kind.IDENTITY, "user", "it"),
        ({"registrytoken": "rt"}, Kind.BEARER, "", "rt"),
    ],
)
def test_every_kind_of_entry_is_understood(
    entry: dict[str, str], kind: Kind, username: str, secret: str
) -> None:
    found = _find({"auths": {"r.example": entry}}, "r.example")
    assert found == Credential(kind, username, secret, "file")


@pytest.mark.parametrize("entry", [{}, {"auth": ""}, None, [], "x", _auth("user", "")])
def test_an_empty_entry_is_no_credential(entry: object) -> None:
    assert _find({"auths": {"r.example": entry}}, "r.example") is None


@pytest.mark.parametrize("auth", ["not base64!", base64.b64encode(b"no colon").decode(), "/w=="])
def test_an_entry_that_is_no_pair_is_an_error_that_does_not_show_it(auth: str) -> None:
    with pytest.raises(
        AuthFileError, match=r"'r\.example' is not user name and password"
    ) as caught:
        _find({"auths": {"r.example": {"auth": auth}}}, "r.example")
    assert auth not in caught.value.message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "file is not valid JSON"),
        (b"\xff", "file is not valid JSON"),
        (b"[" * 100_000, "file is not valid JSON"),
        (b"[]", "file does not hold a JSON object"),
        (b'{"auths": []}', ""),
        (b'{"auths": [1]}', "file: 'auths' is not a JSON object"),
        (b'{"credHelpers": "x"}', "file: 'credHelpers' is not a JSON object"),
    ],
)
def test_a_file_that_is_none_is_an_error(data: bytes, message: str) -> None:
    if not message:
        assert AuthFile("file", data).find("r.example", "a", _nobody) is None
        return
    with pytest.raises(AuthFileError, match=message):
        AuthFile("file", data)


@pytest.mark.parametrize(
    ("content", "registry", "asked"),
    [
        ({"credHelpers": {"r.example": "1"}, "credsStore": "2"}, "r.example", [("1", "r.example")]),
        ({"credHelpers": {"x.example": "1"}, "credsStore": "2"}, "r.example", [("2", "r.example")]),
        ({"credHelpers": {"r.example": ""}, "credsStore": "2"}, "r.example", []),
        ({"credsStore": "2"}, "docker.io", [("2", "https://index.docker.io/v1/")]),
        ({"credHelpers": {"docker.io": "1"}}, "docker.io", [("1", "docker.io")]),
        ({"credHelpers": {"x.example": "1"}}, "r.example", []),
        ({"credsStore": 1}, "r.example", []),
    ],
)  # fmt: skip
def test_helpers_come_before_what_stands_in_the_file(
    content: dict[str, Any], registry: str, asked: list[tuple[str, str]]
) -> None:
    seen: list[tuple[str, str]] = []

    def ask(helper: str, server: str) -> Credential | None:
        seen.append((helper, server))
        return make_credential("helper", "x", "helper")

    names = {"auths": {"r.example": _auth("file", "x"), "docker.io": _auth("file", "x")}}
    file = AuthFile("file", json.dumps({**content, **names}).encode())
    found = file.find(registry, "a/b", ask)
    assert seen == asked
    assert found is not None
    assert found.username == ("helper" if asked else "file")


def test_what_stands_in_the_file_counts_where_the_helper_has_nothing() -> None:
    content = {"credsStore": "two", "auths": {"r.example": _auth("file", "x")}}
    file = AuthFile("file", json.dumps(content).encode())
    found = file.find("r.example", "a/b", lambda _helper, _server: None)
    assert found is not None
    assert found.username == "file"


@pytest.mark.parametrize("kind", Kind)
def test_a_credential_never_shows_its_secret(kind: Kind) -> None:
    credential = Credential(kind, "somebody", "s3cret", "place")
    for shown in (repr(credential), str(credential), f"{credential}", repr([credential])):
        assert "s3cret" not in shown
        assert "somebody" not in shown
        assert "place" in shown


# Sources, in their order. Each is written with the user name that says where it is from.

SETTINGS = RegistrySettings(
    {
        "r.example": HostSettings(username_env="R_USER", password_env="R_PASSWORD"),  # noqa: S106
        "t.example": HostSettings(token_env="R_TOKEN"),  # noqa: S106
    }
)


class Home:
    """A home directory whose files say where they lie."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environ: dict[str, str] = {}

    def write(self, name: str, user: str, registry: str = "r.example") -> str:
        content = json.dumps({"auths": {registry: _auth(user, "x")}})
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        return str(target)

    def keyring(self, settings: RegistrySettings | None = None) -> Keyring:
        return Keyring(settings or RegistrySettings(), self.environ, self.path)

    def set_source(self, number: int) -> str:
        """Write one of the sources and return what it is called."""
        if number == 0:
            self.environ |= {"R_USER": "0", "R_PASSWORD": "x"}
            return "$R_PASSWORD"
        if number == 1:
            content = {"auths": {"r.example": _auth("1", "x")}}
            self.environ["DOCKER_AUTH_CONFIG"] = json.dumps(content)
            return "$DOCKER_AUTH_CONFIG"
        if number == 2:
            self.environ["REGISTRY_AUTH_FILE"] = self.write("named.json", "2")
            return self.environ["REGISTRY_AUTH_FILE"]
        if number == 3:
            return self.write(".docker/config.json", "3")
        if number == 4:
            self.environ["XDG_RUNTIME_DIR"] = str(self.path / "run")
            return self.write("run/containers/auth.json", "4")
        return self.write(".config/containers/auth.json", "5")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


HOST = find_host("r.example", SETTINGS)


@pytest.mark.parametrize("first", range(6))
def test_the_first_source_that_has_a_credential_counts(home: Home, first: int) -> None:
    labels = {number: home.set_source(number) for number in range(5, first - 1, -1)}
    keyring = home.keyring(SETTINGS)
    found = keyring.credential(HOST)
    assert found is not None
    assert found.username == str(first)
    assert keyring.sources == {"r.example": labels[first]}


def test_files_lie_where_the_environment_says(home: Home) -> None:
    home.set_source(3)
    home.set_source(5)
    home.write("docker/config.json", "docker")
    home.environ["DOCKER_CONFIG"] = str(home.path / "docker")
    found = home.keyring().credential(HOST)
    assert found is not None
    assert found.username == "docker"
    home.environ["DOCKER_CONFIG"] = str(home.path / "nowhere")
    home.write("xdg/containers/auth.json", "xdg")
    home.environ["XDG_CONFIG_HOME"] = str(home.path / "xdg")
    found = home.keyring().credential(HOST)
    assert found is not None
    assert found.username == "xdg"


def test_without_any_source_there_is_no_credential_and_nothing_to_tell(home: Home) -> None:
    keyring = home.keyring()
    assert keyring.credential(HOST) is None
    assert keyring.notices() == ()
    assert keyring.sources == {}


def test_a_token_of_the_settings_is_sent_as_it_is(home: Home) -> None:
    home.environ |= {"R_TOKEN": "abc"}
    found = home.keyring(SETTINGS).credential(find_host("t.example", SETTINGS))
    assert found == Credential(Kind.BEARER, "", "abc", "$R_TOKEN")


def test_a_named_variable_that_is_not_set_is_told_and_the_next_source_counts(home: Home) -> None:
    home.environ["R_USER"] = "0"
    home.set_source(3)
    keyring = home.keyring(SETTINGS)
    found = keyring.credential(HOST)
    assert found is not None
    assert found.username == "3"
    assert keyring.notices() == (
        "the environment variable R_PASSWORD, named for r.example, is not set",
    )


def test_a_host_told_by_a_scanned_repository_gets_none_and_nothing_is_read(home: Home) -> None:
    said = RegistrySettings({"r.example": HostSettings(http=True, by_repository=True)})
    home.environ["DOCKER_AUTH_CONFIG"] = "{"
    keyring = home.keyring(said)
    assert keyring.credential(find_host("r.example", said)) is None
    assert keyring.notices() == ()


def test_a_mirror_gets_its_own_credentials_never_those_of_whom_it_stands_in_for(
    home: Home,
) -> None:
    said = RegistrySettings({"r.example": HostSettings(mirror="m.example")})
    home.write(".docker/config.json", "upstream")
    assert home.keyring(said).credential(find_host("r.example", said)) is None
    home.write(".docker/config.json", "mirror", registry="m.example")
    found = home.keyring(said).credential(find_host("r.example", said))
    assert found is not None
    assert found.username == "mirror"


def test_a_repository_has_its_own_credential_where_a_file_says_so(home: Home) -> None:
    home.write(".docker/config.json", "team", registry="r.example/team")
    keyring = home.keyring()
    found = keyring.credential(HOST, "team/app")
    assert found is not None
    assert found.username == "team"
    assert keyring.credential(HOST, "other/app") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not valid JSON"),
        ("[]", "does not hold a JSON object"),
        ('{"auths": {"r.example": {"auth": "eA=="}}}', "is not user name and password"),
        ("x" * (MAX_FILE_BYTES + 1), "is larger than 1024 KiB"),
    ],
)
def test_a_broken_file_is_told_and_the_next_source_counts(
    home: Home, content: str, reason: str
) -> None:
    path = Path(home.set_source(3))
    path.write_text(content, encoding="utf-8")
    home.set_source(5)
    keyring = home.keyring()
    found = keyring.credential(HOST)
    assert found is not None
    assert found.username == "5"
    (notice,) = keyring.notices()
    assert reason in notice
    assert str(path) in notice
    assert keyring.notices("r.example") == (notice,)


def test_a_broken_entry_concerns_its_own_registry_alone(home: Home) -> None:
    path = Path(home.set_source(3))
    path.write_text('{"auths": {"r.example": {"auth": "eA=="}}}', encoding="utf-8")
    keyring = home.keyring()
    keyring.credential(HOST)
    assert len(keyring.notices("r.example")) == 1
    assert keyring.notices("other.example") == ()


def test_a_file_that_was_named_must_be_there(home: Home) -> None:
    home.environ["REGISTRY_AUTH_FILE"] = str(home.path / "nothing.json")
    keyring = home.keyring()
    assert keyring.credential(HOST) is None
    (notice,) = keyring.notices()
    assert "nothing.json': No such file or directory" in notice


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(home: Home) -> None:
    path = home.path / ".docker" / "config.json"
    path.parent.mkdir()
    os.mkfifo(path)
    keyring = home.keyring()
    assert keyring.credential(HOST) is None
    assert "is no file" in keyring.notices()[0]


def test_links_in_a_circle_in_the_place_of_a_file_are_told(home: Home) -> None:
    path = home.path / ".docker" / "config.json"
    path.parent.mkdir()
    path.symlink_to(path.name)
    keyring = home.keyring()
    assert keyring.credential(HOST) is None
    assert "Too many levels of symbolic links" in keyring.notices()[0]


@pytest.mark.parametrize("name", ["XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"])
def test_a_relative_directory_of_the_environment_does_not_count(
    home: Home, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write("scanned/containers/auth.json", "evil")
    monkeypatch.chdir(home.path / "scanned")
    home.environ[name] = "."
    assert home.keyring().credential(HOST) is None
    home.set_source(5)
    found = home.keyring().credential(HOST)
    assert found is not None
    assert found.username == "5"


@pytest.mark.parametrize(
    "entry",
    [
        {"username": "u", "password": "s3cret\ud800"},
        {"username": "\udfff", "password": "s3cret"},
        {"identitytoken": "s3cret\ud800"},
        {"registrytoken": "s3cret\n"},
        {"registrytoken": "s3cr\N{LATIN SMALL LETTER E WITH ACUTE}t"},
    ],
)
def test_what_cannot_be_sent_is_told_and_the_next_source_counts(
    home: Home, entry: dict[str, str]
) -> None:
    home.environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"r.example": entry}})
    home.set_source(3)
    keyring = home.keyring()
    found = keyring.credential(HOST)
    assert found is not None
    assert found.username == "3"
    (notice,) = keyring.notices("r.example")
    assert "from $DOCKER_AUTH_CONFIG is not used" in notice
    assert "s3cr" not in notice


@pytest.mark.parametrize("wrong", ["R_USER", "R_PASSWORD"])
def test_a_variable_that_is_no_text_is_told(home: Home, wrong: str) -> None:
    home.environ |= {"R_USER": "0", "R_PASSWORD": "x", wrong: "s3cret\udcff"}
    keyring = home.keyring(SETTINGS)
    assert keyring.credential(HOST) is None
    (notice,) = keyring.notices()
    assert notice == (
        "the credential for r.example from $R_PASSWORD is not used:"
        " it has characters that cannot be sent"
    )


def test_a_helper_whose_name_is_no_text_is_told_without_it(home: Home) -> None:
    content = {"credHelpers": {"r.example": {"password": "s3cret"}}}
    home.environ["DOCKER_AUTH_CONFIG"] = json.dumps(content)
    keyring = home.keyring()
    assert keyring.credential(HOST) is None
    (notice,) = keyring.notices("r.example")
    assert "the helper of 'r.example' is no text" in notice
    assert "s3cret" not in notice
