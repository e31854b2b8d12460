from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from basekeeper.errors import InputError, InvalidReference
from basekeeper.tags.choose import choose_updates
from basekeeper.tags.updates import TagFacts, UpdateRules, Updates
from basekeeper.values.finding import Truth

NOW = datetime(2026, 11, 23, 21, tzinfo=UTC)


def choose(repository: str, current: str, available: str, **options: object) -> Updates:
    """Choose with the current tag on the list."""
    now = options.pop("now", NOW)
    assert isinstance(now, datetime)
    rules = UpdateRules(**options)  # type: ignore[arg-type]
    tags = [current, *available.split()]
    return choose_updates(repository, current, tags, now, rules=rules)


def sizes(updates: Updates) -> dict[str, str]:
    """What was found on the main axis."""
    return {one.kind: one.tag or "" for one in updates.choices if one}


def moves(updates: Updates) -> dict[str, str]:
    """What was found on other axes."""
    return {one.axis: one.repository or one.tag or "" for one in updates.moves}


@pytest.mark.parametrize(
    ("repository", "current", "available", "expected"),
    [
        # each size has its own answer
        (
            "python",
            "3.12.4-slim",
            "3.12.11-slim 3.13.1-slim 3.14.2-slim 4.0.0-slim 3.11.9-slim",
            {"patch": "3.12.11-slim", "minor": "3.14.2-slim", "major": "4.0.0-slim"},
        ),
        # numbers, not text
        ("x/y", "1.9", "1.10 1.8", {"minor": "1.10"}),
        ("x/y", "18.1", "18.04", {"minor": "18.04"}),
        # precision is kept
        ("python", "3.12", "3.13.1 3.14 3", {"minor": "3.14"}),
        ("x/y", "1", "1.5 2 2.1", {"major": "2"}),
        # all other characters are kept
        (
            "python",
            "3.12-slim",
            "3.14 3.14-alpine 3.14-slim-trixie 3.13-slim",
            {"minor": "3.13-slim"},
        ),
        ("x/y", "v1.2.3", "1.2.9 v1.2.4", {"patch": "v1.2.4"}),
        ("x/y", "1.2.3-amd64", "1.2.9-arm64 1.2.4-amd64 1.2.9", {"patch": "1.2.4-amd64"}),
        ("x/y", "1.2.3", "1.2.4-enterprise", {}),
        # one axis at a time
        ("maven", "3.9.6-eclipse-temurin-21", "3.9.9-eclipse-temurin-25", {}),
        ("python", "3.12.4-bookworm", "3.12.11-trixie", {}),
        # prereleases
        ("python", "3.14.0", "3.15.0rc1 3.15.0a1", {}),
        ("python", "3.15.0a1", "3.15.0b2 3.15.0rc2 3.15.0rc10", {"patch": "3.15.0rc10"}),
        ("python", "3.15.0rc2", "3.15.0rc10 3.15.0 3.16.0a1", {"patch": "3.15.0"}),
        ("maven", "4.0.0-beta-3", "4.0.0-rc-5 4.1.0-rc-1", {"patch": "4.0.0-rc-5"}),
        ("x/y", "2.0-M9", "2.0-M10 2.0-alpha1", {"patch": "2.0-M10"}),
        ("openjdk", "28-ea-9", "28-ea-11 28-ea 29-ea-1", {"patch": "28-ea-11"}),
        # builds
        (
            "eclipse-temurin",
            "21.0.5_8-jdk",
            "21.0.5_11-jdk 21.0.5_9-jdk",
            {"patch": "21.0.5_11-jdk"},
        ),
        (
            "eclipse-temurin",
            "8u452-b09-jdk",
            "8u462-b08-jdk 8u452-b10-jdk 25.0.1_8-jdk",
            {"patch": "8u462-b08-jdk", "major": "25.0.1_8-jdk"},
        ),
        ("eclipse-temurin", "21_35-jdk", "21.0.5_11-jdk 21-jdk", {"patch": "21.0.5_11-jdk"}),
        (
            "registry.access.redhat.com/ubi9/ubi",
            "9.4-1194",
            "9.4-1227.1725849298 9.5 9.5-1730489303",
            {"patch": "9.4-1227.1725849298", "minor": "9.5-1730489303"},
        ),
        ("x/y", "3.4.1-r2", "3.4.1-r10 3.4.1-2", {"patch": "3.4.1-r10"}),
        # dates are builds of the release beside them
        (
            "debian",
            "bookworm-20240701-slim",
            "bookworm-20260803-slim bookworm-20240601-slim trixie-20260803-slim trixie-slim",
            {"patch": "bookworm-20260803-slim", "major": "trixie-20260803-slim"},
        ),
        ("ubuntu", "jammy-20240627.1", "jammy-20240808 24.04", {"patch": "jammy-20240808"}),
        ("debian", "bookworm-20260803", "trixie-20240701", {}),
        # revisions count anew for each version
        (
            "bitnami/redis",
            "7.2.4-debian-12-r9",
            "7.2.4-debian-12-r12 7.2.5-debian-12-r0 7.2.5-debian-12-r3 7.2.4-debian-12-r8",
            {"patch": "7.2.5-debian-12-r3"},
        ),
        (
            "bitnami/redis",
            "7.2.4-debian-12-r9",
            "7.2.4-debian-12-r12",
            {"patch": "7.2.4-debian-12-r12"},
        ),
        ("bitnami/redis", "7.2.4-debian-12-r9", "7.2.4-debian-12-r8", {}),
        # real mistakes of others
        ("maven", "3.9.9-eclipse-temurin-21-alpine", "3.9.15-eclipse-temurin-26-alpine", {}),
        ("python", "3.12.4-windowsservercore-ltsc2022", "3.15.0rc1-windowsservercore-ltsc2022", {}),
        ("php", "8.5.10RC1-fpm", "8.6.0beta1-fpm 8.5.10RC2-fpm", {"patch": "8.5.10RC2-fpm"}),
        ("x/y", "17-alpine", "17.2-bookworm 18-bookworm", {}),
        (
            "x/y",
            "jdk-11.0.2.9-alpine-slim",
            "jdk-11.0.3.1-slim-alpine jdk-11.0.3.7-alpine-slim",
            {"patch": "jdk-11.0.3.7-alpine-slim"},
        ),
        (
            "x/y",
            "3.10-master-999",
            "3.10-master-1000 3.11-master-999",
            {"minor": "3.11-master-999"},
        ),
        ("x/y", "2024.1", "20250101 2024.2", {"minor": "2024.2"}),
        ("postgis/postgis", "17-3.4", "17-3.5 18-3.6", {"minor": "17-3.5", "major": "18-3.6"}),
        (
            "mcr.microsoft.com/devcontainers/python",
            "1-3.12-bookworm",
            "1-3.14-bookworm 1-4.0-bookworm",
            {"minor": "1-3.14-bookworm", "major": "1-4.0-bookworm"},
        ),
        ("x/y", "1.24-3.1736", "1.24-3.1745", {"patch": "1.24-3.1745"}),
        ("amazonlinux", "2", "2023", {"major": "2023"}),
        # Windows: update numbers, releases
        (
            "mcr.microsoft.com/windows/servercore",
            "ltsc2019-KB5034129",
            "ltsc2019-KB5034200 ltsc2022-KB5034439 ltsc2022",
            {"patch": "ltsc2019-KB5034200", "major": "ltsc2022-KB5034439"},
        ),
        (
            "mcr.microsoft.com/windows/servercore",
            "10.0.17763.2000",
            "10.0.17763.2100 10.0.20348.1",
            {"patch": "10.0.17763.2100"},
        ),
        # LTS and stable channels
        ("node", "22-slim", "24-slim 25-slim 26-slim", {"major": "26-slim"}),
        ("node", "25-slim", "26-slim 24-slim", {"major": "26-slim"}),
        ("mysql", "8.4", "9.6 9.7 26.7", {"major": "9.7"}),
        ("mysql", "9.7.2", "26.7.0 9.7.3", {"patch": "9.7.3"}),
        ("mysql", "8", "9 26", {"major": "9"}),
        ("eclipse-temurin", "17-jre", "21-jre 24-jre 25-jre 26-jre", {"major": "25-jre"}),
        ("mcr.microsoft.com/dotnet/sdk", "8.0", "9.0 10.0", {"major": "10.0"}),
        ("nginx", "1.28.1", "1.29.4 1.30.2 1.31.4", {"minor": "1.30.2"}),
        ("nginx", "1.29.1", "1.30.2 1.31.4", {"minor": "1.31.4"}),
        ("ubuntu", "22.04", "24.04 25.10 26.04 26.10", {"major": "26.04"}),
        ("ubuntu", "jammy", "noble questing plucky", {"major": "noble"}),
        ("ubuntu", "25.04", "25.10 26.04", {"major": "26.04"}),
        # a distribution's release that the calendar does not know may not be out
        ("fedora", "41", "44 45 46", {"major": "44"}),
        # codenames
        (
            "debian",
            "bookworm-slim",
            "trixie-slim forky-slim trixie 13-slim",
            {"major": "trixie-slim"},
        ),
        # a dead line is left for a supported one first
        ("python", "3.8", "3.9 3.14 3.13", {"minor": "3.14"}),
        ("node", "26-slim", "24-slim 22-slim 18-slim", {}),
        ("alpine", "3.22", "3.21 3.20", {}),
        ("php", "7.2", "7.3 7.4", {"minor": "7.4"}),
        # builds with a word: LinuxServer, SQL Server
        (
            "lscr.io/linuxserver/sonarr",
            "4.0.9.2244-ls255",
            "4.0.9.2244-ls260 4.0.10.2544-ls261 5.14-ls2",
            {"patch": "4.0.10.2544-ls261"},
        ),
        (
            "mcr.microsoft.com/mssql/server",
            "2022-CU14-ubuntu-22.04",
            "2022-CU15-ubuntu-22.04 2022-CU9-ubuntu-22.04 2025-CU1-ubuntu-24.04 2022-latest",
            {"patch": "2022-CU15-ubuntu-22.04"},
        ),
        ("mcr.microsoft.com/mssql/server", "2022-latest", "2025-latest", {"major": "2025-latest"}),
        ("rancher/k3s", "v1.28.3-k3s2", "v1.28.15-k3s1", {"patch": "v1.28.15-k3s1"}),
        # a commit behind a version says nothing of its form
        (
            "jenkins/inbound-agent",
            "3192.v713e3b_039fb_e-1",
            "3341.v0766d82b_dec0-1 3192.v713e3b_039fb_e-5",
            {"patch": "3192.v713e3b_039fb_e-5", "major": "3341.v0766d82b_dec0-1"},
        ),
        # security builds stand between a version and the next
        ("grafana/grafana", "11.2.0", "11.2.2 11.2.2-security-01", {"patch": "11.2.2-security-01"}),
        (
            "grafana/grafana",
            "11.2.2-security-01",
            "11.2.2 11.2.2-security-02 11.2.1-security-09",
            {"patch": "11.2.2-security-02"},
        ),
        ("grafana/grafana", "11.2.2-security-01", "11.2.3", {"patch": "11.2.3"}),
        # a system in front of the application's version
        (
            "denoland/deno",
            "alpine-1.38.0",
            "alpine-1.46.3 alpine-2.5.6 debian-2.5.6",
            {"minor": "alpine-1.46.3", "major": "alpine-2.5.6"},
        ),
        # images of development containers count themselves before the product
        (
            "mcr.microsoft.com/devcontainers/typescript-node",
            "1-20-bookworm",
            "1-24-bookworm 4-24-bookworm 4-20-bookworm",
            {"major": "1-24-bookworm"},
        ),
        # codenames of Node.js
        ("node", "iron-slim", "jod-slim krypton-slim krypton", {"major": "krypton-slim"}),
        ("node", "krypton", "jod iron", {}),
        # a build of Windows and the release that it belongs to
        (
            "mcr.microsoft.com/windows/nanoserver",
            "1809",
            "ltsc2022 ltsc2025 1809-KB5034439",
            {"major": "ltsc2025"},
        ),
        # odd minors of Perl, SWI-Prolog and nginx are development lines
        ("perl", "5.44.0", "5.45.2 5.46.0 5.47.1", {"minor": "5.46.0"}),
        ("perl", "5.43.1", "5.45.2", {"minor": "5.45.2"}),
        ("swipl", "10.0.2", "10.1.13", {}),
        # the LTS lines of Java are the same for vendors without a calendar
        ("ibm-semeru-runtimes", "open-17-jre", "open-25-jre open-26-jre", {"major": "open-25-jre"}),
        # numbers of buildpack-deps are releases of Ubuntu
        ("buildpack-deps", "22.04-curl", "26.04-curl 26.10-curl", {"major": "26.04-curl"}),
        # a second version keeps its precision, a count of builds need not
        ("pypy", "3.11-7.3", "3.11-7.3.23 3.11-7.4", {"minor": "3.11-7.4"}),
        ("x/y", "1-25", "1-72 1-72.1724040033", {"patch": "1-72.1724040033"}),
        # other schemes of counting that a repository kept or began
        ("lscr.io/linuxserver/calibre-web", "0.6.24", "2021.12.16 0.6.25", {"patch": "0.6.25"}),
        ("x/y", "7", "8 20231 1706543210", {"major": "8"}),
        ("x/y", "999", "1000", {"major": "1000"}),
        # names that cannot be ordered
        ("x/y", "1.2.3-gd53f375", "1.2.4-gaaaaaa1", {}),
        ("x/y", "d53f3751", "d53f3752 53f37521", {}),
        ("python", "latest", "3.14 3.14.2", {}),
    ],
)
def test_best_tag_of_each_size(
    repository: str, current: str, available: str, expected: dict[str, str]
) -> None:
    assert sizes(choose(repository, current, available)) == expected


