from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.authorizer import MAX_NOTICES, Authorizer
from basekeeper.registry.challenge import Bearer
from basekeeper.registry.hosts import find_host, transport_options
from basekeeper.registry.keyring import Keyring
from basekeeper.registry.session import Session
from basekeeper.registry.tokens import Scope, Tokens
from basekeeper.transport.client import Limits, Response, Transport
from basekeeper.values.settings import HostSettings, RegistrySettings
from tests.fakes.loopback import Answer, Loopback, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from basekeeper.registry.hosts import Host

SCOPE = Scope("a/b")
PATH = "/v2/a/b/manifests/1"
OK = Answer(b"found")
LOGIN = {"auth": base64.b64encode(b"user:s3cret").decode()}
BASIC = "Basic " + LOGIN["auth"]


def _refusal(*challenges: str) -> Answer:
    return Answer(b"no", status=401, headers={"WWW-Authenticate": "\n".join(challenges)})


def _token(text: str) -> Answer:
    return Answer(json.dumps({"token": text, "expires_in": 300}).encode())


class Talk:
    """A registry on loopback, and a session with it."""

    def __init__(self, server: Loopback, home: Path) -> None:
        self.server = server
        self.home = home
        self.environ: dict[str, str] = {}
        self.settings: dict[str, HostSettings] = {
            server.host: HostSettings(http=True, private=True)
        }
        self.time = 1000.0
        self.realm = server.url + "/token"
        self.bearer = f'Bearer realm="{self.realm}",service="s"'
        self._session: Session | None = None
        self.transport: Transport | None = None

    def log_in(self, registry: str = "", **entry: str) -> None:
        """Write the user's own file of credentials."""
        auths = {registry or self.server.host: entry or LOGIN}
        self.environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": auths})

    def set(self, registry: str = "", **said: Any) -> None:
        """Change the user's own settings."""
        self.settings[registry or self.server.host] = HostSettings(**said)

    @property
    def registries(self) -> RegistrySettings:
        return RegistrySettings(self.settings)

    @property
    def session(self) -> Session:
        if self._session is None:
            self.transport = Transport(
                Limits(timeout=5.0, retries=0),
                hosts=transport_options(self.registries),
                environ={},
            )
            keyring = Keyring(self.registries, self.environ, self.home)
            self._session = Session(self.transport, keyring, clock=lambda: self.time)
        return self._session

    def host(self, registry: str = "") -> Host:
        return find_host(registry or self.server.host, self.registries)

    def get(self, path: str = PATH, scope: Scope | None = SCOPE, registry: str = "") -> Response:
        return self.session.get(self.host(registry), path, scope=scope, max_bytes=1000)

    def fails(self, failure: Failure, path: str = PATH, registry: str = "") -> RegistryError:
        """Ask and expect to be told of a failure, without any secret."""
        with pytest.raises(RegistryError) as caught:
            self.get(path, registry=registry)
        assert caught.value.failure is failure
        assert "s3cret" not in f"{caught.value} {caught.value.hint} {self.session.notices}"
        return caught.value

    @property
    def asked(self) -> list[tuple[str, str | None]]:
        """Paths without queries, and the authorisation that came along."""
        return [
            (path.partition("?")[0], headers.get("authorization"))
            for _, path, headers in self.server.requests
        ]


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    with serve() as server:
        found = Talk(server, tmp_path)
        yield found
        if found.transport is not None:
            found.transport.close()


@contextmanager
def _elsewhere() -> Iterator[Loopback]:
    """Another host: `localhost` is another name than 127.0.0.1."""
    with serve() as server:
        server.host = f"localhost:{server.port}"
        server.url = f"http://{server.host}"
        yield server


def test_what_needs_no_login_is_asked_once_and_without(talk: Talk) -> None:
    talk.log_in()
    talk.server.put(PATH, OK)
    assert talk.get().body == b"found"
    assert talk.get().body == b"found"
    assert talk.asked == [(PATH, None), (PATH, None)]
    assert talk.session.sources == {}


