"""Bytes to articles: encodings, records, furniture, titles and dates."""

import hashlib
import json
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Settings, replace
from pipeline.errors import Skip
from pipeline.rules.metadata import FOOT_LINES, HEAD_LINES, TITLE_CHARS, parse_date
from pipeline.stages.ingest import Source, find_furniture, ingest
from pipeline.tables import TABLES, Article, check, from_arrow, to_arrow

HOSTILE = ("share ", "1 ", "1,", "home > ", "home > a ", "share | ", "we use cookies ", "get to your ", "follow a ", "\u00a0")
HOSTILE += ("2 comments\n", "2 comments\nx says:\n", "related\nx\n", "read more: a ", "12 March 2024\n", " \n", "x\n", "share\nx\n", "\r")
"""Repeated, these make a careless pattern or a loop within a loop take hours."""


def text_article(data: str | bytes, path: str = "a.txt") -> Article:
    source = Source("a", path, ".txt", data if isinstance(data, bytes) else data.encode())
    (row,) = ingest(source, Settings())["articles"]
    assert isinstance(row, Article)
    return row


def record_article(record: object) -> Article:
    data = record if isinstance(record, bytes) else json.dumps(record).encode()
    (row,) = ingest(Source("a", "n.jsonl#1", ".jsonl", data), Settings())["articles"]
    assert isinstance(row, Article)
    return row


def reason(make: Callable[[], object]) -> str:
    with pytest.raises(Skip) as caught:
        make()
    return str(caught.value)


def kinds(text: str) -> list[tuple[str, str]]:
    return [(f.kind, text[f.start : f.end]) for f in find_furniture(text)]


def test_byte_order_mark_is_dropped_from_the_text_and_not_from_the_digest() -> None:
    data = b"\xef\xbb\xbfHerons return\n"
    assert text_article(data).text == "Herons return\n"
    assert text_article(data).sha256 == hashlib.sha256(data).hexdigest()


def test_byte_order_mark_within_the_text_stays() -> None:
    assert text_article("Herons \ufeffreturn").text == "Herons \ufeffreturn"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_stay_as_they_are(end: str) -> None:
    row = text_article(f"Herons return{end}{end}Share{end}12 March 2024{end}They nest.{end}")
    assert row.text == f"Herons return{end}{end}Share{end}12 March 2024{end}They nest.{end}"
    assert (row.title, row.published, [f.kind for f in row.furniture]) == ("Herons return", "2024-03-12", ["share"])


def test_bytes_that_are_no_utf8_are_named_with_their_place() -> None:
    assert reason(lambda: text_article(b"caf\xe9 noir")) == "not UTF-8: byte 0xe9 at 3; convert it, for example with iconv -t utf-8"


def test_surrogates_in_bytes_are_no_utf8() -> None:
    assert reason(lambda: text_article(b"a\xed\xa0\x80")).startswith("not UTF-8: byte 0xed at 1")


@pytest.mark.parametrize("data", [b"a\0b", "Herons".encode("utf-16"), b"\x89PNG\r\n\x1a\n\0\0"])
def test_binary_files_are_seen(data: bytes) -> None:
    assert reason(lambda: text_article(data)) == "a binary file (it holds NUL bytes)"


@pytest.mark.parametrize("text", ["", " \n\t\r\n", "\ufeff", "\u00a0\u2003"])
def test_text_of_white_space_is_empty(text: str) -> None:
    assert reason(lambda: text_article(text)) == "empty"


def test_text_that_is_too_long_names_the_setting() -> None:
    settings = replace(Settings(), "ingest", max_chars=4)
    assert ingest(Source("a", "a.txt", ".txt", "éééé".encode()), settings)["articles"][0].text == "éééé"
    message = reason(lambda: ingest(Source("a", "a.txt", ".txt", b"12345"), settings))
    assert message == "5 characters, more than the setting ingest.max_chars = 4"


