"""Builds adapters from settings and what the user named; the only module that does.

What the paths of a command line mean is decided here. One directory is the root of what is looked
at. Files, or several paths, are looked at from the current directory, which then is the root, so
that reports name them as the user did.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from basekeeper.config.sources import CONFIG_PATHS
from basekeeper.errors import Failure, InputError, RegistryError, TransportError
from basekeeper.records import dataclass
from basekeeper.values.settings import DEFAULT_PLATFORM, RegistrySettings
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime
    from threading import Event

    from basekeeper.config.scanning import ScanningSettings
    from basekeeper.config.settings import Settings
    from basekeeper.config.storage import StorageSettings
    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.policy.load import Config
    from basekeeper.ports import Cache, Handing, Ledger, Scanner
    from basekeeper.registry.hosts import Host
    from basekeeper.transport.bodies import Begin
    from basekeeper.trees.revision import GitTree
    from basekeeper.trees.tree import Tree
    from basekeeper.trees.working import WorkingTree
    from basekeeper.values.scanning import RegistryImage
    from basekeeper.values.settings import DiscoverSettings

    Reader = Callable[[str], bytes | None]
    Fetch = Callable[[str], bytes]

T = TypeVar("T")

MAX_REFRESH_BYTES: Final = 64 * 1024 * 1024
"""Largest answer that a refresh takes: 64 MiB. All products together have about 3 MiB."""


CACHE_VARIABLE: Final = "BASEKEEPER_CACHE_DIR"
"""Environment variable that names the directory of the cache."""

LEDGER_VARIABLE: Final = "BASEKEEPER_LEDGER"
"""Environment variable that names the ledger, as it may hold a password."""

HURRY_SECONDS: Final = 10.0
"""Longest wait for a connection, for a piece of an answer and before a repetition, in a hurry."""

DATABASE_DIRECTORY: Final = "trivy"
"""Where below the cache the scanner's database lies, where nobody says."""

PROXY_VARIABLES: Final = (
    "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy",
)  # fmt: skip
"""All that a scanner gets of our environment."""

ANY_AGE: Final = timedelta(days=36_500)
"""How old an answer of the cache may be where only the cache may answer."""


@dataclass(frozen=True, slots=True)
class Location:
    """What the paths of a command line mean."""

    root: Path
    """The directory that paths of the report are relative to."""
    only: tuple[str, ...] = ()
    """Files and directories below the root to report; empty: everything."""
    files: tuple[str, ...] = ()
    """Those of `only` that are files."""
    notices: tuple[str, ...] = ()


def locate(paths: Sequence[str]) -> Location:
    """Tell root and selection from the paths that a user named; none means the current directory.

    Raises:
        InputError: A path does not exist, or several have no root in common.
    """
    for path in paths:
        _check_exists(path)
    first = Path(paths[0]) if paths else Path()
    if len(paths) <= 1 and first.is_dir():
        return Location(first, notices=_unread_config(first))
    here = Path.cwd()
    root = here if all(_is_below(path, here) for path in paths) else None
    if root is None and len(paths) == 1:
        return Location(first.parent, (first.name,), (first.name,))
    if root is None:
        raise InputError(
            "several paths must all lie below the current directory",
            hint="change to a directory above them, or check them one by one",
        )
    only = [_absolute(path).relative_to(here).as_posix() for path in paths]
    if "." in only:
        return Location(Path())
    names = tuple(dict.fromkeys(only))
    return Location(Path(), names, tuple(name for name in names if not Path(name).is_dir()))


def open_tree(root: Path, settings: DiscoverSettings) -> WorkingTree:
    """Open a directory as it lies there.

    Raises:
        InputError: It cannot be read.
    """
    from basekeeper.trees.working import WorkingTree  # noqa: PLC0415  # only verbs that read trees

    return WorkingTree(
        root,
        respect_gitignore=settings.respect_gitignore,
        follow_submodules=settings.follow_submodules,
    )


def open_revision(root: Path, ref: str) -> GitTree:
    """Open a directory as a revision of its repository has it.

    Raises:
        InputError: There is no such repository or revision, or no git.
    """
    from basekeeper.trees.revision import GitTree  # noqa: PLC0415  # only with `--since`

    return GitTree(root, ref)


def reader_of(tree: Tree) -> Reader:
    """Return a reader of configuration files from a tree.

    The reader raises InputError where a file is there and cannot be read.
    """

    def read(path: str) -> bytes | None:
        if not tree.exists(path):
            return None
        data = tree.read(path)
        if isinstance(data, Skipped):
            raise InputError(f"{tree.label}: {data.path!r} {data.reason}", hint=data.hint)
        return data

    return read


