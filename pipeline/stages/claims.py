"""Stage `claims`: the numbers an article states, with what is counted, where, when and according to whom.

`pipeline.numbers` finds the expressions and `pipeline.dates` the times; here the sentence's grammar decides which of them
are claims and what belongs to each. The reading of every field follows the annotation guidelines of the project.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from spacy.tokens import Doc, Token

from pipeline.attribution import Attribution, Voice
from pipeline.config import Settings
from pipeline.dates import Moment, masked, moments
from pipeline.lexicon import words
from pipeline.numbers import Number, numbers
from pipeline.rebuild import rebuilt
from pipeline.tables import Evidence, ExtractedClaim, ExtractedMention, Rows, Sentence

_NOUNS = frozenset(("NOUN", "PROPN"))
_VERBS = frozenset(("VERB", "AUX"))
_MODIFIES = frozenset(("nummod", "quantmod", "compound", "amod", "nmod", "npadvmod"))
_BESIDE_NOUN = frozenset(("amod", "compound", "nmod"))
_PLACES = frozenset(("city", "country", "region"))
_CLIMB = 12
"""Steps up a tree before giving up: what governs a number is near, and a list of thousands stays linear."""


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
    attribution = Attribution(doc, ordered, mention_at)
    starts = [token.idx for token in doc]
    found: list[ExtractedClaim] = []
    recent: list[_Counted] = []
    for sentence in sentences:
        low, high = bisect_right(starts, sentence.start - 1), bisect_right(starts, sentence.end - 1)
        attribution.read(sentence, low, high)
        passage = text[sentence.start : sentence.end]
        times = moments(passage, published)
        sites = [_site(doc, starts, sentence.start, number) for number in numbers(passage, masked(times))]
        page = _Page(doc, text, sentence, low, high, mention_at, quotes, times, starts, sites, recent, attribution)
        real = [site for site in sites if _is_claim(page, site)]
        page.sites[:] = real
        for site in real:
            found.append(_claim(page, site, doc_id))
        recent = page.counted or ([] if any(t.pos_ in _VERBS for t in doc[low:high]) else recent)
    return found


@dataclass(frozen=True)
class _Counted:
    """What an earlier number counted, for numbers that leave it out."""

    phrase: str
    main: bool
    """Not merely where or among what something is (in 25 cities)."""


@dataclass(frozen=True)
class _Site:
    """A number in its sentence: tokens `low` to `high` hold it, up to `stop` with its unit."""

    number: Number
    start: int
    end: int
    low: int
    high: int
    stop: int
    root: Token
    verb: Token | None


@dataclass(frozen=True)
class _Page:
    """A sentence with all that is needed to read its numbers."""

    doc: Doc
    text: str
    sentence: Sentence
    low: int
    high: int
    mention_at: Mapping[int, ExtractedMention]
    quotes: Sequence[tuple[int, int]]
    times: Sequence[Moment]
    starts: Sequence[int]
    sites: list[_Site]
    before: Sequence[_Counted]
    attribution: Attribution
    counted: list[_Counted] = field(default_factory=list)

    def token(self, i: int) -> Token | None:
        return self.doc[i] if self.low <= i < self.high else None


def _tokens_of(doc: Doc, mentions: Sequence[ExtractedMention]) -> dict[int, ExtractedMention]:
    out: dict[int, ExtractedMention] = {}
    for mention in mentions:
        span = doc.char_span(mention.start, mention.end, alignment_mode="expand")
        for token in span or ():
            out[token.i] = mention
    return out


def _site(doc: Doc, starts: Sequence[int], offset: int, number: Number) -> _Site:
    start, end = offset + number.start, offset + number.end
    low = bisect_right(starts, start) - 1
    high = bisect_right(starts, end - 1)
    stop = bisect_right(starts, offset + number.stop - 1)
    root = doc[high - 1]
    for _ in range(_CLIMB):
        if not low <= root.head.i < stop or root.head.i == root.i:
            break
        root = root.head
    verb = root
    for _ in range(_CLIMB):
        if verb.pos_ in _VERBS and not low <= verb.i < stop:
            break
        verb = verb.head
    return _Site(number, start, end, low, high, stop, root, verb if verb.pos_ in _VERBS else None)


# --- is it a claim? ---------------------------------------------------------------------------------------------------


def _is_claim(page: _Page, site: _Site) -> bool:
    if site.number.kind == "rank":
        return True
    if page.doc[site.low].lower_ == "one" and site.high - site.low == 1 and site.number.kind in ("count", "duration"):
        return _one_counts(page, site)
    return not (_is_numbered(page, site) or _is_name(page, site) or _is_quoted_name(page, site))


def _one_counts(page: _Page, site: _Site) -> bool:
    """Whether "one" counts: not as a pronoun (one of the, the one), nor as a mere "a" (in one case, one day)."""
    token, before, after = page.doc[site.low], page.token(site.low - 1), page.token(site.high)
    bounded = site.number.bound != "exact"
    if before is not None and (before.lower_ in _NOT_BEFORE_ONE or before.pos_ == "ADJ" and not bounded or before.text in ("-", "–")):
        return False
    if after is not None and after.lower_ in ("of", "-", "another", "'s", "’s"):
        return False
    noun = token.head
    if site.number.kind == "duration":
        return bounded or page.doc[site.stop - 1].lower_ not in ("day", "night") or before is not None and before.lower_ in ("for", "in", "within", "just", "only", "after")
    if token.dep_ == "nummod" and noun.pos_ in _NOUNS and site.high <= noun.i <= site.high + 4:
        speaks = noun.dep_ == "nsubj" and noun.head.lemma_.lower() in words("reporting_verbs")
        return bounded or not (noun.lemma_.lower() in words("one_as_a") or speaks)
    others = any(other.low != site.low and other.number.kind == "count" and abs(other.low - site.low) < 25 for other in page.sites)
    return others and after is not None and after.lower_ in words("place_prepositions")


_NOT_BEFORE_ONE = frozenset(
    ("no", "the", "this", "that", "another", "each", "every", "which", "any", "a", "an", "some", "such", "my", "your", "his", "her", "its", "our", "their", "these", "those", "or")
)


def _is_numbered(page: _Page, site: _Site) -> bool:
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
    follows_noun = site.root.dep_ in _MODIFIES and site.root.head.i >= site.high
    if lower in words("name_numbers") or (lower in ("number", "numbers") and apart and page.doc[i + 1].text != "."):
        return not follows_noun
    if apart and page.doc[site.low - 1].text != "." or lower not in words("numbered_things"):
        return False
    return before.pos_ in _NOUNS and not follows_noun and not (page.doc[site.low].is_alpha and before.text.islower() and site.number.value is not None and site.number.value > 12)


def _is_name(page: _Page, site: _Site) -> bool:
    """Part of a name: Area 51, Big 12, 787 Dreamliner; not "54 Chinese offices" or "three Britons"."""
    if site.number.kind != "count" or site.number.bound != "exact" or site.high - site.low > 1:
        return False
    token, before, after = page.doc[site.low], page.token(site.low - 1), page.token(site.high)
    noun = site.root.head if site.root.dep_ in _MODIFIES else None
    counts_noun = noun is not None and noun.i >= site.high and (noun.tag_ in ("NNS", "NNPS") or noun.pos_ == "NOUN")
    if after is not None and token.like_num and token.text[:1].isdigit() and after.text[:1].isupper() and after.pos_ == "PROPN":
        following = page.token(site.high + 1)
        if not counts_noun and not (following is not None and following.pos_ == "NOUN"):
            return True
    if before is None or before.pos_ != "PROPN" or not before.text[:1].isupper() or counts_noun:
        return False
    if before.i == page.low and before.text.istitle() and before.i not in page.mention_at:
        return False
    if after is not None and (after.pos_ in ("NOUN", "ADJ") and after.tag_ != "NN"):
        return False
    return site.root.dep_ != "conj" and (token.text[:1].isdigit() or token.text[:1].isupper())


def _is_quoted_name(page: _Page, site: _Site) -> bool:
    """A quotation that is just the number, or that names a thing and begins with it (the “110 Overseas”)."""
    quote = _innermost(page.quotes, site.start, site.end)
    if quote is None:
        return False
    inside = page.text[quote[0] + 1 : quote[1] - 1].strip(" ,.")
    if inside == page.text[site.start : site.end]:
        return True
    if len(inside) > 80 or site.number.kind != "count":
        return False
    forms = inside.split()
    titled = len(forms) > 1 and sum(form[:1].isupper() or form[:1].isdigit() for form in forms) > 0.7 * len(forms)
    if titled:
        return True
    opening = bisect_right(page.starts, quote[0]) - 1
    before = page.token(opening - 1) if page.starts[opening] == quote[0] else page.token(opening)
    named = before is not None and (before.lower_ in ("the", "a", "an", "this", "these", "so-called", "called") or before.lemma_.lower() in words("naming_verbs"))
    return named and inside.startswith(page.text[site.start : site.end]) and not any(t.pos_ in _VERBS for t in page.doc[opening : bisect_right(page.starts, quote[1] - 1)])


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


def _claim(page: _Page, site: _Site, doc_id: str) -> ExtractedClaim:
    number = site.number
    rules = list(number.rules)
    kind, unit = number.kind, number.unit
    if kind == "count" and _is_appositive_age(page, site):
        kind, unit = "age", "year"
        rules.append(Evidence("unit", "age after a person"))
    counted, head = _counted(page, site, kind, rules)
    places = _places(page, site, head, rules) if kind != "age" else []
    first, last = _time(page, site, rules)
    voice = _voice(page, site, rules)
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
        counted=counted,
        predicate=site.verb.lemma_ if site.verb is not None else None,
        place_mention_ids=places,
        time_start=first,
        time_end=last,
        source_mention_id=voice.mention.mention_id if voice and voice.mention else None,
        source=voice.text if voice else None,
        quoted=_innermost(page.quotes, site.start, site.end) is not None,
        hedged=_is_hedged(page, site),
        negated=_is_negated(site),
        rules=rules,
    )


def _is_appositive_age(page: _Page, site: _Site) -> bool:
    """Maria Lopez, 66, … : a bare number between a person and a comma."""
    value, before, after = site.number.value, page.token(site.low - 2), page.token(site.high)
    if value is None or value > 120 or site.number.value_max is not None or before is None or page.doc[site.low - 1].text not in (",", "("):
        return False
    mention = page.mention_at.get(before.i)
    person = mention is not None and mention.type == "person" or mention is None and before.ent_type_ == "PERSON"
    return person and (after is None or after.is_punct or after.pos_ in ("ADP", "VERB", "CCONJ"))


# --- what is counted --------------------------------------------------------------------------------------------------


def _counted(page: _Page, site: _Site, kind: str, rules: list[Evidence]) -> tuple[str | None, Token | None]:
    """The phrase, and the noun at its head."""
    if kind in ("count", "rank"):
        head, rule = _counted_noun(page, site)
    elif kind == "age":
        head, rule = _aged(page, site)
    else:
        head, rule = _measured(page, site)
    if head is not None:
        phrase = _phrase(page, head, site)
        if phrase:
            rules.append(Evidence("counted", rule))
            if kind == "count":
                page.counted.append(_Counted(phrase, not _is_setting(head)))
            return phrase, head
    if kind == "count":
        carried = _carried(page)
        if carried is not None:
            rules.append(Evidence("counted", "carried from the number before"))
            return carried, None
        if site.verb is not None and site.verb.lemma_.lower() in words("person_verbs"):
            rules.append(Evidence("counted", "verb said of people"))
            return "people", None
    if kind == "duration":
        rules.append(Evidence("counted", "the unit itself"))
        return page.doc[site.stop - 1].lower_.strip("-") if site.stop > site.high else None, None
    return None, None


def _is_setting(noun: Token) -> bool:
    return noun.dep_ == "pobj" and noun.head.lower_ in ("in", "across", "at", "from", "within", "over", "throughout", "on", "among")


def _carried(page: _Page) -> str | None:
    for group in (page.counted, page.before):
        main = [c.phrase for c in group if c.main] or [c.phrase for c in group]
        if main:
            return main[-1]
    return None


def _counted_noun(page: _Page, site: _Site) -> tuple[Token | None, str]:
    """The noun that a count is of."""
    of = page.token(site.stop)
    if of is not None and of.lower_ == "of":
        inner = next((t for t in of.children if t.dep_ in ("pobj", "pcomp")), None)
        if inner is not None and inner.pos_ in _NOUNS:
            return inner, "of-phrase"
        if inner is not None and inner.pos_ == "PRON":
            return None, ""
    root = site.root
    if site.low <= root.i < site.stop and root.dep_ in _MODIFIES and root.head.pos_ in (*_NOUNS, "ADJ") and root.head.i >= site.stop:
        return _real_head(root.head), "number modifies noun"
    beside = _noun_to_the_right(page, site)
    if beside is not None:
        return beside, "noun to the right"
    if root.pos_ in _NOUNS and not site.low <= root.i < site.high:
        return root, "noun in the expression"
    return _through_verb(page, site)


def _real_head(noun: Token) -> Token:
    """Past a noun that only speaks of a quantity (54 in number stays; the total of deaths)."""
    if noun.lemma_.lower() in words("number_nouns"):
        inner = _of(noun)
        if inner is not None:
            return inner
    return noun


def _of(noun: Token, prepositions: Sequence[str] = ("of",)) -> Token | None:
    for child in noun.rights:
        if child.dep_ == "prep" and child.lower_ in prepositions:
            for inner in child.children:
                if inner.dep_ == "pobj" and inner.pos_ in _NOUNS:
                    return inner
    return None


def _noun_to_the_right(page: _Page, site: _Site) -> Token | None:
    """The noun that follows the number after nothing but adjectives, hyphens and quotation marks, whatever the parser made of it."""
    i, noun = site.stop, None
    while i < min(site.stop + 7, page.high):
        token = page.doc[i]
        if token.pos_ in _NOUNS:
            noun = token
        elif noun is not None and not (token.text == "-" and not noun.whitespace_):
            break
        elif not (token.pos_ in ("ADJ", "ADV") or token.tag_ in ("VBN", "VBG") or token.is_quote or token.text in ("-", "‘", "’", "“", "”")):
            return None
        elif token.tag_ in ("VBN", "VBG") and (i + 1 >= page.high or page.doc[i + 1].pos_ not in _NOUNS):
            return None
        i += 1
    return noun


def _through_verb(page: _Page, site: _Site) -> tuple[Token | None, str]:
    """The number of deaths is 12; the toll rose to 12; the victims were 12."""
    verb, root = site.verb, site.root
    if verb is None or root.dep_ not in ("attr", "acomp", "dobj", "pobj", "npadvmod", "oprd", "dep", "nummod"):
        return None, ""
    subject = next((t for t in verb.lefts if t.dep_ in ("nsubj", "nsubjpass")), None)
    if subject is None or subject.pos_ not in _NOUNS or site.low <= subject.i < site.stop:
        return None, ""
    if subject.lemma_.lower() in words("number_nouns"):
        inner = _of(subject)
        return (inner, "the number of") if inner is not None else (None, "")
    linked = verb.lemma_ in ("be", "total", "number", "reach", "hit", "stand", "rise", "fall", "climb", "grow", "drop", "increase", "decrease", "jump", "exceed", "average")
    direct = root.dep_ in ("attr", "acomp", "dobj", "oprd", "npadvmod", "nummod") or root.head.lower_ in ("to", "at", "by", "from") and root.head.head.i == verb.i
    return (subject, "subject of the verb") if linked and direct and subject.i not in page.mention_at else (None, "")


def _aged(page: _Page, site: _Site) -> tuple[Token | None, str]:
    """Whose age it is: a 66-year-old man; people aged 65 and over."""
    token = site.root
    for _ in range(4):
        if token.dep_ in (*_MODIFIES, "acl", "advcl", "appos", "relcl", "advmod", "acomp", "attr", "prep", "pobj", "oprd") and token.head.i != token.i:
            token = token.head
            if token.pos_ in _NOUNS and not site.low <= token.i < site.stop and token.lower_ not in ("age", "ages", "year", "years"):
                return token, "noun the age belongs to"
        else:
            break
    verb = token if token.pos_ in _VERBS else None
    subject = next((t for t in verb.lefts if t.dep_ in ("nsubj", "nsubjpass")), None) if verb is not None else None
    return (subject, "subject of the verb") if subject is not None and subject.pos_ in _NOUNS else (None, "")


def _measured(page: _Page, site: _Site) -> tuple[Token | None, str]:
    """What an amount, share, length or period is of."""
    last = page.doc[site.stop - 1]
    for top in dict.fromkeys((last, site.root)):
        inner = _of(top, ("of",)) or (_of(top, ("in", "for", "worth")) if site.number.kind == "money" else None)
        if inner is not None and inner.i >= site.stop and not _is_place_or_time(page, inner):
            return inner, "of-phrase"
    after = page.token(site.stop)
    if after is not None and after.lower_ == "of":
        inner = next((t for t in after.children if t.dep_ == "pobj" and t.pos_ in _NOUNS), None)
        if inner is not None:
            return inner, "of-phrase"
    root, head = site.root, site.root.head
    if root.dep_ in (*_MODIFIES, "advmod") and head.i >= site.stop and head.pos_ in _NOUNS:
        return _changed(head), "amount modifies noun"
    if root.dep_ == "pobj" and head.head.pos_ in _NOUNS and head.lower_ in ("of", "by", "at", "to") and head.head.i < site.low:
        return _changed(head.head), "noun with an of-phrase"
    if root.dep_ in ("appos", "npadvmod", "nummod", "amod") and head.pos_ in _NOUNS and head.i < site.low and head.i not in page.mention_at:
        return _changed(head), "apposition"
    return _amount_of_verb(page, site)


def _is_place_or_time(page: _Page, token: Token) -> bool:
    mention = page.mention_at.get(token.i)
    if mention is not None and mention.type in _PLACES:
        return True
    at = token.idx - page.sentence.start
    return any(m.start <= at < m.end for m in page.times)


def _changed(noun: Token) -> Token:
    """What changed, for a noun of change: sales, in "a 5% rise in sales"."""
    if noun.lemma_.lower() in words("change_nouns") or noun.lemma_.lower() in words("number_nouns"):
        inner = _of(noun, ("in", "of", "for", "on"))
        if inner is not None:
            return inner
    return noun


def _amount_of_verb(page: _Page, site: _Site) -> tuple[Token | None, str]:
    """Sales rose 5%; the deal is worth $5m; they paid £5m for the club."""
    verb = site.verb
    if verb is None:
        return None, ""
    if site.root.dep_ == "dobj" and site.number.kind == "money":
        paid = _of(verb, ("for", "on", "in", "to"))
        if paid is not None and paid.i not in page.mention_at:
            return paid, "what is paid for"
    for _ in range(3):
        subject = next((t for t in verb.lefts if t.dep_ in ("nsubj", "nsubjpass")), None)
        if subject is not None or verb.dep_ not in ("conj", "xcomp", "advcl", "relcl", "acl"):
            break
        if verb.dep_ in ("relcl", "acl"):
            return (verb.head, "noun of the clause") if verb.head.pos_ in _NOUNS and site.number.kind != "duration" else (None, "")
        verb = verb.head
    if subject is None or subject.pos_ not in _NOUNS or site.low <= subject.i < site.stop:
        return None, ""
    mention = page.mention_at.get(subject.i)
    if mention is not None or site.number.kind == "duration" and verb.lemma_ not in ("last", "take", "be", "run", "continue", "span"):
        return None, ""
    return _changed(subject), "subject of the verb"


def _phrase(page: _Page, head: Token, site: _Site) -> str:
    """The noun with its adjectives and compounds, lower case, without determiners, numbers and quotation marks."""
    parts = _modifiers(head, site)
    parts.append(head)
    if head.lemma_.lower() in words("light_nouns"):
        inner = _of(head)
        if inner is not None and inner.i - head.i < 8:
            parts.append(page.doc[next(t.i for t in head.rights if t.dep_ == "prep" and t.lower_ == "of")])
            parts += [*_modifiers(inner, site), inner]
    for other in head.rights:
        if other.dep_ == "conj" and other.pos_ in _NOUNS and other.i - head.i <= 3 and page.doc[head.i + 1].lower_ in ("and", "or") and not any(t.dep_ in ("nummod", "det", "poss") for t in other.lefts):
            parts += [page.doc[head.i + 1], *_modifiers(other, site), other]
            break
    return _joined(parts)


def _modifiers(noun: Token, site: _Site) -> list[Token]:
    """The words before a noun that make it self-sufficient."""
    out: list[Token] = []
    for child in noun.lefts:
        if child.dep_ in _BESIDE_NOUN and child.tag_ not in ("CD", "PDT") and child.lower_ not in words("empty_modifiers") and not child.is_quote:
            inner = [t for t in child.subtree if t.i <= noun.i] if noun.i - child.left_edge.i < 10 else [child]
            out += [t for t in inner if not site.low <= t.i < site.stop and (not t.is_punct or t.text == "-") and t.pos_ not in ("NUM", "SPACE") and t.dep_ not in ("det", "case", "quantmod")]
    while out and out[0].text == "-":
        out.pop(0)
    return [t for t in out if t.i >= site.stop or noun.i < site.low]


def _joined(parts: Sequence[Token]) -> str:
    text = ""
    for k, token in enumerate(parts):
        text += token.text.lower()
        following = parts[k + 1] if k + 1 < len(parts) else None
        if following is not None and (token.whitespace_ or following.i != token.i + 1):
            text += " "
    return " ".join(re.sub(r"[“”\"‘«»]|’(?!\w)", "", text).split())


# --- where ------------------------------------------------------------------------------------------------------------


def _places(page: _Page, site: _Site, head: Token | None, rules: list[Evidence]) -> list[str]:
    """Mentions of places that scope the number: beside it, in its noun phrase, else with its verb."""
    direct = list(_places_beside(page, site, head))
    rule = "place beside the number"
    if not direct:
        direct, rule = list(_places_of_verb(page, site, head)), "place of the clause"
    if direct:
        rules.append(Evidence("places", rule))
    return list(dict.fromkeys(direct))


def _places_beside(page: _Page, site: _Site, head: Token | None) -> Iterator[str]:
    tops = [t for t in (head, page.doc[site.high - 1], site.root) if t is not None]
    if head is not None:
        for child in head.lefts:
            if child.dep_ in ("poss", "compound", "nmod") and _place(page, child):
                yield _place(page, child)
    found = False
    for top in dict.fromkeys(tops):
        for child in top.rights:
            if child.dep_ == "prep" and child.lower_ in words("place_prepositions"):
                for one in _places_after(page, child):
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


def _places_after(page: _Page, preposition: Token) -> Iterator[str]:
    """The places named after a preposition, with those joined to them; "Lyon, France" is one place."""
    i = preposition.i + 1
    last_end = None
    while i < page.high and i < preposition.i + 14:
        token = page.doc[i]
        mention = page.mention_at.get(i)
        if mention is not None:
            if mention.type not in _PLACES:
                return
            if last_end is None or any(t.lower_ in ("and", "or", "&") for t in page.doc[last_end:i]) or _is_list(page, mention, i):
                yield mention.mention_id
            while i < page.high and page.mention_at.get(i) is mention:
                i += 1
            last_end = i
        elif last_end is None and (token.pos_ in ("DET", "ADJ") or token.lower_ in ("north", "south", "east", "west", "central", "downtown")):
            i += 1
        elif last_end is not None and (token.text == "," or token.lower_ in ("and", "or", "&")) and i - last_end < 2:
            i += 1
        else:
            return


def _is_list(page: _Page, mention: ExtractedMention, i: int) -> bool:
    """Whether a place after a comma is a further one: another "and" follows, and it is not the country around the one before."""
    ahead = page.doc[i : min(i + 8, page.high)]
    return any(t.lower_ in ("and", "or") for t in ahead) and mention.type == "city"


def _place(page: _Page, token: Token) -> str:
    mention = page.mention_at.get(token.i)
    return mention.mention_id if mention is not None and mention.type in _PLACES else ""


def _places_of_verb(page: _Page, site: _Site, head: Token | None) -> Iterator[str]:
    """A place phrase of the verb whose subject or object the number is; or the subject, of verbs like have."""
    verb = site.verb
    if verb is None:
        return
    counted = head if head is not None and head.i >= site.low else site.root
    if _is_setting(counted) or counted.dep_ == "pobj" and counted.head.lower_ not in ("of", "to", "by"):
        return
    for child in verb.children:
        if child.dep_ == "prep" and child.lower_ in words("place_prepositions") and not any(other.stop <= child.i <= other.stop + 4 and other.low != site.low for other in page.sites):
            yield from _places_after(page, child)
    if verb.lemma_.lower() in words("place_verbs") and counted.dep_ in ("dobj", "attr", "pobj"):
        for child in verb.lefts:
            if child.dep_ == "nsubj" and _place(page, child):
                yield _place(page, child)


# --- when -------------------------------------------------------------------------------------------------------------


def _time(page: _Page, site: _Site, rules: list[Evidence]) -> tuple[str | None, str | None]:
    """The time in the number's own clause, else the nearest in its sentence."""
    known = [m for m in page.times if m.known]
    if not known:
        return None, None
    if len(known) > 1:
        known = [min(known, key=lambda m: _distance(page, site, m))]
    rules.append(Evidence("time", known[0].rule))
    return known[0].first, known[0].last


