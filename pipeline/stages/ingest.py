"""ingest: bytes to articles, with title, date and page furniture seen for what they are."""

import hashlib
import json
import re
from bisect import bisect_right
from typing import NamedTuple

from pipeline.config import Settings
from pipeline.errors import Skip
from pipeline.rules.furniture import Line, find_in_lines, lines_of
from pipeline.rules.markup import find_markup, outermost, view
from pipeline.rules.metadata import Metadata, from_lines, from_markup, parse_date
from pipeline.tables import Article, Furniture, Rows

TEXTS = (".txt", ".html", ".htm")
"""Formats whose text is the article's: a file of each is one article."""


class Source(NamedTuple):
    """One file, or one record of a file that holds many."""

    doc_id: str
    path: str
    format: str
    data: bytes


def ingest(source: Source, settings: Settings) -> Rows:
    """The article in a source. Raises Skip with the reason where there is none."""
    if source.format in TEXTS:
        return {"articles": [from_text(source, settings)]}
    if source.format == ".jsonl":
        return {"articles": [from_record(source, settings)]}
    raise Skip(f"unsupported file type {source.format or '(none)'}: .txt, .html, .htm and .jsonl are read")


def _check_length(text: str, settings: Settings) -> None:
    # Before anything looks at the lines: there may be millions of them.
    if not text or text.isspace():
        raise Skip("empty")
    if len(text) > settings.ingest.max_chars:
        raise Skip(f"{len(text):,} characters, more than the setting ingest.max_chars = {settings.ingest.max_chars:,}")


def from_text(source: Source, settings: Settings) -> Article:
    """A text file, with or without markup: its text unchanged but for the byte order mark, metadata read off the page."""
    text = decode(source.data)
    _check_length(text, settings)
    furniture, told = _read(text, source.path)
    return Article(
        doc_id=source.doc_id,
        path=source.path,
        title=told.title,
        publisher=told.publisher,
        author=told.author,
        published=told.published,
        url=told.url,
        language=told.language or "en",
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


def find_furniture(text: str) -> list[Furniture]:
    """Markup and furniture lines, in order, none overlapping; later stages skip them."""
    return _with_lines(text, find_markup(text))[0]


def _with_lines(text: str, markup: list[Furniture]) -> tuple[list[Furniture], list[Line]]:
    """All furniture, and the lines that are not."""
    lines = lines_of(view(text, markup))
    found = find_in_lines(lines)
    starts = [f.start for f in found]

    def covered(line: Line) -> bool:
        before = bisect_right(starts, line.start)
        return before > 0 and line.start < found[before - 1].end

    return outermost([*markup, *found]), [line for line in lines if not covered(line)]


def _read(text: str, path: str) -> tuple[list[Furniture], Metadata]:
    """Furniture and metadata: what markup says counts before what lines say, and both before the name of the file."""
    markup = find_markup(text)
    furniture, lines = _with_lines(text, markup)
    copyright_lines = [text[f.start : f.end] for f in furniture if f.kind == "copyright"]
    told = from_lines([line.text for line in lines], copyright_lines)
    if markup:
        told = Metadata(*(a or b for a, b in zip(from_markup(text), told, strict=True)))
    return furniture, told._replace(published=told.published or parse_date(path.rpartition("/")[2]))
