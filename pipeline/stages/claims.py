"""Stage `claims`: the numbers an article states, with what is counted, where, when and according to whom.

`rules.numbers` finds the expressions and `rules.dates` the times; here the sentence's grammar decides which of them
are claims and what belongs to each. The reading of every field follows the annotation guidelines of the project.
"""

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from functools import cache

from spacy.tokens import Doc

from pipeline.config import Settings
from pipeline.lexicon import words
from pipeline.rebuild import rebuilt
from pipeline.rules.ages import is_age, is_age_of_extreme
from pipeline.rules.attribution import Attribution, Voice
from pipeline.rules.clause import CLIMB, MODIFIES, NOUNS, VERBS, Counted, Page, Site, is_place_or_time, neighbours, place_of
from pipeline.rules.counting import counted, shares_unit
from pipeline.rules.dates import masked, moments
from pipeline.rules.numbers import Number, numbers
from pipeline.rules.referents import near
from pipeline.rules.scope import places, time_of
from pipeline.tables import Evidence, ExtractedClaim, ExtractedMention, Rows, Sentence

_REMEMBERED = 3
"""Sentences back from which a number may take what it leaves out."""


def claims(rows: Rows, settings: Settings) -> Rows:
    """The step: the claims of one article from its sentences, tokens and mentions."""
    article = rows["articles"][0]
    with rebuilt(article.text, rows["tokens"]) as doc:
        return {"extracted_claims": extract(doc, rows["sentences"], rows["extracted_mentions"], article.published, article.doc_id)}


def extract(
    doc: Doc, sentences: Sequence[Sentence], mentions: Sequence[ExtractedMention], published: str | None = None, doc_id: str = ""
) -> list[ExtractedClaim]:
    """The claims of a parsed article in order of their place; spans never overlap.

    `doc.text` is the article's text, so that offsets agree; `published` is its date, from which relative times are read.
    """
    text = doc.text
    ordered = sorted(mentions, key=lambda m: m.start)
    mention_at = _tokens_of(doc, ordered)
    quotes = _quotations(text)
    starts = [token.idx for token in doc]
    ranges = [(bisect_left(starts, s.start), bisect_left(starts, s.end)) for s in sentences]
    attribution = Attribution(doc, ranges, ordered, mention_at, quotes)
    found: list[ExtractedClaim] = []
    recent: deque[list[Counted]] = deque(maxlen=_REMEMBERED)
    known: dict[float, Counted] = {}
    for place, (sentence, (low, high)) in enumerate(zip(sentences, ranges, strict=True)):
        passage = text[sentence.start : sentence.end]
        times = moments(passage, published)
        sites = [_site(doc, starts, sentence.start, number) for number in numbers(passage, masked(times))]
        page = Page(
            doc,
            text,
            sentence,
            place,
            low,
            high,
            mention_at,
            quotes,
            times,
            starts,
            sites,
            [c for group in recent for c in group],
            known,
            attribution,
        )
        real = [site for site in sites if _is_claim(page, site)]
        page.sites[:] = real
        for site in real:
            found.append(_claim(page, site, doc_id))
        recent.append(page.counted)
    # a headline leaves out what the story then says
    return [c._replace(counted=known[c.value].phrase) if c.counted is None and c.kind == "count" and c.value in known else c for c in found]


def _tokens_of(doc: Doc, mentions: Sequence[ExtractedMention]) -> dict[int, ExtractedMention]:
    out: dict[int, ExtractedMention] = {}
    for mention in mentions:
        span = doc.char_span(mention.start, mention.end, alignment_mode="expand")
        for token in span or ():
            out[token.i] = mention
    return out


def _site(doc: Doc, starts: Sequence[int], offset: int, number: Number) -> Site:
    start, end = offset + number.start, offset + number.end
    low = bisect_right(starts, start) - 1
    high = bisect_right(starts, end - 1)
    stop = bisect_right(starts, offset + number.stop - 1)
    root = doc[high - 1]
    for _ in range(CLIMB):
        if not low <= root.head.i < stop or root.head.i == root.i:
            break
        root = root.head
    verb = root
    for _ in range(CLIMB):
        if verb.pos_ in VERBS and not low <= verb.i < stop:
            break
        verb = verb.head
    return Site(number, start, end, low, high, stop, root, verb if verb.pos_ in VERBS else None)


# --- is it a claim? ---------------------------------------------------------------------------------------------------


def _is_claim(page: Page, site: Site) -> bool:
    if site.number.kind == "rank":
        return True
    if page.doc[site.low].lower_ == "one" and site.high - site.low == 1 and site.number.kind in ("count", "duration"):
        return _one_counts(page, site)
    return not (_is_numbered(page, site) or _is_name(page, site) or _is_quoted_name(page, site))


