"""Claims: numbers in all notations, and what the sentence says about them."""

import csv
import re
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from pipeline import nlp
from pipeline.config import Settings
from pipeline.rules.dates import moments
from pipeline.stages.claims import claims, extract
from pipeline.tables import Article, ExtractedClaim, ExtractedMention, Sentence, Token

TABLE = Path(__file__).with_name("numbers.tsv")


def cases() -> list[tuple[str, str]]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").split("\n") if line and not line.startswith("#")]
    return [(row["sentence"], row["claims"]) for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]


@pytest.fixture(scope="module")
def model() -> Language:
    return nlp.load(Settings().tokenize.model)


def mention(text: str, words: str, kind: str, nth: int = 0) -> ExtractedMention:
    start = [m.start() for m in re.finditer(re.escape(words), text)][nth]
    return ExtractedMention("a", f"a:{start}-{start + len(words)}", 0, start, start + len(words), words, kind, words, None, None)


def read(model: Language, text: str, published: str | None = None, **named: str) -> list[ExtractedClaim]:
    """The claims of a text; `named` gives mentions and their types, with _ for a space."""
    doc = model(text)
    sentences = [Sentence("a", k, s.start_char, s.end_char, "body") for k, s in enumerate(doc.sents)]
    return extract(doc, sentences, [mention(text, words.replace("_", " "), kind) for words, kind in named.items()], published, "a")


def by_hand(words: Sequence[str], pos: Sequence[str], heads: Sequence[int], deps: Sequence[str]) -> list[ExtractedClaim]:
    """The claims of one sentence parsed by hand."""
    tags = ["NNS" if p == "NOUN" and w.endswith("s") else "CD" if p == "NUM" else "X" for w, p in zip(words, pos, strict=True)]
    doc = Doc(Vocab(), words=list(words), pos=list(pos), heads=list(heads), deps=list(deps), tags=tags, lemmas=[w.lower() for w in words])
    return extract(doc, [Sentence("a", 0, 0, len(doc.text.rstrip()), "body")], [], None, "a")


def shown(number: float | None) -> str:
    return "" if number is None else f"{number:.12g}"


@pytest.mark.parametrize(("sentence", "expected"), cases(), ids=[sentence[:60] for sentence, _ in cases()])
def test_numbers_are_read_as_annotated(model: Language, sentence: str, expected: str) -> None:
    found = [(c.text, c.kind, shown(c.value), shown(c.value_max), c.bound, c.unit or "") for c in read(model, sentence)]
    wanted = []
    for part in filter(None, expected.split(" ; ")):
        text, kind, value, value_max, bound, unit = part.split("|")
        wanted.append((text, kind, value and shown(float(value)), value_max and shown(float(value_max)), bound, unit))
    assert found == wanted


def test_the_list_holds_enough_numbers() -> None:
    assert sum(max(1, len(expected.split(" ; "))) for _, expected in cases()) >= 300


def test_the_noun_a_number_modifies_is_counted_with_its_adjectives() -> None:
    (claim,) = by_hand(
        ["Rebels", "freed", "12", "foreign", "hostages", "."],
        ["NOUN", "VERB", "NUM", "ADJ", "NOUN", "PUNCT"],
        [1, 1, 4, 4, 1, 1],
        ["nsubj", "ROOT", "nummod", "amod", "dobj", "punct"],
    )
    assert (claim.counted, claim.predicate) == ("foreign hostages", "freed")


def test_a_number_without_noun_takes_the_noun_before(model: Language) -> None:
    found = read(model, "The city has nine clinics: three in Porto and another three in Braga.", Porto="city", Braga="city")
    assert [c.counted for c in found] == ["clinics"] * 3


def test_the_noun_is_carried_from_the_sentence_before(model: Language) -> None:
    assert read(model, "Inspectors closed 30 bakeries. They later closed a further 12.")[1].counted == "bakeries"


def test_the_number_of_says_what_is_counted(model: Language) -> None:
    assert read(model, "The number of deaths is 12.")[0].counted == "deaths"


def test_a_total_of_is_passed_over(model: Language) -> None:
    assert read(model, "A total of 45 farms were sold.")[0].counted == "farms"


def test_quotation_marks_are_left_out_of_what_is_counted(model: Language) -> None:
    assert read(model, "The mayor opened 20 “rest stops” for drivers.")[0].counted == "rest stops"


def test_a_share_is_of_its_of_phrase(model: Language) -> None:
    assert read(model, "The party won 30% of votes.")[0].counted == "votes"