@pytest.mark.parametrize("status", [204, 400, 403, 404, 429, 500])
def test_every_status_but_401_is_a_value(talk: Talk, status: int) -> None:
    talk.server.put(PATH, Answer(status=status))
    assert talk.get().status == status


def test_headers_go_along_with_every_try(talk: Talk) -> None:
    talk.log_in()
    talk.server.put(PATH, _refusal("Basic"), OK)
    talk.session.get(
        talk.host(), PATH, scope=SCOPE, accept="x/y", headers={"if-none-match": '"z"'}, max_bytes=9
    )
    for _, _, headers in talk.server.requests:
        assert (headers["accept"], headers["if-none-match"]) == ("x/y", '"z"')


def test_head_is_answered_by_head(talk: Talk) -> None:
    talk.server.put(PATH, _refusal(talk.bearer), OK)
    talk.server.put("/token", _token("t"))
    answer = talk.session.head(talk.host(), PATH, scope=SCOPE, accept="x/y")
    assert answer.status == 200
    assert [method for method, _, _ in talk.server.requests] == ["HEAD", "GET", "HEAD"]
    assert talk.server.requests[2][2]["accept"] == "x/y"


def test_a_bearer_challenge_is_answered_by_an_anonymous_token(talk: Talk) -> None:
    talk.server.put(PATH, _refusal(talk.bearer), OK)
    talk.server.put("/token", _token("t"))
    assert talk.get().body == b"found"
    assert talk.asked == [(PATH, None), ("/token", None), (PATH, "Bearer t")]


def test_a_bearer_challenge_is_answered_by_a_token_for_the_password(talk: Talk) -> None:
    talk.log_in()
    talk.server.put(PATH, _refusal(talk.bearer), OK)
    talk.server.put("/token", _token("t"))
    talk.get()
    assert talk.asked == [(PATH, None), ("/token", BASIC), (PATH, "Bearer t")]
    assert talk.session.sources == {talk.server.host: "$DOCKER_AUTH_CONFIG"}


def test_a_basic_challenge_is_answered_by_the_password(talk: Talk) -> None:
    talk.log_in()
    talk.server.put(PATH, _refusal('Basic realm="words, and more"'), OK)
    talk.get()
    assert talk.asked == [(PATH, None), (PATH, BASIC)]


def test_a_configured_token_is_sent_as_it_is(talk: Talk) -> None:
    talk.set(http=True, private=True, token_env="TOKEN")  # noqa: S106
    talk.environ |= {"TOKEN": "s3cret"}
    talk.server.put(PATH, _refusal(talk.bearer), OK)
    talk.get()
    assert talk.asked == [(PATH, None), (PATH, "Bearer s3cret")]


def test_challenge_two_header_lines(talk: Talk) -> None:
    talk.log_in()
    talk.server.put(PATH, _refusal('Basic realm="x"', talk.bearer), OK)
    talk.server.put("/token", _token("t"))
    talk.get()
    assert talk.asked[-1] == (PATH, "Bearer t")


@pytest.mark.parametrize("header", [{}, {"WWW-Authenticate": "Digest x=y"}])
def test_a_refusal_that_does_not_say_what_it_wants_is_final(
    talk: Talk, header: Mapping[str, str]
) -> None:
    talk.log_in()
    talk.server.put(PATH, Answer(status=401, headers=header))
    talk.fails(Failure.DENIED)
    assert talk.asked == [(PATH, None)]


def test_challenge_relative_realm_falls_back_to_basic(talk: Talk) -> None:
    talk.log_in()
    talk.server.put(PATH, _refusal('Bearer realm="/token"', "Basic"), OK)
    talk.get()
    assert talk.asked == [(PATH, None), (PATH, BASIC)]


def test_a_basic_challenge_without_a_password_is_not_found_or_no_access(talk: Talk) -> None:
    talk.server.put(PATH, _refusal("Basic"))
    error = talk.fails(Failure.NOT_FOUND)
    assert error.message == f"{talk.server.host}/a/b: not found, or to be read only after a login"
    assert error.hint == f"check the name, or log in to {talk.server.host}"
    assert len(talk.asked) == 1


