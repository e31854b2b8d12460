"""What every test shares: outside components by marker, and a scrubbed environment."""

from __future__ import annotations

import ipaddress
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes.postgres import postgres  # noqa: F401  # a fixture for all
from tests.fakes.provisioned import provisioned

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile(
    "default",
    deadline=None,  # the machine's speed is no property of the code
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
settings.load_profile("default")

LEAKY_VARIABLES = (
    "NO_COLOR", "FORCE_COLOR", "COLUMNS", "GITHUB_ACTIONS", "GITHUB_TOKEN", "GITHUB_STEP_SUMMARY",
    "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE",
)  # fmt: skip


def pytest_configure() -> None:
    """Let tests interrupt programs also where a shell runs us in the background, deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _scrubbed_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may depend on who runs it."""
    for name in LEAKY_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session", autouse=True)
def _own_temporary_folder() -> Iterator[None]:
    """What a killed program leaves behind goes with the run; others may write to it, as to /tmp."""
    folder = Path(tempfile.mkdtemp(prefix="tests-"))  # short: sockets lie in it
    folder.chmod(0o1777)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # where pytest keeps its own
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield
    tempfile.tempdir = None
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may leave this machine: connecting to any other address fails at once."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(self: socket.socket, address: Any) -> None:
        refuse_others(self, address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        refuse_others(self, address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)


def refuse_others(asking: socket.socket, address: Any) -> None:
    """Refuse an internet address that is not the loopback's."""
    if asking.family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = address[0]
    if host != "localhost" and not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        raise ConnectionRefusedError(111, f"a test may not connect to {host}")


@pytest.fixture
def component(request: pytest.FixtureRequest) -> Path:
    """The executable of the component that the test's marker names.

    Skips where it is missing; with CI=true a missing component fails the test.
    """
    marker = request.node.get_closest_marker("component")
    assert marker is not None, "mark the test with @pytest.mark.component(name)"
    return provisioned(marker.args[0])