def _distance(page: _Page, site: _Site, moment: Moment) -> int:
    """Characters between number and time; another clause counts as far away."""
    at = bisect_right(page.starts, page.sentence.start + moment.start) - 1
    token = page.doc[at]
    for _ in range(_CLIMB):
        if token.pos_ in _VERBS or token.head.i == token.i:
            break
        token = token.head
    gap = abs(page.sentence.start + moment.start - site.start)
    return gap if site.verb is not None and token.i == site.verb.i else gap + 200


# --- who says so, and how ---------------------------------------------------------------------------------------------


def _voice(page: _Page, site: _Site, rules: list[Evidence]) -> Voice | None:
    voice = page.attribution.voice(site.root)
    if voice is not None and voice.text is not None:
        rules.append(Evidence("source", voice.rule))
        return voice
    return None


def _is_hedged(page: _Page, site: _Site) -> bool:
    """Allegedly, reportedly, would: before the number in its clause, or at its verb."""
    verb = site.verb
    at_verb = verb is not None and any(t.lower_ in words("hedges") for t in verb.lefts if t.dep_ in ("aux", "advmod", "amod"))
    near = any(t.lower_ in words("hedges") for t in page.doc[max(page.low, site.low - 3) : min(page.high, site.stop + 3)] if t.pos_ != "PROPN")
    return at_verb or near


def _is_negated(site: _Site) -> bool:
    """The verb is negated, or the clause hangs on a denial."""
    verb = site.verb
    for _ in range(3):
        if verb is None:
            return False
        if any(t.dep_ == "neg" for t in verb.children) or verb.lemma_.lower() in words("denials"):
            return True
        verb = verb.head if verb.dep_ in ("ccomp", "xcomp") and verb.head.lemma_.lower() in words("denials") else None
    return False