SEMERU = {"runtime": "3.9-ibm-semeru-25"}
MINIO = "RELEASE.2023-11-20T22-40-07Z"
NEW_MINIO = {"build": "RELEASE.2024-07-16T23-46-41Z"}


@pytest.mark.parametrize(
    ("repository", "current", "available", "expected"),
    [
        ("python", "3.12-bookworm", "3.12-trixie 3.12-bullseye", {"os": "3.12-trixie"}),
        ("python", "3.12-alpine3.20", "3.12-alpine3.24", {"os": "3.12-alpine3.24"}),
        (
            "eclipse-temurin",
            "21-jre-alpine-3.21",
            "21-jre-alpine-3.23",
            {"os": "21-jre-alpine-3.23"},
        ),
        ("eclipse-temurin", "21-jre-jammy", "21-jre-noble 21-jre-trixie", {"os": "21-jre-noble"}),
        ("x/y", "1-ubuntu22.04", "1-ubuntu24.04 1-ubuntu25.10", {"os": "1-ubuntu24.04"}),
        ("x/y", "1-ubi9", "1-ubi10 1-ubi8", {"os": "1-ubi10"}),
        (
            "golang",
            "1.26-windowsservercore-ltsc2022",
            "1.26-windowsservercore-ltsc2025 1.26-nanoserver-ltsc2025",
            {"os": "1.26-windowsservercore-ltsc2025"},
        ),
        (
            "golang",
            "1.26-windowsservercore-1809",
            "1.26-windowsservercore-ltsc2022",
            {"os": "1.26-windowsservercore-ltsc2022"},
        ),
        (
            "maven",
            "3.9-eclipse-temurin-21",
            "3.9-eclipse-temurin-25 3.9-eclipse-temurin-26 3.9-amazoncorretto-25",
            {"runtime": "3.9-eclipse-temurin-25"},
        ),
        ("maven", "3.9-ibm-semeru-17", "3.9-ibm-semeru-25 3.9-ibm-semeru-26", SEMERU),
        ("wordpress", "7-php8.3-fpm", "7-php8.5-fpm 7-php8.5-apache", {"runtime": "7-php8.5-fpm"}),
        ("node", "lts-alpine3.22", "lts-alpine3.24 24-alpine3.24", {"os": "lts-alpine3.24"}),
        ("amazoncorretto", "21-al2", "21-al2023", {"os": "21-al2023"}),
        (
            "x/y",
            "12.4.1-cudnn8-devel-ubuntu22.04",
            "12.4.1-cudnn9-devel-ubuntu22.04",
            {"runtime": "12.4.1-cudnn9-devel-ubuntu22.04"},
        ),
        ("alpine", "20240901", "20260805 3.24", {"build": "20260805"}),
        ("minio/minio", MINIO, f"{MINIO[:11]}4-07-16T23-46-41Z {MINIO}-cpuv1", NEW_MINIO),
        ("x/y", "2024-01-05", "2024-06-05 2023-12-31 2024-06-05-slim", {"build": "2024-06-05"}),
        (
            "mcr.microsoft.com/devcontainers/python",
            "1-3.12-bookworm",
            "3-3.12-bookworm 3-3.14-bookworm",
            {"runtime": "3-3.12-bookworm"},
        ),
        (
            "x/y",
            "20231203-230414-gd53f375",
            "20231204-000000-gd53f375",
            {"build": "20231204-000000-gd53f375"},
        ),
        ("x/y", "20231203-230414", "20231203-000000", {}),
        ("python", "3.12-bookworm", "3.13-trixie", {}),
    ],
)
def test_moves_on_other_axes(
    repository: str, current: str, available: str, expected: dict[str, str]
) -> None:
    assert moves(choose(repository, current, available)) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-10-27", "24"), ("2026-10-28", "26"), ("2025-10-27", "22"), ("2025-10-28", "24")],
)
def test_node_is_lts_from_its_october(day: str, expected: str) -> None:
    now = datetime.fromisoformat(day).replace(tzinfo=UTC)
    updates = choose("node", "20", "22 23 24 25 26", now=now)
    assert updates.major.tag == expected


