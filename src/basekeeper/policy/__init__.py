"""The policy: categories of images, severities of rules, what waivers may do.

Read from TOML (`load`), matched in layers (`decide`), judged with lifecycle facts (`policy`).
"""
