"""normalise: which names become one entity, and why; claims in groups."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.rules.likeness import compare, parse
from pipeline.rules.spelling import distance, plain, skeleton
from pipeline.stages.normalise import fold, group, link, resolve
from pipeline.tables import Article, ExtractedClaim, ExtractedMention, ExtractedOfficial, Rows

Story = Sequence[Sequence[str]]
"""The sentences of an article, each a list of names: `type name` or `type short form = full name in the article`."""

TYPES = {"p": "person", "o": "organisation", "c": "city", "r": "region", "n": "country"}


def mentions(stories: Mapping[str, Story]) -> list[ExtractedMention]:
    rows = []
    for doc_id in sorted(stories):
        at = 0
        for sentence, names in enumerate(stories[doc_id]):
            for said in names:
                letter, _, rest = said.partition(" ")
                text, _, name = rest.partition(" = ")
                place = "country:GB" if letter == "n" and text in {"UK", "Britain", "United Kingdom"} else None
                rows.append(
                    ExtractedMention(
                        doc_id, f"{doc_id}:{at}-{at + len(text)}", sentence, at, at + len(text), text, TYPES[letter], name or text, place, None
                    )
                )
                at += len(text) + 10
    return rows


def claim(mention: ExtractedMention | None, value: float, counted: str, doc_id: str = "a", number: int = 0) -> ExtractedClaim:
    return ExtractedClaim(
        doc_id=mention.doc_id if mention else doc_id,
        claim_id=f"{mention.mention_id if mention else doc_id}#{value}#{number}",
        sentence_id=0,
        start=0,
        end=2,
        text="54",
        kind="count",
        value=value,
        value_max=None,
        bound="exact",
        unit=None,
        counted=counted,
        predicate=None,
        place_mention_ids=[],
        time_start=None,
        time_end=None,
        source_mention_id=mention.mention_id if mention else None,
        source=mention.text if mention else None,
        quoted=False,
        hedged=False,
        negated=False,
        rules=[],
    )


def entities(stories: Mapping[str, Story], said: Mapping[str, Sequence[tuple[float, str]]] | None = None) -> set[frozenset[str]]:
    """The texts of each entity that has more than one."""
    found = run(stories, said)
    texts: dict[str, set[str]] = {}
    for variant in found["variants"]:
        texts.setdefault(variant.entity_id, set()).add(variant.variant)
    return {frozenset(t) for t in texts.values() if len(t) > 1}


def run(stories: Mapping[str, Story], said: Mapping[str, Sequence[tuple[float, str]]] | None = None) -> dict[str, list[Any]]:
    rows = mentions(stories)
    claims = [claim(m, value, counted) for m in rows for value, counted in (said or {}).get(m.text, ())]
    return {name: list(made) for name, made in link({"extracted_mentions": rows, "extracted_claims": claims}, Settings()).items()}


def ids(stories: Mapping[str, Story]) -> dict[str, str]:
    return {variant.variant: variant.entity_id for variant in run(stories)["variants"]}


SAME = [
    ("o Harbour Watch", "o NGO Harbour Watch"),
    ("o Velmar Shipping", "o Velmar Shipping Ltd."),
    ("o Ostrava Ministry of Foreign Affairs", "o Ostrava Foreign Ministry"),
    ("o Peruvian Ministry of Health", "o Ministry of Health of Peru"),
    ("o Labour Department of Kenya", "o Kenyan Department of Labor"),
    ("o Tessaly Port Authority", "o Port Authority of Tessaly"),
    ("o Institute for Labour Organisation", "o Institute for Labor Organization"),
    ("p Mr. Ilan Vorster", "p Ilan Vorster"),
    ("p Professor Ilan Vorster", "p Ilan Vorster"),
    ("p Mohammed Quraishi", "p Mohamed Qureishi"),
    ("p Ilan Pieter Vorster", "p Ilan Vorster"),
    ("n UK", "n Britain"),
    ("p Renée Östlund", "p Renee Ostlund"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_names_that_differ_in_nothing_that_counts_are_one(one: str, other: str) -> None:
    assert entities({"a": [[one]], "b": [[other]]}) == {frozenset({one[2:], other[2:]})}


APART = [
    ("o Varna Public Security Bureau", "o Sarna Public Security Bureau"),
    ("o Tessaly Ministry", "o Tessaly Bureau"),
    ("o Peruvian Ministry of Health", "o Chilean Ministry of Health"),
    ("o Harbour Watch", "o Harbour Trust"),
    ("o Velmar Shipping", "o Velmar Foods"),
    ("o Brigade 44", "o Brigade 45"),
    ("p Ilan Vorster", "p Iris Vorster"),
    ("p Ilan Vorster Jr.", "p Ilan Vorster Sr."),
    ("p Ilan A. Vorster", "p Ilan B. Vorster"),
    ("c Varnahaven", "c Sarnahaven"),
    ("c Velmar", "o Velmar"),
    ("o Guardian Society", "o Protector Society"),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_look_alikes_stay_apart(one: str, other: str) -> None:
    company = ["p Oda Lindgren", "c Norhaven"]
    assert entities({"a": [[one], company], "b": [[other], company]}) == set()


def test_a_surname_goes_to_its_one_bearer_in_the_same_company() -> None:
    company = ["c Norhaven"]
    assert entities({"a": [["p Ilan Vorster"], company], "b": [["p Vorster"], company]}) == {frozenset({"Ilan Vorster", "Vorster"})}
    assert entities({"a": [["p Ilan Vorster"]], "b": [["p Vorster"]]}) == set()


def test_a_surname_of_two_bearers_stays_alone() -> None:
    company = ["c Norhaven"]
    assert entities({"a": [["p Ilan Vorster"], company], "b": [["p Vorster"], company], "c": [["p Iris Vorster"], company]}) == set()


def test_a_firm_is_not_its_branch() -> None:
    company = ["c Norhaven"]
    firm = {f"a{i}": [["o Velmar"], company] for i in range(4)}
    assert entities({**firm, "b": [["o Velmar Foods"], company]}) == set()
    long = {f"a{i}": [["o Velmar Castor"], company] for i in range(4)}
    assert entities({**long, "b": [["o Velmar"], company]}) == {frozenset({"Velmar", "Velmar Castor"})}


def test_an_acronym_introduced_in_one_article_holds_in_others() -> None:
    stories = {"a": [["o World Metal Union", "o WMU = World Metal Union"]], "b": [["o WMU"]]}
    assert entities(stories) == {frozenset({"World Metal Union", "WMU"})}


def test_an_acronym_that_two_names_could_have_stays_alone() -> None:
    company = ["c Norhaven"]
    stories = {"a": [["o World Metal Union"], company], "b": [["o Western Miners Union"], company], "c": [["o WMU"], company]}
    assert entities(stories) == set()


def test_a_misspelling_is_borne_out_by_its_company() -> None:
    company = ["c Norhaven", "o Harbour Watch"]
    right = {f"a{i}": [["p Astra Lindqvall"], company] for i in range(2)}
    assert entities({**right, "b": [["p Astra Lindquall"], company]}) == {frozenset({"Astra Lindqvall", "Astra Lindquall"})}
    assert entities({**right, "b": [["p Astra Lindquall"]]}) == set()


def test_two_well_attested_spellings_are_two_names() -> None:
    company = ["c Norhaven"]
    one = {f"a{i}": [["p Astra Lindqvall"], company] for i in range(6)}
    other = {f"b{i}": [["p Astra Lindqvill"], company] for i in range(6)}
    assert entities({**one, **other}) == set()


def test_names_side_by_side_are_two() -> None:
    company = ["c Norhaven"]
    right = {f"a{i}": [["p Astra Lindqvall"], company] for i in range(2)}
    assert entities({**right, "b": [["p Astra Lindquall", "p Astra Lindqvall"], company]}) == set()


def test_a_name_rendered_by_synonyms_is_one_when_it_gives_the_same_numbers() -> None:
    stories = {"a": [["o Illness Helpers"]], "b": [["o Sickness Assistants"]]}
    numbers = [(347.0, "wrecks")]
    assert entities(stories, {"Illness Helpers": numbers, "Sickness Assistants": numbers}) == {frozenset({"Illness Helpers", "Sickness Assistants"})}
    assert entities(stories) == set()
    assert entities(stories, {"Illness Helpers": [(2.0, "wrecks")], "Sickness Assistants": [(2.0, "wrecks")]}) == set()


def test_names_of_other_meaning_are_not_one_for_giving_the_same_numbers() -> None:
    numbers = [(347.0, "wrecks")]
    stories = {"a": [["o Illness Helpers"]], "b": [["o Harbour Painters"]]}
    assert entities(stories, {"Illness Helpers": numbers, "Harbour Painters": numbers}) == set()


def test_one_name_under_two_types_takes_the_commoner() -> None:
    stories = {"a": [["o Harbour Watch"]], "b": [["o Harbour Watch"]], "c": [["p Harbour Watch"]]}
    found = run(stories)["entities"]
    assert [(e.type, e.mentions, e.articles) for e in found] == [("organisation", 3, 3)]


def test_the_name_is_the_fullest_that_is_well_attested_and_not_in_capitals() -> None:
    company = ["c Norhaven"]
    stories = {
        "a": [["o Velmar Airways"], company],
        "b": [["o Velmar"], company],
        "c": [["o VELMAR AIRWAYS"], company],
        "d": [["o Velmar Airways"], company],
    }
    assert {e.name for e in run(stories)["entities"]} == {"Velmar Airways", "Norhaven"}


def test_order_of_articles_changes_nothing() -> None:
    company = ["c Norhaven"]
    one = {"a": [["p Ilan Vorster"], company], "b": [["p Vorster"], company], "c": [["o NGO Harbour Watch"]], "d": [["o Harbour Watch"]]}
    other = dict(zip(one, [one["d"], one["b"], one["c"], one["a"]], strict=True))
    assert ids(one) == ids(other)


def test_an_id_stays_when_an_article_brings_a_variant() -> None:
    stories: dict[str, Story] = {"a": [["o Harbour Watch"]], "b": [["o Harbour Watch"]]}
    before, after = ids(stories), ids({**stories, "c": [["o NGO Harbour Watch"]]})
    assert before["Harbour Watch"] == after["Harbour Watch"] == after["NGO Harbour Watch"]


def test_every_variant_has_evidence_and_who_decided() -> None:
    company = ["c Norhaven"]
    stories = {"a": [["p Ilan Vorster", "p Vorster = Ilan Vorster"], company], "b": [["p Mr. Vorster"], company], "c": [["p Ilan Vorster"]]}
    found = {v.variant: v for v in run(stories)["variants"]}
    assert found["Ilan Vorster"].decided_by == "same"
    assert [e.signal for e in found["Vorster"].evidence] == ["short for it in its article"]
    assert [e.signal for e in found["Mr. Vorster"].evidence] == ["same as", "surname", "in the same company"]
    assert 0 < found["Mr. Vorster"].score < 1
    assert found["Mr. Vorster"].decided_by == "rule"


def test_entities_count_each_article_once() -> None:
    found = run({"a": [["o Harbour Watch"], ["o NGO Harbour Watch"]]})["entities"]
    assert [(e.mentions, e.articles) for e in found] == [(2, 1)]


def test_links_cover_every_mention_in_order() -> None:
    stories = {"a": [["o Harbour Watch"], ["c Norhaven"]], "b": [["o NGO Harbour Watch"]]}
    assert [link.mention_id for link in run(stories)["links"]] == [m.mention_id for m in mentions(stories)]


def test_no_mentions_no_entities() -> None:
    assert run({}) == {"entities": [], "variants": [], "links": []}


def test_fold_keeps_what_tells_names_apart() -> None:
    assert fold("The Harbour-Watch's") == fold("harbour watch")
    assert fold("The") == "the"


def test_plain_words_are_latin_without_marks() -> None:
    assert plain("Владимир Łoś") == ["vladimir", "los"]
    assert plain("U.S. Møller & Sons'") == ["us", "moller", "and", "sons"]


def test_romanisations_sound_the_same() -> None:
    assert skeleton("qaddafi") == skeleton("kadafy")
    assert skeleton("lindqvall") != skeleton("lindstrom")


def test_distance_counts_changes_and_swaps_up_to_a_limit() -> None:
    assert [distance("harbour", w, 2) for w in ("harbour", "harbuor", "harbor", "arbr")] == [0, 1, 1, 3]


def test_a_score_falls_with_what_differs() -> None:
    def score(a: str, b: str) -> float:
        return compare(parse("person", a), parse("person", b)).score

    scores = [score("Ilan Vorster", b) for b in ("Dr. Ilan Vorster", "Ilan Vorstar", "Vorster", "Oda Lindgren")]
    assert scores == sorted(scores, reverse=True)


@given(st.sampled_from(["person", "organisation", "city"]), st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_any_two_names_compare_alike_in_either_order(type: str, a: str, b: str) -> None:
    one, other = compare(parse(type, a), parse(type, b)), compare(parse(type, b), parse(type, a))
    assert (one.kind, round(one.score, 9)) == (other.kind, round(other.score, 9))


def test_names_without_letters_are_not_one() -> None:
    assert entities({"a": [["o !!!"]], "b": [["o ???"]]}) == set()


def test_claims_with_one_counted_thing_form_a_group_whatever_their_numbers() -> None:
    rows = mentions({"a": [["o Harbour Watch"]], "b": [["o Harbour Watch"]]})
    links = link({"extracted_mentions": rows, "extracted_claims": []}, Settings())
    claims = [claim(rows[0], 54, "old wrecks"), claim(rows[1], 61, "old wreck"), claim(rows[1], 9, "ships", number=1)]
    articles = [article("a"), article("b")]
    made = {k: list(v) for k, v in group({"articles": articles, "extracted_claims": claims, "links": list(links["links"])}, Settings()).items()}
    assert sorted((g.quantity, g.claims, g.independent_sources, g.status) for g in made["claim_groups"]) == [
        ("old wrecks", 2, 1, "differ"),
        ("ships", 1, 1, "single"),
    ]
    assert len(made["members"]) == 3


@pytest.mark.parametrize(("verbs", "groups"), [(("die", "die"), 1), (("die", "work"), 2), ((None, None), 2)])
def test_claims_of_a_single_word_form_a_group_where_the_verb_agrees(verbs: tuple[str | None, str | None], groups: int) -> None:
    rows = mentions({"a": [["o Harbour Watch"]], "b": [["o Harbour Watch"]]})
    links = list(link({"extracted_mentions": rows, "extracted_claims": []}, Settings())["links"])
    claims = [claim(row, 54, "people")._replace(predicate=verb) for row, verb in zip(rows, verbs, strict=True)]
    made = group({"articles": [article("a"), article("b")], "extracted_claims": claims, "links": links}, Settings())
    assert len(list(made["claim_groups"])) == groups


def article(doc_id: str) -> Article:
    return Article(doc_id, f"{doc_id}.txt", None, None, None, "2024-01-01", None, "en", "54 wrecks", "0" * 64, [], [])


def test_rows_of_an_article_get_their_entities_and_groups() -> None:
    rows = mentions({"a": [["p Ilan Vorster", "o Harbour Watch"]]})
    claims = [claim(rows[1], 54, "wrecks")]
    links = list(link({"extracted_mentions": rows, "extracted_claims": claims}, Settings())["links"])
    grouped = group({"articles": [article("a")], "extracted_claims": claims, "links": links}, Settings())
    officials = [ExtractedOfficial("a", rows[0].mention_id, "director", rows[1].mention_id, "the watch", None, 0, 0, 12)]
    rows_of_article: Rows = {
        "extracted_mentions": rows,
        "extracted_officials": officials,
        "extracted_claims": claims,
        "links": links,
        "members": list(grouped["members"]),
    }
    made = resolve(rows_of_article, Settings())
    assert [m.entity_id for m in made["mentions"]] == [link.entity_id for link in links]
    assert (made["officials"][0].person, made["officials"][0].organisation) == ("Ilan Vorster", "Harbour Watch")
    assert made["claims"][0].source_id == links[1].entity_id
    assert made["claims"][0].group_id == next(iter(grouped["claim_groups"])).group_id
