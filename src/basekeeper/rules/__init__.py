"""The rules: pure functions from what was read and judged to findings, one file a rule.

A rule's id is the name of its file with dashes, of its page below `docs/rules/` and of its entry
in the policy. `registry` lists them all; `rule` holds what they share.
"""
