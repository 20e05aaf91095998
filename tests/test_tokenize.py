"""Sentences and tokens: what is parsed together, and that every row is the article's characters."""

import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from spacy.language import Language
from texts import ANY_TEXT

from pipeline import nlp
from pipeline.config import Settings
from pipeline.stages.ingest import find_furniture
from pipeline.stages.tokenize import BLOCK_CHARS, blocks, hard_wrapped, parse, quoted_spans, tokenize
from pipeline.tables import Article, Furniture, Sentence, Token, check

WRAPPED = """The island was closed to boats on Monday after its
wardens had counted more nests than in any year since
the wardens began to count them, and far more than the
council had thought that the island could hold in all.
Ansa Velloth, who leads the wardens, said the herons of
Quillmere had come from the north and would stay there.

A second count is planned for the month of June, after
the last of the chicks have left.
"""


@pytest.fixture(scope="module")
def tiny(tiny_model: Path) -> Language:
    return nlp.load(str(tiny_model))


def texts(text: str, spans: list[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in spans]


def parsed(text: str) -> list[str]:
    """The passages of a text, its furniture left out."""
    return texts(text, list(blocks(text, find_furniture(text))))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n", " \n \n "])
def test_passages_end_with_their_line(end: str) -> None:
    assert parsed(f"Herons return{end}They nest.{end}") == ["Herons return", "They nest."]


def test_passages_leave_out_furniture() -> None:
    assert parsed("Menu\nHerons return\nShare\nThey nest.\n3 comments\nWell said.") == ["Herons return", "They nest."]


def test_passage_never_crosses_furniture_within_a_line() -> None:
    text = "Herons [ad] return"
    assert texts(text, list(blocks(text, [Furniture(7, 11, "advertisement")]))) == ["Herons", "return"]


def test_text_without_furniture_or_line_breaks_is_one_passage() -> None:
    assert parsed("Herons return. They nest.") == ["Herons return. They nest."]


@pytest.mark.parametrize("text", ["", "\n\n", " \t\r\n\u00a0"])
def test_white_space_holds_no_passage(text: str) -> None:
    assert parsed(text) == []


def test_hard_wrapped_lines_are_one_passage() -> None:
    assert parsed(WRAPPED) == [part.strip() for part in WRAPPED.split("\n\n")]


def test_hard_wrapped_lines_with_carriage_returns_are_one_passage() -> None:
    text = WRAPPED.replace("\n", "\r\n")
    assert parsed(text) == [part.strip() for part in text.split("\r\n\r\n")]


def test_hard_wrapped_passages_end_at_furniture() -> None:
    text = WRAPPED.replace("\n\n", "\nShare\n")
    assert parsed(text) == [part.strip() for part in text.split("\nShare\n")]


def test_line_of_white_space_ends_a_hard_wrapped_passage() -> None:
    assert len(parsed(WRAPPED.replace("\n\n", "\n \t\n"))) == 2


def test_items_of_a_list_are_passages_of_their_own_in_hard_wrapped_text() -> None:
    text = WRAPPED + "\nThe report explains it:\n  1. a survey of the marsh by night;\n  2. a count of the nests from\na boat that has no engine.\n"
    assert hard_wrapped(text)
    assert parsed(text)[-3:] == [
        "The report explains it:",
        "1. a survey of the marsh by night;",
        "2. a count of the nests from\na boat that has no engine.",
    ]


def test_number_at_the_beginning_of_a_wrapped_line_is_no_item() -> None:
    text = WRAPPED.replace("council had thought", "12. council had thought")
    assert len(parsed(text)) == 2


def test_wrapped_lines_are_seen() -> None:
    assert hard_wrapped(WRAPPED)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n".join(WRAPPED.split("\n")[:4]),
        "\n\n".join(WRAPPED.split("\n")),
        WRAPPED.replace("\n", ".\n"),
        "A short line\n" * 20,
        "A line that is far longer than any that a program breaks by itself would ever be, so that it must be a paragraph\n" * 20,
    ],
    ids=["empty", "few lines", "paragraphs", "sentences", "short lines", "long lines"],
)
def test_other_texts_are_not_taken_for_wrapped(text: str) -> None:
    assert not hard_wrapped(text)


