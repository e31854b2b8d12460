"""Compares our reading of every file below a folder with that of BuildKit's parser.

    python benchmarks/oracle.py FOLDER

The parser is the PyPI package `dockerfile`, a Go binding of BuildKit 0.12.5. Compared are the
instructions with their lines, flags and words, hence every FROM list, and whether the parser
refuses the file. Prints totals, and every file on which the two differ, by name.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from tests.unit.dockerfile.binding import NEWER_THAN_THE_BINDING, Line, difference, ours, theirs


def main(folder: Path) -> int:
    totals: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            outcome = compare(path, data)
            totals[outcome] += 1
            if outcome != "not UTF-8":
                totals["FROM lines compared"] += len(from_lines(ours(data)))
    for outcome, count in sorted(totals.items()):
        print(f"{count:6}  {outcome}")
    return 1 if totals["DIFFERENT"] or totals["DIFFERENT FROM LIST"] else 0


def from_lines(lines: list[Line] | None) -> list[Line]:
    return [line for line in lines or () if line.name == "FROM"]


def compare(path: Path, data: bytes) -> str:
    """Judge one file."""
    try:
        data.decode()
    except UnicodeDecodeError:
        print(f"{path}: not UTF-8, which the binding cannot be given")
        return "not UTF-8"
    found = difference(data)
    if found is None:
        return "same instructions" if ours(data) is not None else "refused by both"
    print(f"{path}: {found}")
    if from_lines(ours(data)) != from_lines(theirs(data)):
        return "DIFFERENT FROM LIST"
    if NEWER_THAN_THE_BINDING.search(data):
        return "different by the age of the binding"
    return "DIFFERENT"


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 (the program and one folder)
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
