"""Where and when a number holds: the places and times of its clause."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from spacy.tokens import Token

from pipeline.lexicon import words
from pipeline.rules.clause import CLIMB, NEAR, PLACES, VERBS, Page, Site, is_setting, neighbours, place_of
from pipeline.rules.dates import Moment
from pipeline.rules.referents import near
from pipeline.tables import Evidence, ExtractedMention

_LENGTHS = frozenset(("mile", "kilometre", "metre", "km", "m", "nautical mile"))


def places(page: Page, site: Site, head: Token | None, rules: list[Evidence]) -> list[str]:
    """Mentions of places that scope the number: beside it, in its noun phrase, else with its verb."""
    direct, rule = list(_places_beside(page, site, head)), "place beside the number"
    if site.number.kind == "measure" and site.number.unit in _LENGTHS and (points := _reference_points(page, site)):
        direct, rule = points, "ends of a distance"
    if not direct:
        direct, rule = list(_places_of_verb(page, site, head)), "place of the clause"
    if direct:
        rules.append(Evidence("places", rule))
    return list(dict.fromkeys(direct))


def _places_beside(page: Page, site: Site, head: Token | None) -> Iterator[str]:
    tops = [t for t in (head, page.doc[site.high - 1], site.root) if t is not None]
    if head is not None:
        for child in near(head, "lefts"):
            if child.dep_ in ("poss", "compound", "nmod") and place_of(page, child):
                yield place_of(page, child)
    found = False
    with_ = site.root.head
    if with_.lower_ == "with" and place_of(page, with_.head):  # followed by Iasi with 21
        yield place_of(page, with_.head)
        return
    before = page.token(site.low - 1)
    if before is not None and place_of(page, before) and not (head is not None and head.i > site.low and site.root.dep_ == "nummod"):
        yield place_of(page, before)
        return
    for top in dict.fromkeys(tops):
        for child in near(top, "rights"):
            if child.dep_ == "prep" and child.lower_ in words("place_prepositions"):
                for one in _places_after(page, child):
                    found = True
                    yield one
    if not found and head is not None:
        for one in _places_within(page, head, site):
            found = True
            yield one
    if not found:
        # the parser hangs many place phrases elsewhere: take one that directly follows
        end = max([site.stop - 1, *([head.i] if head is not None and head.i >= site.stop and head.i - site.stop < 8 else [])]) + 1
        while end < page.high and (page.doc[end].is_quote or page.doc[end].text in (")", "’")):
            end += 1
        after = page.token(end)
        if after is not None and after.lower_ in words("place_prepositions"):
            yield from _places_after(page, after)


_DEPTH = 3
"""Phrases within phrases that are looked into: a storage unit in a yard near Digbeth."""


def _places_within(page: Page, top: Token, site: Site, depth: int = 0) -> Iterator[str]:
    """Places in the phrases of a noun or verb: objects found in Lyon, 46 objects from a villa near Sousse."""
    if depth > _DEPTH:
        return
    for child in near(top, "rights"):
        if any(other.low < child.i + 5 and child.i < other.stop for other in neighbours(page, site)):
            continue
        if child.dep_ in ("prep", "agent") and child.lower_ in (*words("place_prepositions"), "from", "of"):
            direct = list(_places_after(page, child)) if child.lower_ != "of" else []
            if direct:
                yield from direct
                continue
            for inner in near(child, "children"):
                if inner.dep_ == "pobj" and inner.i not in page.mention_at:
                    yield from _places_within(page, inner, site, depth + 1)
                elif inner.dep_ == "prep":
                    yield from _places_after(page, inner)
        elif child.dep_ == "acl" and child.tag_ in ("VBN", "VBG"):
            yield from _places_within(page, child, site, depth + 1)
        elif child.dep_ == "conj" and depth and child.pos_ == "ADP":
            yield from _places_after(page, child)


def _reference_points(page: Page, site: Site) -> list[str]:
    """The places a distance is measured from and to: 84 miles southeast of Atlanta, 200 km from Lyon to Nice."""
    out: list[str] = []
    for token in page.doc[site.stop : min(page.high, site.stop + 9)]:
        if token.pos_ in VERBS or token.text in (".", ";"):
            break
        if token.lower_ in ("of", "from", "to", "off", "and"):
            out += _places_after(page, token)
    return out


def _places_after(page: Page, preposition: Token) -> Iterator[str]:
    """The places named after a preposition, with those joined to them; "Lyon, France" is one place."""
    i = preposition.i + 1
    last_end = None
    while i < page.high and i < preposition.i + 14:
        token = page.doc[i]
        mention = page.mention_at.get(i)
        if mention is not None:
            if mention.type not in PLACES:
                return
            if last_end is None or any(t.lower_ in ("and", "or", "&") for t in page.doc[last_end:i]) or _is_list(page, mention, i):
                yield mention.mention_id
            while i < page.high and page.mention_at.get(i) is mention:
                i += 1
            last_end = i
        elif (
            last_end is None
            and (
                token.pos_ in ("DET", "ADJ")
                or (token.lower_ in ("and", "or") and i == preposition.i + 1)
                or token.lower_ in words("place_prepositions")
                or token.lower_ in ("north", "south", "east", "west", "central", "downtown")
            )
        ) or (last_end is not None and (token.text == "," or token.lower_ in ("and", "or", "&")) and i - last_end < 2):
            i += 1
        else:
            return


def _is_list(page: Page, mention: ExtractedMention, i: int) -> bool:
    """Whether a place after a comma is a further one: another "and" follows, and it is not the country around the one before."""
    ahead = page.doc[i : min(i + 8, page.high)]
    earlier = page.mention_at.get(i - 2)
    alike = mention.type == "city" or (earlier is not None and earlier.type == mention.type)
    return any(t.lower_ in ("and", "or") for t in ahead) and alike


def _places_of_verb(page: Page, site: Site, head: Token | None) -> Iterator[str]:
    """A place phrase of the verb whose subject or object the number is; or the subject, of verbs like have."""
    verb = site.verb
    if verb is None:
        return
    counted = head if head is not None and head.i >= site.low else site.root
    if is_setting(counted) or (counted.dep_ == "pobj" and counted.head.lower_ not in ("of", "to", "by")):
        return
    for child in near(verb, "children"):
        if (
            child.dep_ == "prep"
            and child.lower_ in words("place_prepositions")
            and not any(other.stop <= child.i <= other.stop + 4 for other in neighbours(page, site))
        ):
            yield from _places_after(page, child)
    yield from _places_within(page, verb, site)
    if verb.dep_ == "conj" and verb.head.pos_ in VERBS:
        # "In Lyon, 12 people died and 30 were hurt": what opens the sentence holds for both
        for child in near(verb.head, "lefts"):
            if child.dep_ == "prep" and child.lower_ in words("place_prepositions"):
                yield from _places_after(page, child)
    if verb.lemma_.lower() in words("place_verbs") and counted.dep_ in ("dobj", "attr", "pobj"):
        for child in near(verb, "lefts"):
            if child.dep_ == "nsubj" and place_of(page, child):
                yield place_of(page, child)
            elif child.dep_ == "nsubj" and child.pos_ in ("NOUN", "ADJ"):
                yield from _places_within(page, child, site)


# --- when -------------------------------------------------------------------------------------------------------------


def time_of(page: Page, site: Site, rules: list[Evidence]) -> tuple[str | None, str | None]:
    """The time in the number's own clause, else the nearest in its sentence."""
    known = [m for m in _times_near(page, site) if m.known and not _belongs_to_another(page, site, m)]
    if not known:
        return None, None
    if len(known) > 1:
        known = [min(known, key=lambda m: _distance(page, site, m))]
    rules.append(Evidence("time", known[0].rule))
    return known[0].first, known[0].last


def _times_near(page: Page, site: Site) -> Sequence[Moment]:
    k = bisect_left(page.times, site.start - page.sentence.start, key=lambda m: m.start)
    return page.times[max(0, k - NEAR) : k + NEAR]


def _belongs_to_another(page: Page, site: Site, moment: Moment) -> bool:
    """Whether a time is that of the number compared with: "down from 64 percent in 2018"."""
    at = bisect_right(page.starts, page.sentence.start + moment.start) - 1
    for other in neighbours(page, site):
        if 0 <= at - other.stop <= 2 and any(t.lower_ in ("from", "than", "with", "to") for t in page.doc[max(page.low, other.low - 2) : other.low]):
            return True
    return False


def _distance(page: Page, site: Site, moment: Moment) -> int:
    """Characters between number and time; another clause counts as far away."""
    at = bisect_right(page.starts, page.sentence.start + moment.start) - 1
    token = page.doc[at]
    for _ in range(CLIMB):
        if token.pos_ in VERBS or token.head.i == token.i:
            break
        token = token.head
    gap = abs(page.sentence.start + moment.start - site.start)
    return gap if site.verb is not None and token.i == site.verb.i else gap + 200
