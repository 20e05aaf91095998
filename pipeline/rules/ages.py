"""Numbers that are ages though no word says so: Maria Lopez, 66; voters under 30; the oldest was 88; she turned 24 in May."""

from pipeline.lexicon import words
from pipeline.rules.clause import Page, Site, is_place_or_time
from pipeline.rules.counting import noun_to_the_right
from pipeline.rules.people import names_people
from pipeline.rules.referents import near

_EXTREMES = frozenset(("oldest", "youngest", "eldest"))


def is_age(page: Page, site: Site) -> bool:
    value = site.number.value
    if value is None or not 0 < value <= 120 or site.number.value_max is not None:
        return False
    return _in_apposition(page, site) or _is_limit(page, site) or _after_verb(page, site)


def is_age_of_extreme(site: Site) -> bool:
    """The youngest is 5 months."""
    verb = site.verb
    subject = next((t for t in near(verb, "lefts") if t.dep_ == "nsubj"), None) if verb is not None and verb.lemma_ == "be" else None
    return subject is not None and any(t.lower_ in _EXTREMES for t in (subject, *near(subject, "lefts")))


def _in_apposition(page: Page, site: Site) -> bool:
    """Maria Lopez, 66, ...; the striker, 24, ...: a bare number between a person and a comma."""
    value, before, after = site.number.value or 0, page.token(site.low - 2), page.token(site.high)
    if before is None or page.doc[site.low - 1].text not in (",", "("):
        return False
    mention = page.mention_at.get(before.i)
    person = mention.type == "person" if mention is not None else before.pos_ == "PROPN" and value >= 5 and after is not None and after.is_punct
    if not person and mention is None and before.pos_ == "NOUN" and value >= 10 and after is not None and after.text in (",", ")"):
        person = names_people(before.lemma_.lower()) and before.tag_ == "NN"
    return person and (after is None or after.is_punct or after.pos_ in ("ADP", "VERB", "CCONJ"))


def _is_limit(page: Page, site: Site) -> bool:
    """Voters under 30; people over 65."""
    value, word, people = site.number.value or 0, page.token(site.low - 1), page.token(site.low - 2)
    if not 9 < value < 100 or word is None or people is None or word.lower_ not in ("under", "over", "above", "below"):
        return False
    return people.lower_ in words("people_nouns") and noun_to_the_right(page, site) is None


def _after_verb(page: Page, site: Site) -> bool:
    """I am 49; the oldest was 88; she turned 24; he died at 91."""
    verb, before, after = site.verb, page.token(site.low - 1), page.token(site.high)
    if verb is None or before is None or site.number.bound != "exact":
        return False
    if after is not None and not (after.is_punct or after.pos_ in ("ADP", "CCONJ", "SCONJ", "ADV") or is_place_or_time(page, after)):
        return False
    if after is not None and after.lower_ in ("of", "per", "%"):
        return False
    subject = next((t for t in near(verb, "lefts") if t.dep_ in ("nsubj", "nsubjpass")), None)
    if subject is None:
        return False
    mention = page.mention_at.get(subject.i)
    person = subject.lower_ in ("i", "he", "she", "who") or (mention is not None and mention.type == "person")
    extreme = any(t.lower_ in _EXTREMES for t in (subject, *near(subject, "lefts")))
    if verb.lemma_ == "be" or verb.lower_ in ("'m", "’m"):
        return ((person or extreme) and before.i == verb.i) or extreme
    if verb.lemma_ in ("turn", "reach") and before.i == verb.i:
        return person and verb.lemma_ == "turn"
    previous = page.doc[max(page.low, site.low - 2)]
    happens = verb.lemma_.lower() in words("verbs_at_an_age")
    at_verb = happens or (previous.tag_ != "NNS" and previous.lemma_.lower() in words("verbs_at_an_age"))
    return before.lower_ == "at" and (site.number.value or 0) > 9 and at_verb