def test_stable_channel_takes_every_released_line() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert choose("node", "22", "24 26", now=now, channel="stable").major.tag == "26"
    assert choose("node", "22", "24 26", now=now).major.tag == "24"


def test_a_line_in_use_goes_on_though_it_is_no_lts_line() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert sizes(choose("node", "26.1.0", "26.3.1 26.1.4", now=now)) == {
        "patch": "26.1.4",
        "minor": "26.3.1",
    }
    assert sizes(choose("mysql", "26.7.0", "26.7.1 26.10.0")) == {
        "patch": "26.7.1",
        "minor": "26.10.0",
    }


def test_names_with_versions_are_replaced() -> None:
    updates = choose("gcr.io/distroless/nodejs22-debian12", "nonroot", "latest")
    assert [(one.kind, one.axis, one.repository, one.tag) for one in updates.moves] == [
        ("name", "os", "gcr.io/distroless/nodejs22-debian13", "nonroot")
    ]
    newer = choose("gcr.io/distroless/nodejs22-debian13", "nonroot", "latest").moves
    assert [(one.axis, one.repository) for one in newer] == [
        ("runtime", "gcr.io/distroless/nodejs26-debian13")
    ]
    ubi = choose("registry.access.redhat.com/ubi9/ubi-minimal", "9.4", "").moves
    assert [(one.repository, one.tag) for one in ubi] == [
        ("registry.access.redhat.com/ubi10/ubi-minimal", None)
    ]