def test_a_wrong_password_is_sent_once(talk: Talk) -> None:
    talk.log_in()
    talk.server.put(PATH, _refusal("Basic"))
    error = talk.fails(Failure.DENIED)
    assert error.message.endswith("/a/b: refused with the credentials from $DOCKER_AUTH_CONFIG")
    assert talk.asked == [(PATH, None), (PATH, BASIC)]


def test_an_identity_token_is_no_answer_to_a_basic_challenge(talk: Talk) -> None:
    talk.log_in(identitytoken="s3cret")
    talk.server.put(PATH, _refusal("Basic"))
    error = talk.fails(Failure.NOT_FOUND)
    assert error.hint is not None
    assert "from $DOCKER_AUTH_CONFIG, is not used: a user name and a password" in error.hint
    assert talk.asked == [(PATH, None)]


def test_a_configured_token_that_is_refused_is_sent_once(talk: Talk) -> None:
    talk.log_in(registrytoken="s3cret")
    talk.server.put(PATH, _refusal(talk.bearer))
    talk.fails(Failure.DENIED)
    assert talk.asked == [(PATH, None), (PATH, "Bearer s3cret")]


def test_a_broken_source_of_credentials_is_named_where_access_is_refused(talk: Talk) -> None:
    talk.environ["DOCKER_AUTH_CONFIG"] = "{"
    talk.server.put(PATH, _refusal("Basic"))
    error = talk.fails(Failure.NOT_FOUND)
    assert error.hint is not None
    assert "$DOCKER_AUTH_CONFIG is not valid JSON" in error.hint
    assert len(talk.session.notices) == 1


# Tokens


def test_a_further_repository_costs_a_token_and_no_refusal(talk: Talk) -> None:
    other = "/v2/c/d/manifests/1"
    talk.server.put(PATH, _refusal(talk.bearer), OK)
    talk.server.put(other, OK)
    talk.server.put("/token", _token("one"), _token("two"))
    talk.get()
    talk.get(other, Scope("c/d"))
    talk.get(other, Scope("c/d"))
    assert talk.asked[3:] == [("/token", None), (other, "Bearer two"), (other, "Bearer two")]


def test_a_password_is_sent_from_the_start_once_the_host_wants_it(talk: Talk) -> None:
    talk.log_in()
    talk.server.put(PATH, _refusal("Basic"), OK)
    talk.get()
    talk.get()
    assert talk.asked == [(PATH, None), (PATH, BASIC), (PATH, BASIC)]


def test_what_concerns_no_repository_is_asked_without_a_token_first(talk: Talk) -> None:
    talk.server.put(PATH, _refusal(talk.bearer), OK)
    talk.server.put("/api", OK)
    talk.server.put("/token", _token("t"))
    talk.get()
    talk.get("/api", None)
    assert talk.asked[-1] == ("/api", None)


def test_what_concerns_no_repository_is_answered_when_it_asks(talk: Talk) -> None:
    talk.log_in()
    talk.server.put("/api", _refusal("Basic"), OK)
    talk.server.put(PATH, _refusal(talk.bearer), OK)
    talk.server.put("/token", _token("t"))
    assert talk.get("/api", None).body == b"found"
    assert talk.get().body == b"found"
    assert talk.asked == [
        ("/api", None),
        ("/api", BASIC),
        (PATH, None),
        ("/token", BASIC),
        (PATH, "Bearer t"),
    ]


def test_a_token_that_has_ended_is_renewed_before_it_is_refused(talk: Talk) -> None:
    talk.server.put(PATH, _refusal(talk.bearer), OK)
    talk.server.put("/token", _token("one"), _token("two"))
    talk.get()
    talk.time += 291
    talk.get()
    assert talk.asked[3:] == [("/token", None), (PATH, "Bearer two")]


