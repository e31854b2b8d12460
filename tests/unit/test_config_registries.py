from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.config.document import read_document
from basekeeper.config.registries import (
    effective_registries,
    parse_registries,
    read_user_registries,
)
from basekeeper.config.settings import Settings, permitted_settings
from basekeeper.config.table import Table
from basekeeper.errors import ConfigError, InputError
from basekeeper.values.settings import HostSettings, RegistrySettings

if TYPE_CHECKING:
    from pathlib import Path


def _read(text: str, path: str = "x.toml") -> tuple[dict[str, HostSettings], list[str]]:
    document = read_document(text.encode(), path)
    top = Table(document, document.data)
    found = parse_registries(top)
    top.finish()
    return dict(found.hosts), [str(problem) for problem in top.problems]


FULL = """\
[registry."Registry.Corp:5000"]
http = true
ca = "certs/ca.pem"
private = true
token_hosts = ["Auth.corp:1"]
username_env = "CORP_USER"
password_env = "CORP_PASSWORD"
concurrency = 3
[registry."docker.io"]
mirror = "http://mirror.corp/hub"
hub_api = "https://hub.corp/api"
[registry.localhost]
token_env = "TOKEN"
"""


def test_reads_every_setting_under_the_name_in_lower_case() -> None:
    assert _read(FULL, "/etc/base/x.toml") == (
        {
            "registry.corp:5000": HostSettings(
                http=True,
                ca="/etc/base/certs/ca.pem",
                private=True,
                token_hosts=("auth.corp:1",),
                username_env="CORP_USER",
                password_env="CORP_PASSWORD",  # noqa: S106
                concurrency=3,
            ),
            "docker.io": HostSettings(
                mirror="http://mirror.corp/hub", hub_api="https://hub.corp/api"
            ),
            "localhost": HostSettings(token_env="TOKEN"),  # noqa: S106
        },
        [],
    )


def test_a_path_may_start_at_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/user")
    found, _ = _read('[registry."r.example"]\nca = "~/ca.pem"\n', "/etc/x.toml")
    assert found["r.example"].ca == "/home/user/ca.pem"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("registry = 1", "x.toml:1: registry: expected a table, got a number"),
        ("[registry]\nx = 1", "x.toml:2: registry.x: expected a table, got a number"),
        ("[registry.corp]", "x.toml:1: registry.corp: is no registry"),
        (
            '[registry."index.docker.io"]',
            'x.toml:1: registry."index.docker.io": is no registry',
        ),
        (
            '[registry."https://r.example"]',
            'x.toml:1: registry."https://r.example": is no registry',
        ),
        (
            '[registry."r.example"]\nmiror = "x"',
            'x.toml:2: registry."r.example".miror: is not known here',
        ),
        (
            '[registry."r.example"]\nhttp = "yes"',
            'x.toml:2: registry."r.example".http: expected true or false, got text',
        ),
        (
            '[registry."r.example"]\nmirror = "ftp://x"',
            "x.toml:2: registry.\"r.example\".mirror: 'ftp://x' is no address of a registry",
        ),
        (
            '[registry."r.example"]\nmirror = "x.example"\nprivate = true',
            (
                'x.toml:3: registry."r.example".private: cannot stand beside a mirror,'
                " as this host is not asked"
            ),
        ),
        (
            '[registry."r.example"]\ntoken_hosts = ["x.example", "http://y"]',
            "x.toml:2: registry.\"r.example\".token_hosts[1]: 'http://y' is no host",
        ),
        (
            '[registry."r.example"]\nusername_env = "U"',
            'x.toml:1: registry."r.example": needs username_env and password_env together',
        ),
        (
            '[registry."r.example"]\nusername_env = "U"\npassword_env = "P"\ntoken_env = "T"',
            (
                'x.toml:4: registry."r.example".token_env: cannot stand beside a password:'
                " which one is meant?"
            ),
        ),
        (
            '[registry."r.example"]\nconcurrency = 0',
            'x.toml:2: registry."r.example".concurrency: expected a number from 1 to 64, got 0',
        ),
        (
            '[registry."r.example"]\nhub_api = "https://hub.example"',
            'x.toml:2: registry."r.example".hub_api: belongs to docker.io alone',
        ),
        (
            '[registry."docker.io"]\nhub_api = "hub.example"',
            "x.toml:2: registry.\"docker.io\".hub_api: 'hub.example' is no URL",
        ),
        (
            '[registry."docker.io"]\nhub_api = "http://[x"',
            "x.toml:2: registry.\"docker.io\".hub_api: 'http://[x' is no URL",
        ),
        (
            '[registry."r.example"]\nca = "~nobody-of-that-name/x"',
            (
                "x.toml:2: registry.\"r.example\".ca: '~nobody-of-that-name/x' begins with a home"
                " directory that is not known"
            ),
        ),
    ],
)
def test_every_mistake_is_told_with_its_line(text: str, problem: str) -> None:
    _, problems = _read(text)
    assert problems == [problem]


def test_a_secret_in_the_place_of_a_variable_is_not_shown() -> None:
    _, problems = _read('[registry."r.example"]\ntoken_env = "s3cret-value!"')
    assert problems == [
        'x.toml:2: registry."r.example".token_env: is no name of an environment variable'
    ]


def _user(environ: dict[str, str], home: Path) -> dict[str, HostSettings]:
    return dict(read_user_registries(environ, home).hosts)