@pytest.mark.parametrize(
    ("current", "available", "is_frozen"),
    [
        ("3.12.4-bullseye", "3.12.11-bookworm 3.12.4-bookworm", True),
        ("3.12.4-bullseye", "3.12.11-bookworm 3.12.11-bullseye", False),
        ("3.12-bullseye", "3.12.4-bullseye 3.12.11-bookworm", True),
        ("3.12-bullseye", "3.12-bookworm 3.13-bookworm", False),
        ("3.12.4-trixie", "3.12.11-bookworm", False),
        ("3.12.4-bullseye", "3.13.0-bookworm", False),
        ("3.12.4-bullseye", "3.12.11rc1-bookworm", False),
        ("3.12.4-alpine3.18", "3.12.11-alpine3.24", True),
        ("3.12.4-slim-bullseye", "3.12.11-bookworm", False),
        ("3.12.4", "3.12.11-bookworm", False),
    ],
)
def test_frozen_suffix(current: str, available: str, *, is_frozen: bool) -> None:
    assert ("suffix_frozen" in choose("python", current, available).flags) is is_frozen


def test_frozen_suffix_comes_with_the_move_and_says_what_exists() -> None:
    updates = choose("python", "3.12.4-bullseye", "3.12.4-bookworm 3.12.11-bookworm")
    assert moves(updates) == {"os": "3.12.4-bookworm"}
    assert updates.flags["suffix_frozen"] == (
        "nothing newer than 3.12.4-bullseye is built for bullseye; 3.12.11-bookworm exists"
    )


