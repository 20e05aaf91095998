"""HTML in a text, without moving a character: where its tags stand, and the text as a reader sees it, offset for offset.

Tags are found by patterns and not by html.parser: that one takes quadratic time on hostile text before Python 3.11.14, gives
line and column only, and sees tags in any `<word`. What is no element of HTML stays text.
"""

import html
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from pipeline.lexicon import table
from pipeline.tables import Furniture

_TAG = re.compile(
    r"<!--|<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*)(?=[\s/>])(?:(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+>|[^<>]*+>)|<[!?][a-zA-Z\[][^<>]*+>"
)
"""A tag, the beginning of a comment, or a declaration. Linear: of the tries that run at the same time through one stretch of text, each is
in another state of quotation, and there are three."""

_ATTRIBUTE = re.compile(r"([a-zA-Z_:][\w:.-]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SINGLE_BREAK = re.compile(r"(?<!\n)\r?\n(?![^\S\n]*\n)|\r(?!\n)")


class Tag(NamedTuple):
    start: int
    end: int
    name: str
    closes: bool
    inner: tuple[int, int]
    """The content of a raw element (script, title); nothing for others."""


class Piece(NamedTuple):
    """Characters of the text that a reader sees as one other character, or not at all (`seen` is empty)."""

    start: int
    end: int
    seen: str


@cache
def _roles() -> dict[str, tuple[str, str]]:
    return {row["tag"]: (row["role"], row["kind"]) for row in table("tags")}


def tags(text: str) -> Iterator[Tag]:
    """Tags, comments and declarations (without a name) in order; a raw element or a comment is one with all that it holds."""
    at = 0
    missing: set[str] = set()
    while match := _TAG.search(text, at):
        start, at = match.span()
        name = (match["name"] or "").lower()
        inner = (at, at)
        if match.group() == "<!--":
            end = -1 if "-->" in missing else text.find("-->", at)
            if end < 0:
                missing.add("-->")
                continue
            at = end + len("-->")
        elif name and name not in _roles() and "-" not in name:
            at = start + 1
            continue
        elif _role(name) == "raw" and not match["close"] and name not in missing:
            close = _closing(name).search(text, at)
            if close is None:
                missing.add(name)
            else:
                inner, at = (at, close.start()), close.end()
        yield Tag(start, at, name, bool(match["close"]), inner)


@cache
def _closing(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}\b[^<>]*+>", re.IGNORECASE | re.ASCII)


def _role(name: str) -> str:
    return _roles().get(name, ("block", ""))[0]


def attributes(tag: str) -> dict[str, str]:
    """Attributes of an opening tag, character references resolved."""
    return {m[1].lower(): html.unescape(m[2] or m[3] or m[4] or "").strip() for m in _ATTRIBUTE.finditer(tag)}


def find_markup(text: str) -> list[Furniture]:
    """Tags, comments and blank character references as `markup`, menus, forms and the like as their kind, in order, none overlapping.

    A region that holds the headline is the page and no furniture: whole pages stand in a form.
    """
    found = [Furniture(m.start(), m.end(), "markup") for m in _ENTITY.finditer(text) if _blank(html.unescape(m.group()))]
    opened: dict[str, list[int]] = defaultdict(list)
    regions: list[Furniture] = []
    headlines: list[int] = []
    for tag in tags(text):
        role, kind = _roles().get(tag.name, ("block", "markup"))
        found.append(Furniture(tag.start, tag.end, kind if role == "raw" else "markup"))
        if tag.name == "h1" and not tag.closes:
            headlines.append(tag.start)
        if role == "region" and not tag.closes:
            opened[tag.name].append(tag.start)
        elif role == "region" and opened[tag.name]:
            regions.append(Furniture(opened[tag.name].pop(), tag.end, kind))
    found += [r for r in regions if bisect_left(headlines, r.start) == bisect_left(headlines, r.end)]
    return outermost(found)


def _blank(seen: str) -> bool:
    return seen.isspace() or not seen.isprintable()


def outermost(spans: Iterable[Furniture]) -> list[Furniture]:
    """Spans in order, without those that lie in another; where two overlap the later one begins where the earlier ends."""
    kept: list[Furniture] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        end = kept[-1].end if kept else 0
        if span.end > end:
            kept.append(span._replace(start=max(span.start, end)))
    return kept


_INLINE = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)|&")


def is_inline(text: str, span: Furniture) -> bool:
    """Whether a sentence runs on through a span: it is the tag of a link or of emphasis, or a blank written as a character reference."""
    match = _INLINE.match(text, span.start, span.end) if span.kind == "markup" else None
    return match is not None and (match[1] is None or _role(match[1].lower()) == "inline")


def pieces(text: str, furniture: Sequence[Furniture]) -> list[Piece]:
    """Inline tags and character references outside other furniture, with what a reader sees in their place."""
    inline = [f for f in furniture if is_inline(text, f)]
    found = [Piece(f.start, f.end, " " if text[f.start] == "&" else "") for f in inline]
    starts = [f.start for f in furniture]
    for match in _ENTITY.finditer(text):
        seen = html.unescape(match.group())
        before = bisect_left(starts, match.end()) - 1
        if len(seen) == 1 and not _blank(seen) and (before < 0 or furniture[before].end <= match.start()):
            found.append(Piece(*match.span(), seen))
    return sorted(found)


def view(text: str, furniture: Sequence[Furniture]) -> str:
    """The text with its furniture blank and its character references read, as long as before: layout rules work on this.

    Inline tags become spaces, other furniture a line break and spaces. In a text that begins with a tag, single line breaks
    mean nothing and become spaces.
    """
    if furniture and furniture[0].start == len(text) - len(text.lstrip()) and text[furniture[0].start] == "<":
        text = _SINGLE_BREAK.sub(lambda m: " " * len(m.group()), text)
    blank = [Piece(f.start, f.end, "\n") for f in furniture if not is_inline(text, f)]
    parts: list[str] = []
    at = 0
    for piece in sorted(blank + pieces(text, furniture)):
        parts += [text[at : piece.start], (piece.seen or " ").ljust(piece.end - piece.start)]
        at = piece.end
    return "".join([*parts, text[at:]])
