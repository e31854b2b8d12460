"""`explain`: why an image is allowed or not, and what a rule is about."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import (
    color_option,
    complete_rules,
    format_option,
    now_option,
    policy_option,
    rule_ids,
    suggestion,
    this_instant,
)
from basekeeper.cli.output import emit, style_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from basekeeper.policy.load import Config

_RULE_LIKE: Final = re.compile(r"[A-Za-z-]+")
"""A word that may be a mistyped rule; an image of such a name may exist too."""

_EPILOG: Final = """\b
Examples:
  basekeeper explain node:20-bookworm
  basekeeper explain ghcr.io/acme/tool:1.2 --format json
  basekeeper explain end-of-life
  basekeeper explain"""


@click.command("explain", epilog=_EPILOG, short_help="Explain an image or a rule.")
@click.argument("subject", required=False, metavar="[IMAGE|RULE]", shell_complete=complete_rules)
@format_option(("text", "json"))
@policy_option
@color_option
@now_option
def command(**given: Any) -> None:
    """Explain an image or a rule, by the policy of the current directory.

    Without an argument, all rules are listed. A name that is both is the
    rule; write the image with its tag or registry.
    """
    from basekeeper.policy.load import load_config

    now = given["now"] or this_instant()
    config = load_config(".", policy_path=given["policy"])
    subject = given["subject"]
    if subject is None:
        text = _overview(config, given)
    elif subject in rule_ids():
        text = _rule(config, given, now)
    else:
        text = _image(config, given, now)
    emit(text, encoded=given["format"] != "text")


def _image(config: Config, given: Mapping[str, Any], now: datetime) -> str:
    """Explain an image."""
    from basekeeper import pipeline, wiring
    from basekeeper.render.explain import render_image_json, render_image_text

    run = pipeline.Run(config=config, catalogue=wiring.open_catalogue(), now=now)
    found = pipeline.explain_image(run, given["subject"])
    trace = (*found.steps, *found.own_steps)
    judgement = found.judgement
    if given["format"] == "json":
        return render_image_json(judgement, trace, now)
    if judgement.category == "prohibited" and _RULE_LIKE.fullmatch(given["subject"]):
        meant = suggestion(given["subject"], rule_ids())
        judgement = replace(judgement, reason=f"{judgement.reason}{meant}")
    return render_image_text(judgement, trace, style_for(sys.stdout, given["color"]))


def _rule(config: Config, given: Mapping[str, Any], now: datetime) -> str:
    """Explain a rule."""
    from basekeeper.pipeline import rule_texts
    from basekeeper.render.explain import render_rule_json, render_rule_text

    rule = rule_texts(config.policy)[given["subject"]]
    if given["format"] == "json":
        return render_rule_json(rule, now)
    return render_rule_text(rule, style_for(sys.stdout, given["color"]))


def _overview(config: Config, given: Mapping[str, Any]) -> str:
    """List all rules with what they report and their severity."""
    from basekeeper.pipeline import rule_texts
    from basekeeper.render.explain import render_rules_json, render_rules_text

    rules = list(rule_texts(config.policy).values())
    if given["format"] == "json":
        return render_rules_json(rules, given["now"] or this_instant())
    return render_rules_text(rules, style_for(sys.stdout, given["color"]))
