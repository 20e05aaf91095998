"""The report: what the page shows, and that nothing in an article can act on it."""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from pipeline.config import Settings, replace
from pipeline.stages.report import report
from pipeline.tables import Article, Claim, ClaimGroup, Copied, Entity, Evidence, Furniture, Mention, Official, Rows, Sentence, Variant

HOSTILE = "\"><img src=x onerror=alert(1)><script>alert(2)</script>\x00\x1b\u202egnp.exe'&lt;"
VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.shown: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute stands twice: {tag} {attrs}"
        assert not (tag == "a" and "a" in self.open), "a link inside a link"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" not in self.open and "style" not in self.open:
            self.shown.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.shown))

    def all(self, attribute: str) -> list[str]:
        return [attrs[attribute] or "" for _, attrs in self.elements if attribute in attrs]

    def tags(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.elements if tag == name]


def page(rows: Rows, *, top: int = 200) -> Page:
    return Page(report(rows, replace(Settings(), "report", top=top))["report.html"][0])


def empty() -> Rows:
    return {name: [] for name in ("articles", "sentences", "mentions", "entities", "variants", "officials", "claims", "claim_groups")}


def article(doc_id: str, text: str, **values: object) -> Article:
    blank = Article(doc_id, f"{doc_id}.txt", f"Title of {doc_id}", "The Brigg Courier", None, "2031-04-05", None, "en", text, "0" * 64, [], [])
    return blank._replace(**values)


def claim(doc_id: str, text: str, number: str, value: float | None, **values: object) -> Claim:
    start = text.index(number)
    return Claim(
        doc_id, f"{doc_id}:{start}-{start + len(number)}", 0, start, start + len(number), number, "count", value, None, "at_least", None,
        "lanterns", "count", ["place:1"], ["Orvelle"], "2031-04", "2031-04", "organisation:1", "Lantern Watch", False, False, False, None, "group:1",
    )._replace(**values)  # fmt: skip


def group(group_id: str = "group:1", status: str = "differ", **values: object) -> ClaimGroup:
    return ClaimGroup(
        group_id, "lanterns in Orvelle", "count", None, ["place:1"], 2, 2, 2, [54.0, 102.0], 54.0, 102.0, status, "2031-04-05", "2031-04-06"
    )._replace(**values)


def entity(entity_id: str, kind: str, name: str, mentions: int = 1) -> Entity:
    return Entity(entity_id, kind, name, mentions, 1, None, None, None, None, None)


def mention(doc_id: str, text: str, name: str, kind: str, entity_id: str) -> Mention:
    start = text.index(name)
    return Mention(doc_id, f"{doc_id}:{start}-{start + len(name)}", 0, start, start + len(name), name, kind, entity_id, 0.9)


@pytest.fixture
def rows() -> Rows:
    """Two articles that differ about one quantity."""
    texts = {
        "a": "Lantern Watch counted at least 54 lanterns in Orvelle, its director Mira Tolland said.",
        "b": "There are 102 lanterns in Orvelle.",
    }
    return {
        "articles": [article(doc_id, text) for doc_id, text in texts.items()],
        "sentences": [Sentence(doc_id, 0, 0, len(text), "body") for doc_id, text in texts.items()],
        "mentions": [
            mention("a", texts["a"], "Lantern Watch", "organisation", "organisation:1"),
            mention("a", texts["a"], "Orvelle", "city", "place:1"),
            mention("a", texts["a"], "Mira Tolland", "person", "person:1"),
            mention("b", texts["b"], "Orvelle", "city", "place:1"),
        ],
        "entities": [
            entity("organisation:1", "organisation", "Lantern Watch"),
            entity("person:1", "person", "Mira Tolland"),
            entity("place:1", "city", "Orvelle", 2)._replace(country="GB", latitude=51.25, longitude=-1.5, population=1200, geonames_id=77),
        ],
        "variants": [
            Variant("organisation:1", "Lantern Watch", 1, 1, "same", 1.0, []),
            Variant("organisation:1", "LW", 1, 1, "rule", 0.75, [Evidence("acronym", "of Lantern Watch")]),
        ],
        "officials": [Official("a", "person:1", "Mira Tolland", "director", "organisation:1", "Lantern Watch", "GB", 0, 68, 80)],
        "claims": [claim("a", texts["a"], "54", 54.0), claim("b", texts["b"], "102", 102.0, bound="exact", source=None, source_id=None)],
        "claim_groups": [group()],
    }


