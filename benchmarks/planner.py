"""Compares our reading of every Dockerfile below a folder with BuildKit's own planner.

    python -m benchmarks.planner FOLDER

For each file and the default target: does BuildKit refuse it, and if not, which images would it
ask a registry for? Prints the totals and every file on which we differ, by name.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from basekeeper.dockerfile.parser import parse_dockerfile
from tests.contract.test_planner import needed_images
from tests.planner import Planner
from tools import components


def main(folder: Path) -> int:
    program = components.provision("planner")
    if isinstance(program, components.Missing):
        print(program.reason, file=sys.stderr)
        return 2
    totals: Counter[str] = Counter()
    with Planner(program) as planner:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                totals[compare(planner, path)] += 1
    for outcome, count in sorted(totals.items()):
        print(f"{count:6}  {outcome}")
    return 1 if totals["DIFFERENT"] else 0


def compare(planner: Planner, path: Path) -> str:
    """Judge one file: the same images, refused by both, or different."""
    plan = planner.plan(path)
    build = parse_dockerfile(path.read_bytes()).resolve()
    if plan.error is not None and build.rejected is not None:
        return "refused by both"
    if plan.error is None and build.rejected is None:
        ours = needed_images(build)
        if ours == plan.images:
            return "same images"
        theirs, mine = sorted(plan.images - ours), sorted(ours - plan.images)
        print(f"{path}: only BuildKit {theirs}, only we {mine}")
    else:
        print(f"{path}: BuildKit: {plan.error or 'accepts'}; we: {build.rejected or 'accept'}")
    return "DIFFERENT"


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 (the program and one folder)
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
