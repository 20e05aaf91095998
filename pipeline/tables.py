"""Every table, declared once: row types, meanings, keys, references, and the checks made at every write.

A table's row is a NamedTuple whose annotations carry each column's meaning (and, where the values are a closed set,
the choices). The Arrow schema, the documentation, the metadata inside the files and the checks all come from it.
"""

import hashlib
import json
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, NamedTuple

import pyarrow as pa

from pipeline.errors import PipelineError

Rows = dict[str, list[Any]]
"""Rows by table name: what a stage is given for one article, and what it gives back."""


class Choices(tuple[str, ...]):
    """The closed set of values that a column may take."""


ENTITY_TYPES = ("person", "organisation", "city", "country", "region")
CLAIM_KINDS = Choices(("count", "money", "percent", "measure", "duration", "age", "rank"))
BOUNDS = Choices(("exact", "at_least", "at_most", "more_than", "less_than", "about", "between", "vague"))

DocId = Annotated[str, "the article: its path below the corpus folder without the suffix, or the record's own id"]
Start = Annotated[int, "first character in `articles.text`: Unicode code points, from 0"]
End = Annotated[int, "one past the last character in `articles.text`"]
Text = Annotated[str, "`articles.text[start:end]`, unchanged"]
SentenceId = Annotated[int, "the sentence: counted from 0 in its article"]
Country = Annotated[str | None, "ISO 3166-1 alpha-2 code, null when not known"]


class Furniture(NamedTuple):
    """A passage of an article that is not its text."""

    start: int
    end: int
    kind: str


class Copied(NamedTuple):
    """A passage of an article that stands in an earlier one."""

    start: int
    end: int
    from_doc: str
    from_start: int


class Evidence(NamedTuple):
    """One reason for a decision: what was looked at, and what it said."""

    signal: str
    value: str


class Article(NamedTuple):
    doc_id: DocId
    path: Annotated[str, "the file, relative to the corpus folder (`file#line` for a record of a larger file)"]
    title: Annotated[str | None, "the headline"]
    publisher: Annotated[str | None, "the outlet, when the source states it"]
    author: Annotated[str | None, "the byline, when the source states it"]
    published: Annotated[str | None, "publication date, ISO 8601 at the precision known; null when unknown"]
    url: Annotated[str | None, "the web address, when the source states it"]
    language: Annotated[str, "ISO 639-1 code"]
    text: Annotated[str, "the decoded text, unchanged (a byte order mark is dropped)"]
    sha256: Annotated[str, "SHA-256 of the source's bytes"]
    furniture: Annotated[list[Furniture], "menus, counters, share buttons, reader comments: skipped by later stages"]
    copied: Annotated[list[Copied], "passages that stand in an earlier article"]


class Sentence(NamedTuple):
    doc_id: DocId
    sentence_id: SentenceId
    start: Start
    end: End
    kind: Annotated[str, "where the sentence stands", Choices(("title", "body", "quote"))]


class Token(NamedTuple):
    doc_id: DocId
    sentence_id: SentenceId
    token_id: Annotated[int, "the token: counted from 0 in its article"]
    start: Start
    end: End
    text: Text
    lemma: Annotated[str, "base form"]
    pos: Annotated[str, "Universal Dependencies part of speech"]
    tag: Annotated[str, "Penn Treebank part of speech"]
    dep: Annotated[str, "dependency relation to the head (ClearNLP labels, as spaCy's English models use them)"]
    head: Annotated[int, "token_id of the syntactic head; a root is its own head"]
    space_after: Annotated[bool, "whether a space follows"]
    ner: Annotated[str, "the model's named entity in IOB2 notation: O, B-ORG, I-ORG, …"]


class ExtractedMention(NamedTuple):
    doc_id: DocId
    mention_id: Annotated[str, "the mention: `doc_id:start-end`"]
    sentence_id: SentenceId
    start: Start
    end: End
    text: Text
    type: Annotated[str, "person, organisation, city, country or region"]
    name: Annotated[str, "the fullest form of the name in its article: what a surname, short form or acronym stands for"]
    place_id: Annotated[str | None, "the place it was resolved to (`country:GB`, `geonames:2643743`); null: undecided or no place"]
    score: Annotated[float | None, "how sure the extractor is, from 0 to 1; null when it does not say"]