def many(count: int, text: str = "There are 102 lanterns in Orvelle. ") -> Rows:
    """A corpus in which every article has a dispute, an organisation and an office of its own."""
    ids = [f"doc{i:05}" for i in range(count)]
    return {
        "articles": [article(d, text) for d in ids],
        "sentences": [Sentence(d, 0, 0, len(text), "body") for d in ids],
        "mentions": [mention(d, text, "Orvelle", "organisation", f"organisation:{d}") for d in ids],
        "entities": [entity(f"organisation:{d}", "organisation", f"Orvelle {d}") for d in ids],
        "variants": [Variant(f"organisation:{d}", "Orvelle", 1, 1, "same", 1.0, []) for d in ids],
        "officials": [Official(d, f"organisation:{d}", "Orvelle", "keeper", None, f"Office {d}", None, 0, 0, 1) for d in ids],
        "claims": [claim(d, text, "102", 102.0, group_id=f"group:{d}", place_ids=[], places=[]) for d in ids],
        "claim_groups": [group(f"group:{d}", place_ids=[], claims=1) for d in ids],
    }


def hostile() -> Rows:
    """A corpus whose every free text tries to break out."""
    bad, text = HOSTILE, HOSTILE * 3
    cited = claim(bad, text, "alert", 1.0, claim_id=bad, unit=bad, counted=bad, place_ids=[bad], places=[bad], time_start=bad, source=bad)
    return {
        "articles": [
            Article(bad, bad, bad, bad, bad, bad, f"https://example.org/{bad}", bad, text, "0" * 64, [Furniture(0, 5, bad)], [Copied(6, 9, bad, 0)]),
        ],
        "sentences": [Sentence(bad, 0, 0, len(text), "body")],
        "mentions": [Mention(bad, bad, 0, 2, 12, text[2:12], "person", bad, 0.9)],
        "entities": [Entity(bad, "person", bad, 1, 1, bad, None, None, None, None)],
        "variants": [Variant(bad, bad, 1, 1, "model", 0.5, [Evidence(bad, bad)])],
        "officials": [Official(bad, bad, bad, bad, bad, bad, bad, 0, 2, 12)],
        "claims": [cited._replace(copied_from=bad, group_id=bad)],
        "claim_groups": [group(bad, quantity=bad, unit=bad, place_ids=[bad], first_published=bad, last_published=bad)],
    }


def test_page_is_well_formed(rows: Rows) -> None:
    assert page(rows).open == []


def test_every_link_inside_the_page_has_its_target(rows: Rows) -> None:
    seen = page(rows)
    links = [href[1:] for href in seen.all("href") if href.startswith("#")]
    assert links
    assert set(links) <= set(seen.all("id"))


def test_links_to_what_is_not_shown_become_text(rows: Rows) -> None:
    seen = page(rows, top=1)
    assert {href[1:] for href in seen.all("href") if href.startswith("#")} <= set(seen.all("id"))
    assert "Title of b" in seen.text


def test_ids_are_unique(rows: Rows) -> None:
    assert [i for i, n in Counter(page(rows).all("id")).items() if n > 1] == []


def test_headings_do_not_skip_a_level(rows: Rows) -> None:
    levels = [int(tag[1]) for tag, _ in page(rows).elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_page_has_landmarks_a_language_and_a_viewport(rows: Rows) -> None:
    seen = page(rows)
    assert len(seen.tags("main")) == len(seen.tags("nav")) == len(seen.tags("header")) == 1
    assert seen.tags("html")[0]["lang"] == "en"
    assert "width=device-width" in str([m for m in seen.tags("meta") if m.get("name") == "viewport"])


def test_filter_field_has_a_label(rows: Rows) -> None:
    seen = page(rows)
    assert [f["for"] for f in seen.tags("label")] == [f["id"] for f in seen.tags("input")]


def test_page_loads_nothing(rows: Rows) -> None:
    seen = page(rows)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in seen.elements}
    assert seen.all("src") == []
    assert "url(" not in seen.source
    assert "@import" not in seen.source


def test_policy_allows_exactly_the_script_of_the_page(rows: Rows) -> None:
    seen = page(rows)
    policy = next(m["content"] for m in seen.tags("meta") if m.get("http-equiv") == "Content-Security-Policy")
    script = re.findall(r"<script>(.*?)</script>", seen.source, re.DOTALL)
    assert len(script) == 1
    assert f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()}'" in str(policy)
    assert str(policy).startswith("default-src 'none';")


def test_same_rows_give_the_same_page(rows: Rows) -> None:
    assert page(rows).source == page(rows).source


def test_order_of_the_rows_of_corpus_tables_does_not_matter(rows: Rows) -> None:
    rows["claim_groups"].append(group("group:2", claims=0))
    rows["claim_groups"].append(group("group:3", claims=0))
    turned = {**rows, **{name: rows[name][::-1] for name in ("entities", "variants", "claim_groups")}}
    assert page(turned).source == page(rows).source


def test_empty_corpus_says_that_nothing_was_found() -> None:
    seen = page(empty())
    assert seen.text.count("None were found.") == 7
    assert "0 articles" in seen.text


