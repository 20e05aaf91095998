"""HTML within a text: what is markup, what a reader sees in its place, and that nothing moves."""

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.rules.markup import find_markup, is_inline, tags, view
from pipeline.stages.ingest import Source, find_furniture, ingest
from pipeline.stages.tokenize import parse
from pipeline.tables import Article, Sentence, Token, check

PAGE = """<!DOCTYPE html>
<html lang="en-GB"><head>
<title>Herons &amp; eels return - Marsh Gazette</title>
<meta property="og:site_name" content="Marsh Gazette">
<meta name="author" content="By Ansa Velloth">
<link rel="canonical" href="https://marsh.example/herons?a=1&amp;b=2">
<script type="application/ld+json">{"@graph": [{"@type": "NewsArticle", "datePublished": "2024-03-12T07:30:00Z", "author": {"name": "X"}}]}</script>
</head><body><nav><a href="/">Home</a></nav>
<h1>Herons &amp; eels return</h1>
<p>Quay Watch counted <b>41</b>&nbsp;herons
at <a href="/porto">Porto</a>.</p><p>They nest.</p>
<form><p>Vote now</p></form>
</body></html>
"""

PIECES = (
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<a href='x'>",
    "</a>",
    "&nbsp;",
    "&#8217;",
    "&amp;",
    "<script>",
    "</script>",
    "<!--",
    "-->",
    "<nav>",
    "</nav>",
)
WORDS = ("They nest.", "Porto", "Quay Watch", "don", "t", " ", "\n", "<", ">", '"', "&", "x.The herons ", "Share")
MARKED = st.lists(st.sampled_from(PIECES + WORDS), max_size=20).map("".join)


def spans(text: str) -> list[tuple[str, str]]:
    return [(text[f.start : f.end], f.kind) for f in find_markup(text)]


def html(text: str) -> Article:
    (row,) = ingest(Source("a", "a.html", ".html", text.encode()), Settings())["articles"]
    assert isinstance(row, Article)
    return row


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<b>x</b>", [("<b>", "markup"), ("</b>", "markup")]),
        ('<a href="a>b">x', [('<a href="a>b">', "markup")]),
        ("<a href=it's>x", [("<a href=it's>", "markup")]),
        ("x <!-- <b> --> y", [("<!-- <b> -->", "markup")]),
        ("<script>if (a<b) {}</SCRIPT>x", [("<script>if (a<b) {}</SCRIPT>", "markup")]),
        ("<nav><nav>a</nav>b</nav>c", [("<nav><nav>a</nav>b</nav>", "menu")]),
        ("<form><h1>Title</h1></form>", [("<form>", "markup"), ("<h1>", "markup"), ("</h1>", "markup"), ("</form>", "markup")]),
        ("<nav>never closed", [("<nav>", "markup")]),
        ("<script>never closed", [("<script>", "markup")]),
        ("<!-- never closed", []),
        ("3 < 4 and 5 > 2", []),
        ("<name@marsh.example> wrote", []),
        ("see <https://marsh.example>", []),
        ("a&nbsp;b&amp;c", [("&nbsp;", "markup")]),
        ("<my-card>x</my-card>", [("<my-card>", "markup"), ("</my-card>", "markup")]),
    ],
)
def test_markup_is_found(text: str, found: list[tuple[str, str]]) -> None:
    assert spans(text) == found


@given(MARKED)
def test_markup_is_in_order_and_the_view_as_long(text: str) -> None:
    found = find_furniture(text)
    assert all(0 <= a.start < a.end <= b.start < b.end <= len(text) for a, b in pairwise(found))
    assert len(view(text, found)) == len(text)