class ExtractedOfficial(NamedTuple):
    doc_id: DocId
    mention_id: Annotated[str, "the mention of the person nearest the role"]
    role: Annotated[str, "the role as written, without person and organisation"]
    organisation_mention_id: Annotated[str | None, "the mention of the organisation, when it is named"]
    organisation: Annotated[str | None, "the organisation as the text states it; null when it states none"]
    country: Annotated[str | None, "ISO 3166-1 alpha-2 code of the state that the office belongs to"]
    sentence_id: SentenceId
    start: Annotated[int, "first character of the person's mention"]
    end: Annotated[int, "one past the last character of the person's mention"]


class ExtractedClaim(NamedTuple):
    doc_id: DocId
    claim_id: Annotated[str, "the claim: `doc_id:start-end`"]
    sentence_id: SentenceId
    start: Start
    end: End
    text: Annotated[str, "the number expression with its multiplier, without its modifier"]
    kind: Annotated[str, "what sort of number it is", CLAIM_KINDS]
    value: Annotated[float | None, "the number; the lower end of a range; null for vague ones"]
    value_max: Annotated[float | None, "the upper end of a range"]
    bound: Annotated[str, "how the number limits the quantity", BOUNDS]
    unit: Annotated[str | None, "null for counts; ISO 4217 code for money; `percent`; a unit word for measures"]
    counted: Annotated[str | None, "what is counted, as a self-sufficient noun phrase"]
    predicate: Annotated[str | None, "lemma of the verb that the number depends on"]
    place_mention_ids: Annotated[list[str], "mentions of the places that scope the count"]
    time_start: Annotated[str | None, "first day, month or year the claim is about (ISO 8601)"]
    time_end: Annotated[str | None, "last day, month or year the claim is about (ISO 8601)"]
    source_mention_id: Annotated[str | None, "mention of whoever the number comes from"]
    source: Annotated[str | None, "whoever the number comes from, as the text names them; null: the article's own voice"]
    quoted: Annotated[bool, "inside quotation marks"]
    hedged: Annotated[bool, "would be, allegedly, reportedly"]
    negated: Annotated[bool, "denied or negated"]
    rules: Annotated[list[Evidence], "field by field, the rule behind the value"]


class Link(NamedTuple):
    doc_id: DocId
    mention_id: Annotated[str, "the mention"]
    entity_id: Annotated[str, "the real-world entity"]
    name: Annotated[str, "the entity's name"]


class Member(NamedTuple):
    doc_id: DocId
    claim_id: Annotated[str, "the claim"]
    group_id: Annotated[str, "the real-world quantity that the claim speaks of"]
    copied_from: Annotated[str | None, "the claim in an earlier article that this one repeats word for word"]


class Mention(NamedTuple):
    doc_id: DocId
    mention_id: Annotated[str, "the mention: `doc_id:start-end`"]
    sentence_id: SentenceId
    start: Start
    end: End
    text: Text
    type: Annotated[str, "person, organisation, city, country or region"]
    entity_id: Annotated[str, "the real-world entity"]
    score: Annotated[float | None, "how sure the extractor is, from 0 to 1; null when it does not say"]


class Entity(NamedTuple):
    entity_id: Annotated[str, "the entity; the same in every run over the same corpus"]
    type: Annotated[str, "person, organisation, city, country or region"]
    name: Annotated[str, "the best-known full form found in the corpus"]
    mentions: Annotated[int, "mentions in the corpus"]
    articles: Annotated[int, "articles that mention it"]
    country: Country
    geonames_id: Annotated[int | None, "GeoNames id of a resolved place"]
    latitude: Annotated[float | None, "degrees north"]
    longitude: Annotated[float | None, "degrees east"]
    population: Annotated[int | None, "inhabitants, as GeoNames has it"]


class Variant(NamedTuple):
    entity_id: Annotated[str, "the entity"]
    variant: Annotated[str, "a spelling found in the corpus"]
    mentions: Annotated[int, "mentions with this spelling"]
    articles: Annotated[int, "articles with this spelling"]
    decided_by: Annotated[str, "who said that the spelling belongs to the entity", Choices(("same", "rule", "model", "person"))]
    score: Annotated[float, "how sure that is, from 0 to 1"]
    evidence: Annotated[list[Evidence], "why the spelling belongs to the entity"]


class Official(NamedTuple):
    doc_id: DocId
    entity_id: Annotated[str, "the person"]
    person: Annotated[str, "the person's name"]
    role: Annotated[str, "the role as written, without person and organisation"]
    organisation_id: Annotated[str | None, "the organisation"]
    organisation: Annotated[str | None, "the organisation's name; null when the text states none"]
    country: Annotated[str | None, "ISO 3166-1 alpha-2 code of the state that the office belongs to"]
    sentence_id: SentenceId
    start: Annotated[int, "first character of the person's mention"]
    end: Annotated[int, "one past the last character of the person's mention"]


