"""Names and officials: one behaviour a test, on Docs built by hand, names invented."""

import pytest
import spacy
from spacy.tokens import Doc, Span

from pipeline.config import Settings
from pipeline.rules.fullnames import full_names
from pipeline.rules.names import names, stands_for
from pipeline.rules.officials import officials
from pipeline.rules.places import nationality, place_type, region
from pipeline.stages.entities import entities
from pipeline.tables import Article, Sentence, Token

VOCAB = spacy.blank("en").vocab
CLOSED = {
    **dict.fromkeys(("the", "a", "an"), "DET"),
    **dict.fromkeys(("of", "in", "for", "at", "by", "from", "with", "on"), "ADP"),
    **dict.fromkeys(("said", "told", "heads", "have", "opened", "visited", "leads", "met", "is", "was"), "VERB"),
    **dict.fromkeys(("and",), "CCONJ"),
    **dict.fromkeys(("so", "then", "today", "later", "now", "yesterday", "both"), "ADV"),
    **dict.fromkeys(("'s",), "PART"),
    **dict.fromkeys((",", ".", "(", ")", "-", "“", "”"), "PUNCT"),
    **dict.fromkeys(("peruvian", "polish", "former", "acting", "Peruvian", "Polish", "Chinese", "associate", "honorary"), "ADJ"),
}
Arcs = dict[str, tuple[str, str]]


def build(text: str, ents: dict[str, str] | None = None, arcs: Arcs | None = None, tags: dict[str, str] | None = None) -> Doc:
    """A Doc of words parted by spaces; `arcs` gives a word's relation and head, `ents` a phrase's label."""
    words = text.split(" ")
    pos = [CLOSED.get(w) or CLOSED.get(w.lower(), "SPACE" if w == "\n" else "PROPN" if w[0].isupper() else "NOUN") for w in words]
    heads, deps = [max(0, i - 1) for i in range(len(words))], ["dep"] * len(words)
    for i in range(len(words)):
        if i == 0 or words[i - 1] == "\n":
            heads[i], deps[i] = i, "ROOT"
    for word, (dep, head) in (arcs or {}).items():
        heads[words.index(word)], deps[words.index(word)] = words.index(head), dep
    labels = ["O"] * len(words)
    for phrase, label in (ents or {}).items():
        part = phrase.split(" ")
        for i in range(len(words) - len(part) + 1):
            if words[i : i + len(part)] == part:
                labels[i : i + len(part)] = [f"B-{label}", *[f"I-{label}"] * (len(part) - 1)]
    tag = [(tags or {}).get(w, "") for w in words]
    return Doc(VOCAB, words=words, pos=pos, tags=tag, lemmas=[w.lower() for w in words], heads=heads, deps=deps, ents=labels)


def found(doc: Doc) -> list[tuple[str, str]]:
    return [(doc[n.start : n.end].text, n.type) for n in names(doc)]


def offices(doc: Doc) -> list[tuple[str, str, str | None, str | None]]:
    all_names = names(doc)
    rows = officials(doc, all_names, full_names(doc, all_names))
    return [(doc[o.person.start : o.person.end].text, o.role, o.organisation, o.country) for o in rows]


# Names


def test_model_labels_of_both_schemes_are_read() -> None:
    assert found(build("yesterday Ana Rojas met Oro", {"Ana Rojas": "PER", "Oro": "ORG"})) == [("Ana Rojas", "person"), ("Oro", "organisation")]


def test_dates_and_nationalities_are_no_names() -> None:
    assert found(build("the Polish team met on Friday", {"Polish": "NORP", "Friday": "DATE"})) == []


def test_article_and_possessive_are_no_part_of_a_name() -> None:
    assert found(build("today the Daily Lantern 's staff met", {"the Daily Lantern 's": "ORG"})) == [("Daily Lantern", "organisation")]


def test_title_and_role_are_no_part_of_a_person() -> None:
    assert found(build("today Mayor Ana Rojas spoke", {"Mayor Ana Rojas": "PERSON"})) == [("Ana Rojas", "person")]


def test_surname_that_could_be_a_role_stays() -> None:
    assert found(build("then Luis Alba King Jr spoke .", {"Luis Alba King Jr": "PERSON"})) == [("Luis Alba King Jr", "person")]