def test_the_users_own_file_lies_where_the_environment_says(tmp_path: Path) -> None:
    for name in (".config/basekeeper", "xdg/basekeeper", "named"):
        directory = tmp_path / name
        directory.mkdir(parents=True)
        host = name.partition("/")[0].strip(".")
        text = f'[registry."{host}.example"]\nprivate = true\n'
        (directory / "settings.toml").write_text(text, encoding="utf-8")
    environ = {"XDG_CONFIG_HOME": "relative"}
    assert list(_user(environ, tmp_path)) == ["config.example"]
    environ["XDG_CONFIG_HOME"] = str(tmp_path / "xdg")
    assert list(_user(environ, tmp_path)) == ["xdg.example"]
    environ["BASEKEEPER_SETTINGS"] = str(tmp_path / "named" / "settings.toml")
    assert list(_user(environ, tmp_path)) == ["named.example"]


def test_without_a_file_of_the_users_own_there_are_no_settings(tmp_path: Path) -> None:
    assert _user({}, tmp_path) == {}


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    path = str(tmp_path / "none.toml")
    with pytest.raises(InputError, match=r"settings '.*none.toml' cannot be read: No such file"):
        _user({"BASEKEEPER_SETTINGS": path}, tmp_path)


def test_the_users_own_file_holds_registries_alone(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[policy]\n[registry.'r.example']\nhttp = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        _user({"BASEKEEPER_SETTINGS": str(path)}, tmp_path)
    assert [str(problem) for problem in caught.value.problems] == [
        f"{path}:1: policy: is not known here",
        f'{path}:3: registry."r.example".http: expected true or false, got a number',
    ]


def _settings(**hosts: HostSettings) -> RegistrySettings:
    return RegistrySettings({f"{name}.example": said for name, said in hosts.items()})


NOTHING = RegistrySettings()
EVERYTHING = HostSettings(
    http=True,
    ca="/ca",
    private=True,
    token_hosts=("t.example",),
    username_env="U",
    password_env="P",  # noqa: S106
    token_env="T",  # noqa: S106
    concurrency=64,
    hub_api="http://x.example",
)


def test_the_operators_keys_win_over_the_users_own() -> None:
    user = _settings(a=HostSettings(ca="/user", username_env="U", password_env="P"))  # noqa: S106
    operator = _settings(a=HostSettings(ca="/operator"), b=HostSettings(mirror="m.example"))
    found, notices = effective_registries(user, operator, NOTHING, source="x")
    assert dict(found.hosts) == {
        "a.example": HostSettings(ca="/operator", username_env="U", password_env="P"),  # noqa: S106
        "b.example": HostSettings(mirror="m.example"),
    }
    assert notices == ()


def test_of_a_scanned_repository_counts_what_hurts_nobody_and_only_anonymously() -> None:
    own = _settings(a=EVERYTHING, b=HostSettings(mirror="m.example"))
    found, notices = effective_registries(NOTHING, None, own, source="basekeeper.toml")
    assert dict(found.hosts) == {
        "a.example": HostSettings(http=True, by_repository=True),
        "b.example": HostSettings(mirror="m.example", by_repository=True),
    }
    ignored = (
        "ca",
        "private",
        "token_hosts",
        "username_env",
        "password_env",
        "token_env",
        "concurrency",
        "hub_api",
    )
    assert notices == tuple(
        f'registry."a.example".{name} of basekeeper.toml is ignored:'
        " it is to be set in your own settings"
        for name in ignored
    )


def test_a_host_that_the_user_knows_is_not_the_repositorys_to_say() -> None:
    user = _settings(a=HostSettings(private=True))
    own = _settings(a=HostSettings(mirror="evil.example"))
    found, notices = effective_registries(user, None, own, source="basekeeper.toml")
    assert found == user
    assert notices == (
        'registry."a.example" of basekeeper.toml is ignored: your own settings know this host',
    )


@pytest.mark.parametrize(("operator", "is_gate"), [(NOTHING, False), (None, True)])
def test_in_a_gate_or_below_an_operator_a_repository_has_no_say(
    operator: RegistrySettings | None, *, is_gate: bool
) -> None:
    own = _settings(a=HostSettings(mirror="m.example"))
    found, notices = effective_registries(NOTHING, operator, own, source="x", is_gate=is_gate)
    assert dict(found.hosts) == {}
    assert notices == ('registry."a.example" of x is ignored: it is the operator\'s to set',)


def test_below_an_operators_policy_the_registries_are_the_operators() -> None:
    operator = Settings(registry=_settings(a=HostSettings(private=True)))
    own = Settings(registry=_settings(b=HostSettings(mirror="m.example")))
    found, notices = permitted_settings(operator, own, "x")
    assert found.registry == operator.registry
    assert notices == ('registry."b.example" of x is ignored: it is the operator\'s to set',)


@pytest.mark.parametrize("key", ["mirror", "hub_api"])
@pytest.mark.parametrize("value", ["https://u:s3cret@m.example", "u:s3cret@m.example/x", "s3@cret"])
def test_an_address_with_a_password_is_an_error_that_does_not_show_it(key: str, value: str) -> None:
    _, (problem,) = _read(f'[registry."docker.io"]\n{key} = "{value}"\n')
    assert "holds a user or a password" in problem
    assert "cret" not in problem


@pytest.mark.parametrize("name", ["[1:2]", "[:]:5000", "[::1::]"])
def test_what_stands_in_brackets_must_be_an_address(name: str) -> None:
    hosts, (problem,) = _read(f'[registry."{name}"]\nconcurrency = 1\n')
    assert hosts == {}
    assert "is no registry" in problem
    _, problems = _read(f'[registry."docker.io"]\nmirror = "{name}"\n')
    assert len(problems) == 1