@pytest.mark.parametrize("piece", ["word ", "\r", "a\r", " \n", "x\n", "\n   ", "word " * 12 + "\n", "word " * 12 + "\r\n \r\n", ".”", "“", "\u00a0"])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    text = piece * (300_000 // len(piece))
    started = time.perf_counter()
    spans = list(blocks(text, []))
    quoted_spans(text, spans)
    assert time.perf_counter() - started < 5


def test_hard_wrapped_passage_of_any_length_takes_little_memory() -> None:
    text = ("word " * 12 + "\n") * 15_000
    assert hard_wrapped(text)
    assert sum(end - start for start, end in blocks(text, [])) > 800_000


def test_long_passage_is_cut_after_a_sentence() -> None:
    text = "Herons nest. " * 2_000
    spans = list(blocks(text, []))
    assert len(spans) == 3
    assert all(end - start <= BLOCK_CHARS and text[start:end].endswith("nest.") for start, end in spans)


def test_long_sentence_is_cut_at_white_space() -> None:
    text = "heron " * 4_000
    spans = list(blocks(text, []))
    assert all(end - start <= BLOCK_CHARS and set(text[start:end].split()) == {"heron"} for start, end in spans)
    assert sum(len(text[start:end].split()) for start, end in spans) == 4_000


def test_long_word_is_cut_anywhere() -> None:
    assert [end - start for start, end in blocks("x" * 25_000, [])] == [BLOCK_CHARS, BLOCK_CHARS, 5_000]


@given(ANY_TEXT)
def test_passages_hold_every_character_that_is_no_furniture(text: str) -> None:
    furniture = find_furniture(text)
    spans = list(blocks(text, furniture))
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    assert covered(text, spans) == wanted(text, furniture)


def covered(text: str, spans: list[tuple[int, int]]) -> list[int]:
    """Places of the characters within spans that are no white space."""
    return [i for start, end in spans for i in range(start, end) if not text[i].isspace()]


def wanted(text: str, furniture: list[Furniture]) -> list[int]:
    skipped = {i for f in furniture for i in range(f.start, f.end)}
    return [i for i, c in enumerate(text) if not c.isspace() and i not in skipped]


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("She said “they nest” there.", ["“they nest”"]),
        ('She said "they nest" and "they fly".', ['"they nest"', '"they fly"']),
        ("«Ils nichent», dit-elle.", ["«Ils nichent»"]),
        ("„They nest” is all.", ["„They nest”"]),
        ("He said: “they nest, she told me", ["“they nest, she told me"]),
        ("”no opening", []),
        ("No quotation.", []),
        ("“one\n“two”", ["“one", "“two”"]),
        ('"" x', ['""']),
    ],
)
def test_quotations(text: str, quotes: list[str]) -> None:
    assert texts(text, quoted_spans(text, list(blocks(text, [])))) == quotes


def kinds(tiny: Language, row: Article) -> list[tuple[str, str]]:
    return [(s.kind, row.text[s.start : s.end]) for s in parse(row, tiny)[0]]


def test_sentences_of_title_body_and_quotations(tiny: Language, article: Callable[..., Article]) -> None:
    row = article("Herons return\n\nThey nest.\n“They came from afar.”\nNobody knows why.", title="Herons return")
    assert kinds(tiny, row) == [
        ("title", "Herons return"),
        ("body", "They nest."),
        ("quote", "“They came from afar.”"),
        ("body", "Nobody knows why."),
    ]


def test_quotation_over_sentences_makes_quotes_of_all(tiny: Language, article: Callable[..., Article]) -> None:
    assert [k for k, _ in kinds(tiny, article("“They nest. They fly. They are gone."))] == ["quote"] * 3


def test_sentence_that_is_quoted_in_part_is_body(tiny: Language, article: Callable[..., Article]) -> None:
    assert kinds(tiny, article("She said “they nest” twice.")) == [("body", "She said “they nest” twice.")]


def test_title_that_is_not_in_the_text_marks_nothing(tiny: Language, article: Callable[..., Article]) -> None:
    assert kinds(tiny, article("They nest.", title="Herons return")) == [("body", "They nest.")]


