from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from basekeeper import wiring
from basekeeper.config.settings import Settings
from basekeeper.errors import Failure, InputError, RegistryError, TransportError
from basekeeper.policy.load import load_config
from basekeeper.values.reference import parse_reference
from basekeeper.values.settings import DiscoverSettings
from tests.fakes.loopback import Answer, serve


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory with two files below it and one beside it."""
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "Dockerfile").touch()
    (root / "Dockerfile").touch()
    (tmp_path / "beside").touch()
    monkeypatch.chdir(root)
    return root


def test_no_path_means_the_current_directory(here: Path) -> None:
    assert wiring.locate([]) == wiring.Location(Path())


def test_one_directory_is_the_root(here: Path) -> None:
    assert wiring.locate(["a"]) == wiring.Location(Path("a"))


def test_files_are_named_from_the_current_directory(here: Path) -> None:
    assert wiring.locate(["a/Dockerfile"]) == wiring.Location(
        Path(), ("a/Dockerfile",), ("a/Dockerfile",)
    )


def test_several_paths_are_a_selection(here: Path) -> None:
    found = wiring.locate(["a", "./Dockerfile", "a"])
    assert found == wiring.Location(Path(), ("a", "Dockerfile"), ("Dockerfile",))


def test_the_current_directory_among_paths_is_everything(here: Path) -> None:
    assert wiring.locate([".", "a"]) == wiring.Location(Path())


def test_single_file_elsewhere_has_its_directory_as_root(here: Path) -> None:
    assert wiring.locate(["../beside"]) == wiring.Location(Path(".."), ("beside",), ("beside",))


def test_several_paths_elsewhere_are_refused(here: Path) -> None:
    with pytest.raises(InputError, match="must all lie below the current directory"):
        wiring.locate(["../beside", "a"])


@pytest.mark.parametrize("path", ["none", "a\0b", "Dockerfile/x"])
def test_path_that_names_nothing_is_refused(path: str, here: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        wiring.locate([path])


def test_configuration_above_is_told_of(here: Path) -> None:
    (here / "basekeeper.toml").touch()
    (notice,) = wiring.locate(["a"]).notices
    assert notice.startswith("basekeeper.toml of a directory above is not read")


def test_configuration_of_another_repository_is_none_of_ours(here: Path) -> None:
    (here / "basekeeper.toml").touch()
    (here / "a" / ".git").mkdir()
    assert wiring.locate(["a"]).notices == ()


def test_reader_returns_content_or_nothing(here: Path) -> None:
    (here / "x.toml").write_bytes(b"a = 1")
    (here / "bin.toml").write_bytes(b"\0")
    with wiring.open_tree(here, DiscoverSettings()) as tree:
        read = wiring.reader_of(tree)
        assert (read("x.toml"), read("none.toml")) == (b"a = 1", None)
        with pytest.raises(InputError, match="is a binary file"):
            read("bin.toml")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("/data", "/data/basekeeper"), ("", "~/.local/share/basekeeper"), ("relative", None)],
)
def test_data_lies_where_the_specification_says(
    value: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", value)
    wanted = Path(expected or "~/.local/share/basekeeper").expanduser()
    assert wiring.data_directory() == wanted


def test_catalogue_is_the_bundled_one_without_refreshed_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert wiring.open_catalogue().sources


def test_fetch_gives_the_body_or_an_error() -> None:
    with serve() as server:
        server.put("/good", Answer(b"body"))
        with wiring.open_fetch([server.url]) as fetch:
            assert fetch(f"{server.url}/good").body == b"body"
            with pytest.raises(TransportError, match="answered with status 404"):
                fetch(f"{server.url}/bad")


def test_fetch_without_encryption_is_only_for_mirrors() -> None:
    with (
        serve() as server,
        wiring.open_fetch() as fetch,
        pytest.raises(TransportError, match="http"),
    ):
        fetch(f"{server.url}/x")


@pytest.mark.parametrize(
    ("has_operator", "is_gate", "mirror"),
    [(False, False, "m.example"), (False, True, None), (True, False, "m.example")],
)
def test_a_repository_has_no_say_in_how_registries_are_reached_in_a_gate(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_operator: bool,
    is_gate: bool,
    mirror: str | None,
) -> None:
    own = tmp_path / "settings.toml"
    own.write_text("[registry.'own.example']\nprivate = true\n", encoding="utf-8")
    monkeypatch.setenv("BASEKEEPER_SETTINGS", str(own))
    text = b"[registry.'r.example']\nmirror = 'm.example'\n"
    config = load_config({"basekeeper.toml": text}.get)
    settled = wiring.with_registries(config, has_operator=has_operator, is_gate=is_gate)
    registry = settled.settings.registry
    assert registry.of("own.example").private
    assert registry.of("r.example").mirror == mirror
    assert registry.of("r.example").by_repository is (mirror is not None and not has_operator)
    assert bool(settled.notices) is is_gate


@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize("registry", ["[1:2]", "[:]:5000", "[::1]:99999", "h.example:0"])
def test_a_registry_that_is_no_host_is_a_failure_of_its_images_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: str, *, offline: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    image = parse_reference(f"{registry}/a/b:1")
    now = datetime(2026, 11, 26, tzinfo=UTC)
    with wiring.open_registry(Settings(), now=now, offline=offline, use_cache=False) as registries:
        for ask in (registries.point, registries.tags, registries.publisher):
            with suppress(RegistryError):
                ask(image)
        with pytest.raises(RegistryError) as caught:
            registries.point(image)
    expected = Failure.UNREACHABLE if offline else Failure.REFUSED
    assert caught.value.failure is expected


@pytest.mark.parametrize(
    "url", ["https://[?s3cret", "https://h:99999/?s3cret", "http://u:s3cret@h/"]
)
def test_a_mirror_that_is_no_url_is_told_without_its_secrets(url: str) -> None:
    with pytest.raises(TransportError, match="the URL") as caught, wiring.open_fetch([url]):
        pass
    assert "s3cret" not in caught.value.message


def test_a_failed_fetch_shows_no_query() -> None:
    with serve() as server:
        url = f"{server.url}/x?token=s3cret"
        with (
            wiring.open_fetch([url]) as fetch,
            pytest.raises(TransportError, match="404") as caught,
        ):
            fetch(url)
    assert "s3cret" not in caught.value.message