def test_vanished_tag_is_reported_and_never_led_back() -> None:
    updates = choose_updates("python", "3.14.9", ["3.14.7", "3.13.1"], NOW)
    assert sizes(updates) == {}
    assert updates.flags["vanished"] == "3.14.9 is missing from the complete list of tags"


def test_incomplete_list_is_never_up_to_date() -> None:
    updates = choose_updates("python", "3.14.7", ["3.14.7", "3.13.1"], NOW, complete=False)
    assert updates.patch.value is Truth.UNKNOWN
    assert "not complete" in updates.patch.reason
    assert set(updates.flags) == {"incomplete"}
    found = choose_updates("python", "3.14.1", ["3.14.7"], NOW, complete=False).patch
    assert (found.value, found.tag) == (Truth.YES, "3.14.7")
    assert "a newer one may exist" in found.reason
    whole = choose_updates("python", "3.14.7", ["3.14.7", "3.13.1"], NOW)
    assert (whole.patch.value, whole.complete) == (Truth.NO, True)


def test_empty_list_tells_nothing() -> None:
    updates = choose_updates("python", "3.14.7", [], NOW)
    assert {one.value for one in (updates.patch, updates.minor, updates.major)} == {Truth.UNKNOWN}
    assert not updates.complete
    assert set(updates.flags) == {"incomplete"}