def test_text_that_is_too_long_is_refused_before_its_lines_are_looked_at() -> None:
    started = time.perf_counter()
    reason(lambda: text_article("share\nx\n" * 2_000_000))
    assert time.perf_counter() - started < 2


def test_other_formats_are_refused() -> None:
    assert reason(lambda: ingest(Source("a", "a", "", b"x"), Settings())) == "unsupported file type (none): .txt, .html, .htm and .jsonl are read"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("3 thoughts on “Herons return”", "comments"),
        ("Leave a Reply", "comments"),
        ("12 Comments", "comments"),
        ("COMMENTS:", "comments"),
        ("Your e-mail address will not be published. Required fields are marked *", "comments"),
        ("1.2k views", "counter"),
        ("5 min read", "counter"),
        ("Share", "share"),
        ("Facebook | Twitter | WhatsApp", "share"),
        ("Share this on Facebook", "share"),
        ("Follow us on Instagram", "follow"),
        ("Sign up to our morning letter", "newsletter"),
        ("Get the news in your inbox", "newsletter"),
        ("This site uses cookies to remember you.", "cookies"),
        ("Accept all cookies", "cookies"),
        ("ADVERTISEMENT", "advertisement"),
        ("Skip to main content", "menu"),
        ("Home > News > Coast", "menu"),
        ("You may also like", "related"),
        ("© 2024 The Quillmere Courant", "copyright"),
        ("All rights reserved.", "copyright"),
    ],
)
def test_furniture_is_known_by_its_line(line: str, kind: str) -> None:
    text = f"Herons return\n\n  {line} \n"
    assert kinds(text) == [(kind, line)]


@pytest.mark.parametrize(
    "line",
    [
        "The share of herons rose.",
        "12 comments were received by the council last week.",
        "Home to 40 herons, the island is closed.",
        "Related work began in 2019.",
        "She said: follow us.",
        "5 minutes later the boat sank.",
    ],
)
def test_sentences_are_no_furniture(line: str) -> None:
    assert kinds(f"{line}\n") == []


def test_comment_section_reaches_to_the_end() -> None:
    text = "Herons return.\n\n2 Comments\nBirdman: 900 herons!\n\nShare\n\n"
    assert kinds(text) == [("comments", "2 Comments\nBirdman: 900 herons!\n\nShare")]


PROSE = "The wardens of the marsh counted more nests than in any year before, and nobody knows why.\n"


def test_comment_count_above_the_article_is_that_line_alone() -> None:
    assert kinds(f"Herons return\n12 Comments\nPublished: 5 May 2024 at 10:30\n{PROSE * 5}") == [("comments", "12 Comments")]


def test_article_goes_on_below_a_comment_section() -> None:
    (found,) = kinds(f"{PROSE * 5}2 Comments\nBirdman says:\n900 herons!\n{PROSE * 8}")
    assert found == ("comments", "2 Comments\nBirdman says:\n900 herons!")


def test_adjoining_lines_of_one_kind_are_one_span() -> None:
    assert kinds("Share\n\nTweet\n5 views\nHerons.\nShare") == [("share", "Share\n\nTweet"), ("counter", "5 views"), ("share", "Share")]


LINES = st.lists(st.sampled_from(["Share", "2 comments", "5 views", "Herons nest.", "", " ", "©", "Menu", "\u2028"]), max_size=12)