def data_directory() -> Path:
    """Return where refreshed lifecycle data lies (XDG base directory specification)."""
    named = os.environ.get("XDG_DATA_HOME", "")
    base = Path(named) if named.startswith("/") else Path.home() / ".local" / "share"
    return base / "basekeeper"


def open_catalogue() -> Catalogue:
    """Open the facts about images: the bundled ones, or refreshed ones where these are newer.

    Raises:
        InputError: The refreshed data is unusable.
    """
    from basekeeper.lifecycle.catalogue import Catalogue  # noqa: PLC0415  # not for every verb

    directory = data_directory()
    return Catalogue.load(directory) if directory.is_dir() else Catalogue.bundled()


def _check_exists(path: str) -> None:
    """Refuse a path that names nothing."""
    try:
        Path(path).stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"path {path!r} cannot be read: {reason}",
            hint="name a directory or a file that exists and that you may read",
        ) from error


def _is_below(path: str, directory: Path) -> bool:
    """Tell whether a path lies below a directory, or is it, by name."""
    return _absolute(path).is_relative_to(directory)


def _absolute(path: str) -> Path:
    """Make a path absolute by its name alone: a link below the root stays below it."""
    return Path(os.path.abspath(path))  # noqa: PTH100  # `resolve` would follow links


def _unread_config(root: Path) -> tuple[str, ...]:
    """Tell of a configuration that applies to the repository around, but not to this root."""
    top = root.resolve()
    for above in top.parents:
        if (top / ".git").exists():
            return ()
        found = next((name for name in CONFIG_PATHS if (above / name).is_file()), None)
        if found is not None:
            notice = f"{found} of a directory above is not read; to apply it, check from there"
            return (notice,)
        top = above
    return ()


@contextmanager
def open_fetch(mirrors: Collection[str] = ()) -> Iterator[Fetch]:
    """Open the network for a refresh: a function that gives the body of a URL.

    The function raises TransportError for a request that fails and for an answer other than 2xx.

    Args:
        mirrors: Addresses that the user named; they may be private and without TLS.

    Raises:
        TransportError: One of them is no URL.
    """
    from basekeeper import __version__  # noqa: PLC0415  # only for a refresh
    from basekeeper.transport.client import HostOptions, Transport  # noqa: PLC0415
    from basekeeper.transport.redaction import shown_url  # noqa: PLC0415
    from basekeeper.transport.urls import split_url  # noqa: PLC0415

    origins = [split_url(url)[0] for url in mirrors]
    hosts = {origin.authority: HostOptions(private=True) for origin in origins}
    plain = [origin.authority for origin in origins if origin.scheme == "http"]
    agent = f"basekeeper/{__version__}"
    with Transport(user_agent=agent, hosts=hosts, allow_http=plain) as transport:

        def fetch(url: str) -> bytes:
            answer = transport.get(url, max_bytes=MAX_REFRESH_BYTES)
            if not answer.is_success:
                raise TransportError(f"{shown_url(url)} answered with status {answer.status}")
            return answer.body

        yield fetch


def with_registries(config: Config, *, has_operator: bool, is_gate: bool = False) -> Config:
    """Settle how registries are reached: by the user's own settings, the operator, the repository.

    Args:
        config: What was read of the repository, and of the operator's policy where there is one.
        has_operator: Whether its settings are an operator's.
        is_gate: Whether a proposal is judged; then the repository has no say.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
    """
    from basekeeper.config.registries import (  # noqa: PLC0415  # only for verbs that may ask
        effective_registries,
        read_user_registries,
    )

    said = config.settings.registry
    settled, notices = effective_registries(
        read_user_registries(os.environ, Path.home()),
        said if has_operator else None,
        RegistrySettings() if has_operator else said,
        source=config.source or "",
        is_gate=is_gate,
    )
    return replace(
        config,
        settings=replace(config.settings, registry=settled),
        notices=(*config.notices, *notices),
    )


