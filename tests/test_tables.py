"""The declarations of the tables, and the checks made at every write."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import PipelineError
from pipeline.stages import STAGES
from pipeline.store import Writer
from pipeline.tables import (
    TABLES,
    Article,
    Choices,
    Copied,
    Evidence,
    ExtractedClaim,
    ExtractedMention,
    Furniture,
    Link,
    Mention,
    Rows,
    Sentence,
    Skipped,
    Table,
    Token,
    Variant,
    check,
    from_arrow,
    to_arrow,
)

TEXT = "Ansa Velloth counted 41 herons."


@pytest.fixture
def given(article: Callable[..., Article]) -> Rows:
    return {"articles": [article(TEXT)], "sentences": [Sentence("a", 0, 0, len(TEXT), "body")]}


def mention(**columns: Any) -> ExtractedMention:
    return ExtractedMention("a", "a:0-12", 0, 0, 12, "Ansa Velloth", "person", "Ansa Velloth", None, 0.9)._replace(**columns)


def claim(**columns: Any) -> ExtractedClaim:
    row = ExtractedClaim(
        "a", "a:21-23", 0, 21, 23, "41", "count", 41.0, None, "exact", None, "herons", "count", [], None, None, None, None, False, False, False, []
    )
    return row._replace(**columns)


def token(number: int, **columns: Any) -> Token:
    starts = [m.span() for m in re.finditer(r"\S+", TEXT)]
    start, end = starts[number]
    return Token("a", 0, number, start, end, TEXT[start:end], "x", "X", "XX", "dep", 0, True, "O")._replace(**columns)


def refused(rows: Rows, given: Rows, known: dict[str, set[Any]] | None = None) -> str:
    with pytest.raises(PipelineError) as caught:
        check(rows, given, known or {})
    return caught.value.message


def test_rows_as_declared_pass(given: Rows) -> None:
    check({"extracted_mentions": [mention()]}, given, {})
    check({"extracted_claims": [claim()]}, given | {"extracted_mentions": [mention()]}, {})
    check({"tokens": [token(0), token(1, head=1)]}, given, {})


def test_null_in_a_column_without_nulls_is_refused(given: Rows) -> None:
    message = refused({"extracted_mentions": [mention(type=None)]}, given)
    assert message == "table extracted_mentions, row doc_id 'a', mention_id 'a:0-12': type is null"


def test_null_in_a_nullable_column_passes(given: Rows) -> None:
    check({"extracted_mentions": [mention(score=None)]}, given, {})


def test_null_in_a_list_is_refused(given: Rows) -> None:
    assert "place_mention_ids holds a null" in refused({"extracted_claims": [claim(place_mention_ids=[None])]}, given)


def test_null_in_a_struct_of_a_list_is_refused(article: Callable[..., Article]) -> None:
    assert "furniture holds a null" in refused({"articles": [article(TEXT, furniture=[Furniture(0, 4, None)])]}, {})  # type: ignore[arg-type]


def test_value_outside_the_choices_is_refused(given: Rows) -> None:
    message = refused({"sentences": [Sentence("a", 0, 0, 4, "caption")]}, given)
    assert message.endswith("kind is 'caption', not one of title, body, quote")


def test_key_that_stands_twice_is_refused(given: Rows) -> None:
    assert refused({"extracted_mentions": [mention(), mention(type="city")]}, given).endswith("the key stands twice")


@pytest.mark.parametrize(("start", "end"), [(-1, 4), (4, 4), (5, 4), (0, len(TEXT) + 1)])
def test_span_outside_the_article_is_refused(given: Rows, start: int, end: int) -> None:
    message = refused({"sentences": [Sentence("a", 0, start, end, "body")]}, given)
    assert message.endswith(f"the span {start}-{end} is not inside the article's {len(TEXT)} characters")


@pytest.mark.parametrize("columns", [{"furniture": [Furniture(0, 99, "menu")]}, {"copied": [Copied(9, 9, "b", 0)]}])
def test_span_in_a_list_is_held_against_the_text(article: Callable[..., Article], columns: dict[str, Any]) -> None:
    assert "is not inside the article's" in refused({"articles": [article(TEXT, **columns)]}, {})


def test_text_that_is_not_the_articles_is_refused(given: Rows) -> None:
    message = refused({"extracted_mentions": [mention(text="Ansa Velloch")]}, given)
    assert message.endswith("text is 'Ansa Velloch', but the article has 'Ansa Velloth'")


def test_spans_count_code_points(article: Callable[..., Article]) -> None:
    text = "\U0001f6a2 Ansa"
    rows: Rows = {"sentences": [Sentence("a", 0, 0, 6, "body")], "extracted_mentions": [mention(start=2, end=6, text="Ansa")]}
    check(rows, {"articles": [article(text)]}, {})


def test_dangling_reference_is_refused(given: Rows) -> None:
    message = refused({"extracted_mentions": [mention(sentence_id=1)]}, given)
    assert message.endswith("sentence_id 1 is not in sentences.sentence_id")


def test_reference_to_another_article_is_refused(given: Rows) -> None:
    assert refused({"extracted_mentions": [mention(doc_id="b")]}, given).endswith("doc_id 'b' is not in articles.doc_id")


def test_reference_within_a_list_is_held_against_the_target(given: Rows) -> None:
    rows: Rows = {"extracted_claims": [claim(place_mention_ids=["a:0-12", "a:1-2"])]}
    assert "place_mention_ids 'a:1-2' is not in" in refused(rows, given | {"extracted_mentions": [mention()]})


def test_reference_within_the_same_table_is_held_against_it(given: Rows) -> None:
    assert refused({"tokens": [token(0), token(1, head=7)]}, given).endswith("head 7 is not in tokens.token_id")


def test_reference_that_is_null_passes(given: Rows) -> None:
    check({"extracted_claims": [claim(source_mention_id=None)]}, given | {"extracted_mentions": []}, {})


def public_mention(entity_id: str) -> Mention:
    return Mention("a", "a:0-12", 0, 0, 12, "Ansa Velloth", "person", entity_id, None)


def test_reference_is_found_through_a_table_that_refers_to_the_same(given: Rows) -> None:
    check({"mentions": [public_mention("e1")]}, given | {"links": [Link("a", "a:0-12", "e1", "Ansa Velloth")]}, {})


def test_reference_that_stands_in_no_such_table_is_refused(given: Rows) -> None:
    message = refused({"mentions": [public_mention("e2")]}, given | {"links": [Link("a", "a:0-12", "e1", "Ansa Velloth")]})
    assert message.endswith("entity_id 'e2' is not in entities.entity_id")


def test_known_values_outrank_the_rows(given: Rows) -> None:
    check({"mentions": [public_mention("e2")]}, given, {"entities.entity_id": {"e2"}})


def test_reference_without_anything_to_check_it_against_is_a_fault_of_the_caller(given: Rows) -> None:
    with pytest.raises(LookupError, match=r"entities\.entity_id"):
        check({"mentions": [public_mention("e1")]}, given, {})


def test_rows_come_back_from_arrow_as_they_went(article: Callable[..., Article]) -> None:
    rows = [
        article("x \U0001f600", furniture=[Furniture(0, 1, "menu"), Furniture(2, 3, "menu")], copied=[Copied(0, 1, "b", 4)], title=None),
        article("", doc_id="é", title="T"),
    ]
    assert from_arrow(TABLES["articles"], to_arrow(TABLES["articles"], rows)) == rows


def test_structs_and_lists_come_back_as_the_declared_types() -> None:
    row = Variant("e", "Velloth", 1, 1, "rule", 1.0, [Evidence("surname", "Velloth")])
    (back,) = from_arrow(TABLES["variants"], to_arrow(TABLES["variants"], [row]))
    assert isinstance(back, Variant) and isinstance(back.evidence[0], Evidence)


@pytest.mark.parametrize("name", TABLES)
def test_no_rows_make_a_table_of_the_declared_schema(name: str) -> None:
    data = to_arrow(TABLES[name], [])
    assert data.schema.equals(TABLES[name].schema, check_metadata=True)
    assert from_arrow(TABLES[name], data) == []


def test_columns_that_were_not_asked_for_are_none(article: Callable[..., Article]) -> None:
    data = to_arrow(TABLES["articles"], [article("x")]).select(["doc_id", "text"])
    assert from_arrow(TABLES["articles"], data, ["doc_id", "text"]) == [Article("a", *[None] * 7, "x", None, None, None)]  # type: ignore[arg-type]


def test_columns_are_taken_by_name() -> None:
    data = to_arrow(TABLES["skipped"], [Skipped("a", "ingest", "empty")])
    assert from_arrow(TABLES["skipped"], data.select(["reason", "stage", "doc_id"])) == [Skipped("a", "ingest", "empty")]


@pytest.mark.parametrize(
    ("column", "value"),
    [("sentence_id", "0"), ("start", 2**70), ("text", 5), ("text", "\ud800"), ("score", "high"), ("end", True), ("doc_id", ["a"])],
)
def test_value_of_another_type_names_the_column(column: str, value: object) -> None:
    with pytest.raises(PipelineError, match=f"^table extracted_mentions, column {column}: "):
        to_arrow(TABLES["extracted_mentions"], [mention(**{column: value})])


def test_list_of_another_type_names_the_column() -> None:
    with pytest.raises(PipelineError, match=r"^table extracted_claims, column place_mention_ids: "):
        to_arrow(TABLES["extracted_claims"], [claim(place_mention_ids=[1])])


def invented(kind: object, *, meaning: str = "how many", choices: tuple[str, ...] = ()) -> Table:
    notes: tuple[object, ...] = (meaning, Choices(choices)) if choices else (meaning,)

    class Row(NamedTuple):
        name: Annotated[str, "a name"]
        amount: Annotated[(kind, *notes)]  # type: ignore[valid-type]

    return Table("herons", Row, "a heron", "ingest", ("name",))


def test_digest_changes_with_a_type() -> None:
    assert invented(int).digest != invented(float).digest != invented(float | None).digest


def test_digest_changes_with_the_choices() -> None:
    assert invented(str).digest != invented(str, choices=("one",)).digest != invented(str, choices=("one", "two")).digest


def test_digest_changes_with_key_and_references() -> None:
    table = invented(int)
    assert dataclasses.replace(table, key=("amount",)).digest != table.digest
    assert dataclasses.replace(table, references={"name": "articles.doc_id"}).digest != table.digest


def test_digest_does_not_change_with_a_meaning() -> None:
    assert invented(int, meaning="how many").digest == invented(int, meaning="number of herons").digest
    assert dataclasses.replace(invented(int), meaning="a bird").digest == invented(int).digest


def contract(shared: Path) -> dict[str, list[str]]:
    """Table names and their columns, as the public contract lists them."""
    found: dict[str, list[str]] = {}
    for line in (shared / "TABLES.md").read_text("utf-8").splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 3 and set(cells[0]) - set("- ") and cells[0] != "table":
            plain = re.sub(r"\([^()]*\)", "", cells[2])  # the values and parts of a column
            columns = [] if "the stage's own" in plain else [c.strip() for c in plain.split(",")]
            found |= dict.fromkeys(cells[0].split(", "), columns)
    return found


def test_every_table_of_the_contract_is_declared(shared: Path) -> None:
    public = {name for name, table in TABLES.items() if table.public}
    assert len(contract(shared)) >= 11
    assert set(contract(shared)) <= public


def test_every_column_of_the_contract_is_declared(shared: Path) -> None:
    promised = [(table, column) for table, columns in contract(shared).items() for column in columns]
    declared = {(name, column.name) for name, table in TABLES.items() for column in table.columns}
    assert len(promised) > 90
    assert [p for p in promised if p not in declared] == []


def test_parts_of_list_columns_are_those_of_the_contract(shared: Path) -> None:
    text = (shared / "TABLES.md").read_text("utf-8")
    for column, item in {"furniture": Furniture, "copied": Copied, "evidence": Evidence}.items():
        parts = re.search(rf"{column} \(list of {{([^}}]*)}}", text)
        assert parts is not None and tuple(parts.group(1).split(", ")) == item._fields


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_declaration_is_sound(table: Table) -> None:
    names = {c.name for c in table.columns}
    assert set(table.key) <= names
    assert table.stage in STAGES or table.name == "skipped"
    for column, target in table.references.items():
        other, _, of = target.partition(".")
        assert column in names and of in {c.name for c in TABLES[other].columns}
    assert all(c.meaning and c.meaning == c.meaning.strip() for c in table.columns)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_written_file_documents_itself(table: Table, tmp_path: Path) -> None:
    path = tmp_path / f"{table.name}.parquet"
    Writer(path, table).close()
    schema = pq.read_schema(path)
    meanings = {c.name: c.meaning for c in table.columns}
    assert schema.metadata[b"meaning"].decode() == table.meaning
    assert json.loads(schema.metadata[b"columns"]) == meanings
    assert {f.name: f.metadata[b"meaning"].decode() for f in schema} == meanings


def test_nullability_stands_in_the_schema() -> None:
    schema: pa.Schema = TABLES["articles"].schema
    assert schema.field("title").nullable and not schema.field("text").nullable