def test_name_ends_at_a_line_break() -> None:
    assert found(build("by Ana Rojas \n Lima met", {"Ana Rojas \n Lima": "PERSON"}))[0] == ("Ana Rojas", "person")


def test_description_in_capitals_before_a_name_is_cut() -> None:
    assert found(build("reports by NGO Clear Rivers say", {"NGO Clear Rivers": "ORG"})) == [("Clear Rivers", "organisation")]


def test_two_organisations_joined_by_and_stay_two() -> None:
    doc = build("both the Ministry of Roads and Coast Guard opened", {"Ministry of Roads": "ORG", "Coast Guard": "ORG"})
    assert found(doc) == [("Ministry of Roads", "organisation"), ("Coast Guard", "organisation")]


def test_nationality_is_no_part_of_a_ministry_but_of_a_party() -> None:
    doc = build(
        "today the Peruvian Ministry of Health said it met the Peruvian Labour Party .",
        {"Peruvian Ministry of Health": "ORG", "Peruvian Labour Party": "ORG"},
    )
    assert found(doc) == [("Ministry of Health", "organisation"), ("Peruvian Labour Party", "organisation")]


def test_generic_noun_alone_is_no_name() -> None:
    assert found(build("today the Ministry said nothing", {"Ministry": "ORG"})) == []


def test_portfolio_is_no_organisation() -> None:
    assert found(build("then Transport Minister Ana Rojas spoke", {"Transport": "ORG", "Ana Rojas": "PERSON"})) == [("Ana Rojas", "person")]


def test_event_is_no_name() -> None:
    assert found(build("they won the Lantern Cup", {"Lantern Cup": "ORG"})) == []


def test_apposition_makes_an_organisation_of_a_person_everywhere() -> None:
    doc = build(
        "reports by Clear Rivers , a charity , said so . \n later Clear Rivers spoke",
        {"Clear Rivers": "PERSON"},
        {"Clear": ("compound", "Rivers"), "Rivers": ("pobj", "by"), "a": ("det", "charity"), "charity": ("appos", "Rivers")},
    )
    assert found(doc) == [("Clear Rivers", "organisation")] * 2


def test_head_noun_makes_an_organisation_of_a_person() -> None:
    doc = build("now the Bank for Rivers and Roads opened .", {"Bank for Rivers and Roads": "PERSON"})
    assert found(doc) == [("Bank for Rivers and Roads", "organisation")]


def test_person_that_something_happens_in_is_a_city() -> None:
    doc = build("offices in Nordvik , they said", {"Nordvik": "PER"})
    assert found(doc) == [("Nordvik", "city")]


def test_stake_in_a_company_makes_no_city() -> None:
    doc = build("a stake in Nordvik opened", {"Nordvik": "ORG"}, {"in": ("prep", "stake"), "Nordvik": ("pobj", "in")})
    assert found(doc) == [("Nordvik", "organisation")]


def test_dateline_is_a_city() -> None:
    assert found(build("NORDVIK ( Reuters ) - two ships sank", {"NORDVIK": "ORG"}))[0] == ("NORDVIK", "city")


def test_head_word_says_that_a_place_is_a_region() -> None:
    assert found(build("floods in Nordvik Province rose", {"Nordvik Province": "GPE"})) == [("Nordvik Province", "region")]


def test_repeated_name_is_found_where_the_model_missed_it() -> None:
    doc = build("then Oro Verde grew . \n later Oro Verde shrank")
    doc.ents = [Span(doc, 1, 3, label="ORG")]
    assert found(doc) == [("Oro Verde", "organisation")] * 2


def test_surname_is_found_where_the_full_name_is_known() -> None:
    assert found(build("then Ana Rojas left . \n later Rojas came", {"Ana Rojas": "PERSON"})) == [("Ana Rojas", "person"), ("Rojas", "person")]


def test_acronym_in_parentheses_is_a_name() -> None:
    doc = build("today the World Metal Union ( WMU ) met", {"World Metal Union": "ORG"})
    assert found(doc) == [("World Metal Union", "organisation"), ("WMU", "organisation")]


