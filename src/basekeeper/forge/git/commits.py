"""Trees and commits, made without a work tree: a base, and what is put in place of parts of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.git.failures import conflict, failed, refused
from basekeeper.values.forge import Tree, TreeEntry, is_oid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from basekeeper.forge.git.mirror import Mirror
    from basekeeper.values.forge import FileChange

MAX_FILE_BYTES: Final = 16 * 1024 * 1024

MAX_ENTRIES: Final = 1_000_000
"""Most entries of a tree that are told; of a larger one the rest is left out, and that is said."""

MAX_COMMIT_BYTES: Final = 1024 * 1024
"""Longest commit, with its message, that is read."""

PLAIN: Final = frozenset({"100644", "100755"})
_OF_TREE: Final = "040000"


class Person(NamedTuple):
    """Who makes commits and records."""

    name: str
    email: str


class CommitFacts(NamedTuple):
    """What a commit says of itself."""

    tree: str
    parents: tuple[str, ...]
    author: str
    """Address alone; likewise the next."""
    committer: str
    seconds: int
    """When it was committed, since 1970; as the committer says."""
    message: str


def read_tree(mirror: Mirror, commit: str) -> Tree:
    """List every entry below a commit, directories too."""
    mirror.need(commit)
    data = mirror.told(["ls-tree", "-r", "-t", "-z", "--full-tree", commit])
    entries: list[TreeEntry] = []
    for record in data.split(b"\0")[:-1]:
        if len(entries) == MAX_ENTRIES:
            return Tree(commit, tuple(entries), is_complete=False)
        head, _, path = record.partition(b"\t")
        mode, _, oid = head.decode("ascii", "replace").split(" ")[:3]
        entries.append(TreeEntry(path.decode("utf-8", "surrogateescape"), mode, oid))
    return Tree(commit, tuple(entries), is_complete=True)


def read_file(mirror: Mirror, oid: str) -> bytes:
    """Read a file; git fetches it where it is not here."""
    size = mirror.git(["cat-file", "-s", oid])
    if size.returncode != 0:
        raise failed(f"{mirror.name}: file {oid[:12]} cannot be read", size)
    if int(size.stdout) > MAX_FILE_BYTES:
        raise refused(f"{mirror.name}: file {oid[:12]} is larger than {MAX_FILE_BYTES} bytes")
    found = mirror.git(["cat-file", "blob", oid])
    if found.returncode != 0:
        raise ForgeError(f"{mirror.name}: {oid[:12]} is no file", ForgeFailure.NOT_FOUND)
    return found.stdout


def read_commit(mirror: Mirror, oid: str) -> CommitFacts:
    """Read a commit that is here."""
    data = mirror.told(["cat-file", "commit", oid])
    if len(data) > MAX_COMMIT_BYTES:
        raise refused(f"{mirror.name}: commit {oid[:12]} is longer than {MAX_COMMIT_BYTES} bytes")
    head, _, message = data.decode("utf-8", "replace").partition("\n\n")
    said: dict[str, list[str]] = {}
    for line in head.split("\n"):
        key, _, value = line.partition(" ")
        said.setdefault(key, []).append(value)
    author, _ = _signature(said.get("author", [""])[0])
    committer, seconds = _signature(said.get("committer", [""])[0])
    tree, parents = said.get("tree", [""])[0], tuple(said.get("parent", ()))
    return CommitFacts(tree, parents, author, committer, seconds, message)


def _signature(text: str) -> tuple[str, int]:
    """Read address and instant of `NAME <ADDRESS> SECONDS ZONE`."""
    who, _, when = text.rpartition("> ")
    seconds = when.partition(" ")[0]
    return who.rpartition("<")[2], int(seconds) if seconds.isdecimal() and len(seconds) < 12 else 0  # noqa: PLR2004  # digits until the year 5138


def write_tree(mirror: Mirror, base: str | None, files: Mapping[str, FileChange]) -> str:
    """Make a tree of another one and what is put in its place, and return its oid.

    Args:
        mirror: Where.
        base: Commit whose tree it is; None: an empty one.
        files: By path.

    Raises:
        ForgeError: REFUSED where a path or a mode is none that we write; CONFLICT where something
            that is no plain file stands there.
    """
    rows = list(_rows(mirror, base, files))
    if base is not None and not rows:
        return read_commit(mirror, base).tree
    mirror.told(["read-tree", "--empty"] if base is None else ["read-tree", base])
    mirror.told(["update-index", "-z", "--index-info"], stdin=b"".join(rows))
    return _oid(mirror.told(["write-tree", "--missing-ok"]))


def write_commit(
    mirror: Mirror, tree: str, parents: tuple[str, ...], text: str, by: tuple[Person, datetime]
) -> str:
    """Make a commit, and return its oid."""
    person, now = by
    when = f"{max(0, int(now.timestamp()))} +0000"
    env = {
        "GIT_AUTHOR_NAME": person.name, "GIT_AUTHOR_EMAIL": person.email, "GIT_AUTHOR_DATE": when,
        "GIT_COMMITTER_NAME": person.name, "GIT_COMMITTER_EMAIL": person.email,
        "GIT_COMMITTER_DATE": when,
    }  # fmt: skip
    above = [part for parent in parents for part in ("-p", parent)]
    message = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace")
    argv = ["-c", "i18n.commitEncoding=UTF-8", "commit-tree", tree, *above, "-F", "-"]
    made = _oid(mirror.told(argv, stdin=message, env=env))
    mirror.keep(made)
    return made


def _rows(mirror: Mirror, base: str | None, files: Mapping[str, FileChange]) -> Iterator[bytes]:
    """Yield what `git update-index` reads."""
    present = {} if base is None else _present(mirror, base)
    for path, change in sorted(files.items()):
        _check_path(mirror, path)
        entry = _entry(mirror, present, path)
        name = path.encode("utf-8", "surrogateescape")
        if change.data is None:
            if entry is not None:
                yield b"0 %s\t%s\0" % (b"0" * len(entry.oid), name)
            continue
        mode = change.mode or ("100644" if entry is None else entry.mode)
        if mode not in PLAIN:
            raise refused(f"{mirror.name}: {path!r:.200} cannot be written with mode {mode!r:.20}")
        oid = _oid(mirror.told(["hash-object", "-w", "--no-filters", "--stdin"], stdin=change.data))
        yield f"{mode} {oid}\t".encode() + name + b"\0"


def _present(mirror: Mirror, base: str) -> dict[str, TreeEntry]:
    tree = read_tree(mirror, base)
    if not tree.is_complete:
        raise refused(f"{mirror.name}: more than {MAX_ENTRIES} files are too many to edit one")
    return {one.path: one for one in tree.entries}


def _check_path(mirror: Mirror, path: str) -> None:
    """Refuse what could leave a checkout, or be git's own there."""
    parts = path.split("/")
    is_bad = any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts)
    if is_bad or "\0" in path:
        raise refused(f"{mirror.name}: {path!r:.200} is no path of a file")


def _entry(mirror: Mirror, present: Mapping[str, TreeEntry], path: str) -> TreeEntry | None:
    """Find a plain file that is to be changed; None where there is nothing yet."""
    parts = path.split("/")
    above = ["/".join(parts[:length]) for length in range(1, len(parts))]
    for one in above:
        found = present.get(one)
        if found is not None and found.mode != _OF_TREE:
            raise _in_the_way(mirror, path, one, found.mode)
    entry = present.get(path)
    if entry is not None and not entry.is_file:
        raise _in_the_way(mirror, path, path, entry.mode)
    return entry


def _in_the_way(mirror: Mirror, path: str, where: str, mode: str) -> ForgeError:
    kinds = {"120000": "a symbolic link", "160000": "a submodule", _OF_TREE: "a directory"}
    kind = kinds.get(mode, "a file")
    return conflict(
        f"{mirror.name}: {path!r:.200} cannot be written, as {where!r:.200} is {kind}",
        "leave it out; nothing that is no plain file is ever replaced",
    )


def _oid(data: bytes) -> str:
    text = data.decode("ascii", "replace").strip()
    if not is_oid(text):
        raise refused(f"git answered {text!r:.80} in the place of an object")
    return text