def test_an_amount_that_changes_is_the_subject(model: Language) -> None:
    assert read(model, "Sales rose 5% last year.")[0].counted == "sales"


def test_a_rise_in_something_is_of_that(model: Language) -> None:
    assert read(model, "The firm reported a 5% rise in profits.")[0].counted == "profits"


def test_injured_without_noun_are_people(model: Language) -> None:
    assert read(model, "In the crash 14 were injured.")[0].counted == "people"


def test_a_place_after_the_number_scopes_it(model: Language) -> None:
    text = "There are three clinics in Porto and two in Braga."
    assert [c.place_mention_ids for c in read(model, text, Porto="city", Braga="city")] == [
        [mention(text, "Porto", "city").mention_id],
        [mention(text, "Braga", "city").mention_id],
    ]


def test_a_place_at_the_head_of_the_clause_scopes_its_object(model: Language) -> None:
    text = "In Lyon, police arrested 20 people."
    assert read(model, text, Lyon="city")[0].place_mention_ids == [mention(text, "Lyon", "city").mention_id]


def test_a_place_that_has_something_scopes_it(model: Language) -> None:
    text = "Malta has 12 hospitals."
    assert read(model, text, Malta="country")[0].place_mention_ids == [mention(text, "Malta", "country").mention_id]


def test_a_place_of_another_clause_scopes_nothing(model: Language) -> None:
    text = "The minister flew to Rome after 12 hospitals closed."
    assert read(model, text, Rome="city")[0].place_mention_ids == []


def test_a_town_with_its_country_is_one_place(model: Language) -> None:
    text = "They arrested 20 people in Lyon, France, on Monday."
    assert read(model, text, Lyon="city", France="country")[0].place_mention_ids == [mention(text, "Lyon", "city").mention_id]


def test_the_subject_of_a_reporting_verb_is_the_source(model: Language) -> None:
    text = "The Red Cross said 40 people were missing."
    claim = read(model, text, Red_Cross="organisation")[0]
    assert (claim.source, claim.source_mention_id) == ("Red Cross", mention(text, "Red Cross", "organisation").mention_id)


def test_according_to_names_the_source(model: Language) -> None:
    assert read(model, "According to Oxfam, 40 people were missing.", Oxfam="organisation")[0].source == "Oxfam"


def test_the_originator_counts_and_not_the_outlet(model: Language) -> None:
    text = "Oxfam said 40 people were missing, according to Reuters."
    assert read(model, text, Oxfam="organisation", Reuters="organisation")[0].source == "Oxfam"


def test_the_report_is_its_maker(model: Language) -> None:
    text = "Oxfam published a report on hunger. The report says 40 villages are at risk."
    assert read(model, text, Oxfam="organisation")[0].source == "Oxfam"


def test_the_ministry_is_the_one_named_before(model: Language) -> None:
    text = "The Ministry of Health met Oxfam. The ministry said 40 wards had closed."
    named = [mention(text, "Ministry of Health", "organisation"), mention(text, "Oxfam", "organisation")]
    doc = model(text)
    found = extract(doc, [Sentence("a", k, s.start_char, s.end_char, "body") for k, s in enumerate(doc.sents)], named, None, "a")
    assert found[0].source == "Ministry of Health"


def test_authorities_count_as_their_government(model: Language) -> None:
    claim = read(model, "Chinese authorities say 40 people were fined.")[0]
    assert (claim.source, claim.source_mention_id) == ("Chinese government", None)


def test_it_added_keeps_the_source(model: Language) -> None:
    text = "Oxfam said the harvest failed. It added that 40 villages were at risk."
    assert read(model, text, Oxfam="organisation")[0].source == "Oxfam"


def test_unnamed_people_are_no_source(model: Language) -> None:
    assert read(model, "Witnesses said 40 people were missing.")[0].source is None


def test_the_articles_own_voice_is_no_source(model: Language) -> None:
    assert read(model, "The storm flooded 40 villages.")[0].source is None


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("on 12 September", "2022-09-12", "2022-09-12"),
        ("between April 2021 and July 2022", "2021-04", "2022-07"),
        ("at the start of 2022", "2022-01", "2022-01"),
        ("in late 2016", "2016", "2016"),
        ("last week", "2022-09-19", "2022-09-25"),
        ("last month", "2022-08", "2022-08"),
        ("last year", "2021", "2021"),
        ("yesterday", "2022-09-28", "2022-09-28"),
        ("on Tuesday", "2022-09-27", "2022-09-27"),
        ("in the past five years", "2017", "2022"),
        ("two years ago", "2020", "2020"),
        ("since 2016", "2016", None),
        ("in the first quarter of 2022", "2022-01", "2022-03"),
        ("from 2015 to 2019", "2015", "2019"),
        ("in 2020-21", "2020", "2021"),
        ("on Dec. 22", "2021-12-22", "2021-12-22"),
        ("in the 1990s", "1990", "1999"),
        ("at 5pm", None, None),
    ],
)
def test_times_are_resolved_against_publication(text: str, first: str | None, last: str | None) -> None:
    found = moments(f"They sold it {text}.", "2022-09-29")
    assert [(m.first, m.last) for m in found] == [(first, last)]