@pytest.mark.parametrize(
    "text",
    [
        "today the ferry Nordvik left",
        "today the Nordvik sank",
        "they were aboard the Nordvik",
        "so the Nordvik 's hull broke",
        "today MV Nordvik sank",
        "a report , “ Nordvik Rising ” , came",
        "along Nordvik Street",
    ],
)
def test_ships_reports_and_streets_are_no_names(text: str) -> None:
    label = "LOC" if "Street" in text else "ORG"
    name = next(n for n in ("Nordvik Street", "Nordvik Rising", "Nordvik") if n in text)
    assert found(build(text.replace("report ,", "report"), {name: label})) == []


def test_ship_is_no_name_anywhere_in_its_article() -> None:
    assert found(build("the ferry Nordvik sank . \n later Nordvik rose", {"Nordvik": "LOC"})) == []


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("so the river Nordvik rose", "Nordvik", "region"),
        ("they met in the city of Nordvik today", "Nordvik", "city"),
        ("they met in Nordvik county today", "Nordvik", "region"),
        ("they crossed the Nordvik .", "Nordvik", "region"),
        ("off the coast of Nordvik .", "Nordvik", "city"),
        ("they met in Nordvik today", "Nordvik", "city"),
        ("they met on Lake Nordvik today", "Lake Nordvik", "region"),
        ("they met in Port Nordvik today", "Port Nordvik", "city"),
        ("they met in Fara , Ga. , today", "Ga.", "region"),
    ],
)
def test_place_is_what_the_words_around_it_say(text: str, name: str, kind: str) -> None:
    assert (name, kind) in found(build(text, {name: "LOC"}))


def test_country_that_shares_its_name_with_a_region_is_what_the_article_is_about() -> None:
    assert found(build("from Ohio to Georgia", {"Ohio": "LOC", "Georgia": "LOC"}))[1] == ("Georgia", "region")
    assert found(build("from Armenia to Georgia", {"Armenia": "LOC", "Georgia": "LOC"}))[1] == ("Georgia", "country")


def test_common_noun_and_direction_are_no_part_of_a_place() -> None:
    doc = build("near the Nordvik hospital in northern Fara", {"Nordvik hospital": "LOC", "northern Fara": "LOC"})
    assert found(doc) == [("Nordvik", "city"), ("Fara", "city")]


def test_hospital_and_water_district_are_organisations() -> None:
    doc = build("then Nordvik Hospital met Fara Water District", {"Nordvik Hospital": "LOC", "Fara Water District": "LOC"})
    assert [kind for _, kind in found(doc)] == ["organisation", "organisation"]


def test_office_after_the_is_no_name() -> None:
    doc = build("so the Nordvik Office for Roads met . \n later the Office left", {"Nordvik Office for Roads": "ORG"})
    assert found(doc) == [("Nordvik Office for Roads", "organisation")]


def test_newspaper_s_head_noun_after_the_is_a_name() -> None:
    doc = build("so the Nordvik Courier printed . \n later the Courier left", {"Nordvik Courier": "ORG"})
    assert found(doc)[1] == ("Courier", "organisation")


def full(doc: Doc) -> list[str]:
    return full_names(doc, names(doc))


def test_surname_stands_for_the_only_person_who_has_it() -> None:
    assert full(build("then Ana Rojas left . \n later Rojas came", {"Ana Rojas": "PERSON"}))[1] == "Ana Rojas"


def test_surname_of_two_persons_stands_for_neither() -> None:
    doc = build("then Ana Rojas met Luis Rojas . \n later Rojas came", {"Ana Rojas": "PERSON", "Luis Rojas": "PERSON"})
    assert full(doc)[2] == "Rojas"


def test_acronym_stands_for_the_name_it_was_introduced_with() -> None:
    doc = build("today the World Metal Union ( WMU ) met . \n later WMU left", {"World Metal Union": "ORG"})
    assert full(doc) == ["World Metal Union"] * 3


def test_dateline_in_capitals_has_the_name_of_the_text() -> None:
    doc = build("NORDVIK ( Reuters ) - in Nordvik ships sank", {"NORDVIK": "GPE", "Nordvik": "GPE"})
    assert full(doc)[-1] == full(doc)[0] == "Nordvik"


@pytest.mark.parametrize(("acronym", "name"), [("WMU", "World Metal Union"), ("ONPE", "National Office of Electoral Processes")])
def test_acronym_letters_are_initials_in_any_order(acronym: str, name: str) -> None:
    assert stands_for(acronym, name)


