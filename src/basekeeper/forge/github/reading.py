"""Repositories, trees and files."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Final

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.github.client import PAGE, path
from basekeeper.forge.github.documents import refused
from basekeeper.values.forge import MergeMethod, RepositoryInfo, RepositoryRef, Tree, TreeEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.forge.github.client import Client
    from basekeeper.forge.github.documents import Node

MAX_FILE_BYTES: Final = 16 * 1024 * 1024

MAX_REPOSITORIES: Final = 100_000
"""Most repositories of one owner: what GitHub allows an organisation."""

_FIELDS: Final = """
fragment Told on Repository {
  id nameWithOwner isArchived isFork isPrivate autoMergeAllowed
  mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed viewerPermission
  defaultBranchRef { name target { oid } }
}
"""
ONE: Final = f"""
query One($owner: String!, $name: String!) {{
  repository(owner: $owner, name: $name) {{ ...Told }}
}}
{_FIELDS}"""
ALL: Final = f"""
query All($owner: String!, $first: Int!, $after: String) {{
  repositoryOwner(login: $owner) {{
    repositories(first: $first, after: $after, ownerAffiliations: [OWNER]) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ ...Told }}
    }}
  }}
}}
{_FIELDS}"""

_METHODS: Final = {
    MergeMethod.MERGE: "mergeCommitAllowed",
    MergeMethod.SQUASH: "squashMergeAllowed",
    MergeMethod.REBASE: "rebaseMergeAllowed",
}
_HASHES: Final = {40: hashlib.sha1, 64: hashlib.sha256}


def repo(ref: RepositoryRef, *parts: str | int) -> str:
    """Build a path below a repository."""
    return path("repos", ref.owner, ref.name, *parts)


def read_repository(client: Client, ref: RepositoryRef) -> RepositoryInfo:
    """Tell about a repository, under its present name."""
    data = client.graphql(ONE, {"owner": ref.owner, "name": ref.name})
    node = data.maybe_node("repository")
    if node is None:
        raise _missing(str(ref))
    found = _info(node)
    if str(found.ref).lower() != str(ref).lower():
        client.tell(f"{ref} is called {found.ref} now: correct the name")
    return found


def read_repositories(client: Client, owner: str) -> Iterator[RepositoryInfo]:
    """Return all repositories of an owner, a hundred a request."""
    after, seen = None, 0
    while True:
        data = client.graphql(ALL, {"owner": owner, "first": PAGE, "after": after})
        holder = data.maybe_node("repositoryOwner")
        if holder is None:
            raise _missing(owner)
        connection = holder.node("repositories")
        for node in connection.nodes("nodes"):
            seen += 1
            yield _info(node)
        page = connection.node("pageInfo")
        if not page.flag("hasNextPage"):
            return
        following = page.text("endCursor")
        if following == after or seen > MAX_REPOSITORIES:
            raise refused(owner, "the list of repositories has no end")
        after = following


def _missing(name: str) -> ForgeError:
    return ForgeError(
        f"{name}: not found, or the token may not see it",
        ForgeFailure.NOT_FOUND,
        hint="check the name, and what the token may see",
    )


def _info(node: Node) -> RepositoryInfo:
    branch = node.maybe_node("defaultBranchRef")
    target = None if branch is None else branch.maybe_node("target")
    try:
        ref = RepositoryRef.parse(node.text("nameWithOwner"))
    except ValueError as error:
        raise refused(node.what, str(error)) from None
    return RepositoryInfo(
        ref=ref,
        id=node.text("id"),
        default_branch=None if branch is None else branch.text("name"),
        head=None if target is None else target.oid("oid"),
        is_archived=node.flag("isArchived"),
        is_fork=node.flag("isFork"),
        is_private=node.flag("isPrivate"),
        allows_auto_merge=node.flag("autoMergeAllowed"),
        merge_methods=frozenset(name for name, key in _METHODS.items() if node.flag(key)),
        permission=(node.maybe_text("viewerPermission") or "none").lower(),
    )


def read_tree(client: Client, ref: RepositoryRef, commit: str) -> Tree:
    """List every entry of a commit; one that was listed whole before costs no request."""
    key = f"tree:{ref}:{commit}"
    known = _kept_entries(client.known(key))
    if known is not None:
        return Tree(commit, known, is_complete=True)
    found = client.get(repo(ref, "git", "trees", commit), {"recursive": 1}).node
    entries = tuple(_entry(one) for one in found.nodes("tree"))
    is_complete = not found.flag("truncated")
    if is_complete:
        rows = [[one.path, one.mode, one.oid, one.size] for one in entries]
        client.keep(key, json.dumps(rows).encode())
    return Tree(commit, entries, is_complete)


def _kept_entries(data: bytes | None) -> tuple[TreeEntry, ...] | None:
    """Read entries that were kept; None where there are none that can be read."""
    try:
        return None if data is None else tuple(TreeEntry(*row) for row in json.loads(data))
    except (ValueError, TypeError):
        return None


def find_entry(client: Client, ref: RepositoryRef, commit: str, where: str) -> TreeEntry | None:
    """Find one entry of a commit, also where its whole tree is too large to be told."""
    tree = read_tree(client, ref, commit)
    for entry in tree.entries:
        if entry.path == where:
            return entry
    return None if tree.is_complete else _walked(client, ref, commit, where)


def _walked(client: Client, ref: RepositoryRef, commit: str, where: str) -> TreeEntry | None:
    """Go from directory to directory."""
    oid, found = commit, None
    for part in where.split("/"):
        node = client.get(repo(ref, "git", "trees", oid)).node
        if node.flag("truncated"):
            raise refused(node.what, "a single directory is too large to be told")
        found = next((one for one in map(_entry, node.nodes("tree")) if one.path == part), None)
        if found is None:
            return None
        oid = found.oid
    return None if found is None else TreeEntry(where, found.mode, found.oid, found.size)


def _entry(node: Node) -> TreeEntry:
    size = node.value.get("size")
    return TreeEntry(
        node.text("path"), node.text("mode"), node.oid("sha"), size if type(size) is int else None
    )


def read_file(client: Client, ref: RepositoryRef, oid: str) -> bytes:
    """Read a file by its oid, and verify it; one that was read before costs no request."""
    key = f"blob:{ref}:{oid}"
    known = client.known(key)
    if known is not None and _oid_of(known, oid) == oid:
        return known
    node = client.get(repo(ref, "git", "blobs", oid)).node
    if node.number("size") > MAX_FILE_BYTES:
        raise refused(node.what, f"the file is larger than {MAX_FILE_BYTES} bytes")
    data = decoded(node)
    if _oid_of(data, oid) != oid:
        raise refused(node.what, "the content does not have that oid")
    client.keep(key, data)
    return data


def decoded(node: Node) -> bytes:
    """Read the content of a file out of an answer."""
    if node.text("encoding") != "base64":
        raise refused(node.what, "the content comes in an unknown form")
    try:
        return base64.b64decode(node.text("content"))
    except (binascii.Error, ValueError):
        raise refused(node.what, "the content is no Base64") from None


def _oid_of(data: bytes, like: str) -> str:
    """Hash a file as git does, with the algorithm of another oid."""
    return _HASHES[len(like)](b"blob %d\0" % len(data) + data).hexdigest()