@pytest.mark.parametrize(
    "piece", ["<a ", '<a "', "<a '<a \"", "<!--", "<script>", "<p>", "<nav>", "</nav>", "&amp;", "&nbsp;", "<b>\n", "<title>", "<"]
)
def test_hostile_markup_takes_linear_time(piece: str) -> None:
    started = time.perf_counter()
    text = piece * (300_000 // len(piece))
    view(text, find_furniture(text))
    assert time.perf_counter() - started < 10


def test_tags_know_their_names_and_what_raw_elements_hold() -> None:
    text = "<Title>a <b></Title><i>"
    assert [(t.name, t.closes, text[slice(*t.inner)]) for t in tags(text)] == [("title", False, "a <b>"), ("i", False, "")]


def test_view_shows_what_a_reader_sees() -> None:
    text = "<p>Q&amp;A <b>now</b></p>Next"
    assert view(text, find_markup(text)).split("\n") == ["", "  Q&    A    now    ", "   Next"]


def test_sentence_runs_on_through_links_and_not_through_paragraphs() -> None:
    text = "a<b>b</b><p>c"
    assert [is_inline(text, f) for f in find_markup(text)] == [True, True, False]


def test_page_says_what_it_is() -> None:
    row = html(PAGE)
    assert row[2:8] == ("Herons & eels return", "Marsh Gazette", "Ansa Velloth", "2024-03-12", "https://marsh.example/herons?a=1&b=2", "en")
    assert row.text == PAGE


@pytest.mark.parametrize("json", ["{", "[" * 100_000, '"x"', '[{"datePublished": 5}]', '{"@graph": 1}', '{"datePublished": {"name": []}}'])
def test_metadata_of_another_shape_is_none(json: str) -> None:
    assert html(f'<script type="application/ld+json">{json}</script><p>They nest.</p>').published is None


def test_time_element_gives_the_date_where_nothing_else_does() -> None:
    assert html('<h1>Herons</h1><time datetime="2024-03-12T07:30">today</time>').published == "2024-03-12"


@pytest.fixture(scope="module")
def parsed(tiny_model: object) -> Callable[[str], tuple[list[Sentence], list[Token]]]:
    from pipeline import nlp

    language = nlp.load(str(tiny_model))
    return lambda text: parse(html(text), language)


def test_sentences_of_a_page(parsed: Callable[[str], tuple[list[Sentence], list[Token]]]) -> None:
    sentences, tokens = parsed(PAGE)
    words = [[t.text for t in tokens if t.sentence_id == s.sentence_id] for s in sentences]
    assert words == [
        ["Herons", "&amp;", "eels", "return"],
        ["Quay", "Watch", "counted", "41", "herons", "at", "Porto", "."],
        ["They", "nest", "."],
    ]
    assert [t.text for t in tokens if t.ner == "B-GPE"] == ["Porto"]


def test_character_reference_within_a_word_belongs_to_its_token(parsed: Callable[[str], tuple[list[Sentence], list[Token]]]) -> None:
    assert [t.text for t in parsed("<p>The warden&#8217;s herons don&#8217;t nest.")[1]][:5] == ["The", "warden", "&#8217;s", "herons", "do"]


def test_word_ends_at_a_tag_within_it(parsed: Callable[[str], tuple[list[Sentence], list[Token]]]) -> None:
    assert [t.text for t in parsed("<p>Her<b>ons</b>, they nest.")[1]] == ["Her", "ons", ",", "they", "nest", "."]


def test_full_stop_without_a_space_ends_a_sentence(parsed: Callable[[str], tuple[list[Sentence], list[Token]]]) -> None:
    sentences, tokens = parsed("<p>They came by land.The herons nest.")
    assert [s.start for s in sentences] == [3, 21]
    assert tokens[4].text == "."


@given(MARKED)
def test_any_markup_gives_tokens_of_the_text(parsed: Callable[[str], tuple[list[Sentence], list[Token]]], text: str) -> None:
    if not text.strip():
        return
    row = html(text)
    sentences, tokens = parsed(text)
    check({"sentences": sentences, "tokens": tokens}, {"articles": [row]}, {})
    covered = {i for t in tokens for i in range(t.start, t.end)}
    hidden = {i for f in row.furniture for i in range(f.start, f.end)}
    assert not covered & hidden
    assert covered | hidden >= {i for i, c in enumerate(text) if not c.isspace()}
