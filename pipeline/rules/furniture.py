"""Page furniture in lines of text: what a saved page holds besides its article.

Words are in lexicon/furniture.tsv and lexicon/menu_words.txt; here is the evidence of layout: how long lines are, how they end,
what stands around them. Where the evidence is thin a line stays: a lost sentence costs more than a kept button. Captions,
credits, bylines, mastheads and repeated titles stay too: they name people and places (gold guidelines).
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from pipeline.lexicon import table, words
from pipeline.rules.metadata import parse_date
from pipeline.tables import Furniture

SENTENCE = 60
ARTICLE = 300
"""So many characters of prose below the heading of a comment section, and nothing of a reader's among them, are the article."""

LINK_CHARS = 110
LINKS = 15
"""How long a line of a list of links is at most, and how many there are."""

SUBHEADING_WORDS = 4
ENTRY_CHARS = 25
"""The longest entry of a menu."""

PATTERN_CHARS = 400
"""A longer line is no furniture: no pattern looks at it."""


class Line(NamedTuple):
    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class _Pattern(NamedTuple):
    kind: str
    reach: str
    matches: re.Pattern[str]


_ITEM = re.compile(r"(?:[•·▪‣*>»►-]|\d{1,2}[.)]?)\s+")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*$")
_READER = re.compile(
    r"[^.!?]{1,40}\bsays:?(\s.{0,40})?|.{0,60}\b\d+ (second|minute|min|hour|hr|day|week|month|year)s? ago\b.{0,20}"
    r"|(reply|report|like|report comment|permalink)|.{0,40}\bat \d{1,2}[:.]\d\d ?([ap]\.?m\.?)?"
    r"|your e-?mail address will not.*|required fields.*|(name|email|website) ?\*",
    re.IGNORECASE,
)
"""A line of a comment section: who wrote and when, or a button."""

_SEPARATOR = re.compile(r"\s*[|•·›»]\s*|\s+/\s+")


@cache
def _patterns() -> tuple[_Pattern, ...]:
    return tuple(_Pattern(row["kind"], row["reach"], re.compile(row["pattern"], re.IGNORECASE)) for row in table("furniture"))


def lines_of(text: str) -> list[Line]:
    """Start and stripped text of every line that is not empty."""
    found = []
    for match in re.finditer(r"[^\r\n]+", text):
        if line := match.group().strip():
            found.append(Line(match.start() + len(match.group()) - len(match.group().lstrip()), line))
    return found


def find_in_lines(lines: Sequence[Line]) -> list[Furniture]:
    """Furniture among the lines of an article, in order; adjoining lines of a kind are one span."""
    kinds: list[str | None] = [None] * len(lines)
    _menus(lines, kinds)
    comments = _Comments(lines)
    at = 0
    while at < len(lines):
        hit = _hit(lines[at].text, kinds[at - 1] if at else None)
        end = at + 1
        if hit is not None:
            if hit.reach == "tail":
                end = comments.end(at)
            elif hit.reach == "links":
                end = _end_of_links(lines, at)
            kinds[at:end] = [hit.kind if hit.reach != "stay" else None] * (end - at)
        at = end
    found: list[Furniture] = []
    for n, (line, kind) in enumerate(zip(lines, kinds, strict=True)):
        if kind is None:
            continue
        if found and found[-1].kind == kind and kinds[n - 1] == kind:
            found[-1] = found[-1]._replace(end=line.end)
        else:
            found.append(Furniture(line.start, line.end, kind))
    return found


def _hit(line: str, before: str | None) -> _Pattern | None:
    if len(line) > PATTERN_CHARS:
        return None
    item = _ITEM.match(line)
    bare = line[item.end() :] if item and not line[0].isdigit() else line
    for pattern in _patterns():
        if (pattern.reach != "after" or before == pattern.kind) and pattern.matches.fullmatch(bare):
            # "Read more: The title, The Paper, 3 May 2022" is a reference and part of the article.
            return None if pattern.kind == "related" and parse_date(line) else pattern
    return None


class _Comments:
    """Where comment sections end. What counts is prose: characters of lines that are as long as a sentence and end like one."""

    def __init__(self, lines: Sequence[Line]) -> None:
        prose = (len(line.text) if len(line.text) >= SENTENCE and _SENTENCE_END.search(line.text[-8:]) else 0 for line in lines)
        self.prose = [0, *accumulate(prose)]
        self.signs = [n for n, line in enumerate(lines) if len(line.text) <= PATTERN_CHARS and _READER.fullmatch(line.text)]
        self.lines = len(lines)

    def end(self, heading: int) -> int:
        """The line after a section: the heading alone where the article follows it, else where the article goes on, or the last line."""
        first = bisect_right(self.signs, heading)
        sign = self.signs[first] if first < len(self.signs) else self.lines
        above, below = self.prose[heading], self.prose[-1] - self.prose[heading + 1]
        if self.prose[sign] - self.prose[heading + 1] >= ARTICLE or (above < ARTICLE // 2 and below >= ARTICLE):
            return heading + 1
        resumes = self.signs[-1] + 2 if first < len(self.signs) else self.lines
        return resumes if resumes < self.lines and self.prose[-1] - self.prose[resumes] >= 2 * ARTICLE else self.lines


def _end_of_links(lines: Sequence[Line], heading: int) -> int:
    """The line after a list of links: lines like titles. The last one stays where it may well be the heading of what follows."""
    end = heading + 1
    while end < len(lines) and end - heading <= LINKS and _is_link(lines[end].text):
        hit = _hit(lines[end].text, None)
        if hit is not None and hit.kind != "counter":
            break
        end += 1
    last = lines[end - 1].text
    if end - heading > 2 and len(last.split()) <= SUBHEADING_WORDS and not _ITEM.match(last) and end < len(lines) and not _hit(lines[end].text, None):
        end -= 1
    return end


def _is_link(line: str) -> bool:
    return len(line) <= LINK_CHARS and not _SENTENCE_END.search(line[-8:].rstrip("?…")) and line[-1] not in ',;:.!"”' and line[0] not in "“\"‘'"


def _menus(lines: Sequence[Line], kinds: list[str | None]) -> None:
    """Lines of entries with marks between them, and runs of short lines, where enough of the entries are words of menus."""
    run: list[int] = []
    for n, line in enumerate([*lines, Line(0, "")]):
        if line.text and _is_entry(line.text):
            run.append(n)
            continue
        known = [m for m in run if _is_menu_word(lines[m].text)]
        if len(run) >= 4 and len(known) * 2 >= len(run):
            for m in range(known[0], known[-1] + 1):
                kinds[m] = "menu"
        run = []
        if line.text and _is_menu_line(line.text):
            kinds[n] = "menu"


def _is_entry(text: str) -> bool:
    return len(text) <= ENTRY_CHARS and len(text.split()) <= 3 and text[-1] not in '.,;:!?"”’' and not text[0].isdigit()


def _is_menu_word(text: str) -> bool:
    return any(word.strip("&,-").lower() in words("menu_words") for word in text.split()[:3])


def _is_menu_line(text: str) -> bool:
    entries = [e for e in _SEPARATOR.split(text) if e] if len(text) <= PATTERN_CHARS else []
    known = sum(map(_is_menu_word, entries))
    short = all(len(e) <= ENTRY_CHARS + 5 and not e.isdigit() for e in entries)
    return len(entries) >= 2 and short and known >= 2 and known * 2 >= len(entries) and not _SENTENCE_END.search(text[-8:])