def test_hostile_text_is_shown_as_text() -> None:
    seen = page(hostile())
    assert len(seen.tags("script")) == 1
    assert seen.tags("img") == []
    assert not [name for _, attrs in seen.elements for name in attrs if name.startswith("on")]
    assert '"><img src=x onerror=alert(1)><script>alert(2)</script>' in seen.text


def test_hostile_page_is_well_formed() -> None:
    seen = page(hostile())
    assert seen.open == []
    assert {href[1:] for href in seen.all("href") if href.startswith("#")} <= set(seen.all("id"))


def test_hostile_doc_id_gives_a_plain_anchor() -> None:
    assert [i for i in page(hostile()).all("id") if not re.fullmatch(r"[a-z0-9-]+", i)] == []


def test_control_and_direction_characters_are_made_visible() -> None:
    seen = page(hostile())
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", seen.source)
    assert "␀␛[U+202E]" in seen.text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//example.org", " https://example.org"])
def test_only_web_addresses_become_links(rows: Rows, url: str) -> None:
    rows["articles"][0] = rows["articles"][0]._replace(url=url)
    assert [href for href in page(rows).all("href") if not href.startswith("#")] == []


def test_original_is_linked(rows: Rows) -> None:
    rows["articles"][0] = rows["articles"][0]._replace(url="https://example.org/a?b=1&c=2")
    assert "https://example.org/a?b=1&c=2" in page(rows).all("href")


def test_shortened_lists_say_so() -> None:
    seen = page(many(5), top=2)
    assert seen.text.count("2 of 5 are shown here") == 4  # quantities, organisations, officials, articles


def test_full_lists_do_not_speak_of_more(rows: Rows) -> None:
    assert "are shown here" not in page(rows).text


def test_disputed_quantities_come_first_and_unfolded(rows: Rows) -> None:
    rows["claim_groups"].insert(0, group("group:0", "agree", quantity="keepers", claims=90, articles=90, independent_sources=90))
    seen = page(rows)
    assert seen.text.index("lanterns in Orvelle") < seen.text.index("keepers")
    cards = [attrs for attrs in seen.tags("details") if "card item" in str(attrs.get("class"))]
    assert [("open" in c) for c in cards if c["class"] in ("card item differ", "card item agree")] == [True, False]


def test_only_the_first_disputes_are_unfolded() -> None:
    assert len([d for d in page(many(12)).tags("details") if d.get("class") == "card item differ" and "open" in d]) == 10


def test_quantity_with_more_independent_sources_comes_first(rows: Rows) -> None:
    rows["claim_groups"].append(group("group:2", quantity="keepers", independent_sources=3, claims=0))
    text = page(rows).text
    assert text.index("keepers") < text.index("lanterns in Orvelle")


def test_claims_of_a_quantity_are_in_order_of_publication(rows: Rows) -> None:
    rows["articles"][0] = rows["articles"][0]._replace(published="2031-05")
    source = page(rows).source
    assert source.index("<mark>102</mark>") < source.index("<mark>54</mark>")


def test_claim_shows_bound_place_time_and_source(rows: Rows) -> None:
    text = page(rows).text
    for shown in ("at least 54", "of lanterns", "in Orvelle", "when 2031-04", "according to Lantern Watch", "The Brigg Courier"):
        assert re.sub(r"\s", "", shown) in re.sub(r"\s", "", text)


def test_claim_without_source_is_the_articles_own(rows: Rows) -> None:
    assert "the article itself" in page(rows).text


def test_number_is_highlighted_in_its_sentence(rows: Rows) -> None:
    assert "There are <mark>102</mark> lanterns in Orvelle." in page(rows).source


def test_long_sentences_are_shortened_around_the_number(rows: Rows) -> None:
    text = "so " * 400 + "102" + " or" * 400
    rows["articles"][1] = article("b", text)
    rows["sentences"][1] = Sentence("b", 0, 0, len(text), "body")
    rows["claims"][1] = claim("b", text, "102", 102.0)
    rows["mentions"].pop()
    assert re.search(r"<blockquote[^>]*>….{300}<mark>102</mark>.{300}…</blockquote>", page(rows).source)


def test_claim_and_article_text_link_to_each_other(rows: Rows) -> None:
    source = page(rows).source
    there = re.search(r'<li id="(claim-\w+)">.*?href="#(number-\w+)"', source, re.DOTALL)
    assert there
    assert f'href="#{there[1]}" id="{there[2]}" class="number"' in source


def test_repeated_claim_links_to_the_first(rows: Rows) -> None:
    rows["claims"][1] = rows["claims"][1]._replace(copied_from=rows["claims"][0].claim_id)
    seen = page(rows)
    assert re.search(r'<a href="#claim-\w+">repeats an earlier article</a>', seen.source)