def test_country_code_is_no_acronym_of_another_name() -> None:
    assert not stands_for("US", "World Metal Union")


# Officials


def test_role_in_apposition_with_organisation() -> None:
    doc = build("so Ana Rojas , director of Clear Rivers , said", {"Ana Rojas": "PERSON", "Clear Rivers": "ORG"})
    assert offices(doc) == [("Ana Rojas", "director", "Clear Rivers", None)]


def test_role_before_the_name_with_nationality() -> None:
    doc = build("so Peruvian Transport Minister Ana Rojas said", {"Ana Rojas": "PERSON"})
    assert offices(doc) == [("Ana Rojas", "Transport Minister", None, "PE")]


def test_organisation_before_the_role() -> None:
    doc = build("so Oro Verde director Ana Rojas said", {"Ana Rojas": "PERSON", "Oro Verde": "ORG"})
    assert offices(doc) == [("Ana Rojas", "director", "Oro Verde", None)]


def test_ministry_stays_in_its_spokesmans_role() -> None:
    doc = build("so Foreign Ministry spokesman Jan Lis said", {"Jan Lis": "PERSON"})
    assert offices(doc) == [("Jan Lis", "Foreign Ministry spokesman", "Foreign Ministry", None)]


def test_owner_of_the_role_in_the_genitive() -> None:
    doc = build("so Oro Verde 's chief , Ana Rojas , said", {"Ana Rojas": "PERSON", "Oro Verde": "ORG"})
    assert offices(doc) == [("Ana Rojas", "chief", "Oro Verde", None)]


def test_state_of_the_role_in_the_genitive() -> None:
    doc = build("so Kenya 's interior minister , Ana Rojas , said", {"Ana Rojas": "PERSON", "Kenya": "GPE"})
    assert offices(doc) == [("Ana Rojas", "interior minister", None, "KE")]


def test_relative_clause_says_the_role() -> None:
    doc = build(
        "so Rojas , who heads Oro , said",
        {"Rojas": "PERSON", "Oro": "ORG"},
        {"heads": ("relcl", "Rojas"), "Oro": ("dobj", "heads")},
    )
    doc[4].lemma_ = "head"
    assert offices(doc) == [("Rojas", "head", "Oro", None)]


def test_former_and_acting_are_part_of_the_role() -> None:
    doc = build("so former Polish president Jan Lis met Ewa Sowa , acting mayor", {"Jan Lis": "PERSON", "Ewa Sowa": "PERSON"})
    assert offices(doc) == [("Jan Lis", "former president", None, "PL"), ("Ewa Sowa", "acting mayor", None, None)]


def test_two_roles_joined_by_and_share_the_organisation() -> None:
    doc = build("so Ana Rojas , founder and director of Oro , said", {"Ana Rojas": "PERSON", "Oro": "ORG"})
    assert offices(doc) == [("Ana Rojas", "founder", "Oro", None), ("Ana Rojas", "director", "Oro", None)]


def test_spokesman_without_organisation_speaks_for_the_subject_before() -> None:
    arcs = {"Oro": ("nsubj", "denied"), "denied": ("ROOT", "denied")}
    doc = build("so Oro denied it . \n spokesman Jan Lis said", {"Jan Lis": "PERSON", "Oro": "ORG"}, arcs)
    assert offices(doc) == [("Jan Lis", "spokesman", "Oro", None)]


def test_portfolio_after_the_role_belongs_to_it() -> None:
    doc = build("so Ana Rojas , minister of health of Peru , said", {"Ana Rojas": "PERSON", "Peru": "GPE"})
    assert offices(doc) == [("Ana Rojas", "minister of health", None, "PE")]


def test_form_of_address_is_no_role() -> None:
    assert offices(build("so Mr Jan Lis met Dr Ewa Sowa", {"Jan Lis": "PERSON", "Ewa Sowa": "PERSON"})) == []


def test_rank_is_left_out_beside_another_role() -> None:
    doc = build("so Captain Jan Lis , spokesman for Oro , said", {"Jan Lis": "PERSON", "Oro": "ORG"})
    assert offices(doc) == [("Jan Lis", "spokesman", "Oro", None)]