@contextmanager
def open_registry(  # noqa: PLR0913  # one that cannot be left out, five that mostly are
    settings: Settings,
    *,
    now: datetime,
    offline: bool = False,
    use_cache: bool = True,
    hurry: bool = False,
    cache: Cache | None = None,
) -> Iterator[Handing]:
    """Open all registries behind one door, and end every connection afterwards.

    Closing it ends what is under way in other threads too.

    Args:
        settings: Hosts, mirrors and where credentials are from.
        now: The instant of the run, by which the age of cached answers is told.
        offline: Whether only the cache may answer, however old; everything else then fails as not
            reachable.
        use_cache: False to read and write no cache.
        hurry: Whether a host that fails is soon given up, as a gate must answer soon.
        cache: One that is open already; None: one is opened as `use_cache` says.
    """
    # None of these is needed by a verb that asks nobody.
    from basekeeper import __version__  # noqa: PLC0415
    from basekeeper.registry.client import RegistryClient, RegistryLimits  # noqa: PLC0415
    from basekeeper.registry.hosts import find_host, transport_options  # noqa: PLC0415
    from basekeeper.registry.keyring import Keyring  # noqa: PLC0415
    from basekeeper.registry.paced import PacedRequests  # noqa: PLC0415
    from basekeeper.registry.pacing import Pacer, Patience, places_for  # noqa: PLC0415
    from basekeeper.registry.session import Session  # noqa: PLC0415
    from basekeeper.transport.client import Limits, Transport  # noqa: PLC0415

    hosts = settings.registry

    def find(name: str) -> Host:
        return find_host(name, hosts)

    # The pacer repeats, for it knows what else a host was asked.
    limits = Limits(retries=0, timeout=HURRY_SECONDS) if hurry else Limits(retries=0)
    transport = Transport(
        limits,
        user_agent=f"basekeeper/{__version__}",
        hosts=transport_options(hosts),
    )
    patience = Patience(tries=2, longest=HURRY_SECONDS, budget=HURRY_SECONDS) if hurry else None
    keyring = Keyring(hosts, os.environ, Path.home())
    pacer = Pacer(now, patience=patience, places=places_for(hosts, keyring))

    def end() -> None:
        pacer.stop()
        keyring.stop()
        transport.abort()

    requests = NoRequests() if offline else PacedRequests(transport, pacer)
    ages = RegistryLimits(tag_age=ANY_AGE, publisher_age=ANY_AGE) if offline else None
    kept = open_cache(settings, use_cache=use_cache) if cache is None else nullcontext(cache)
    with kept as answers:
        client = RegistryClient(
            Session(requests, keyring), find, answers, now, limits=ages, end=end
        )
        try:
            yield client
        finally:
            client.close()


@contextmanager
def open_cache(settings: Settings, *, use_cache: bool = True) -> Iterator[Cache]:
    """Open the cache on disk, or one in memory that ends with the run.

    Where the one on disk could not be used, standard error tells why at the end.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or a variable that names a place is wrong.
    """
    from basekeeper.cache.memory import MemoryCache  # noqa: PLC0415  # where registries are asked

    if not use_cache:
        yield MemoryCache()
        return
    from basekeeper.cache.disk import DiskCache  # noqa: PLC0415

    places = storage(settings)
    cache = DiskCache(cache_directory(places), max_bytes=places.cache_bytes)
    try:
        yield cache
    finally:
        cache.close()
        for notice in cache.notices:
            _tell(notice)


def storage(settings: Settings) -> StorageSettings:
    """Settle where cache and ledger lie: by environment, operator, and the user's own settings.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or a variable that names a place is wrong.
    """
    from basekeeper.config.registries import read_user_settings  # noqa: PLC0415  # as above

    _, users = read_user_settings(os.environ, Path.home())
    return _named_storage().over(settings.storage).over(users)


def _named_storage() -> StorageSettings:
    """Read what the environment says."""
    from basekeeper.config.places import absolute_path  # noqa: PLC0415  # as above
    from basekeeper.config.storage import StorageSettings  # noqa: PLC0415
    from basekeeper.ledger.location import read_location  # noqa: PLC0415

    return StorageSettings(
        cache_directory=_variable(CACHE_VARIABLE, absolute_path),
        ledger=_variable(LEDGER_VARIABLE, read_location),
    )


def _variable(name: str, parse: Callable[[str], T]) -> T | None:
    """Read an environment variable; None where it is not set, or empty."""
    text = os.environ.get(name)
    try:
        return parse(text) if text else None
    except ValueError as error:
        raise InputError(
            f"environment variable {name}: {error}", hint="correct the variable, or unset it"
        ) from error


def cache_directory(places: StorageSettings) -> Path:
    """Return where the cache lies (XDG base directory specification, where nobody named it)."""
    if places.cache_directory is not None:
        return Path(places.cache_directory)
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path.home() / ".cache"
    return base / "basekeeper"


def _tell(notice: str) -> None:
    """Tell a person what no report holds."""
    from basekeeper.render.safe import visible  # noqa: PLC0415  # seldom needed

    with suppress(OSError, ValueError):  # a reader that went away, or a closed stream
        sys.stderr.write(f"notice: {visible(notice)}\n")