def test_one_number_does_not_crowd_out_another() -> None:
    rows = many(60)
    rows["claims"] = [c._replace(group_id="group:1") for c in rows["claims"]]
    rows["claims"][-1] = rows["claims"][-1]._replace(value=101.0)
    rows["claim_groups"] = [group(claims=60)]
    seen = page(rows)
    assert "11 of 60 claims are shown here" in seen.text
    assert "<small>101</small>" in seen.source


def test_spellings_come_with_their_evidence(rows: Rows) -> None:
    assert "LW (1 mention, by rule, score 0.75)acronym: of Lantern Watch" in page(rows).text.replace(" acronym", "acronym")


def test_place_shows_where_it_is(rows: Rows) -> None:
    assert "GB · 51.25, -1.50 · 1,200 inhabitants · GeoNames 77" in page(rows).text


def test_official_leads_to_the_text(rows: Rows) -> None:
    role = re.search(r'<a href="#(mention-\w+)">director</a>', page(rows).source)
    assert role
    assert f'id="{role[1]}" class="mention person"' in page(rows).source


def test_repeated_statement_of_office_is_shown_once_with_its_count(rows: Rows) -> None:
    rows["officials"].append(rows["officials"][0]._replace(doc_id="b"))
    assert "Mira Tolland, director (GB), stated 2 times" in page(rows).text


def test_furniture_is_set_apart(rows: Rows) -> None:
    rows["articles"][1] = rows["articles"][1]._replace(furniture=[Furniture(26, 34, "menu")])
    rows["mentions"].pop()
    assert '<span class="furniture" title="menu">Orvelle.</span>' in page(rows).source


def test_copied_passage_names_the_earlier_article(rows: Rows) -> None:
    rows["articles"][1] = rows["articles"][1]._replace(copied=[Copied(0, 9, "a", 0)])
    source = page(rows).source
    assert '<span class="copied">There are</span>' in source
    assert re.search(r'Passages in italics stand in <a href="#article-\w+">a</a>', source)


def test_passage_that_ends_inside_a_link_does_not_cross_it(rows: Rows) -> None:
    rows["articles"][1] = rows["articles"][1]._replace(copied=[Copied(11, 28, "a", 0)])
    assert re.search(r'>102</a><span class="copied"> lanterns in <a [^>]*>Orvelle</a></span>\.', page(rows).source)


def test_number_inside_a_name_is_marked_as_number(rows: Rows) -> None:
    rows["mentions"][3] = mention("b", rows["articles"][1].text, "102 lanterns", "organisation", "organisation:1")
    assert re.search(r'class="number" title="102 lanterns">102</a> lanterns', page(rows).source)


def test_texts_of_cited_articles_are_shown_before_others() -> None:
    rows = many(3)
    rows["claims"] = rows["claims"][2:]
    rows["claim_groups"] = rows["claim_groups"][2:]
    assert re.findall(r'id="article-\w+"><summary><h3 dir="auto">([^<]*)', page(rows, top=1).source) == ["Title of doc00002"]


def test_texts_are_shown_even_when_no_quantity_cites_them() -> None:
    rows = {**many(3), "claims": [], "claim_groups": []}
    assert len(re.findall(r'id="article-', page(rows, top=2).source)) == 2


def test_page_of_a_large_corpus_stays_below_five_megabytes() -> None:
    rows = many(300, "There are 102 lanterns in Orvelle. " + '"&<>' * 5_000)
    rows["entities"] = [e._replace(name='"' * 5_000) for e in rows["entities"]]
    rows["claim_groups"] = [g._replace(quantity='"' * 5_000, status=("differ", "agree")[i % 2]) for i, g in enumerate(rows["claim_groups"])]
    seen = page(rows)
    assert 1_000_000 < len(seen.source.encode()) < 5_000_000


def test_item_too_large_for_the_page_does_not_hide_the_others() -> None:
    rows = many(2)
    rows["claim_groups"][0] = rows["claim_groups"][0]._replace(claims=40)
    places = ['"' * 300] * 30
    many_places = rows["claims"][0]._replace(places=places, place_ids=places)
    rows["claims"] = [many_places._replace(claim_id=f"doc00000:{i}", value=float(i)) for i in range(40)] + rows["claims"][1:]
    assert "1 of 2 are shown here" in page(rows).text


def test_tables_are_read_as_streams(rows: Rows) -> None:
    class Stream:
        def __init__(self, made: list[object]) -> None:
            self.made = made

        def __iter__(self) -> Iterator[object]:
            return iter(self.made)

    streams = {name: Stream(made) for name, made in rows.items()}
    assert report(streams, Settings())["report.html"][0] == page(rows).source