def test_profession_counts_at_an_organisation_only() -> None:
    doc = build("so Jan Lis , analyst at Oro , met Ewa Sowa , analyst .", {"Jan Lis": "PERSON", "Ewa Sowa": "PERSON", "Oro": "ORG"})
    assert offices(doc) == [("Jan Lis", "analyst", "Oro", None)]


def test_minister_is_joined_to_the_ministry_named_elsewhere() -> None:
    doc = build("so the Ministry of Health met . \n later Health Minister Ana Rojas spoke", {"Ana Rojas": "PERSON", "Ministry of Health": "ORG"})
    all_names = names(doc)
    (office,) = officials(doc, all_names, full_names(doc, all_names))
    assert office.body is not None and doc[office.body.start : office.body.end].text == "Ministry of Health"


def test_its_director_is_the_director_of_the_subject_before() -> None:
    arcs = {"Oro": ("nsubj", "denied"), "denied": ("ROOT", "denied")}
    doc = build("so Oro denied it . \n Jan Lis , its director , said", {"Jan Lis": "PER", "Oro": "ORG"}, arcs)
    assert offices(doc) == [("Jan Lis", "director", "Oro", None)]


def test_common_noun_stands_for_the_organisation_called_so() -> None:
    doc = build("so Nordvik Museum met Oro . \n the museum 's director , Jan Lis , left", {"Nordvik Museum": "ORG", "Oro": "ORG", "Jan Lis": "PER"})
    assert offices(doc) == [("Jan Lis", "director", "Nordvik Museum", None)]


def test_role_phrase_with_its_organisation_before_the_name() -> None:
    doc = build("so a spokesman for Oro , Jan Lis , said", {"Jan Lis": "PER", "Oro": "ORG"})
    assert offices(doc) == [("Jan Lis", "spokesman", "Oro", None)]


def test_role_has_the_organisation_that_the_article_gives_it_elsewhere() -> None:
    doc = build("so the director of Oro left . \n later Jan Lis , acting director , came", {"Jan Lis": "PER", "Oro": "ORG"})
    assert offices(doc) == [("Jan Lis", "acting director", "Oro", None)]


# Places


def test_subdivision_is_known_with_and_without_its_head_word() -> None:
    first, second = region("Zhejiang"), region("Zhejiang Province")
    assert first and second and first.place_id == second.place_id == "region:cn-zj"


def test_big_city_keeps_its_name_from_the_region_around_it() -> None:
    assert place_type("New York") == place_type("Shanghai") == "city"


def test_nationality_gives_the_state() -> None:
    assert (nationality("Peruvian"), nationality("Dutch"), nationality("Rojas")) == ("PE", "NL", None)


# The step


def rows_of(text: str, words: list[tuple[str, str, str]]) -> dict[str, list[object]]:
    tokens: list[object] = []
    at = 0
    for word, pos, ner in words:
        at = text.index(word, at)
        n = len(tokens)
        tokens.append(Token("a", 0, n, at, at + len(word), word, word, pos, "", "dep", max(0, n - 1), text[at + len(word) :][:1] == " ", ner))
        at += len(word)
    article = Article("a", "a.txt", None, None, None, None, None, "en", text, "", [], [])
    return {"articles": [article], "sentences": [Sentence("a", 0, 0, len(text), "body")], "tokens": tokens}


def test_step_writes_offsets_into_the_article() -> None:
    text = "  Poland thanked Ana Rojas."
    rows = rows_of(
        text,
        [("Poland", "PROPN", "B-GPE"), ("thanked", "VERB", "O"), ("Ana", "PROPN", "B-PERSON"), ("Rojas", "PROPN", "I-PERSON"), (".", "PUNCT", "O")],
    )
    mentions = entities(rows, Settings())["extracted_mentions"]
    assert [(m.mention_id, m.text, m.type, m.place_id) for m in mentions] == [
        ("a:2-8", "Poland", "country", "country:PL"),
        ("a:17-26", "Ana Rojas", "person", None),
    ]
    assert all(text[m.start : m.end] == m.text for m in mentions)


def test_step_on_an_article_without_text() -> None:
    assert entities(rows_of("", []), Settings()) == {"extracted_mentions": [], "extracted_officials": []}
