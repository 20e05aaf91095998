"""Words are data: lists and tables beside this module, one idea a file, each naming its source in its first lines.

A file's name has to be a literal where a stage asks for it: the engine reads the names off the source code, so that a
changed word list makes exactly those stages stale that use it.
"""

import csv
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def words(name: str) -> frozenset[str]:
    """The lines of `name`.txt, without comments and empty lines."""
    return frozenset(_lines(FOLDER / f"{name}.txt"))


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `name`.tsv by the names in its first line; an empty cell is an empty string."""
    return tuple(csv.DictReader(_lines(FOLDER / f"{name}.tsv"), delimiter="\t", quoting=csv.QUOTE_NONE))


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line.strip() and not line.startswith("#")]
