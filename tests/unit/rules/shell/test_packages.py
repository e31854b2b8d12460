from __future__ import annotations

import pytest

from basekeeper.rules.shell.packages import MAX_GLOBS, MAX_PACKAGES, Kept, kept_packages

DEBIAN_IDIOM = """set -eux;
savedAptMark="$(apt-mark showmanual)";
apt-get update;
apt-get install -y --no-install-recommends gcc make libc6-dev;
make;
apt-mark auto '.*' > /dev/null;
[ -z "$savedAptMark" ] || apt-mark manual $savedAptMark;
find /usr/local -type f | xargs -r apt-mark manual;
apt-get purge -y --auto-remove -o APT::AutoRemove::RecommendsImportant=false;
rm -rf /var/lib/apt/lists/*"""

ALPINE_IDIOM = """set -eux; apk add --no-cache --virtual .build-deps gcc musl-dev;
runDeps="$( scanelf --needed --nobanner /usr/local | sort -u )";
apk add --no-network --virtual .redis-rundeps $runDeps; apk del --no-network .build-deps"""


@pytest.mark.parametrize(
    ("script", "kept"),
    [
        ("apt-get update && apt-get install -y gcc git", "gcc git"),
        ("apt-get -qq -y install gcc", "gcc"),
        ("apt install -y -t bookworm-backports gcc", "gcc"),
        ("apt-get install -y -o Dpkg::Use-Pty=0 gcc=4:12 make/a libc6:amd64", "gcc make libc6"),
        ("DEBIAN_FRONTEND=noninteractive apt-get install -y gcc", "gcc"),
        ("sudo -E apt-get install -y gcc", "gcc"),
        ("env A=b /usr/bin/apt-get install -y gcc", "gcc"),
        ("if true; then apt-get install -y gcc; fi", "gcc"),
        ("for i in a b; do apk add make; done", "make"),
        ("! apt-get install -y gcc", "gcc"),
        ("apt-get install -y gcc-{{ .major }} {{ env.more }} make", "gcc-\0 make"),
        ("aptitude install -y gcc", "gcc"),
        ("apt-get install -y ./local.deb gcc", "./local.deb gcc"),
        ("apk add --no-cache gcc>12 'make<5' go@edge", "gcc make go"),
        ("apk --no-cache add gcc", "gcc"),
        ("apk add --update-cache --repository http://x/y gcc", "gcc"),
        ("apk add !foo gcc", "gcc"),
        ("dnf install -y --setopt=install_weak_deps=False gcc && dnf clean all", "gcc"),
        ("yum -y groupinstall 'Development Tools'", "@development-tools"),
        ("dnf group install 'Development Tools' -y", "@development-tools"),
        ("dnf group list", ""),
        ("microdnf install gcc", "gcc"),
        ("tdnf install -y gcc", "gcc"),
        ("zypper --non-interactive in gcc", "gcc"),
        ("pacman -Syu --noconfirm gcc", "gcc"),
        ("pacman -Q gcc", ""),
        ("sh -c 'apt-get install -y gcc'", "gcc"),
        ("bash -euxc 'apt-get install -y gcc'", "gcc"),
        ("bash script.sh apt", ""),
        ('eval "apt-get install -y gcc"', "gcc"),
        ("eval \"eval 'eval apt-get install gcc'\"", ""),
        ("export D='gcc make'; apt-get install -y $D", "gcc make"),
        ("export PATH; echo apt-get install gcc", ""),
        ("echo apt-get install gcc", ""),
        ("apt-get update", ""),
        ("apt-get", ""),
        ("pip install cmake", ""),
    ],
)  # fmt: skip
def test_names_what_is_installed(script: str, kept: str) -> None:
    assert " ".join(kept_packages(script, {}).packages) == kept


@pytest.mark.parametrize(
    "script",
    [
        DEBIAN_IDIOM,
        "apk add --no-cache --virtual .d gcc make && make && apk del .d",
        "apk add --virtual=.d gcc && apk del --purge .d",
        "apk add -t .d gcc && apk del .d",
        "apt-get install -y gcc && apt-get purge -y gcc",
        "apt-get install -y gcc && apt-get remove -y --purge gcc",
        "D='gcc make'; apt-get install -y $D; apt-get purge -y --auto-remove $D",
        "apt-get install -y $DEPS && apt-get purge -y $DEPS",
        "apt-get install -y gcc-12 gcc-13 && apt-get purge -y 'gcc-*'",
        "apt-get install -y gcc && apt-mark auto gcc && apt-get autoremove -y",
        "apt-get install -y gcc && apt-get install -y gcc-",
        "yum install -y gcc && yum remove -y gcc",
        "dnf install -y gcc && dnf history undo -y last",
        "yum groupinstall -y 'Development Tools' && yum groupremove -y 'Development Tools'",
        "zypper in -y gcc && zypper rm -y gcc",
        "pacman -S gcc && pacman -Rns gcc",
    ],
)
def test_what_is_removed_in_the_same_script_is_not_kept(script: str) -> None:
    assert kept_packages(script, {"DEPS": "gcc make"}).packages == ()


def test_what_was_marked_as_needed_again_is_kept() -> None:
    script = (
        "apt-get install -y gcc make && apt-mark auto '.*' && apt-mark manual make"
        " && apt-mark showmanual && apt-mark && apt-get autoremove -y"
    )
    assert kept_packages(script, {}).packages == ("make",)


def test_everything_may_be_marked_as_not_needed_through_xargs() -> None:
    script = (
        "apt-get install -y gcc; apt-get build-dep -y postgresql;"
        " apt-mark showmanual | xargs apt-mark auto > /dev/null; apt-mark manual $saved;"
        " find / | xargs -r apt-mark manual; apt-get purge -y --auto-remove"
    )
    assert kept_packages(script, {}).packages == ()


def test_build_dependencies_count_under_the_name_of_what_they_build() -> None:
    kept = kept_packages("apt-get build-dep -y nginx", {}).packages
    assert kept == ("build dependencies of nginx",)


def test_removing_through_xargs_leaves_a_doubt() -> None:
    assert kept_packages("apk add gcc; cat x | xargs apk del", {}).doubtful
    assert not kept_packages("apk add gcc; cat x | xargs echo apk", {}).doubtful


def test_a_second_virtual_group_is_kept() -> None:
    script = "apk add --virtual .a gcc && apk add --virtual .b libpq && apk del .a"
    assert kept_packages(script, {}).packages == ("libpq",)


def test_names_that_only_a_shell_knows_are_not_guessed() -> None:
    assert kept_packages(ALPINE_IDIOM, {}).packages == ()
    assert kept_packages("apt-get install -y gcc-$V", {}).packages == ("gcc-\0",)


def test_removing_what_cannot_be_read_leaves_a_doubt() -> None:
    kept = kept_packages("apt-get install -y gcc && apt-get purge -y $(cat list)", {})
    assert kept.packages == ("gcc",)
    assert kept.doubtful
    assert not kept_packages("apt-get install -y gcc", {}).doubtful


def test_keeps_no_more_packages_in_mind_than_the_limit() -> None:
    script = "apt-get install " + " ".join(f"p{number}" for number in range(3 * MAX_PACKAGES))
    assert len(kept_packages(script, {}).packages) == MAX_PACKAGES


def test_very_many_patterns_of_names_to_remove_leave_doubt() -> None:
    script = "apk add gcc && apk del" + " 'x*'" * MAX_GLOBS
    assert kept_packages(script, {}) == Kept(("gcc",), doubtful=False)
    assert kept_packages(script + " 'y*'", {}) == Kept(("gcc",), doubtful=True)
