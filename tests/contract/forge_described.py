"""Exchanges held to GitHub's published OpenAPI description, and to its schema of GraphQL.

A simulator models a part of each answer. So what the description requires of an answer may be left
out, but whatever is there must be described, and of the described type; requests must be whole.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.fakes.github import Exchange

_SKIPPED = {"format", "example", "examples", "description", "title", "externalDocs", "deprecated",
            "x-multi-segment", "minItems", "minLength"}  # fmt: skip
"""Words that judge nothing here: lists that are modelled in part may be empty."""
_ANY = {301, 307, 401, 403, 404, 422, 429}
"""Statuses that any request may be answered with."""
_BELOW = ("items", "additionalProperties")
_BESIDE = {"anyOf", "oneOf", "allOf"}


class Description:
    """The OpenAPI description."""

    def __init__(self, place: Path) -> None:
        text = (place / "api.github.com.json").read_text(encoding="utf-8")
        self.document: dict[str, Any] = json.loads(text)
        self._place = place
        self._validators: dict[tuple[str, str, str], Draft202012Validator] = {}

    def problems(self, exchange: Exchange) -> list[str]:
        """Tell what in an exchange is not described."""
        template = self._template(exchange.template)
        operation = self.document["paths"].get(template, {}).get(exchange.method.lower())
        name = f"{exchange.method} {exchange.template}"
        if operation is None:
            return [f"{name}: is not described"]
        return [
            f"{name}: {problem}"
            for problem in (
                *self._parameter_problems(exchange, operation),
                *self._request_problems(exchange, operation, template),
                *self._answer_problems(exchange, operation, template),
            )
        ]

    def _template(self, ours: str) -> str:
        """Find the described path: its parts may have other names."""
        shape = re.sub(r"\{\w+\}", "{}", ours)
        return self._shapes().get(shape, "")

    @lru_cache(maxsize=1)  # noqa: B019  # lives as long as the session
    def _shapes(self) -> dict[str, str]:
        return {re.sub(r"\{\w+\}", "{}", path): path for path in self.document["paths"]}

    def _parameter_problems(self, exchange: Exchange, operation: dict[str, Any]) -> Iterator[str]:
        known = {self._resolved(one)["name"] for one in operation.get("parameters", [])}
        for pair in urlsplit(exchange.headers.get(":target", "")).query.split("&"):
            name = pair.partition("=")[0]
            if name and name not in known:
                yield f"parameter {name!r} is not described"

    def _request_problems(
        self, exchange: Exchange, operation: dict[str, Any], template: str
    ) -> Iterator[str]:
        body = operation.get("requestBody")
        if body is None or exchange.said is None:
            if exchange.said is not None:
                yield "has a body, and none is described"
            return
        schema = body["content"]["application/json"]["schema"]
        key = (template, exchange.method, "request")
        yield from self._judge(key, schema, exchange.said, is_whole=True)

    def _answer_problems(
        self, exchange: Exchange, operation: dict[str, Any], template: str
    ) -> Iterator[str]:
        told = operation["responses"].get(str(exchange.status))
        if told is None:
            if exchange.status not in _ANY:
                yield f"status {exchange.status} is not described"
            return
        content = self._resolved(told).get("content")
        if content is None:
            if exchange.answered is not None and exchange.status < 400:
                yield "has an answer, and none is described"
            return
        schema = content["application/json"]["schema"]
        key = (template, exchange.method, str(exchange.status))
        yield from self._judge(key, schema, exchange.answered, is_whole=False)

    def _judge(
        self, key: tuple[str, str, str], schema: dict[str, Any], found: Any, *, is_whole: bool
    ) -> Iterator[str]:
        if key not in self._validators:
            made = self._converted(schema, is_whole=is_whole, seen=())
            self._validators[key] = Draft202012Validator(made)
        for error in self._validators[key].iter_errors(found):
            where = "/".join(map(str, error.absolute_path))
            yield f"{key[2]} {where}: {error.message[:300]}"

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def _converted(
        self, schema: dict[str, Any], *, is_whole: bool, seen: tuple[str, ...]
    ) -> dict[str, Any]:
        """Make JSON Schema of OpenAPI's: references replaced, null as it is written there."""
        reference = schema.get("$ref", "")
        if reference in seen:
            return {}
        seen = (*seen, reference) if reference else seen
        node = self._resolved(schema)

        def inner(one: dict[str, Any]) -> dict[str, Any]:
            return self._converted(one, is_whole=is_whole, seen=seen)

        made = {key: value for key, value in node.items() if key not in _SKIPPED}
        if not is_whole:
            made.pop("required", None)
        is_nullable = made.pop("nullable", False)
        made |= {word: inner(made[word]) for word in _BELOW if isinstance(made.get(word), dict)}
        for word in _BESIDE & made.keys():
            made[word] = [inner(one) for one in made[word]]
        if "allOf" in made:  # each part sees only its own properties
            made["allOf"] = [_opened(one) for one in made["allOf"]]
            made["unevaluatedProperties"] = False
        if "properties" in made:
            made["properties"] = {key: inner(one) for key, one in made["properties"].items()}
            made.setdefault("additionalProperties", False)
        if not is_whole and "oneOf" in made:  # parts of several fit more than one
            made["anyOf"] = made.pop("oneOf")
        return {"anyOf": [{"type": "null"}, made]} if is_nullable else made


def _opened(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("additionalProperties") is False:
        return {key: one for key, one in schema.items() if key != "additionalProperties"}
    return schema


def graphql_problems(place: Path, exchanges: Sequence[Exchange]) -> list[str]:
    """Hold queries, variables and data to the schema of GraphQL, by GraphQL's own library."""
    asked = [
        {"query": one.said["query"], "variables": one.said["variables"],
         "data": (one.answered or {}).get("data")}
        for one in exchanges
    ]  # fmt: skip
    done = subprocess.run(
        ["node", str(place / "check.js")], input=json.dumps(asked), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout.splitlines()
