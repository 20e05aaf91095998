"""How much furniture of our own pages is found, and how much text is lost: `python benchmarks/furniture.py [FOLDER]`.

A page is a .txt file beside a .json file that says of its lines, from first to last, which are furniture and which stay. A character
that is no white space counts as one; precision and recall are of furniture.
"""

import json
import sys
from pathlib import Path
from typing import NamedTuple

from pipeline.stages.ingest import find_furniture

PAGES = Path(__file__).parents[1] / "tests" / "pages"


class Page(NamedTuple):
    name: str
    right: int
    found: int
    wanted: int
    missed: list[str]
    lost: list[str]


def measure(path: Path) -> Page:
    """One page: characters found rightly, found and wanted, the lines missed and those lost."""
    text = path.read_bytes().decode()
    told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    hidden = {i for f in find_furniture(text) for i in range(f.start, f.end)}
    wanted: set[int] = set()
    wrong: dict[str, list[str]] = {"furniture": [], "stays": []}
    at = 0
    for kind, line in told:
        at = text.index(line, at)
        span = set(range(at, at + len(line)))
        if kind == "furniture":
            wanted |= span
        if (len(hidden & span) * 2 < len(line)) == (kind == "furniture"):
            wrong[kind].append(line)
        at += len(line)
    solid = {i for i, c in enumerate(text) if not c.isspace()}
    return Page(path.stem, len(hidden & wanted & solid), len(hidden & solid), len(wanted & solid), wrong["furniture"], wrong["stays"])


def rates(pages: list[Page]) -> tuple[float, float]:
    """Precision and recall over all pages."""
    right = sum(p.right for p in pages)
    return right / max(1, sum(p.found for p in pages)), right / max(1, sum(p.wanted for p in pages))


if __name__ == "__main__":
    measured = [measure(path) for path in sorted(Path(*sys.argv[1:2] or [PAGES]).glob("*.txt"))]
    for page in measured:
        for what, lines in (("missed", page.missed), ("lost", page.lost)):
            for line in lines:
                print(f"{page.name}: {what} {line!r}")
    precision, recall = rates(measured)
    print(f"{len(measured)} pages: furniture precision {precision:.1%}, recall {recall:.1%}")