def test_a_refused_token_is_renewed_and_sent_once_more(talk: Talk) -> None:
    talk.server.put(PATH, _refusal(talk.bearer), OK, _refusal(talk.bearer), OK)
    talk.server.put("/token", _token("one"), _token("two"))
    talk.get()
    assert talk.get().body == b"found"
    assert talk.asked[3:] == [(PATH, "Bearer one"), ("/token", None), (PATH, "Bearer two")]


def test_token_401_forever_stops_after_one_renewal(talk: Talk) -> None:
    talk.server.put(PATH, _refusal(talk.bearer))
    talk.server.put("/token", _token("one"), _token("two"), _token("three"))
    error = talk.fails(Failure.NOT_FOUND)
    assert "/a/b: not found, or to be read only after a login" in error.message
    assert talk.asked == [
        (PATH, None),
        ("/token", None),
        (PATH, "Bearer one"),
        ("/token", None),
        (PATH, "Bearer two"),
    ]


def test_token_fewer_rights_than_asked_shows_at_the_resource(talk: Talk) -> None:
    talk.server.put(PATH, _refusal(talk.bearer), Answer(b"denied", status=403))
    talk.server.put("/token", _token("t"))
    assert talk.get().status == 403


def test_a_host_that_changes_what_it_wants_is_followed(talk: Talk) -> None:
    talk.log_in()
    talk.server.put(PATH, _refusal("Basic"), OK, _refusal(talk.bearer), OK)
    talk.server.put("/token", _token("t"))
    talk.get()
    assert talk.get().body == b"found"
    assert talk.asked[2:] == [(PATH, BASIC), ("/token", BASIC), (PATH, "Bearer t")]


def test_a_refused_token_request_is_not_repeated(talk: Talk) -> None:
    talk.log_in()
    talk.server.put(PATH, _refusal(talk.bearer))
    talk.server.put("/token", Answer(status=401))
    talk.fails(Failure.DENIED)
    assert len(talk.asked) == 2


def _needing_token(talk: Talk) -> None:
    """Let every repository be read with a token, and with nothing else."""

    def decide(path: str, headers: dict[str, str]) -> Answer | None:
        if path.startswith("/token"):
            return _token("t")
        return OK if headers.get("authorization") == "Bearer t" else _refusal(talk.bearer)

    talk.server.decide = decide


def test_token_two_tasks_needing_the_same_ask_once(talk: Talk) -> None:
    _needing_token(talk)
    assert talk.session is not None
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: talk.get().status, range(16)))
    assert found == [200] * 16
    assert [path for path, _ in talk.asked].count("/token") == 1
    assert talk.asked.count((PATH, None)) == 1


def test_many_repositories_at_the_same_time_cost_one_refusal_in_all(talk: Talk) -> None:
    _needing_token(talk)
    assert talk.session is not None
    with ThreadPoolExecutor(8) as pool:
        names = [f"r/{number}" for number in range(16)]
        found = list(pool.map(lambda name: talk.get(f"/v2/{name}/x", Scope(name)).status, names))
    assert found == [200] * 16
    assert len(talk.asked) == 1 + 16 + 16


def test_those_who_wait_for_the_first_go_on_when_it_fails(talk: Talk) -> None:
    gone = threading.Event()

    def decide(_path: str, _headers: dict[str, str]) -> Answer:
        first = not gone.is_set()
        gone.set()
        return Answer(hang_up=True) if first else OK

    talk.server.decide = decide
    assert talk.session is not None

    def ask(_number: int) -> int:
        try:
            return talk.get().status
        except RegistryError:
            return 0

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, range(4))) == [0, 200, 200, 200]


# Realms


@pytest.mark.parametrize("realm", ["https://user@auth.example/token", "http://:1/x"])
def test_a_realm_that_may_not_be_asked_is_refused(talk: Talk, realm: str) -> None:
    talk.log_in()
    talk.server.put(PATH, _refusal(f'Bearer realm="{realm}"'))
    error = talk.fails(Failure.REFUSED)
    assert "refused to ask for a token at" in error.message
    assert talk.asked == [(PATH, None)]


