"""Starting runs of workflows, with inputs that they take, and finding the run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.github.failures import said_of
from basekeeper.forge.github.reading import decoded, repo
from basekeeper.transport.redaction import shown_text
from basekeeper.values.forge import Dispatched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from basekeeper.forge.github.client import Client
    from basekeeper.forge.github.documents import Node
    from basekeeper.values.forge import DispatchRequest, RepositoryRef

MAX_INPUTS: Final = 25
"""Inputs that GitHub takes."""

MAX_WORKFLOW_BYTES: Final = 512 * 1024

LOOKS: Final = 4
"""Times that a run is looked for which the forge did not name."""

_SKEW: Final = timedelta(seconds=30)
"""By how much the clocks may differ."""
_MISSING: Final = 404
_NO_CONTENT: Final = 204
_UNPROCESSABLE: Final = 422
_TRUTH: Final = frozenset({"true", "false"})


class Dispatching:
    """Starts runs of workflows of repositories."""

    def __init__(self, client: Client, is_us: Callable[[Node | None], bool]) -> None:
        """Start nothing yet.

        Args:
            client: Asks.
            is_us: Tells whether a user is who we are.
        """
        self._client = client
        self._is_us = is_us

    def start(self, ref: RepositoryRef, request: DispatchRequest, *, now: datetime) -> Dispatched:
        """Start a run; see `ports.Forge.dispatch`."""
        problems = input_problems(self._declared(ref, request), request.inputs)
        if problems:
            raise _conflict(f"{ref}: {request.workflow}: {'; '.join(problems)}")
        said: dict[str, Any] = {"ref": request.branch, "inputs": dict(request.inputs)}
        where = repo(ref, "actions", "workflows", request.workflow, "dispatches")
        answer = self._client.change(
            "POST", where, {**said, "return_run_details": True}, accept={_UNPROCESSABLE}
        )
        if answer.status == _UNPROCESSABLE:
            words = said_of(answer.document)
            if "return_run_details" not in words:
                raise _conflict(f"{ref}: {request.workflow}: {shown_text(words)}")
            answer = self._client.change("POST", where, said)  # an older server
        if answer.status == _NO_CONTENT or answer.document is None:
            return self._correlated(ref, request, now)
        return Dispatched(
            answer.node.number("workflow_run_id"),
            answer.node.maybe_text("html_url"),
            True,  # noqa: FBT003
        )

    def variable(self, ref: RepositoryRef, name: str) -> str | None:
        """Read a variable; only 404 means that there is none."""
        where = repo(ref, "actions", "variables", name)
        answer = self._client.get(where, accept={_MISSING})
        return None if answer.status == _MISSING else answer.node.text("value")

    def _declared(self, ref: RepositoryRef, request: DispatchRequest) -> Mapping[str, Any]:
        """Read the inputs that the workflow declares on that branch."""
        where = repo(ref, "contents", f".github/workflows/{request.workflow}")
        answer = self._client.get(where, {"ref": request.branch}, accept={_MISSING})
        if answer.status == _MISSING:
            raise ForgeError(
                f"{ref}: branch {request.branch!r} has no workflow {request.workflow!r}",
                ForgeFailure.NOT_FOUND,
                hint="name the file of a workflow, such as release.yml",
            )
        return declared_inputs(decoded(answer.node), request.workflow)

    def _correlated(
        self, ref: RepositoryRef, request: DispatchRequest, now: datetime
    ) -> Dispatched:
        """Look for the run that began since; of several none can be told."""
        since = now - _SKEW
        where = repo(ref, "actions", "workflows", request.workflow, "runs")
        params = {"event": "workflow_dispatch", "branch": request.branch,
                  "created": f">={since:%Y-%m-%dT%H:%M:%SZ}"}  # fmt: skip
        texts = [text for text in request.inputs.values() if text and text not in _TRUTH]
        for look in range(1, LOOKS + 1):
            runs = list(self._client.get(where, params).node.nodes("workflow_runs"))
            own = [run for run in runs if self._is_us(run.maybe_node("actor"))]
            named = [
                run
                for run in own
                if any(t in (run.maybe_text("display_title") or "") for t in texts)
            ]
            if len(named) == 1:
                return _dispatched(named[0], is_certain=True)
            if len(own) == 1:
                return _dispatched(own[0], is_certain=False)
            if own:
                break
            self._client.pacer.pause(look)
        return Dispatched(None, None, False)  # noqa: FBT003


def declared_inputs(data: bytes, name: str) -> Mapping[str, Any]:
    """Read the inputs of `workflow_dispatch` from a workflow.

    Raises:
        ForgeError: It cannot be started by dispatch, or cannot be read.
    """
    import yaml  # noqa: PLC0415  # only where a workflow is started

    if len(data) > MAX_WORKFLOW_BYTES:
        raise _conflict(f"workflow {name!r} is larger than {MAX_WORKFLOW_BYTES} bytes")
    try:
        found = yaml.load(data, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506  # texts only
    except (yaml.YAMLError, ValueError, RecursionError):
        raise _conflict(f"workflow {name!r} cannot be read") from None
    events = found.get("on") if isinstance(found, dict) else None
    if isinstance(events, str | list) and "workflow_dispatch" in (
        [events] if isinstance(events, str) else events
    ):
        return {}
    if not isinstance(events, dict) or "workflow_dispatch" not in events:
        raise _conflict(f"workflow {name!r} has no event workflow_dispatch")
    event = events["workflow_dispatch"]
    inputs = event.get("inputs") if isinstance(event, dict) else None
    return inputs if isinstance(inputs, dict) else {}


def input_problems(declared: Mapping[str, Any], given: Mapping[str, str]) -> list[str]:
    """Tell why a workflow would not take inputs; nothing: it takes them."""
    problems = [f"there is no input {name!r}" for name in given if name not in declared]
    if len(given) > MAX_INPUTS:
        problems.append(f"there are more than {MAX_INPUTS} inputs")
    for name, said in declared.items():
        rules = said if isinstance(said, dict) else {}
        value = given.get(name)
        if value is None:
            if rules.get("required") == "true" and "default" not in rules:
                problems.append(f"input {name!r} is needed")
        elif not _fits(rules, value):
            problems.append(f"input {name!r} does not take {value!r:.80}")
    return problems


def _fits(rules: Mapping[str, Any], value: str) -> bool:
    kind = rules.get("type")
    if kind == "choice":
        options = rules.get("options")
        return isinstance(options, list) and value in options
    if kind == "boolean":
        return value in _TRUTH
    if kind == "number":
        return value.removeprefix("-").replace(".", "", 1).isdecimal()
    return True


def _dispatched(run: Node, *, is_certain: bool) -> Dispatched:
    return Dispatched(run.number("id"), run.maybe_text("html_url"), is_certain)


def _conflict(message: str) -> ForgeError:
    return ForgeError(message, ForgeFailure.CONFLICT, hint="correct the settings or the workflow")