def test_a_relative_time_stays_open_without_a_date_of_publication() -> None:
    assert not any(m.known for m in moments("They sold it last week.", None))


def test_the_date_in_the_sentence_is_the_claims_time(model: Language) -> None:
    claim = read(model, "In May 2021 the firm closed 12 shops.")[0]
    assert (claim.time_start, claim.time_end) == ("2021-05", "2021-05")


def test_without_a_date_a_claim_has_no_time(model: Language) -> None:
    claim = read(model, "The firm closed 12 shops.", "2022-09-29")[0]
    assert (claim.time_start, claim.time_end) == (None, None)


def test_a_number_in_a_quotation_is_marked(model: Language) -> None:
    assert [c.quoted for c in read(model, "“We lost 12 men,” he said of the 300 soldiers.")] == [True, False]


def test_reportedly_hedges(model: Language) -> None:
    assert read(model, "The firm reportedly closed 12 shops.")[0].hedged


def test_a_denial_negates(model: Language) -> None:
    assert read(model, "The firm denied that it closed 12 shops.")[0].negated


def test_a_person_followed_by_a_number_has_that_age(model: Language) -> None:
    claim = read(model, "Ana Silva, 66, was elected.", Ana_Silva="person")[0]
    assert (claim.kind, claim.value, claim.unit) == ("age", 66, "year")


def test_every_field_has_its_reason(model: Language) -> None:
    claim = read(model, "Oxfam said on 3 May 2021 that at least 40 kg of rice was lost in Lyon.", Oxfam="organisation", Lyon="city")[0]
    assert {"value", "bound", "unit", "counted", "places", "time", "source"} <= {e.signal for e in claim.rules}


def test_offsets_are_the_articles(model: Language) -> None:
    text = "Prices rose 5%.\n\nThe “old” town lost 12 shops.\n"
    doc = model(text)
    tokens = [t for t in doc if not t.is_space]
    place = {t.i: k for k, t in enumerate(tokens)}
    rows = [
        Token(
            "a",
            0,
            place[t.i],
            t.idx,
            t.idx + len(t),
            t.text,
            t.lemma_,
            t.pos_,
            t.tag_,
            t.dep_,
            place.get(t.head.i, place[t.i]),
            bool(t.whitespace_),
            "O",
        )
        for t in tokens
    ]
    sentences = [Sentence("a", 0, 0, 15, "body"), Sentence("a", 1, 17, len(text) - 1, "body")]
    article = Article("a", "a.txt", None, None, None, None, None, "en", text, "", [], [])
    found = claims({"articles": [article], "sentences": sentences, "tokens": rows, "extracted_mentions": []}, Settings())["extracted_claims"]
    assert [(c.text, text[c.start : c.end], c.claim_id) for c in found] == [("5%", "5%", "a:12-14"), ("12", "12", "a:37-39")]


def test_thousands_of_numbers_take_linear_time() -> None:
    words = ["They", "sold"] + ["12", ","] * 5000
    heads = [1, 1] + [k for i in range(5000) for k in (1 if i == 0 else 2 * i, 2 * i + 2)]
    deps = ["nsubj", "ROOT"] + ["dobj" if k == 0 else "conj" if k % 2 == 0 else "punct" for k in range(10000)]
    begin = time.process_time()
    found = by_hand(words, ["PRON", "VERB"] + ["NUM", "PUNCT"] * 5000, heads, deps)
    assert (len(found), time.process_time() - begin < 2) == (5000, True)