@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]))
def test_furniture_is_in_order_and_does_not_overlap(lines: list[str], end: str) -> None:
    text = end.join(lines)
    found = find_furniture(text)
    assert all(0 <= f.start < f.end <= len(text) for f in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(text[f.start : f.end] == text[f.start : f.end].strip() for f in found)


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    started = time.perf_counter()
    text_article("Herons return\n" + piece * (200_000 // len(piece)))
    assert time.perf_counter() - started < 5


def test_title_is_the_first_line_that_is_no_furniture() -> None:
    assert text_article("Menu\nHome > Coast\n\n  Herons return \nBy Ansa Velloth\n").title == "Herons return"


def test_line_that_is_too_long_is_no_title() -> None:
    assert text_article("x" * (TITLE_CHARS + 1) + "\nHerons return\n").title == "Herons return"
    assert text_article("x" * TITLE_CHARS + "\nHerons return\n").title == "x" * TITLE_CHARS


def test_article_of_furniture_alone_has_no_title() -> None:
    assert text_article("Share\n12 comments\nWell said.").title is None


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-03-12", "2024-03-12"),
        ("Posted 2024-03-12T08:00:00Z", "2024-03-12"),
        ("12 March 2024", "2024-03-12"),
        ("Tuesday 12th March, 2024", "2024-03-12"),
        ("March 12, 2024", "2024-03-12"),
        ("March 12th 2024 at 9am", "2024-03-12"),
        ("MAR 2, 2024", "2024-03-02"),
        ("Sept. 14, 2022", "2022-09-14"),
        ("14 Sept 2022", "2022-09-14"),
        ("12\u00a0March\u00a02024", "2024-03-12"),
        ("29 February 2024", "2024-02-29"),
        ("March 2024", "2024-03"),
        ("May. 2021", "2021-05"),
        ("issue-2024-03", "2024-03"),
        ("12 March 2024 (updated 14 March 2024)", "2024-03-12"),
        ("12 March 2024 (updated 2024-03-14)", "2024-03-12"),
        ("March 2024 issue, printed 14 March 2024", "2024-03-14"),
        # The day can't be, the month may well be.
        ("29 February 2023", "2023-02"),
        ("2024-02-31", "2024-02"),
        # Neither month nor day
        ("2024-13-01", None),
        ("2024-00-10", None),
        ("03/04/2024", None),
        ("12 March", None),
        ("12 March 1724", None),
        ("12024-03-12", None),
        ("2024-03-123456", "2024-03"),
        ("12 Smarch 2024", None),
        # Letters that ignoring case takes for others
        ("12 Aprıl 2024", None),
        ("12 ſep 2024", None),
        ("", None),
    ],
)
def test_dates(text: str, date: str | None) -> None:
    assert parse_date(text) == date


@given(st.text(alphabet="0123456789- ,.MarchAprilſıSept\u0662\u0664\n", max_size=40))
def test_dates_are_iso_or_none(text: str) -> None:
    found = parse_date(text)
    assert found is None or (found.isascii() and [len(p) for p in found.split("-")] in ([4, 2], [4, 2, 2]))


def test_date_stands_among_the_first_or_last_lines() -> None:
    assert text_article("Herons return\nBy Ansa Velloth\n12 March 2024\n").published == "2024-03-12"
    assert text_article("x.\n" * HEAD_LINES + "12 March 2024\n").published == "2024-03-12"
    assert text_article("x.\n" * HEAD_LINES + "12 March 2024\n" + "x.\n" * FOOT_LINES).published is None


def test_date_in_a_long_line_is_not_the_articles() -> None:
    assert text_article("Herons return\n" + "The herons that left the island in the storms of long ago came back on 12 March 2014.").published is None


def test_date_in_furniture_is_not_the_articles() -> None:
    assert text_article("Herons return\n© 12 March 2024\n").published is None


def test_date_in_the_file_name_stands_in() -> None:
    assert text_article("Herons return", "x/courant-2024-03-12.txt").published == "2024-03-12"
    assert text_article("Herons return", "2021-01-01/courant.txt").published is None
    assert text_article("Herons return\n1 May 2020", "courant-2024-03-12.txt").published == "2020-05-01"


def test_record_gives_its_metadata() -> None:
    row = record_article(
        {
            "headline": "Herons return",
            "body": "Menu\nThey nest.",
            "outlet": "The Courant",
            "byline": "Ansa Velloth",
            "date": "12 March 2024",
            "link": "https://courant.example/herons",
            "lang": "en",
        }
    )
    assert row[2:9] == ("Herons return", "The Courant", "Ansa Velloth", "2024-03-12", "https://courant.example/herons", "en", "Menu\nThey nest.")
    assert [f.kind for f in row.furniture] == ["menu"]


def test_record_without_metadata_has_none() -> None:
    assert record_article({"text": "They nest."})[2:8] == (None, None, None, None, None, "en")


@pytest.mark.parametrize("value", [None, "", "  ", 5, {"name": "x"}, ["x"]])
def test_metadata_of_another_type_counts_as_missing(value: object) -> None:
    row = record_article({"text": "They nest.", "publisher": value, "title": value, "published": value, "language": value})
    assert row[2:8] == (None, None, None, None, None, "en")


def test_first_field_that_holds_something_counts() -> None:
    assert record_article({"text": "", "body": None, "content": "They nest."}).text == "They nest."


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "invalid JSON: "),
        (b'{"text": "x"} {"text": "y"}', "invalid JSON: Extra data"),
        (b'{"text": "a\nb"}', "invalid JSON: Invalid control character"),
        (b"[" * 200_000, "invalid JSON: nested too deep"),
        (b'{"a":' * 200_000, "invalid JSON: nested too deep"),
        (b'{"text": ' + b"9" * 5000 + b"}", "invalid JSON: Exceeds the limit"),
        (b"null", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'[{"text": "x"}]', "not a JSON object"),
        (b"NaN", "not a JSON object"),
        (b"{}", "no text: a record needs one of the fields text, body, content"),
        (b'{"text": 5, "body": ["x"]}', "no text: "),
        (b'{"text": ""}', "empty"),
        (b'{"text": " \\n\\u00a0"}', "empty"),
        (b'{"text": "\xff"}', "not UTF-8: byte 0xff"),
        (b'{"text": "x"}\0', "a binary file"),
    ],
)
def test_record_that_is_no_article(data: bytes, message: str) -> None:
    assert reason(lambda: record_article(data)).startswith(message)


