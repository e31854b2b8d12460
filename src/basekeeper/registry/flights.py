"""Questions under way: equal ones at the same time are asked once, and share also a failure."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar, cast

from basekeeper.errors import Failure, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_T = TypeVar("_T")


class Flights:
    """Questions under way: an equal one waits for the answer to the first."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._flying: dict[Hashable, _Flight] = {}

    def once(self, key: Hashable, work: Callable[[], _T]) -> _T:
        """Return what `work` returns, or what it returns for an equal key under way.

        A failure is shared too. Work that asks for its own key again does it itself.
        """
        mine = _Flight()
        with self._lock:
            flight = self._flying.setdefault(key, mine)
        if flight is not mine:
            return work() if flight.owner == mine.owner else cast("_T", flight.result())
        try:
            mine.value = result = work()
        except BaseException as error:
            mine.error = error
            raise
        finally:
            with self._lock:
                del self._flying[key]
            mine.landed.release()
        return result


class _Flight:
    __slots__ = ("error", "landed", "owner", "value")

    def __init__(self) -> None:
        self.landed = threading.Lock()  # an Event costs ten times as much
        self.landed.acquire()
        self.owner = threading.get_ident()
        self.error: BaseException | None = None
        self.value: Any = None

    def result(self) -> Any:
        """Wait for the answer of another thread."""
        with self.landed:
            pass
        if self.error is None:
            return self.value
        if isinstance(self.error, RegistryError):
            raise copy_of(self.error)
        if isinstance(self.error, Exception):
            raise self.error
        raise RegistryError(
            "an equal question was interrupted", Failure.UNREACHABLE
        ) from self.error


def copy_of(error: RegistryError) -> RegistryError:
    """Copy an error, as raising one object in several threads would mix up their traces."""
    return RegistryError(error.message, error.failure, hint=error.hint)
