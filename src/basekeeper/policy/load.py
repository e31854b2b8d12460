"""From files to the effective policy: where it lies, what it extends, what an operator adds."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.config.document import read_document
from basekeeper.config.settings import Settings, own_settings, parse_settings, permitted_settings
from basekeeper.config.sources import (
    OUR_TABLE,
    PYPROJECT,
    directory_reader,
    find_config,
    read_named,
)
from basekeeper.config.table import Table
from basekeeper.errors import ConfigError, InputError
from basekeeper.policy.model import SHIPPED_NAME, Layer
from basekeeper.policy.parse import RuleCatalogue, parse_layer
from basekeeper.policy.parse_updates import parse_updates
from basekeeper.policy.policy import Policy
from basekeeper.policy.updates import SHIPPED_UPDATES, UpdateLayer, UpdatePolicy
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from basekeeper.config.document import Document
    from basekeeper.config.sources import Reader

MAX_EXTENDS: Final = 8
"""Most files in a chain of `extends`; a company, a division and a team make three."""

SHIPPED_PATH: Final = Path(__file__).with_name("default.toml")
"""The shipped policy."""

SCHEMA_PATH: Final = Path(__file__).with_name("schema.json")
"""The JSON schema of the configuration file, for editors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a run goes by."""

    policy: Policy
    settings: Settings
    source: str | None
    """The repository's own configuration file, relative to its root; None: it has none."""
    notices: tuple[str, ...] = ()
    """What was left out of settings and waivers, and why; the policy has notices of its own."""
    updates: UpdatePolicy = SHIPPED_UPDATES
    """What may be proposed as an update of which image."""


@dataclass(frozen=True, slots=True)
class _File:
    """One configuration file, read."""

    document: Document
    layer: Layer
    settings: Settings
    updates: UpdateLayer

    @property
    def key(self) -> tuple[str, ...]:
        """Where our tables stand in it."""
        return _our_key(self.document)


class _Tree(NamedTuple):
    """Where the files of one chain of `extends` come from."""

    read: Reader
    is_confined: bool
    """Whether no path may leave the root: so for a repository, not for an operator's files."""


def load_policy(path: str | Path | None = None) -> Policy:
    """Read a policy file with all that it extends; None: the shipped default.

    Raises:
        ConfigError: Something is wrong in the file or in one that it extends; holds all problems
            of the first such file.
        InputError: The file cannot be read.
    """
    if path is None:
        return _shipped_policy()
    return _policy(_chain(_named_file(path), _Tree(_read_beside, is_confined=False)))


def load_config(tree: Reader | str | Path, *, policy_path: str | Path | None = None) -> Config:
    """Read the configuration of a repository.

    Args:
        tree: The root directory, or a function that returns the content of a file by its path
            below the root (None where there is none), to read another commit's tree.
        policy_path: An operator's policy. The repository's own then may only tighten it.

    Raises:
        ConfigError: Something is wrong in a file; holds all problems of the first such file.
        InputError: The operator's policy cannot be read.
    """
    read = directory_reader(Path(tree)) if isinstance(tree, str | Path) else tree
    document = find_config(read)
    own: list[_File] = []
    if document is not None:
        own = _chain(_parsed(document, _our_key(document)), _Tree(read, is_confined=True))
    policy = _policy(own) if own else load_policy()
    updates = _updates(own, policy)
    settings = own[0].settings if own else Settings()
    source = None if document is None else document.path
    if policy_path is None:
        settings, notices = own_settings(settings, source or "")
        return Config(
            policy=policy, settings=settings, source=source, notices=notices, updates=updates
        )
    files = _chain(_named_file(policy_path), _Tree(_read_beside, is_confined=False))
    effective = _policy(files).tightened_by(policy)
    settings, notices = permitted_settings(files[0].settings, settings, source or "")
    updates = _updates(files, effective).tightened_by(updates)
    notices += tuple(
        f"updates.{name} of {source} is ignored: it is the operator's to set"
        for name in updates.ignored_settings
    )
    file = policy.waivers.file
    if not effective.waivers.repository and file is not None and read(file) is not None:
        notices += (f"{file} is ignored: {effective.name} does not permit waivers",)
    return Config(
        policy=effective,
        settings=settings,
        source=source,
        notices=notices,
        updates=updates,
    )