def test_record_that_is_too_long_is_skipped() -> None:
    assert reason(lambda: record_article({"text": "x" * 1_000_001})).startswith("1,000,001 characters")


@pytest.mark.parametrize("character", ["\\ud800", "\\udfff", "\\u0000"])
def test_characters_that_no_file_can_hold_are_replaced_one_for_one(character: str) -> None:
    row = record_article(b'{"text": "a%sb", "title": "t%s"}' % (character.encode(), character.encode()))
    assert (row.text, row.title) == ("a\ufffdb", "t\ufffd")


def test_surrogate_pair_in_json_is_one_character() -> None:
    assert record_article(b'{"text": "a\\ud83d\\udea2b"}').text == "a\U0001f6a2b"


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_any_bytes_give_an_article_as_declared_or_a_reason(data: bytes) -> None:
    for suffix in (".txt", ".jsonl"):
        try:
            rows = ingest(Source("a", f"a{suffix}", suffix, data), Settings())
        except Skip as skip:
            assert str(skip).encode()
        else:
            check(rows, {}, {})
            assert rows["articles"][0].text == data.decode("utf-8-sig") or suffix == ".jsonl"


@given(st.dictionaries(st.sampled_from(["text", "title", "date", "author", "url", "lang"]), st.text(st.characters(), max_size=30) | st.none()))
def test_any_record_gives_an_article_that_can_be_stored_or_a_reason(record: dict[str, str | None]) -> None:
    try:
        rows = ingest(Source("a", "n.jsonl#1", ".jsonl", json.dumps(record).encode()), Settings())
    except Skip:
        return
    check(rows, {}, {})
    assert from_arrow(TABLES["articles"], to_arrow(TABLES["articles"], rows["articles"])) == rows["articles"]
    # By way of JSON: there two surrogates that stand together are one character.
    assert len(rows["articles"][0].text) == len(json.loads(json.dumps(record["text"])))