def test_deprecated_repository_names_its_replacement() -> None:
    updates = choose("openjdk", "17-jdk", "")
    assert updates.replacement == "eclipse-temurin"
    assert "use eclipse-temurin" in updates.flags["deprecated"]
    assert "deprecated" not in choose("openjdk", "28-ea-jdk", "").flags
    early = choose("openjdk", "17-jdk", "", now=datetime(2022, 1, 1, tzinfo=UTC))
    assert "deprecated" not in early.flags


def test_dead_lines_are_flagged() -> None:
    assert choose("python", "3.14-trixie", "").flags == {}
    flags = choose("python", "3.8-bullseye", "").flags
    application, system = flags["unsupported"].split("; ")
    assert application.startswith("Python 3.8: support ended on")
    assert system.startswith("Debian 11: support ended on")


def test_calendar_days_are_in_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    now = datetime(2026, 10, 28, 8, tzinfo=tokyo)
    assert choose("node", "22", "24 26", now=now).major.tag == "24"
    assert choose("node", "22", "24 26", now=now + timedelta(hours=1)).major.tag == "26"


def test_reason_names_the_newest_tag_that_was_left_out() -> None:
    assert choose("mysql", "9.7", "26.7").major.reason == (
        "no newer major than 9.7; 26.7 is left out: 26.7 is not known to be an LTS line"
    )
    reason = choose("eclipse-temurin", "17-jre", "21-jre 26-jre").major.reason
    assert reason.startswith("21 is the newest major above 17; 26-jre is left out: ")