def _updates(files: Sequence[_File], policy: Policy) -> UpdatePolicy:
    """Put together what the files of a chain say of updates."""
    return UpdatePolicy(tuple(file.updates for file in files), aliases=policy.aliases)


def _named_file(path: str | Path) -> _File:
    """Read a file that the user named."""
    named = str(path)
    document = read_document(read_named(named), named)
    return _parsed(document, _our_key(document))


def _our_key(document: Document) -> tuple[str, ...]:
    """Return where our tables stand in a file."""
    return OUR_TABLE if posixpath.basename(document.path) == PYPROJECT else ()


def _parsed(document: Document, key: tuple[str, ...]) -> _File:
    """Read a file's tables; all its problems at once."""
    top = Table(document, document.data)
    for part in key:
        below = top.table(part)
        if below is None:
            missing = document.problem((), f"has no [{'.'.join(key)}]")
            raise ConfigError(tuple(top.problems) or (missing,))
        top = below
    section = top.table("policy")
    layer = (
        Layer(name=document.path)
        if section is None
        else parse_layer(section, _rule_catalogue(), name=document.path)
    )
    settings = parse_settings(top)
    updates = parse_updates(top.table("updates"))
    top.finish()
    top.raise_problems()
    return _File(document, layer, settings, updates)


def _chain(first: _File, tree: _Tree) -> list[_File]:
    """Return a file and what it extends, the nearest first."""
    files = [first]
    while files[-1].layer.extends is not None:
        files.append(_parent(files, tree))
    return files


def _policy(files: Sequence[_File]) -> Policy:
    """Put the files of a chain on top of what is shipped."""
    shipped = _shipped_layer()
    layers = tuple(file.layer for file in files)
    policy = Policy.of_layers(layers if layers[-1].closed else (*layers, shipped), shipped)
    notices = tuple(
        f"settings of {file.document.path} are ignored: only its policy is extended"
        for file in files[1:]
        if file.settings != Settings()
    )
    return replace(policy, notices=notices)


def _parent(files: list[_File], tree: _Tree) -> _File:
    """Read the file that the last one extends."""
    child = files[-1]
    target = child.layer.extends or ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(child.document.path), target))
    if tree.is_confined and (path == ".." or path.startswith(("/", "../"))):
        raise _wrong_parent(child, f"{target!r:.200} leaves the repository")
    if any(posixpath.normpath(file.document.path) == path for file in files):
        raise _wrong_parent(child, f"{target!r:.200} leads back to a file of this chain")
    if len(files) >= MAX_EXTENDS:
        raise _wrong_parent(child, f"is a chain of more than {MAX_EXTENDS} files")
    data = tree.read(path)
    if data is None:
        raise _wrong_parent(child, f"{path!r:.200} does not exist")
    document = read_document(data, path)
    return _parsed(document, _our_key(document))


def _wrong_parent(child: _File, message: str) -> ConfigError:
    """Say what is wrong with the `extends` of a file."""
    problem = child.document.problem(
        (*child.key, "policy", "extends"), message, "name a policy file relative to this one"
    )
    return ConfigError((problem,))


def _read_beside(path: str) -> bytes | None:
    """Read a file that an operator's policy extends."""
    try:
        return read_named(path)
    except InputError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


@lru_cache(maxsize=1)
def _shipped_layer() -> Layer:
    """Read the policy inside the package, which also says which rules exist."""
    document = read_document(SHIPPED_PATH.read_bytes(), SHIPPED_NAME)
    top = Table(document, document.data)
    section = top.table("policy")
    layer = parse_layer(section or top, None, name=SHIPPED_NAME)
    top.finish()
    top.raise_problems()
    return layer


@lru_cache(maxsize=1)
def _rule_catalogue() -> RuleCatalogue:
    rules = _shipped_layer().rules
    return RuleCatalogue({rule: tuple(change.options) for rule, change in rules.items()})


@lru_cache(maxsize=1)
def _shipped_policy() -> Policy:
    shipped = _shipped_layer()
    return Policy.of_layers((shipped,), shipped)