class Silent:
    """Stands in for a public registry over https, which no test can reach; nobody issues."""

    def __init__(self, challenge: str) -> None:
        self.challenge = challenge
        self.asked: list[str] = []

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, **_: Any) -> Response:
        self.asked.append(url)
        assert "authorization" not in (headers or {})
        return Response(401, {"www-authenticate": self.challenge}, b"", url)

    def head(self, url: str, **_: Any) -> Response:
        raise NotImplementedError

    def stream(self, url: str, begin: object, **_: Any) -> Response:
        raise NotImplementedError

    def post(self, url: str, body: bytes, content_type: str, **_: Any) -> Response:
        raise NotImplementedError


def _ask_public(realm: str, tmp_path: Path) -> tuple[Silent, RegistryError, Session]:
    requests = Silent(f'Bearer realm="{realm}"')
    auths = {"r.example": LOGIN}
    environ = {"DOCKER_AUTH_CONFIG": json.dumps({"auths": auths})}
    session = Session(requests, Keyring(RegistrySettings(), environ, tmp_path))
    host = find_host("r.example", RegistrySettings())
    with pytest.raises(RegistryError) as caught:
        session.get(host, PATH, scope=SCOPE, max_bytes=10)
    return requests, caught.value, session


def test_challenge_realm_on_http_is_refused_for_an_https_registry(tmp_path: Path) -> None:
    requests, error, _ = _ask_public("http://r.example/token", tmp_path)
    assert error.failure is Failure.REFUSED
    assert requests.asked == [f"https://r.example{PATH}"]


def test_challenge_realm_on_a_foreign_https_host_gets_no_credentials(tmp_path: Path) -> None:
    requests, _, session = _ask_public("https://evil.test/token", tmp_path)
    assert requests.asked[1].startswith("https://evil.test/token?")
    (notice,) = session.notices
    assert notice.startswith("the credentials for r.example are not sent to evil.test: name it")


def test_realms_without_end_are_told_of_only_so_often(tmp_path: Path) -> None:
    environ = {"DOCKER_AUTH_CONFIG": json.dumps({"auths": {"r.example": LOGIN}})}
    keyring = Keyring(RegistrySettings(), environ, tmp_path)
    authorizer = Authorizer(keyring, Tokens(Silent("")))
    host = find_host("r.example", RegistrySettings())
    for number in range(2 * MAX_NOTICES):
        authorizer.denied(host, Bearer(f"https://{number}.{'x' * 7000}/", ""), SCOPE)
    assert len(authorizer.notices()) == MAX_NOTICES
    assert max(map(len, authorizer.notices())) < 400


@pytest.mark.parametrize(
    "realm",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/token",
        "https://localhost/token",
        "https://127.0.0.1/token",
        "https://[::1]/token",
        "https://10.0.0.1/token",
    ],
)
def test_challenge_realm_on_metadata_address_or_localhost_is_not_asked(
    tmp_path: Path, realm: str
) -> None:
    public = Silent(f'Bearer realm="{realm}"')
    with Transport(Limits(timeout=1.0, retries=0), environ={}) as transport:

        class Mixed(Silent):
            def get(self, url: str, **options: Any) -> Response:
                own = url.startswith("https://r.example/")
                return public.get(url) if own else transport.get(url, **options)

        session = Session(Mixed(""), Keyring(RegistrySettings(), {}, tmp_path))
        host = find_host("r.example", RegistrySettings())
        with pytest.raises(RegistryError, match=r"no token could be had: .*: refused, ") as caught:
            session.get(host, PATH, scope=SCOPE, max_bytes=10)
    assert caught.value.failure is Failure.REFUSED