def test_a_final_release_that_was_left_out_tells_more_than_a_prerelease() -> None:
    reason = choose("haproxy", "2.8", "3.2 3.3 3.4-dev").major.reason
    assert reason.endswith("3.3 is left out: 3.3 is no LTS line")


@pytest.mark.parametrize(
    ("available", "value"),
    [
        ("1.3-foo4bar4", Truth.UNKNOWN),
        ("1.1-foo2bar4", Truth.NO),
        ("1.3-foo4", Truth.NO),
        ("1.3-foo3bar4", Truth.YES),
    ],
)
def test_higher_numbers_without_an_order_leave_the_answer_open(
    available: str, value: Truth
) -> None:
    found = choose("x/y", "1.2-foo3bar4", available).minor
    assert found.value is value
    assert ("cannot be told" in found.reason) is (value is Truth.UNKNOWN)


def test_another_scheme_is_open_unless_its_tags_are_known_to_be_older() -> None:
    old, new = NOW - timedelta(days=900), NOW - timedelta(days=90)
    for pushed, value in ((None, Truth.UNKNOWN), (old, Truth.NO), (NOW, Truth.UNKNOWN)):
        tags = [TagFacts("0.6.24", pushed=new), TagFacts("2021.12.16", pushed=pushed)]
        assert choose_updates("x/y", "0.6.24", tags, NOW).major.value is value


def test_prerelease_behind_the_name_of_its_line_is_left_out() -> None:
    digest, other = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
    tags = [TagFacts("5.0"), TagFacts("6.0", digest), TagFacts("6.0-alpha2", digest)]
    masked = choose_updates("cassandra", "5.0", tags, NOW).major
    assert masked.value is Truth.NO
    assert masked.reason.endswith("6.0 is left out: it stands for 6.0-alpha2, a prerelease")
    early = choose_updates("cassandra", "6.0-alpha1", [*tags, TagFacts("6.0-alpha1")], NOW)
    assert early.patch.tag == "6.0-alpha2"
    out = [TagFacts("5.0"), TagFacts("6.0", other), TagFacts("6.0-alpha2", digest)]
    assert choose_updates("cassandra", "5.0", out, NOW).major.tag == "6.0"
    rules = UpdateRules(allow_prerelease=True)
    assert choose_updates("cassandra", "5.0", tags, NOW, rules=rules).major.tag == "6.0"


def test_without_digests_the_publishers_list_tells_of_prereleases_for_what_it_is_worth() -> None:
    found = choose("haxe", "4.3.7", "5.0.0 5.0.0-preview.1").major
    assert found.value is Truth.UNKNOWN
    assert "5.0.0 is left out: it stands for 5.0.0-preview.1" in found.reason


def test_order_does_not_decide_which_version_a_reason_names() -> None:
    tags = ["1.0.0.1", "9.1.0.1", "9.1.0.2", "9.1.0.3"]
    one = choose_updates("mysql", "8.4.0.1", tags, NOW)
    assert one == choose_updates("mysql", "8.4.0.1", tags[::-1], NOW)


def test_line_without_data_leaves_the_answer_open() -> None:
    assert choose("mysql", "9.7", "26.7").major.value is Truth.UNKNOWN
    assert choose("eclipse-temurin", "25-jre", "26-jre").major.value is Truth.NO
    assert choose("alpine", "3.24", "3.99").minor.value is Truth.UNKNOWN