@pytest.mark.parametrize(
    ("text", "named", "nth", "source"),
    [
        ("Elm Hospital has 90 beds. The hospital said 12 patients had left.", {"Elm_Hospital": "organisation"}, 1, "Elm Hospital"),
        ("A hospital said 12 patients had left. Elm Hospital is in the north.", {"Elm_Hospital": "organisation"}, 0, "Elm Hospital"),
        ("Elm Bank said 12 branches would close. It will also sell three offices.", {"Elm_Bank": "organisation"}, 1, "Elm Bank"),
        ("Elm Bank said 12 branches would close. Five are in the north.", {"Elm_Bank": "organisation"}, 1, "Elm Bank"),
        ("The Elm Trust tested 40 toasters.", {"Elm_Trust": "organisation"}, 0, "Elm Trust"),
        ("Inspectors from Elm Trust checked 40 toasters.", {"Elm_Trust": "organisation"}, 0, "Elm Trust"),
        ("In all 40 ballots were counted by Elm Trust.", {"Elm_Trust": "organisation"}, 0, "Elm Trust"),
        ("Peruvian police said 14 people were held.", {}, 0, "Peruvian government"),
        ("Elm Trust said rain fell. Its records show 14 floods.", {"Elm_Trust": "organisation"}, 0, "Elm Trust"),
        ("Ann Poe is the minister. The minister said 30 roads were closed.", {"Ann_Poe": "person"}, 0, "Ann Poe"),
        ("Elm Bank lost money. He met Ann Poe, who left. The witness said 30 shots were fired.", {"Elm_Bank": "organisation"}, 0, None),
    ],
)
def test_the_source_is_found_behind_nouns_pronouns_and_passives(
    model: Language, text: str, named: dict[str, str], nth: int, source: str | None
) -> None:
    assert read(model, text, **named)[nth].source == source


def test_a_report_only_seen_by_a_paper_is_not_its_own(model: Language) -> None:
    assert read(model, "The review, seen by the Echo, found 14 faults.", Echo="organisation")[0].source is None


@pytest.mark.parametrize(
    ("text", "nth", "counted"),
    [
        ("Four held in raid on bank", 0, "people"),
        ("The museum bought 14 vases. The curator praised all 14.", 1, "vases"),
        ("Hundreds marched through the rain.", 0, "people"),
        ("The strike lasting 26 days is over.", 0, "strike"),
        ("They met six weeks after the flood.", 0, "flood"),
        ("He resigned after 12 years in the post.", 0, "post"),
        ("They put the cost of repairs at $5 million.", 0, "cost"),
        ("The office put the number of deaths at 43.", 0, "deaths"),
        ("Two brothers, aged 29 and 33, were held.", 2, "brothers"),
        ("The number of cases rose to 96. Two children died. A week earlier it was 81.", 2, "cases"),
        ("Turnout in the north was 54%. In the south it was 38%.", 1, "turnout"),
        ("She signed a four-year contract worth £60,000.", 1, "contract"),
        ("Net profit fell 48%.", 0, "net profit"),
        ("It is the seventh largest utility in Peru.", 0, "utility"),
        ("She said eight more than last year had died.", 0, "people"),
    ],
)
def test_what_is_counted_where_the_number_leaves_it_out(model: Language, text: str, nth: int, counted: str) -> None:
    found = read(model, text)[nth].counted
    assert found is not None
    assert counted in found


def test_the_speaker_s_age_is_theirs(model: Language) -> None:
    assert read(model, "“I am 49,” said Ann Poe.", Ann_Poe="person")[0].counted == "ann poe"


@pytest.mark.parametrize(
    ("text", "named", "places"),
    [
        ("The four people held in Leeds were freed.", {"Leeds": "city"}, ["Leeds"]),
        ("Divers took 46 vases from a villa near Sousse.", {"Sousse": "city"}, ["Sousse"]),
        ("The village lies 84 miles southeast of Atlanta.", {"Atlanta": "city"}, ["Atlanta"]),
        ("Trucks drove 2,900 km from Plovdiv to Valencia.", {"Plovdiv": "city", "Valencia": "city"}, ["Plovdiv", "Valencia"]),
        ("It serves 67,000 people in and around Macon.", {"Macon": "city"}, ["Macon"]),
        (
            "Police held 19 people in Spain, Bulgaria and Malta.",
            {"Spain": "country", "Bulgaria": "country", "Malta": "country"},
            ["Spain", "Bulgaria", "Malta"],
        ),
    ],
)
def test_places_inside_phrases_scope_the_number(model: Language, text: str, named: dict[str, str], places: list[str]) -> None:
    assert read(model, text, **named)[0].place_mention_ids == [mention(text, p, "city").mention_id for p in places]


def test_a_bare_month_takes_the_year_of_the_month_it_runs_to() -> None:
    (moment,) = moments("between May and July 2022", None)
    assert (moment.first, moment.last) == ("2022-05", "2022-07")