def test_a_realm_in_a_private_network_is_not_asked_for_a_public_registry(tmp_path: Path) -> None:
    settings = RegistrySettings({"inner.corp": HostSettings(private=True)})
    requests = Silent('Bearer realm="https://inner.corp/admin"')
    session = Session(requests, Keyring(settings, {}, tmp_path))
    with pytest.raises(RegistryError, match=r"'inner\.corp', which may have a private") as caught:
        session.get(find_host("r.example", settings), PATH, scope=SCOPE, max_bytes=10)
    assert caught.value.failure is Failure.REFUSED
    assert len(requests.asked) == 1


def test_a_foreign_realm_is_asked_anonymously(talk: Talk) -> None:
    talk.log_in()
    with _elsewhere() as other:
        talk.set(other.host, http=True, private=True)
        other.put("/token", _token("t"))
        talk.server.put(PATH, _refusal(f'Bearer realm="{other.url}/token"'), OK)
        assert talk.get().body == b"found"
        assert "authorization" not in other.requests[0][2]
    (notice,) = talk.session.notices
    assert "are not sent to localhost" in notice


def test_what_a_foreign_realm_may_not_have_is_named_where_access_is_refused(talk: Talk) -> None:
    talk.log_in()
    with _elsewhere() as other:
        talk.set(other.host, http=True, private=True)
        other.put("/token", _token("t"))
        talk.server.put(PATH, _refusal(f'Bearer realm="{other.url}/token"'))
        error = talk.fails(Failure.NOT_FOUND)
    assert error.hint is not None
    assert "name it in token_hosts" in error.hint


def test_what_a_token_service_refuses_to_strangers_names_the_remedy(talk: Talk) -> None:
    talk.log_in()
    with _elsewhere() as other:
        talk.set(other.host, http=True, private=True)
        other.put("/token", Answer(status=403))
        talk.server.put(PATH, _refusal(f'Bearer realm="{other.url}/token"'))
        error = talk.fails(Failure.NOT_FOUND)
    assert error.hint is not None
    assert "name it in token_hosts" in error.hint


def test_a_realm_among_the_token_hosts_is_given_credentials(talk: Talk) -> None:
    talk.log_in()
    with _elsewhere() as other:
        talk.set(http=True, private=True, token_hosts=(other.host,))
        other.put("/token", _token("t"))
        talk.server.put(PATH, _refusal(f'Bearer realm="{other.url}/token"'), OK)
        assert talk.get().body == b"found"
        assert other.requests[0][2]["authorization"] == BASIC
    assert talk.session.notices == ()


# Redirects


def _redirect(url: str) -> Answer:
    return Answer(status=307, headers={"Location": url})


def test_redirect_same_host_keeps_the_token(talk: Talk) -> None:
    talk.server.put(PATH, _refusal(talk.bearer), _redirect("/there"))
    talk.server.put("/there", OK)
    talk.server.put("/token", _token("t"))
    assert talk.get().body == b"found"
    assert talk.asked[-1] == ("/there", "Bearer t")


@pytest.mark.parametrize("is_other_name", [False, True], ids=["other port", "other host"])
def test_redirect_elsewhere_has_no_authorization(talk: Talk, *, is_other_name: bool) -> None:
    with _elsewhere() if is_other_name else serve() as other:
        talk.set(other.host, http=True, private=True)
        other.put("/there", OK)
        talk.server.put(PATH, _refusal(talk.bearer), _redirect(other.url + "/there"))
        talk.server.put("/token", _token("t"))
        assert talk.get().body == b"found"
        assert "authorization" not in other.requests[0][2]


def test_redirect_401_from_the_target_is_final(talk: Talk) -> None:
    talk.log_in()
    with _elsewhere() as other:
        talk.set(other.host, http=True, private=True)
        other.put("/there", _refusal(f'Bearer realm="{other.url}/token"', "Basic"))
        talk.server.put(PATH, _redirect(other.url + "/there"))
        error = talk.fails(Failure.DENIED)
        assert error.message.endswith("localhost, where it redirected to, refused access")
        assert [path for path, _ in talk.asked] == [PATH]
        assert [path for _, path, _ in other.requests] == ["/there"]