@pytest.mark.parametrize("tag", ["latest", "alpine", "lts-slim"])
def test_floating_tags_cannot_be_compared(tag: str) -> None:
    updates = choose("node", tag, "24 24-alpine")
    assert updates.major.value is Truth.UNKNOWN
    assert updates.major.reason == f"{tag} names no version, so what is newer cannot be told"


def test_rules_narrow_the_choice() -> None:
    tags = "3.12.11 3.13.9 3.14.2 3.14.1"
    assert choose("python", "3.12.4", tags, allowed=">=3.10,<3.14").minor.tag == "3.13.9"
    assert choose("python", "3.12.4", tags, ignored=frozenset({"3.14"})).minor.tag == "3.13.9"
    assert choose("python", "3.12.4", tags, ignored=frozenset({"3.14.2"})).minor.tag == "3.14.1"
    only = choose("python", "3.12.4", tags, kinds=frozenset({"patch"}))
    assert sizes(only) == {"patch": "3.12.11"}
    assert only.minor.reason == "the rules do not ask for minor updates"
    loose = choose("python", "3.14.2", "3.15.0rc1", allow_prerelease=True)
    assert loose.minor.tag == "3.15.0rc1"


def test_needed_platforms_leave_out_tags_that_lack_them() -> None:
    tags: list[str | TagFacts] = [
        "1.0",
        TagFacts("1.1", platforms=("linux/amd64", "linux/arm64")),
        TagFacts("1.2", platforms=("linux/amd64",)),
    ]
    rules = UpdateRules(platforms=frozenset({"linux/arm64"}))
    found = choose_updates("x/y", "1.0", tags, NOW, rules=rules).minor
    assert found.tag == "1.1"
    assert found.reason.endswith("1.2 is left out: it lacks linux/arm64")


@pytest.mark.parametrize(
    ("rules", "match"),
    [
        ({"channel": "edge"}, "channel: 'edge' is unknown"),
        ({"pinning": "none"}, "pinning: 'none' is unknown"),
        ({"kinds": frozenset({"huge"})}, "kinds: 'huge' is unknown"),
        ({"minimum_age": timedelta(-1)}, "minimum_age is negative"),
        ({"allowed": "~>3"}, "no range of versions"),
        ({"allowed": "," * 20}, "no range of versions"),
    ],
)
def test_wrong_rules_are_refused(rules: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        UpdateRules(**rules)  # type: ignore[arg-type]


def test_what_is_no_reference_is_refused() -> None:
    with pytest.raises(InvalidReference, match="cannot stand"):
        choose_updates("python", "3.12 x", [], NOW)
    with pytest.raises(InvalidReference, match="is upper case"):
        choose_updates("acme/Python", "3.12", [], NOW)


def test_times_without_zone_are_in_utc() -> None:
    pushed = NOW.replace(tzinfo=None) - timedelta(days=7)
    tags = [TagFacts("1.1", pushed=pushed)]
    rules = UpdateRules(minimum_age=timedelta(days=7))
    for now in (NOW, NOW.replace(tzinfo=None)):
        assert choose_updates("x/y", "1.0", tags, now, rules=rules).minor.age == timedelta(days=7)


def test_copies_of_official_images_use_their_calendar() -> None:
    updates = choose("public.ecr.aws/docker/library/mysql", "8.4", "9.7 26.7")
    assert updates.major.tag == "9.7"


@pytest.mark.parametrize(("month", "value"), [(6, Truth.NO), (11, Truth.UNKNOWN)])
def test_a_release_that_only_old_facts_do_not_know_may_be_out(month: int, value: Truth) -> None:
    now = datetime(2026, month, 1, tzinfo=UTC)  # the facts are of April 2026
    found = choose_updates("debian", "trixie-slim", ["trixie-slim", "forky-slim"], now)
    assert found.major.value is value
    assert "forky is not known to be released" in found.major.reason
