"""Who published an article, when and under which title: from its markup, and from the lines above and below its text."""

import calendar
import html
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from pipeline.lexicon import table
from pipeline.rules.markup import attributes, tags

HEAD_LINES = 12
"""Title, byline and date line stand among the first lines of a saved page."""

FOOT_LINES = 6
"""Some pages have the date below the text."""

TITLE_CHARS = 200
PARAGRAPH_CHARS = 100
"""A line this long with a full stop is a paragraph and no title."""

MASTHEAD_LINES = 4
LINE_CHARS = 120
"""A longer line is no byline, no date line and no masthead."""

OTHER_WORDS = 4
"""How many words beside the date a date line may have."""


class Metadata(NamedTuple):
    title: str | None = None
    publisher: str | None = None
    author: str | None = None
    published: str | None = None
    url: str | None = None
    language: str | None = None


# Dates


@cache
def _months() -> dict[str, int]:
    return {row["form"].lower(): int(row["month"]) for row in table("months")}


@cache
def _weekdays() -> dict[str, int]:
    return {row["form"].lower(): int(row["day"]) for row in table("weekdays")}


@cache
def _date_patterns() -> tuple[re.Pattern[str], ...]:
    month = "|".join(sorted(_months(), key=len, reverse=True))
    return (
        re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)"),
        re.compile(rf"(?<!\d)(?P<d>\d\d?)(?:st|nd|rd|th)?\s+(?P<m>{month})\.?,?\s+(?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE),
        re.compile(rf"\b(?P<m>{month})\.?\s+(?P<d>\d\d?)(?:st|nd|rd|th)?,?\s+(?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE),
        re.compile(r"(?<![\d/.-])(?P<a>\d\d?)(?P<mark>[/.-])(?P<b>\d\d?)(?P=mark)(?P<y>(?:19|20)\d\d)(?![\d/-])"),
        re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)-(?P<m>\d\d)(?!\d)"),
        re.compile(rf"\b(?P<m>{month})\.?,?\s+(?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE),
    )


def parse_date(text: str) -> str | None:
    """The first date in a short text, a day before a month, as ISO 8601 at the precision it has; None where there is none.

    03/04/2024 is two different days in London and New York: such a date is read only where one of them does not exist,
    or is not the day of the week that the text names.
    """
    found = []
    for pattern in _date_patterns():
        for match in pattern.finditer(text):
            day = _in_figures(match, text) if "a" in match.groupdict() else _iso(match.groupdict())
            if day:
                found.append((len(day) < len("2024-04-03"), match.start(), day))
    return min(found)[2] if found else None


def _iso(parts: dict[str, Any]) -> str | None:
    year, month = int(parts["y"]), parts["m"]
    # Ignoring case takes in more letters than lower() gives back: the dotless i of "Aprıl" matches, and is no month here.
    month = int(month) if month.isdigit() else _months().get(month.lower(), 0)
    if not 1 <= month <= 12:
        return None
    if "d" not in parts:
        return f"{year}-{month:02}"
    day = int(parts["d"])
    return f"{year}-{month:02}-{day:02}" if 1 <= day <= calendar.monthrange(year, month)[1] else None


def _in_figures(match: re.Match[str], text: str) -> str | None:
    orders = ({"d": match["a"], "m": match["b"]}, {"d": match["b"], "m": match["a"]})
    days = {day for order in orders if (day := _iso({"y": match["y"], **order}))}
    named = {_weekdays()[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _weekdays()}
    if len(days) > 1 and named:
        days = {day for day in days if date.fromisoformat(day).isoweekday() in named}
    return days.pop() if len(days) == 1 else None


# Lines


def from_lines(lines: Sequence[str], copyright_lines: Sequence[str]) -> Metadata:
    """What the first and last lines of an article say, its furniture left out."""
    head = [line for line in lines[:HEAD_LINES] if len(line) <= TITLE_CHARS]
    titles = [line for line in _above_text(lines[:HEAD_LINES]) if len(line) < PARAGRAPH_CHARS or not line.endswith(".")]
    title = next((line for n, line in enumerate(titles) if not _is_no_title(line, n, titles)), titles[0] if titles else None)
    rest = [line for line in head if line != title]
    above = [_date_line(line, OTHER_WORDS) for line in rest if len(line) <= LINE_CHARS]
    below = [_date_line(line, 1) for line in lines[HEAD_LINES:][-FOOT_LINES:] if len(line) <= LINE_CHARS]
    wire = next((m for line in lines[:HEAD_LINES] if (m := _WIRE.match(line))), None)
    stated = sorted((found for found in above if found), key=lambda f: f[0]) + sorted((found for found in below if found), key=lambda f: f[0])
    return Metadata(
        title=title,
        publisher=_publisher(rest, head, copyright_lines) or (wire["agency"] if wire else None),
        author=_author(rest),
        published=stated[0][1] if stated else parse_date(wire["where"]) if wire else None,
    )


_WIRE = re.compile(r"(?P<where>[A-Z][A-Z][^()]{0,78})\((?P<agency>[A-Z][\w .&'’-]{1,30})\)\s*[-–—]")
"""GENEVA, March 3 (Reuters) - …"""


def _above_text(lines: Sequence[str]) -> Iterator[str]:
    """The lines that may be a title: those above a wire's first line or a second long one."""
    long = 0
    for line in lines:
        long += len(line) > TITLE_CHARS
        if long > 1 or _WIRE.match(line):
            return
        if len(line) <= TITLE_CHARS:
            yield line


_COPYRIGHT = re.compile(r"(?:(?:©|\(c\)|copyright)(?:\s|\d{4}|[-–,]|by\b)*)+", re.IGNORECASE)
_PARTS = re.compile(r"\s*[|•·]\s*|\s+[–—/-]\s+")
_WORD = re.compile(r"[^\W\d_]+")
_CONTENTS = re.compile(r"(?:issue|vol|volume|no|edition|nr)\b\.?\s*\d|in this (?:issue|edition)\b|\d{1,2}[.)]\s", re.IGNORECASE)
"""The number of an issue, its table of contents or an item of it."""

_NAME = re.compile(r"[A-Z][\w.'’-]*(?:\s+(?:[A-Z][\w.'’-]*|de|del|da|van|von|der|den|bin|al|and|&)){0,7}")


@cache
def _uses(use: str) -> frozenset[str]:
    return frozenset(row["word"] for row in table("byline_words") if row["use"] == use)


@cache
def _byline() -> re.Pattern[str]:
    openings = "|".join(sorted(_uses("by"), key=len, reverse=True))
    return re.compile(rf"(?:{openings})(?:\s*:\s*|\s+)(?=[A-Z])", re.IGNORECASE)


def _is_no_title(line: str, place: int, head: Sequence[str]) -> bool:
    if _byline_of(line) or _date_line(line, OTHER_WORDS) or _CONTENTS.match(line):
        return True
    letters = [c for c in line if c.isalpha()]
    capitals = len(letters) > 3 and all(c.isupper() for c in letters) and len(line.split()) <= 4
    return place == 0 and len(head) > 1 and not head[1].endswith(".") and (capitals or _outlet(line) is not None)


def _date_line(line: str, others: int) -> tuple[bool, str] | None:
    """Whether a line speaks of a change, and its date, where it holds little else."""
    byline = _byline_of(line) is not None
    for part in _PARTS.split(line):
        found = parse_date(part)
        words = {word.lower() for word in _WORD.findall(part)} - _months().keys() - _weekdays().keys()
        beside = words - _uses("date") - _uses("update")
        if found and (len(beside) <= others or byline):
            return bool(words & _uses("update")) and not words & {"published", "posted"}, found
    return None


def _outlet(line: str) -> str | None:
    """The part of a short line that is the name of an outlet, by its first or last word."""
    if len(line) > LINE_CHARS // 2 or line.endswith((".", "?", "!")):
        return None
    for part in reversed(_PARTS.split(line)):
        words = [word.lower() for word in _WORD.findall(part)]
        places = {(words[0], "first"), (words[-1], "last")} if 2 <= len(words) <= 5 else set()
        capital = all(word[0].isupper() for word in part.split() if word[0].isalpha() and word not in ("of", "and", "the"))
        if capital and places & {(row["word"], row["place"]) for row in table("outlet_words")}:
            return part.strip()
    return None


def _publisher(rest: Sequence[str], head: Sequence[str], copyright_lines: Sequence[str]) -> str | None:
    for line in head[:MASTHEAD_LINES]:
        if line in rest and not _byline_of(line) and (outlet := _outlet(line)):
            return outlet
    for line in rest:
        for part in re.split(r"[|•·,]", line)[1:] if _byline_of(line) else ():
            if outlet := _outlet(part.strip()):
                return outlet
    for line in copyright_lines:
        name = _COPYRIGHT.sub("", line) if _COPYRIGHT.match(line) else ""
        name = re.split(r"\s*[.,|·•]\s|\s*\ball rights\b|[.,;|]?\s*\d|\.$", name, maxsplit=1, flags=re.IGNORECASE)[0].strip()
        if name and name[0].isupper() and len(name) <= LINE_CHARS // 2:
            return name
    return None


def _byline_of(line: str) -> str | None:
    """The name or names in a byline: By Ada Marsh, political editor."""
    opening = _byline().match(line) if len(line) <= LINE_CHARS else None
    return _name(re.split(r"[|•·/,(]| [–—-] | for | in |\d", line[opening.end() :])[0].strip()) if opening else None


def _name(text: str) -> str | None:
    if not _NAME.fullmatch(text) or {word.lower() for word in text.split()} & _uses("role") or _outlet(text):
        return None
    return " ".join(word.capitalize() if word.isupper() and len(word) > 2 else word for word in text.split())


def _author(rest: Sequence[str]) -> str | None:
    """The name in a byline, or one that stands alone above itself, a date or what a reporter is."""
    for line, following in zip(rest, [*rest[1:], ""], strict=False):
        if name := _byline_of(line):
            return name
        alone, _, role = line.partition(", ")
        if not 2 <= len(alone.split()) <= 4 or not (name := _name(alone)):
            continue
        roles = {word.lower() for word in _WORD.findall(role or following)} & _uses("role")
        if (roles and len((role or following).split()) <= 5) or (not role and (following == line or _date_line(following, 0))):
            return name
    return None


# Markup

_META = {
    "title": ("og:title", "twitter:title"),
    "publisher": ("og:site_name", "application-name"),
    "author": ("author", "article:author", "parsely-author", "byl", "dc.creator"),
    "published": ("article:published_time", "datepublished", "parsely-pub-date", "pubdate", "dc.date.issued", "dc.date", "date", "sailthru.date"),
    "url": ("og:url",),
}
"""Names of meta elements, the best first: Open Graph, Dublin Core and what publishing systems write."""


def from_markup(text: str) -> Metadata:
    """What the meta elements, the JSON-LD, the title and the time elements of a page say, in this order."""
    meta: dict[str, str] = {}
    data: list[dict[str, Any]] = []
    title = url = language = time = None
    for tag in tags(text):
        if tag.closes or tag.name not in ("meta", "script", "title", "link", "html", "time"):
            continue
        inner_start, inner_end = tag.inner
        told = attributes(text[tag.start : inner_start])
        if tag.name == "meta":
            meta.setdefault((told.get("property") or told.get("name") or told.get("itemprop") or "").lower(), told.get("content", ""))
        elif tag.name == "script" and told.get("type", "").lower() == "application/ld+json":
            data += _json_ld(text[inner_start:inner_end])
        elif tag.name == "title":
            title = title or " ".join(html.unescape(text[inner_start:inner_end]).split())
        elif tag.name == "link" and told.get("rel", "").lower() == "canonical":
            url = url or told.get("href")
        elif tag.name == "html":
            language = language or told.get("lang", "").split("-")[0].lower()
        elif tag.name == "time":
            time = time or parse_date(told.get("datetime", ""))
    first = {name: next((meta[k] for k in keys if meta.get(k) and (name == "url" or "://" not in meta[k])), None) for name, keys in _META.items()}
    published = parse_date(first["published"] or "") or next((d for item in data if (d := parse_date(_text(item.get("datePublished"))))), None)
    publisher = first["publisher"] or _first(data, "publisher")
    return Metadata(
        title=first["title"] or _first(data, "headline") or _without(title, publisher),
        publisher=publisher,
        author=_byline_of(first["author"] or "") or first["author"] or _first(data, "author"),
        published=published or time,
        url=url or first["url"],
        language=language if language and re.fullmatch("[a-z]{2}", language) else None,
    )


def _without(title: str | None, publisher: str | None) -> str | None:
    """A page's title without the outlet's name, which most pages add after a dash or a bar."""
    if title and publisher:
        title = re.sub(rf"\s+[|–—-]\s+{re.escape(publisher)}$", "", title)
    return title or None


def _json_ld(text: str) -> Iterator[dict[str, Any]]:
    """The objects that may be an article: the top one, those of a list and those of a graph."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return
    for item in found if isinstance(found, list) else [found]:
        if isinstance(item, dict):
            graph = item.get("@graph")
            yield from (i for i in [item, *(graph if isinstance(graph, list) else ())] if isinstance(i, dict) and "datePublished" in i)


def _first(data: Sequence[dict[str, Any]], key: str) -> str | None:
    return next((found for item in data if (found := _text(item.get(key)))), None)


def _text(value: object) -> str:
    """A JSON-LD value as text: itself, its name, or those of a list."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    if isinstance(value, dict):
        value = value.get("name")
    return value.strip() if isinstance(value, str) else ""