def test_redirect_401_from_the_target_teaches_nothing_about_the_host(talk: Talk) -> None:
    talk.log_in()
    with _elsewhere() as other:
        talk.set(other.host, http=True, private=True)
        other.put("/there", _refusal("Basic"))
        talk.server.put(PATH, _redirect(other.url + "/there"), OK)
        talk.fails(Failure.DENIED)
        talk.get()
    assert talk.asked == [(PATH, None), (PATH, None)]


def test_redirect_of_the_realm_takes_no_credentials_along(talk: Talk) -> None:
    talk.log_in()
    with _elsewhere() as other:
        talk.set(other.host, http=True, private=True)
        other.put("/token", _token("t"))
        talk.server.put(PATH, _refusal(talk.bearer), OK)
        talk.server.put("/token", _redirect(other.url + "/token"))
        talk.get()
        assert "authorization" not in other.requests[0][2]


# Mirrors, and hosts that a scanned repository names


def test_a_mirror_is_told_for_whom_it_is_asked(talk: Talk) -> None:
    talk.settings["docker.io"] = HostSettings(mirror=talk.server.url)
    talk.server.put(PATH, OK)
    talk.get(registry="docker.io")
    talk.get(PATH + "?n=1", registry="docker.io")
    talk.get(PATH + "?ns=docker.io&n=1", registry="docker.io")
    assert talk.server.paths == [
        PATH + "?ns=docker.io",
        PATH + "?n=1&ns=docker.io",
        PATH + "?ns=docker.io&n=1",
    ]


def test_a_mirror_with_a_prefix_knows_it_by_that(talk: Talk) -> None:
    talk.settings["docker.io"] = HostSettings(mirror=talk.server.url + "/hub")
    talk.server.put("/v2/hub/a/b/tags/list", OK)
    name = talk.host("docker.io").repository("a/b")
    talk.get(f"/v2/{name}/tags/list", Scope(name), registry="docker.io")
    assert talk.server.paths == ["/v2/hub/a/b/tags/list"]


def test_upstream_credentials_never_go_to_a_mirror(talk: Talk) -> None:
    talk.settings["docker.io"] = HostSettings(mirror=talk.server.url)
    talk.log_in("https://index.docker.io/v1/")
    talk.server.put(PATH, _refusal("Basic"))
    error = talk.fails(Failure.NOT_FOUND, registry="docker.io")
    assert error.hint == f"check the name, or log in to {talk.server.host}"
    assert talk.asked == [(PATH, None)]


def test_a_host_told_by_a_scanned_repository_gets_no_credentials(talk: Talk) -> None:
    talk.log_in()
    talk.set(http=True, private=True, by_repository=True)
    talk.server.put(PATH, _refusal("Basic"))
    error = talk.fails(Failure.NOT_FOUND)
    assert error.hint is not None
    assert "tell it in your own settings" in error.hint
    assert talk.asked == [(PATH, None)]


# What cannot be had


def test_an_answer_that_is_too_large_is_refused(talk: Talk) -> None:
    talk.server.put(PATH, Answer(b"x" * 2000))
    error = talk.fails(Failure.REFUSED)
    assert "larger than 1000 bytes" in error.message


def test_a_private_address_is_refused_unless_the_settings_permit_it(talk: Talk) -> None:
    talk.set(http=True)
    talk.fails(Failure.REFUSED)
    assert talk.asked == []


def test_http_is_refused_unless_the_settings_permit_it(talk: Talk) -> None:
    talk.set(private=True)
    host = find_host(
        talk.server.host, RegistrySettings({talk.server.host: HostSettings(http=True)})
    )
    with pytest.raises(RegistryError, match="http is not allowed") as caught:
        talk.session.get(host, PATH, scope=SCOPE, max_bytes=10)
    assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize("path", ["", "v2/x", "@evil.example/"])
def test_a_path_that_is_none_is_refused(talk: Talk, path: str) -> None:
    talk.fails(Failure.REFUSED, path)
    assert talk.asked == []
