"""Reads the files that say how images are built: Compose, bake, development containers, CI.

Pure: bytes in, values out. Further files (`extends`, `.env`) come through a `Lookup`.
"""