class Claim(NamedTuple):
    doc_id: DocId
    claim_id: Annotated[str, "the claim: `doc_id:start-end`"]
    sentence_id: SentenceId
    start: Start
    end: End
    text: Annotated[str, "the number expression with its multiplier, without its modifier"]
    kind: Annotated[str, "what sort of number it is", CLAIM_KINDS]
    value: Annotated[float | None, "the number; the lower end of a range; null for vague ones"]
    value_max: Annotated[float | None, "the upper end of a range"]
    bound: Annotated[str, "how the number limits the quantity", BOUNDS]
    unit: Annotated[str | None, "null for counts; ISO 4217 code for money; `percent`; a unit word for measures"]
    counted: Annotated[str | None, "what is counted, as a self-sufficient noun phrase"]
    predicate: Annotated[str | None, "lemma of the verb that the number depends on"]
    place_ids: Annotated[list[str], "the places that scope the count"]
    places: Annotated[list[str], "their names, in the same order"]
    time_start: Annotated[str | None, "first day, month or year the claim is about (ISO 8601)"]
    time_end: Annotated[str | None, "last day, month or year the claim is about (ISO 8601)"]
    source_id: Annotated[str | None, "the entity the number comes from"]
    source: Annotated[str | None, "its name, or whoever the text names; null: the article's own voice"]
    quoted: Annotated[bool, "inside quotation marks"]
    hedged: Annotated[bool, "would be, allegedly, reportedly"]
    negated: Annotated[bool, "denied or negated"]
    copied_from: Annotated[str | None, "the claim in an earlier article that this one repeats word for word"]
    group_id: Annotated[str, "the real-world quantity that the claim speaks of"]


class ClaimGroup(NamedTuple):
    group_id: Annotated[str, "the quantity"]
    quantity: Annotated[str, "the quantity in words"]
    kind: Annotated[str, "what sort of number it is", CLAIM_KINDS]
    unit: Annotated[str | None, "as in claims"]
    place_ids: Annotated[list[str], "the places that scope it"]
    claims: Annotated[int, "claims about it"]
    articles: Annotated[int, "articles that make them"]
    independent_sources: Annotated[int, "origins that do not merely relay one another"]
    values: Annotated[list[float], "the distinct numbers given, in order"]
    low: Annotated[float | None, "the lowest number given"]
    high: Annotated[float | None, "the highest number given"]
    status: Annotated[str, "whether the sources agree", Choices(("single", "agree", "differ", "update"))]
    first_published: Annotated[str | None, "the earliest publication date among its articles"]
    last_published: Annotated[str | None, "the latest publication date among its articles"]


class Skipped(NamedTuple):
    doc_id: Annotated[str, "the article, or the path of a file that holds none"]
    stage: Annotated[str, "the stage that left it out"]
    reason: Annotated[str, "why"]


@dataclass(frozen=True)
class Column:
    """One column, read off the row type."""

    name: str
    type: pa.DataType
    nullable: bool
    meaning: str
    choices: tuple[str, ...]
    item: Any
    """The NamedTuple in a list column of structs, else None."""


