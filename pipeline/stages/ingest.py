"""ingest: bytes to articles, with title, date and page furniture seen for what they are."""

import calendar
import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple

from pipeline.config import Settings
from pipeline.errors import Skip
from pipeline.lexicon import table
from pipeline.tables import Article, Furniture, Rows

HEAD_LINES = 12
"""Title, byline and date line stand among the first lines of a saved page."""

TITLE_CHARS = 200
DATE_LINE_CHARS = 80


class Source(NamedTuple):
    """One file, or one record of a file that holds many."""

    doc_id: str
    path: str
    format: str
    data: bytes


def ingest(source: Source, settings: Settings) -> Rows:
    """The article in a source. Raises Skip with the reason where there is none."""
    if source.format == ".txt":
        return {"articles": [from_text(source, settings)]}
    if source.format == ".jsonl":
        return {"articles": [from_record(source, settings)]}
    raise Skip(f"unsupported file type {source.format or '(none)'}: .txt and .jsonl are read")


def _check_length(text: str, settings: Settings) -> None:
    # Before anything looks at the lines: there may be millions of them.
    if not text or text.isspace():
        raise Skip("empty")
    if len(text) > settings.ingest.max_chars:
        raise Skip(f"{len(text):,} characters, more than the setting ingest.max_chars = {settings.ingest.max_chars:,}")


def from_text(source: Source, settings: Settings) -> Article:
    """A plain text file: its text unchanged but for the byte order mark, title and date read off its first lines."""
    text = decode(source.data)
    _check_length(text, settings)
    furniture = find_furniture(text)
    lines = _head(text, furniture)
    title = next((line for line in lines if len(line) <= TITLE_CHARS), None)
    dates = (parse_date(line) for line in lines if len(line) <= DATE_LINE_CHARS)
    published = next((d for d in dates if d), None) or parse_date(source.path.rpartition("/")[2])
    return Article(
        doc_id=source.doc_id,
        path=source.path,
        title=title,
        publisher=None,
        author=None,
        published=published,
        url=None,
        language="en",
        text=text,
        sha256=hashlib.sha256(source.data).hexdigest(),
        furniture=furniture,
        copied=[],
    )


_FIELDS = {
    "title": ("title", "headline"),
    "text": ("text", "body", "content"),
    "publisher": ("publisher", "outlet", "source"),
    "author": ("author", "byline"),
    "published": ("published", "date", "date_published"),
    "url": ("url", "link"),
    "language": ("language", "lang"),
}


def from_record(source: Source, settings: Settings) -> Article:
    """A JSON object with the article's text under `text`, `body` or `content`, and its metadata where it has any."""
    try:
        record = json.loads(decode(source.data))
    except ValueError as error:
        raise Skip(f"invalid JSON: {error}") from error
    except RecursionError as error:
        raise Skip("invalid JSON: nested too deep") from error
    if not isinstance(record, dict):
        raise Skip("not a JSON object")
    if not any(isinstance(record.get(key), str) for key in _FIELDS["text"]):
        raise Skip(f"no text: a record needs one of the fields {', '.join(_FIELDS['text'])}")
    clean = {}
    for name, keys in _FIELDS.items():
        value = next((v for key in keys if isinstance(v := record.get(key), str) and v.strip()), None)
        if value is not None:
            # NUL and lone surrogates can be written in JSON but not in a text file; one character for one keeps every offset.
            clean[name] = re.sub(r"[\0\ud800-\udfff]", "\ufffd", value)
    text = clean.get("text", "")
    _check_length(text, settings)
    return Article(
        doc_id=source.doc_id,
        path=source.path,
        title=clean.get("title"),
        publisher=clean.get("publisher"),
        author=clean.get("author"),
        published=parse_date(clean.get("published", "")),
        url=clean.get("url"),
        language=clean.get("language", "en"),
        text=text,
        sha256=hashlib.sha256(source.data).hexdigest(),
        furniture=find_furniture(text),
        copied=[],
    )


def decode(data: bytes) -> str:
    """UTF-8, with or without a byte order mark. Raises Skip for anything else: a wrong guess would garble every name."""
    if b"\0" in data:
        raise Skip("a binary file (it holds NUL bytes)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Skip(f"not UTF-8: byte 0x{data[error.start]:02x} at {error.start}; convert it, for example with iconv -t utf-8") from error


@cache
def _furniture_patterns() -> tuple[tuple[str, bool, re.Pattern[str]], ...]:
    return tuple((row["kind"], row["reach"] == "end", re.compile(row["pattern"], re.IGNORECASE)) for row in table("furniture"))


def find_furniture(text: str) -> list[Furniture]:
    """Lines of a saved page that are not the article's text, adjoining ones of a kind as one span.

    Each line is held against the patterns of lexicon/furniture.tsv; those with reach `end` (a comment section) claim
    everything that follows.
    """
    found: list[Furniture] = []
    for start, line in _lines(text):
        hit = next(((kind, to_end) for kind, to_end, pattern in _furniture_patterns() if pattern.fullmatch(line)), None)
        if hit is None:
            continue
        kind, to_end = hit
        end = len(text.rstrip()) if to_end else start + len(line)
        if found and found[-1].kind == kind and not text[found[-1].end : start].strip():
            found[-1] = found[-1]._replace(end=end)
        else:
            found.append(Furniture(start, end, kind))
        if to_end:
            break
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Start and stripped text of every line that is not empty."""
    for match in re.finditer(r"[^\r\n]+", text):
        line = match.group().strip()
        if line:
            yield match.start() + len(match.group()) - len(match.group().lstrip()), line


def _head(text: str, furniture: list[Furniture]) -> list[str]:
    def covered(start: int) -> bool:
        before = bisect_right(furniture, start, key=attrgetter("start"))
        return before > 0 and start < furniture[before - 1].end

    return list(islice((line for start, line in _lines(text) if not covered(start)), HEAD_LINES))


@cache
def _months() -> dict[str, int]:
    return {row["form"].lower(): int(row["month"]) for row in table("months")}


@cache
def _date_patterns() -> tuple[re.Pattern[str], ...]:
    month = "|".join(sorted(_months(), key=len, reverse=True))
    return (
        re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)"),
        re.compile(rf"(?<!\d)(?P<d>\d\d?)(?:st|nd|rd|th)?\s+(?P<m>{month})\.?,?\s+(?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE),
        re.compile(rf"\b(?P<m>{month})\.?\s+(?P<d>\d\d?)(?:st|nd|rd|th)?,?\s+(?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE),
        re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)-(?P<m>\d\d)(?!\d)"),
        re.compile(rf"\b(?P<m>{month})\.?,?\s+(?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE),
    )


def parse_date(text: str) -> str | None:
    """The first date in a short text, a day before a month, as ISO 8601 at the precision it has; None where there is none.

    Dates in figures only are read in ISO order alone: 03/04/2024 is two different days in London and New York.
    """
    found = [(len(date) < len("2024-04-03"), m.start(), date) for p in _date_patterns() for m in p.finditer(text) if (date := _iso(m.groupdict()))]
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