class NoRequests:
    """Stands where requests are sent, and sends none: what `--offline` asks for."""

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> NoReturn:
        """Refuse."""
        del headers, max_bytes
        self._refuse(url)

    def stream(
        self, url: str, begin: Begin, *, headers: Mapping[str, str] | None = None, max_bytes: int
    ) -> NoReturn:
        """Refuse."""
        del begin, headers, max_bytes
        self._refuse(url)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> NoReturn:
        """Refuse."""
        del headers
        self._refuse(url)

    def post(
        self,
        url: str,
        body: bytes,
        content_type: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> NoReturn:
        """Refuse."""
        del body, content_type, headers, max_bytes
        self._refuse(url)

    def _refuse(self, url: str) -> NoReturn:
        host = url.split("/", 3)[2]  # as it is named: nothing says that it is a host at all
        raise RegistryError(
            f"{host}: not asked, as the run is offline, and not in the cache",
            Failure.UNREACHABLE,
            hint="run it once without --offline",
        )


@contextmanager
def open_sights(settings: Settings) -> Iterator[Ledger | None]:
    """Open the ledger to read first sights from; None where none is configured.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or a variable that names a place is wrong.
        LedgerError: It is configured and cannot be reached.
    """
    location = storage(settings).ledger
    if location is None:
        yield None
        return
    from basekeeper.ledger.opening import open_ledger  # noqa: PLC0415  # seldom there

    ledger = open_ledger(location, clock=None)
    try:
        yield ledger
    finally:
        ledger.close()


def open_scanner(
    settings: Settings, *, cache: Cache, registry: Handing | None = None, ended: Event
) -> Scanner:
    """Open the scanner; it is run only when it is asked something.

    Args:
        settings: Of which only what the user and the operator say of the scanner counts.
        cache: Where lists of packages are kept.
        registry: Who logs in where the database is fetched from; None: nobody does.
        ended: Once it is set, whatever the scanner does is ended.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
        ProgramMissing: There is no scanner.
    """
    from basekeeper.process import find_program  # noqa: PLC0415  # only to scan
    from basekeeper.scanners.trivy import Trivy  # noqa: PLC0415
    from basekeeper.values.scanning import ScannerSettings  # noqa: PLC0415

    places = storage(settings)
    said = places.scanner
    program = said.program or find_program(
        "trivy",
        hint="install Trivy (https://trivy.dev) and put it on the search path, or name it as"
        " `program` in [scanner] of your own settings",
    )
    shipped = ScannerSettings(cache_dir=database_directory(places))
    repository, source = _database_source(said, registry)
    timeout, mib, java = said.timeout, said.memory_mib, said.java
    given = replace(
        shipped,
        severity_order=said.severity_order or shipped.severity_order,
        max_database_age=shipped.max_database_age if said.max_age is None else said.max_age,
        timeout=shipped.timeout if timeout is None else timeout.total_seconds(),
        memory_bytes=shipped.memory_bytes if mib is None else mib * 1024 * 1024,
        database_repository=repository,
        database_login=None if source is None else source.login,
        database_http=source is not None and source.http,
        database_authority=None if source is None else source.authority,
        java_database=bool(java),
        java_repository=said.java_repository,
        environment={name: os.environ[name] for name in PROXY_VARIABLES if name in os.environ},
    )
    return Trivy(program, given, cache=cache, ended=ended)


def database_directory(places: StorageSettings) -> Path:
    """Return where the scanner's database lies: below the cache, where nobody named it."""
    if places.scanner.database is not None:
        return Path(places.scanner.database)
    from basekeeper.cache.place import Unusable, claim  # noqa: PLC0415  # only to scan

    directory = cache_directory(places)
    with suppress(Unusable, OSError):  # a directory with something in it is taken for no cache
        claim(directory)
    return directory / DATABASE_DIRECTORY


def _database_source(
    said: ScanningSettings, registry: Handing | None
) -> tuple[str | None, RegistryImage | None]:
    """Tell where the database is fetched from, and as whom; mirrors take the place of registries.

    Where nobody can log in, the scanner tries without, and says why it cannot fetch it.
    """
    text = said.database_repository
    if registry is None or text is None:
        return text, None
    from basekeeper.values.reference import parse_reference  # noqa: PLC0415  # seldom there

    image = parse_reference(text)
    try:
        source = registry.hand_over(image, DEFAULT_PLATFORM)
    except RegistryError:
        return text, None
    tag = f":{image.tag}" if image.tag else ""
    return (text if source.repository is None else source.repository + tag), source