@dataclass(frozen=True)
class Table:
    """One table: its row type, who writes it, what identifies a row and what a row refers to."""

    name: str
    row: Any
    meaning: str
    stage: str
    key: tuple[str, ...]
    references: Mapping[str, str] = field(default_factory=dict)
    """Column -> the `table.column` that must hold its value (a list column: each of its values)."""
    public: bool = True
    """Whether it is published; the others only carry rows from one step of a stage to the next."""

    @property
    def columns(self) -> tuple[Column, ...]:
        return _columns(self.row)

    @property
    def of_articles(self) -> bool:
        """Whether its rows belong to articles."""
        return self.key[0] == "doc_id"

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema with the documentation in its metadata, per column and (for readers that drop that) as a whole."""
        docs = {c.name: c.meaning for c in self.columns}
        fields = [pa.field(c.name, c.type, c.nullable, metadata={"meaning": c.meaning}) for c in self.columns]
        meta = {"table": self.name, "meaning": self.meaning, "key": ", ".join(self.key), "columns": json.dumps(docs)}
        return pa.schema(fields, metadata=meta)

    @property
    def digest(self) -> str:
        """Changes with the names, types and checks of the columns; not with their documentation."""
        declared = [[c.name, str(c.type), c.nullable, c.choices] for c in self.columns]
        return hashlib.sha256(json.dumps([declared, self.key, dict(self.references)]).encode()).hexdigest()


_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def _arrow(kind: Any) -> tuple[pa.DataType, Any]:
    if typing.get_origin(kind) is list:
        (item,) = typing.get_args(kind)
        if hasattr(item, "_fields"):
            fields = [pa.field(n, _ARROW[t], nullable=False) for n, t in typing.get_type_hints(item).items()]
            return pa.list_(pa.field("item", pa.struct(fields), nullable=False)), item
        return pa.list_(pa.field("item", _ARROW[item], nullable=False)), None
    return _ARROW[kind], None


@cache
def _columns(row: Any) -> tuple[Column, ...]:
    found = []
    for name, hint in typing.get_type_hints(row, include_extras=True).items():
        kind, *notes = typing.get_args(hint)
        nullable = isinstance(kind, types.UnionType)
        if nullable:
            kind = next(k for k in typing.get_args(kind) if k is not type(None))
        arrow, item = _arrow(kind)
        choices = next((tuple(n) for n in notes if isinstance(n, Choices)), ())
        found.append(Column(name, arrow, nullable, notes[0], choices, item))
    return tuple(found)


_IN_SENTENCE = {"doc_id": "articles.doc_id", "sentence_id": "sentences.sentence_id"}

_DECLARED = (
    Table("articles", Article, "an article", "ingest", ("doc_id",)),
    Table("sentences", Sentence, "a sentence", "tokenize", ("doc_id", "sentence_id"), {"doc_id": "articles.doc_id"}),
    Table("tokens", Token, "a token", "tokenize", ("doc_id", "token_id"), {**_IN_SENTENCE, "head": "tokens.token_id"}),
    Table(
        "extracted_mentions",
        ExtractedMention,
        "a named mention as its article has it, before normalisation",
        "entities",
        ("doc_id", "mention_id"),
        _IN_SENTENCE,
    ),
    Table(
        "extracted_officials",
        ExtractedOfficial,
        "a person holding a role as one article states it, before normalisation",
        "entities",
        ("doc_id", "start", "role", "organisation"),
        {**_IN_SENTENCE, "mention_id": "extracted_mentions.mention_id", "organisation_mention_id": "extracted_mentions.mention_id"},
    ),
    Table(
        "extracted_claims",
        ExtractedClaim,
        "a numeric claim as its article has it, before normalisation",
        "claims",
        ("doc_id", "claim_id"),
        {**_IN_SENTENCE, "place_mention_ids": "extracted_mentions.mention_id", "source_mention_id": "extracted_mentions.mention_id"},
    ),
    Table("links", Link, "a mention and its entity", "normalise", ("doc_id", "mention_id"), {"entity_id": "entities.entity_id"}, public=False),
    Table("members", Member, "a claim and its group", "normalise", ("doc_id", "claim_id"), {"group_id": "claim_groups.group_id"}, public=False),
    Table("mentions", Mention, "a named mention", "normalise", ("doc_id", "mention_id"), {**_IN_SENTENCE, "entity_id": "entities.entity_id"}),
    Table("entities", Entity, "a real-world person, organisation or place", "normalise", ("entity_id",)),
    Table("variants", Variant, "a spelling of an entity", "normalise", ("entity_id", "variant"), {"entity_id": "entities.entity_id"}),
    Table(
        "officials",
        Official,
        "a person holding a role, as one article states it",
        "normalise",
        ("doc_id", "start", "role", "organisation"),
        {**_IN_SENTENCE, "entity_id": "entities.entity_id", "organisation_id": "entities.entity_id"},
    ),
    Table(
        "claims",
        Claim,
        "a numeric claim",
        "normalise",
        ("doc_id", "claim_id"),
        {**_IN_SENTENCE, "place_ids": "entities.entity_id", "source_id": "entities.entity_id", "group_id": "claim_groups.group_id"},
    ),
    Table("claim_groups", ClaimGroup, "a real-world quantity that claims speak of", "normalise", ("group_id",), {"place_ids": "entities.entity_id"}),
    Table("skipped", Skipped, "something left out", "every stage", ("doc_id", "stage", "reason")),
)

TABLES: dict[str, Table] = {t.name: t for t in _DECLARED}


def check(rows: Rows, given: Rows, known: Mapping[str, set[Any]]) -> None:
    """Hold the rows that a stage made for one article (or for the whole corpus) against the declarations.

    `given` is what the stage was given, `known` holds the values of columns of whole-corpus tables, by `table.column`.
    Raises PipelineError naming the table, the row and the rule it breaks.
    """
    everything = {**given, **rows}
    text = everything["articles"][0].text if everything.get("articles") else None
    for name, made in rows.items():
        table = TABLES[name]
        _check_values(table, made)
        _check_keys(table, made)
        if text is not None:
            _check_spans(table, made, text)
        for column, target in table.references.items():
            values = known[target] if target in known else _values(everything, target)
            _check_references(table, made, column, target, values)


def _values(rows: Rows, target: str) -> set[Any]:
    """The values that stand in `table.column`, or in the columns that refer to it: those were held against it before."""
    name, column = target.split(".")
    if name in rows:
        return {getattr(row, column) for row in rows[name]}
    found = [(t, c) for t in rows for c, to in TABLES[t].references.items() if to == target and not TABLES[t].public]
    if not found:
        raise LookupError(f"nothing to check references to {target} against")
    return {getattr(row, c) for t, c in found for row in rows[t]}


def _broken(table: Table, row: Any, rule: str) -> PipelineError:
    key = ", ".join(f"{k} {getattr(row, k)!r}" for k in table.key)
    return PipelineError(f"table {table.name}, row {key}: {rule}", hint="this is a fault of the stage that wrote the row; please report it")


def _check_values(table: Table, rows: Sequence[Any]) -> None:
    for place, column in enumerate(table.columns):
        if not column.nullable and any(row[place] is None for row in rows):
            bad = next(row for row in rows if row[place] is None)
            raise _broken(table, bad, f"{column.name} is null")
        if pa.types.is_list(column.type):
            for row in rows:
                if any(part is None or (column.item and None in part) for part in row[place]):
                    raise _broken(table, row, f"{column.name} holds a null")
        if column.choices:
            for row in rows:
                if row[place] not in column.choices:
                    raise _broken(table, row, f"{column.name} is {row[place]!r}, not one of {', '.join(column.choices)}")


def _check_keys(table: Table, rows: Sequence[Any]) -> None:
    seen = set()
    for row in rows:
        key = tuple(getattr(row, k) for k in table.key)
        if key in seen:
            raise _broken(table, row, "the key stands twice")
        seen.add(key)


def _check_spans(table: Table, rows: Sequence[Any], text: str) -> None:
    names = {c.name for c in table.columns}
    if "furniture" in names:
        spans = [(row, part) for row in rows for part in (*row.furniture, *row.copied)]
    elif "start" in names:
        spans = [(row, row) for row in rows]
    else:
        return
    for row, span in spans:
        if not 0 <= span.start < span.end <= len(text):
            raise _broken(table, row, f"the span {span.start}-{span.end} is not inside the article's {len(text)} characters")
    if "text" in names and "start" in names:
        for row in rows:
            if row.text != text[row.start : row.end]:
                raise _broken(table, row, f"text is {row.text!r}, but the article has {text[row.start : row.end]!r}")


def _check_references(table: Table, rows: Sequence[Any], column: str, target: str, values: set[Any]) -> None:
    for row in rows:
        value = getattr(row, column)
        for one in value if isinstance(value, list) else (value,):
            if one is not None and one not in values:
                raise _broken(table, row, f"{column} {one!r} is not in {target}")


def to_arrow(table: Table, rows: Sequence[Any]) -> pa.Table:
    """Rows to Arrow, in the declared schema. A value of another type raises PipelineError naming the column."""
    arrays = []
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(table.columns)
    for column, values in zip(table.columns, columns, strict=True):
        plain: Iterable[Any] = [[v._asdict() for v in part] for part in values] if column.item else values
        try:
            arrays.append(pa.array(plain, column.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError) as error:
            raise PipelineError(
                f"table {table.name}, column {column.name}: {error}", hint="this is a fault of the stage that wrote the table; please report it"
            ) from error
    return pa.Table.from_arrays(arrays, schema=table.schema)


def from_arrow(table: Table, data: pa.Table | pa.RecordBatch, asked: Sequence[str] | None = None) -> list[Any]:
    """Arrow to rows. Columns are taken by name; those that were not asked for are None."""
    columns: list[list[Any]] = []
    for column in table.columns:
        if asked is not None and column.name not in asked:
            columns.append([None] * data.num_rows)
            continue
        values = data.column(column.name).to_pylist()
        columns.append([[column.item(**v) for v in part] for part in values] if column.item else values)
    return list(map(table.row._make, zip(*columns, strict=True)))