def test_space_after_means_a_space_and_nothing_else(tiny: Language, article: Callable[..., Article]) -> None:
    _, tokens = parse(article("one two\u00a0three\nfour, five"), tiny)
    assert [(t.text, t.space_after) for t in tokens] == [
        ("one", True),
        ("two", False),
        ("three", False),
        ("four", False),
        (",", True),
        ("five", False),
    ]


def test_names_of_the_model_are_in_iob_notation(tiny: Language, article: Callable[..., Article]) -> None:
    _, tokens = parse(article("At Quay Watch\u00a0in Porto."), tiny)
    assert [t.ner for t in tokens] == ["O", "B-ORG", "I-ORG", "O", "B-GPE", "O"]


def test_stage_takes_and_gives_rows(tiny_model: Path, article: Callable[..., Article]) -> None:
    settings_ = Settings(tokenize=type(Settings().tokenize)(model=str(tiny_model)))
    made = tokenize({"articles": [article("They nest.")]}, settings_)
    assert [len(made["sentences"]), len(made["tokens"])] == [1, 3]


def test_article_of_furniture_alone_has_no_rows(tiny: Language, article: Callable[..., Article]) -> None:
    assert parse(article("Share", furniture=[Furniture(0, 5, "share")]), tiny) == ([], [])


def well_formed(row: Article, sentences: list[Sentence], tokens: list[Token]) -> None:
    check({"sentences": sentences, "tokens": tokens}, {"articles": [row]}, {})
    assert [t.token_id for t in tokens] == list(range(len(tokens)))
    assert [s.sentence_id for s in sentences] == list(range(len(sentences)))
    assert all(a.end <= b.start for a, b in pairwise(tokens))
    assert all(a.end <= b.start for a, b in pairwise(sentences))
    assert covered(row.text, [(t.start, t.end) for t in tokens]) == wanted(row.text, row.furniture)
    for token in tokens:
        sentence = sentences[token.sentence_id]
        assert sentence.start <= token.start < token.end <= sentence.end
        assert tokens[token.head].sentence_id == token.sentence_id
        assert token.space_after == (row.text[token.end : token.end + 1] == " ")
    for sentence in sentences:
        inside = [t for t in tokens if t.sentence_id == sentence.sentence_id]
        assert (inside[0].start, inside[-1].end) == (sentence.start, sentence.end)


@given(text=ANY_TEXT)
@settings(max_examples=150)
def test_any_text_gives_well_formed_rows(text: str, tiny: Language, article: Callable[..., Article]) -> None:
    row = article(text, furniture=find_furniture(text))
    well_formed(row, *parse(row, tiny))


@given(text=ANY_TEXT)
@settings(max_examples=20, deadline=None)
def test_any_text_gives_well_formed_rows_with_the_real_model(text: str, article: Callable[..., Article]) -> None:
    row = article(text, furniture=find_furniture(text))
    well_formed(row, *parse(row, nlp.load(Settings().tokenize.model)))


def test_rows_do_not_depend_on_what_was_parsed_before(article: Callable[..., Article]) -> None:
    run = partial(parse, language=nlp.load(Settings().tokenize.model))
    first = article("Ansa Velloth counted 41 herons at Quillmere. She was pleased.")
    before = run(first)
    run(article("A wholly different text about Brindley and 7 boats.\nAnd a second line."))
    assert run(first) == before


def test_what_hangs_on_white_space_hangs_on_its_head(article: Callable[..., Article]) -> None:
    # sm lets two tokens of this hang on the spaces; a head of their own would make three trees of one sentence.
    text = ")   and \U0001f600 ) \u200b New York was York    and \U0001f600 new )   ” ) The new 12 — \u200b 12"
    sentences, tokens = parse(article(text), nlp.load(Settings().tokenize.model))
    roots = [t.sentence_id for t in tokens if t.head == t.token_id]
    assert sorted(roots) == [s.sentence_id for s in sentences]


def test_real_model_gives_syntax_and_lemmas(article: Callable[..., Article]) -> None:
    _, tokens = parse(article("The wardens counted 41 herons."), nlp.load(Settings().tokenize.model))
    assert [(t.lemma, t.pos, t.dep, tokens[t.head].text) for t in tokens if t.text in ("wardens", "counted", "herons")] == [
        ("warden", "NOUN", "nsubj", "counted"),
        ("count", "VERB", "ROOT", "counted"),
        ("heron", "NOUN", "dobj", "counted"),
    ]