def _one_counts(page: Page, site: Site) -> bool:
    """Whether "one" counts: not as a pronoun (one of the, the one), nor as a mere "a" (in one case, one day)."""
    token, before, after = page.doc[site.low], page.token(site.low - 1), page.token(site.high)
    bounded = site.number.bound != "exact"
    if before is not None and (before.lower_ in words("before_one") or (before.pos_ == "ADJ" and not bounded) or before.text in ("-", "–")):
        return False
    if after is not None and after.lower_ in ("of", "-", "another", "'s", "’s"):
        return False
    noun = token.head
    if site.number.kind == "duration":
        return (
            bounded
            or page.doc[site.stop - 1].lower_ not in ("day", "night")
            or (before is not None and before.lower_ in ("for", "in", "within", "just", "only", "after"))
        )
    if token.dep_ == "nummod" and noun.pos_ in NOUNS and site.high <= noun.i <= site.high + 4:
        speaks = noun.dep_ == "nsubj" and noun.head.lemma_.lower() in words("reporting_verbs")
        return bounded or not (noun.lemma_.lower() in words("one_as_a") or speaks)
    others = any(other.number.kind == "count" and abs(other.low - site.low) < 25 for other in neighbours(page, site))
    return others and after is not None and after.lower_ in words("place_prepositions")


def _is_numbered(page: Page, site: Site) -> bool:
    """Section 12, No. 10, flight 370, "the emergency number, 110"."""
    if site.number.kind != "count":
        return False
    i = site.low - 1
    while i > page.low and page.doc[i].text in (".", "#", ",", ":", "“", '"', "‘", "'", "("):
        i -= 1
    before = page.token(i)
    if before is None:
        return False
    lower = before.lower_.rstrip(".")
    apart = i != site.low - 1
    follows_noun = site.root.dep_ in MODIFIES and site.root.head.i >= site.high
    if lower in words("name_numbers") or (lower in ("number", "numbers") and apart and page.doc[i + 1].text != "."):
        return not follows_noun
    if (apart and page.doc[site.low - 1].text != ".") or lower not in words("numbered_things"):
        return False
    small = page.doc[site.low].text.isdecimal() and len(page.doc[site.low]) < 3
    return before.pos_ in NOUNS and before.tag_ != "NNS" and (not follows_noun or small or (before.text.istitle() and before.i > page.low))


def _is_name(page: Page, site: Site) -> bool:
    """Part of a name: Area 51, Big 12, 787 Dreamliner; not "54 Chinese offices" or "three Britons"."""
    if site.number.kind != "count" or site.number.bound != "exact" or site.high - site.low > 1:
        return False
    token, before, after = page.doc[site.low], page.token(site.low - 1), page.token(site.high)
    noun = site.root.head if site.root.dep_ in MODIFIES else None
    counts_noun = noun is not None and noun.i >= site.high and (noun.tag_ in ("NNS", "NNPS") or noun.pos_ == "NOUN")
    if after is not None and token.text.isdecimal() and after.text[:1].isupper() and after.pos_ == "PROPN":
        following = page.token(site.high + 1)
        if not counts_noun and not (following is not None and following.pos_ == "NOUN"):
            return True
    if before is None or before.pos_ != "PROPN" or before.text.islower() or not (token.text[:1].isdigit() or token.text[:1].isupper()):
        return False
    if place_of(page, before) or is_place_or_time(page, before) or "." in token.text or "," in token.text:
        return False
    if counts_noun and (
        (before.i == page.low and before.ent_type_ not in ("ORG", "PRODUCT")) or _is_headline(page) or (noun is not None and noun.text[:1].isupper())
    ):
        return False
    if counts_noun:
        return True
    if before.i == page.low and before.text.istitle() and before.i not in page.mention_at:
        return False
    if after is not None and (after.pos_ in ("NOUN", "ADJ") and after.tag_ != "NN"):
        return False
    return site.root.dep_ != "conj"


def _is_headline(page: Page) -> bool:
    """Whether most words of the sentence have capitals, so that capitals tell nothing."""
    forms = [t.text for t in page.doc[page.low : min(page.high, page.low + 30)] if t.is_alpha and len(t) > 3]
    return sum(form[:1].isupper() for form in forms) > 0.6 * len(forms)


