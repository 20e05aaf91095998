"""ingest: bytes to articles, with title, date and page furniture seen for what they are."""

import calendar
import hashlib
import json
import re
from functools import cache
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
        article = from_text(source)
    elif source.format == ".jsonl":
        article = from_record(source)
    else:
        raise Skip(f"unsupported file type {source.format or '(none)'}: .txt and .jsonl are read")
    if not article.text.strip():
        raise Skip("empty")
    if len(article.text) > settings.ingest.max_chars:
        raise Skip(f"{len(article.text):,} characters, more than the setting ingest.max_chars = {settings.ingest.max_chars:,}")
    return {"articles": [article]}


def from_text(source: Source) -> Article:
    """A plain text file: its text unchanged but for the byte order mark, title and date read off its first lines."""
    text = decode(source.data)
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


def from_record(source: Source) -> Article:
    """A JSON object with the article's text under `text`, `body` or `content`, and its metadata where it has any."""
    try:
        record = json.loads(decode(source.data))
    except ValueError as error:
        raise Skip(f"invalid JSON: {error}") from error
    except RecursionError as error:
        raise Skip("invalid JSON: nested too deep") from error
    if not isinstance(record, dict):
        raise Skip("not a JSON object")
    found = {name: next((record[key] for key in keys if isinstance(record.get(key), str)), None) for name, keys in _FIELDS.items()}
    if found["text"] is None:
        raise Skip(f"no text: a record needs one of the fields {', '.join(_FIELDS['text'])}")
    # A lone surrogate can be written in JSON but not in UTF-8; one character for one keeps every offset.
    clean = {name: re.sub(r"[\ud800-\udfff]", "\ufffd", value) for name, value in found.items() if value is not None}
    text = clean["text"]
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


def _lines(text: str) -> list[tuple[int, str]]:
    """Start and stripped text of every line that is not empty."""
    found = []
    for match in re.finditer(r"[^\r\n]+", text):
        line = match.group().strip()
        if line:
            found.append((match.start() + len(match.group()) - len(match.group().lstrip()), line))
    return found


def _head(text: str, furniture: list[Furniture]) -> list[str]:
    covered = [(f.start, f.end) for f in furniture]
    lines = [line for start, line in _lines(text) if not any(a <= start < b for a, b in covered)]
    return lines[:HEAD_LINES]


_MONTHS = {name.lower(): i for i, name in enumerate(calendar.month_name) if name} | {n.lower(): i for i, n in enumerate(calendar.month_abbr) if n}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES = (
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)"),
    re.compile(rf"(?<!\d)(?P<d>\d\d?)(?:st|nd|rd|th)?\s+(?P<m>{_MONTH})\.?,?\s+(?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE),
    re.compile(rf"\b(?P<m>{_MONTH})\.?\s+(?P<d>\d\d?)(?:st|nd|rd|th)?,?\s+(?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE),
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)-(?P<m>\d\d)(?!\d)"),
    re.compile(rf"\b(?P<m>{_MONTH})\.?,?\s+(?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE),
)


def parse_date(text: str) -> str | None:
    """The first date in a short text, as ISO 8601 at the precision it has; None where there is none.

    Dates in figures only are read in ISO order alone: 03/04/2024 is two different days in London and New York.
    """
    for pattern in _DATES:
        for match in pattern.finditer(text):
            date = _iso(match.groupdict())
            if date:
                return date
    return None


def _iso(parts: dict[str, Any]) -> str | None:
    year, month = int(parts["y"]), parts["m"]
    month = int(month) if month.isdigit() else _MONTHS[month.lower()]
    if not 1 <= month <= 12:
        return None
    if "d" not in parts:
        return f"{year}-{month:02}"
    day = int(parts["d"])
    return f"{year}-{month:02}-{day:02}" if 1 <= day <= calendar.monthrange(year, month)[1] else None
