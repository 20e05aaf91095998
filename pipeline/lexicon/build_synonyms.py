"""Write synonyms.tsv; run once, when WordNet has a new version.

Two words may name the same thing when they share a sense, when one's sense is derived from the other's (protect,
protection), or when a verb is a kind of the other (safeguard, protect). That proposes a pair of names; it never
decides one.

    python -m pipeline.lexicon.build_synonyms /usr/share/wordnet
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pipeline.lexicon import FOLDER

HEADER = """\
# Words and the senses they can have, as base-36 numbers: words with a sense in common may translate one another in names.
# Written by build_synonyms.py. Source: WordNet 3.0 (Princeton University's licence): synonym sets of nouns, verbs and
# adjectives, the sets derivationally related to them, and a verb's direct hypernyms; words of four letters or more that
# its tagged texts hold.
word	senses
"""
PARTS = {"noun": "n", "verb": "v", "adj": "a"}
SENSES = 4
"""Rarer senses of a word than these are left out."""

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def main(folder: Path) -> None:
    near: dict[str, set[str]] = {}
    for part, letter in PARTS.items():
        for sense, others in _related(folder / f"data.{part}", letter):
            near[sense] = others
    of_word: dict[str, set[str]] = defaultdict(set)
    for part, letter in PARTS.items():
        for word, listed in _indexed(folder / f"index.{part}", letter):
            for sense in listed:
                of_word[word] |= {sense} | near.get(sense, set())
    held: dict[str, int] = defaultdict(int)
    for senses in of_word.values():
        for sense in senses:
            held[sense] += 1
    numbers = {sense: _base36(n) for n, sense in enumerate(sorted(s for s, count in held.items() if count > 1))}
    lines = []
    for word in sorted(of_word):
        kept = sorted(numbers[s] for s in of_word[word] if s in numbers)
        if kept:
            lines.append(f"{word}\t{' '.join(kept)}\n")
    (FOLDER / "synonyms.tsv").write_text(HEADER + "".join(lines), encoding="utf-8")


def _related(path: Path, letter: str) -> Iterator[tuple[str, set[str]]]:
    """Each synonym set with the sets derived from it and, of verbs, the sets it is a kind of."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            continue
        cells = line.split(" | ")[0].split()
        count = int(cells[3], 16)
        pointers = cells[5 + 2 * count : 5 + 2 * count + 4 * int(cells[4 + 2 * count])]
        others = set()
        for symbol, offset, part in zip(pointers[::4], pointers[1::4], pointers[2::4], strict=True):
            if symbol == "+" or (symbol == "@" and letter == "v"):
                others.add(("a" if part == "s" else part) + offset)
        yield letter + cells[0], others


def _indexed(path: Path, letter: str) -> Iterator[tuple[str, list[str]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = line.split()
        word = cells[0] if not line.startswith(" ") else ""
        if len(word) >= 4 and word.isalpha():
            count = int(cells[2])
            if int(cells[-count - 1]):
                yield word, [letter + offset for offset in cells[-count:][:SENSES]]


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text or "0"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