def _is_quoted_name(page: Page, site: Site) -> bool:
    """A quotation that is just the number, or that names a thing and begins with it (the “110 Overseas”)."""
    quote = _innermost(page.quotes, site.start, site.end)
    if quote is None:
        return False
    inside = page.text[quote[0] + 1 : quote[1] - 1].strip(" ,.")
    if inside == page.text[site.start : site.end]:
        return True
    if len(inside) > 80:
        return False
    forms = inside.split()
    titled = len(forms) > 1 and sum(form[:1].isupper() or form[:1].isdigit() for form in forms) > 0.7 * len(forms)
    if titled:
        return True
    if site.number.kind != "count":
        return False
    opening = bisect_right(page.starts, quote[0]) - 1
    before = page.token(opening - 1) if page.starts[opening] == quote[0] else page.token(opening)
    named = before is not None and (
        before.lower_ in ("the", "a", "an", "this", "these", "so-called", "called") or before.lemma_.lower() in words("naming_verbs")
    )
    return (
        named
        and inside.startswith(page.text[site.start : site.end])
        and not any(t.pos_ in VERBS for t in page.doc[opening : bisect_right(page.starts, quote[1] - 1)])
    )


@cache
def _quote_pattern() -> re.Pattern[str]:
    return re.compile(r"“[^“”\n]*”|\"[^\"\n]*\"|(?<!\w)‘(?:[^‘’\n]|’(?=\w))*’|«[^«»\n]*»|(?<!\w)'(?:[^'\n]|'(?=\w))*'(?!\w)")


def _quotations(text: str) -> list[tuple[int, int]]:
    """Where quotations stand, marks included; one never runs past its line."""
    return [match.span() for match in _quote_pattern().finditer(text)]


def _innermost(quotes: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    k = bisect_right(quotes, (start, 1 << 60)) - 1
    return quotes[k] if k >= 0 and quotes[k][0] < start and end < quotes[k][1] else None


# --- one claim --------------------------------------------------------------------------------------------------------


def _claim(page: Page, site: Site, doc_id: str) -> ExtractedClaim:
    number = site.number
    rules = list(number.rules)
    kind, unit = number.kind, number.unit
    if (kind == "count" and is_age(page, site)) or (kind == "duration" and is_age_of_extreme(site)):
        kind, unit = "age", unit or "year"
        rules.append(Evidence("unit", "age of people"))
    elif kind == "count" and (like := shares_unit(page, site)) is not None:
        kind, unit = like.kind, like.unit
        rules.append(Evidence("unit", "unit of the number before"))
    phrase, head, origin = counted(page, site, kind, unit, rules)
    scoped = places(page, site, head, rules) if kind != "age" else []
    first, last = time_of(page, site, rules)
    voice = _voice(page, site, origin, rules)
    page.counted[-1].voice = voice
    return ExtractedClaim(
        doc_id=doc_id,
        claim_id=f"{doc_id}:{site.start}-{site.end}",
        sentence_id=page.sentence.sentence_id,
        start=site.start,
        end=site.end,
        text=page.text[site.start : site.end],
        kind=kind,
        value=number.value,
        value_max=number.value_max,
        bound=number.bound,
        unit=unit,
        counted=phrase,
        predicate=site.verb.lemma_ if site.verb is not None else None,
        place_mention_ids=scoped,
        time_start=first,
        time_end=last,
        source_mention_id=voice.mention.mention_id if voice and voice.mention else None,
        source=voice.text if voice else None,
        quoted=_innermost(page.quotes, site.start, site.end) is not None,
        hedged=_is_hedged(page, site),
        negated=_is_negated(site),
        rules=rules,
    )


# --- who says so, and how ---------------------------------------------------------------------------------------------


def _voice(page: Page, site: Site, origin: Counted | None, rules: list[Evidence]) -> Voice | None:
    voice = page.attribution.voice(page.place, site.root)
    if voice is None and origin is not None and page.place - origin.sentence < _REMEMBERED and not page.attribution.speaks(page.place):
        voice = origin.voice
    if voice is not None and voice.text is not None:
        rules.append(Evidence("source", voice.rule))
        return voice
    return None


def _is_hedged(page: Page, site: Site) -> bool:
    """Allegedly, reportedly, would: before the number in its clause, or at its verb."""
    verb = site.verb
    at_verb = verb is not None and any(t.lower_ in words("hedges") for t in near(verb, "lefts") if t.dep_ in ("aux", "advmod", "amod"))
    beside = any(t.lower_ in words("hedges") for t in page.doc[max(page.low, site.low - 3) : min(page.high, site.stop + 3)] if t.pos_ != "PROPN")
    return at_verb or beside


def _is_negated(site: Site) -> bool:
    """The verb is negated, or the clause hangs on a denial."""
    verb = site.verb
    for _ in range(3):
        if verb is None:
            return False
        if any(t.dep_ == "neg" for t in near(verb, "children")) or verb.lemma_.lower() in words("denials"):
            return True
        verb = verb.head if verb.dep_ in ("ccomp", "xcomp") and verb.head.lemma_.lower() in words("denials") else None
    return False
