"""Reading the configuration file: where it lies, its TOML with lines, and the settings in it.

The policy in the same file is read by `basekeeper.policy`, with the tools of this package.
"""
