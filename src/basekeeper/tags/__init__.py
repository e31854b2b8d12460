"""What a tag says: versions on several axes, variants, and what image that makes.

`axes` splits a tag without losing a character; `describe` joins it with the catalogue.
"""
