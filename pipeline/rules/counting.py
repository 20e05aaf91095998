"""What a number counts: the noun it belongs to, through syntax, and the noun left out, from the number before.

The phrase is the shortest that can stand by itself: the noun with its adjectives and compounds, in the text's own words.
"""

import re
from collections.abc import Sequence

from spacy.tokens import Token

from pipeline.lexicon import words
from pipeline.rules.clause import MODIFIES, NOUNS, VERBS, Counted, Page, Site, is_place_or_time, is_setting
from pipeline.rules.people import names_people
from pipeline.rules.referents import near
from pipeline.tables import Evidence

_NO_NOUN = frozenset(("more", "less", "fewer", "others", "rest", "us", "them", "each", "both"))
_BESIDE_NOUN = frozenset(("amod", "compound", "nmod"))


def counted(page: Page, site: Site, kind: str, unit: str | None, rules: list[Evidence]) -> tuple[str | None, Token | None, Counted | None]:
    """The phrase, the noun at its head, and the number before whose phrase it is where the text leaves it out."""
    if kind in ("count", "rank"):
        head, rule = _counted_noun(page, site)
    elif kind == "age":
        head, rule = _aged(page, site)
    else:
        head, rule = _measured(page, site)
    phrase: str | None = _phrase(page, head, site) if head is not None and head.text != "%" else None
    origin: Counted | None = None
    if not phrase:
        head = None
        phrase, rule, origin = _left_out(page, site, kind, unit)
    value = site.number.value
    if phrase:
        rules.append(Evidence("counted", rule))
        made = Counted(phrase, head is None or not is_setting(head), kind, unit, value, site.stop, page.place, origin.voice if origin else None)
        verb = site.verb
        made.top = verb is not None and verb.dep_ == "ROOT"
        made.total = verb is not None and any(t.lemma_.lower() in words("number_nouns") for t in near(verb, "lefts") if t.dep_ == "nsubj")
        page.counted.append(made)
        if kind == "count" and value is not None and value > 2:
            page.known.setdefault(value, made)
        return phrase, head, origin
    page.counted.append(Counted("", False, kind, unit, value, site.stop, page.place))
    return None, None, None


def _left_out(page: Page, site: Site, kind: str, unit: str | None) -> tuple[str | None, str, Counted | None]:
    """What a number counts that leaves it to the text before."""
    if kind == "age":
        return _speaker(page, site), "whoever speaks", None
    if kind == "count":
        value = site.number.value
        if value is not None and value in page.known:
            return page.known[value].phrase, "the same number before", page.known[value]
        carried = _total_before(page, site) or _carried(page, "count")
        of_people = site.verb is not None and site.verb.lemma_.lower() in words("person_verbs") and site.root.dep_ in _ARGUMENTS
        of_people = of_people or any(t.dep_ == "acl" and t.lemma_.lower() in words("person_verbs") for t in near(site.root, "rights"))
        if carried and not (of_people and not names_people(carried.phrase.split()[-1].removesuffix("s"))):
            return carried.phrase, "carried from the number before", carried
        if of_people or site.root.dep_ in ("nsubj", "nsubjpass"):
            return "people", "verb said of people", None
        return None, "", None
    same = [c for c in _earlier(page) if c.phrase and (c.kind, c.unit) == (kind, unit)]
    if same and kind != "duration":
        return same[-1].phrase, "carried from the number before", same[-1]
    if kind == "duration" and site.stop > site.high:
        return page.doc[site.stop - 1].lower_.strip("-"), "the unit itself", None
    if unit == "times":
        last = next((c for c in reversed(_earlier(page)) if c.phrase), None)
        return (last.phrase, "carried from the number before", last) if last else (None, "", None)
    carried = _carried(page, "count")
    return (carried.phrase, "carried from the number before", carried) if carried and kind == "percent" else (None, "", None)


_ARGUMENTS = frozenset(("nsubj", "nsubjpass", "dobj", "pobj", "nummod"))


def _speaker(page: Page, site: Site) -> str | None:
    """I am 49: the age of whoever is quoted; she is 49: of the person last named."""
    subject = next((t for t in near(site.verb, "lefts") if t.dep_ == "nsubj"), None) if site.verb is not None else None
    voice = page.attribution.voice(page.place, site.root)
    if subject is not None and subject.lower_ == "i" and voice is not None and voice.text:
        return voice.text.lower()
    same = [c.phrase for c in _earlier(page) if c.kind == "age" and c.phrase]
    return same[-1] if same else None


def shares_unit(page: Page, site: Site) -> Counted | None:
    """The number before whose unit this one leaves out: 10 hours, not six; $3 million last year and 4 million now; aged 29 and 33."""
    if noun_to_the_right(page, site) is not None or not (page.counted or page.before):
        return None
    if site.root.dep_ in MODIFIES and site.root.head.i >= site.stop and site.root.head.pos_ in NOUNS:
        return None
    last = _earlier(page)[-1]
    if last.kind not in ("money", "measure", "duration", "age", "percent") or last.value is None or last.unit in (None, "times"):
        return None
    if page.counted and last.kind != "percent":
        between = page.doc[last.stop : site.low] if site.low - last.stop < 7 else None
        if between is not None and len(between) and all(t.lower_ in words("between_shared_unit") for t in between):
            return last
    scaled = any(t.lower_ in ("thousand", "million", "billion", "trillion") for t in page.doc[site.low : site.high])
    return last if scaled and last.kind in ("money", "measure") and last.value >= 1000 else None


_BACK = 30
"""Numbers before that are looked at: lists of thousands stay linear."""


def _earlier(page: Page) -> list[Counted]:
    return [*page.before[-_BACK:], *page.counted[-_BACK:]]


def _total_before(page: Page, site: Site) -> Counted | None:
    """For "the total is now 96" and "a week earlier it was 81": the last number that is the matter of its sentence."""
    subject = next((t for t in near(site.verb, "lefts") if t.dep_ == "nsubj"), None) if site.verb is not None else None
    if subject is None or not (subject.lower_ in ("it", "that", "this") or subject.lemma_.lower() in words("number_nouns")):
        return None
    counts = [c for c in _earlier(page) if c.kind == "count" and c.phrase]
    total = [c for c in counts if c.total]
    return next(reversed(total or [c for c in counts if c.top]), None)


def _carried(page: Page, kind: str) -> Counted | None:
    for group in (page.counted[-_BACK:], page.before[-_BACK:]):
        same = [c for c in group if c.kind == kind and c.phrase]
        main = [c for c in same if c.main] or same
        if main:
            return main[-1]
    return None


def _counted_noun(page: Page, site: Site) -> tuple[Token | None, str]:
    """The noun that a count is of."""
    of = page.token(site.stop)
    if of is not None and of.lower_ == "of":
        inner = next((t for t in near(of, "children") if t.dep_ in ("pobj", "pcomp")), None)
        if inner is not None and inner.pos_ in NOUNS:
            return inner, "of-phrase"
        if inner is not None and inner.pos_ == "PRON":
            return None, ""
    root = site.root
    modifies = site.low <= root.i < site.stop and root.dep_ in MODIFIES and root.head.i >= site.stop
    if modifies and site.number.kind != "rank" and root.head.pos_ in (*NOUNS, "ADJ") and root.head.lower_ not in _NO_NOUN:
        return _real_head(root.head), "number modifies noun"
    beside = noun_to_the_right(page, site)
    if beside is not None:
        return beside, "noun to the right"
    if root.pos_ in NOUNS and not site.low <= root.i < site.high and root.lower_ not in _NO_NOUN:
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
    for child in near(noun, "rights"):
        if child.dep_ == "prep" and child.lower_ in prepositions:
            for inner in near(child, "children"):
                if inner.dep_ == "pobj" and inner.pos_ in (*NOUNS, "ADJ", "VERB"):
                    return inner
    return None


def noun_to_the_right(page: Page, site: Site) -> Token | None:
    """The noun that follows the number after nothing but adjectives, hyphens and quotation marks, whatever the parser made of it."""
    i, noun = site.stop, None
    while i < min(site.stop + 7, page.high):
        token = page.doc[i]
        if token.pos_ in NOUNS and token.lower_ not in _NO_NOUN:
            noun = token
        elif noun is not None and not (token.text == "-" and not noun.whitespace_):
            break
        elif not (token.pos_ in ("ADJ", "ADV") or token.tag_ in ("VBN", "VBG") or token.is_quote or token.text in ("-", "‘", "’", "“", "”")) or (
            token.tag_ in ("VBN", "VBG")
            and (i + 1 >= page.high or page.doc[i + 1].pos_ not in NOUNS or token.dep_ in ("ROOT", "ccomp", "acl", "conj"))
        ):
            return None
        i += 1
    return noun


def _through_verb(page: Page, site: Site) -> tuple[Token | None, str]:
    """The number of deaths is 12; the toll rose to 12; the victims were 12."""
    verb, root = site.verb, site.root
    if verb is None or root.dep_ not in ("attr", "acomp", "dobj", "pobj", "npadvmod", "oprd", "dep", "nummod"):
        return None, ""
    put = _put_at(site)
    if put is not None:
        return _real_head(put), "put at a number"
    subject = next((t for t in near(verb, "lefts") if t.dep_ in ("nsubj", "nsubjpass")), None)
    if subject is None or subject.pos_ not in NOUNS or site.low <= subject.i < site.stop:
        return None, ""
    if subject.lemma_.lower() in words("number_nouns"):
        inner = _of(subject)
        return (inner, "the number of") if inner is not None else (None, "")
    linked = verb.lemma_ in words("amount_verbs")
    direct = root.dep_ in ("attr", "acomp", "dobj", "oprd", "npadvmod", "nummod") or (
        root.head.lower_ in ("to", "at", "by", "from") and root.head.head.i == verb.i
    )
    return (subject, "subject of the verb") if linked and direct and subject.i not in page.mention_at else (None, "")


def _put_at(site: Site) -> Token | None:
    """What somebody puts, sets or estimates at a number."""
    preposition, verb = site.root.head, site.verb
    if (
        site.root.dep_ != "pobj"
        or preposition.lower_ not in ("at", "as")
        or verb is None
        or verb.lemma_.lower() not in ("put", "set", "estimate", "value", "price", "give")
    ):
        return None
    return next((t for t in near(verb, "rights") if t.dep_ == "dobj" and t.i < site.low and t.pos_ in NOUNS), None)


def _aged(page: Page, site: Site) -> tuple[Token | None, str]:
    """Whose age it is: a 66-year-old man; people aged 65 and over."""
    aged, noun = page.token(site.low - 1), page.token(site.low - 2)
    if aged is not None and noun is not None and aged.lower_ == "aged" and noun.pos_ in NOUNS:
        return noun, "noun before aged"
    token = site.root
    for _ in range(4):
        if token.dep_ in (*MODIFIES, "acl", "advcl", "appos", "relcl", "advmod", "acomp", "attr", "prep", "pobj", "oprd") and token.head.i != token.i:
            token = token.head
            if token.pos_ in NOUNS and not site.low <= token.i < site.stop and token.lower_ not in ("age", "ages", "year", "years"):
                return token, "noun the age belongs to"
        else:
            break
    verb = token if token.pos_ in VERBS else None
    subject = next((t for t in near(verb, "lefts") if t.dep_ in ("nsubj", "nsubjpass")), None) if verb is not None else None
    return (subject, "subject of the verb") if subject is not None and subject.pos_ in NOUNS else (None, "")


def _measured(page: Page, site: Site) -> tuple[Token | None, str]:
    """What an amount, share, length or period is of."""
    put = _put_at(site)
    if put is not None:
        return _changed(put), "put at an amount"
    worth = next(
        (t for t in page.doc[max(page.low, site.low - 3) : site.low] if t.lower_ in ("worth", "costing", "totalling", "totaling", "valued")), None
    )
    if worth is not None:
        thing = next((t for t in reversed(page.doc[max(page.low, worth.i - 3) : worth.i]) if t.pos_ == "NOUN"), None)
        if thing is not None:
            return thing, "noun it is the worth of"
    last = page.doc[site.stop - 1]
    for top in dict.fromkeys((last, site.root)):
        inner = _of(top, ("of",)) or (_of(top, ("in", "for", "worth")) if site.number.kind == "money" else None)
        if inner is not None and inner.i >= site.stop and not is_place_or_time(page, inner):
            return inner, "of-phrase"
    after = page.token(site.stop)
    if after is not None and after.lower_ == "of":
        inner = next((t for t in near(after, "children") if t.dep_ == "pobj" and t.pos_ in NOUNS), None)
        if inner is not None:
            return inner, "of-phrase"
    root, head = site.root, site.root.head
    if root.dep_ in (*MODIFIES, "advmod") and head.i >= site.stop and head.pos_ in NOUNS:
        return _changed(head), "amount modifies noun"
    if root.dep_ == "pobj" and head.head.pos_ in NOUNS and head.lower_ in ("of", "by", "at", "to") and head.head.i < site.low:
        return _changed(head.head), "noun with an of-phrase"
    if root.dep_ in ("appos", "npadvmod", "nummod", "amod") and head.pos_ in NOUNS and head.i < site.low and head.i not in page.mention_at:
        return _changed(head), "apposition"
    if site.number.kind == "duration":
        return _lasting(page, site)
    return _amount_of_verb(page, site)


def _lasting(page: Page, site: Site) -> tuple[Token | None, str]:
    """What a period is of: a strike lasting three days; six weeks after the flood; 12 years in the post; boil it for a minute."""
    after = page.token(site.stop)
    if after is not None and after.lower_ in ("after", "before", "since", "into", "in", "as"):
        thing = next((t for t in near(after, "children") if t.dep_ == "pobj" and t.pos_ == "NOUN"), None)
        if thing is not None and not is_place_or_time(page, thing):
            return thing, "noun the period is counted from"
    verb = site.verb
    if verb is None:
        return None, ""
    if verb.dep_ in ("acl", "relcl") and verb.lemma_.lower() in words("lasting_verbs") and verb.head.pos_ in NOUNS:
        return verb.head, "noun of the clause"
    thing = next((t for t in near(verb, "rights") if t.dep_ == "dobj" and t.pos_ in NOUNS and t.i < site.low), None)
    subject = next((t for t in near(verb, "lefts") if t.dep_ in ("nsubj", "nsubjpass")), None)
    if thing is None or verb.lemma_.lower() in words("lasting_verbs"):
        thing = subject
    if thing is None or thing.pos_ not in NOUNS or thing.i in page.mention_at or site.low <= thing.i < site.stop:
        return None, ""
    return _changed(thing), "thing that lasts"


def _changed(noun: Token) -> Token:
    """What changed, for a noun of change: sales, in "a 5% rise in sales"."""
    if noun.lemma_.lower() in words("change_nouns") or noun.lemma_.lower() in words("number_nouns"):
        inner = _of(noun, ("in", "of", "for", "on"))
        if inner is not None:
            return inner
    return noun


def _tells_nothing(noun: Token) -> bool:
    """The figure was 71%: what it is of stands in the text before."""
    return noun.lower_ in ("figure", "number", "total", "amount", "count", "sum", "proportion", "percentage", "share", "tally")


def _amount_of_verb(page: Page, site: Site) -> tuple[Token | None, str]:
    """Sales rose 5%; the deal is worth $5m; they paid £5m for the club."""
    verb = site.verb
    if verb is None:
        return None, ""
    if site.root.dep_ in ("dobj", "npadvmod") and site.number.kind == "money":
        paid = _of(verb, ("for", "on", "in", "to"))
        if (
            paid is not None
            and paid.i not in page.mention_at
            and not is_place_or_time(page, paid)
            and paid.lemma_ not in ("year", "month", "week", "quarter", "day")
        ):
            return paid, "what is paid for"
    if site.root.dep_ == "pobj" and site.root.head.lower_ == "for":
        sold = next((t for t in near(verb, "rights") if t.dep_ == "dobj" and t.pos_ in NOUNS and t.i < site.low), None)
        if sold is not None:
            return sold, "what is sold"
    for _ in range(3):
        subject = next((t for t in near(verb, "lefts") if t.dep_ in ("nsubj", "nsubjpass")), None)
        if subject is not None or verb.dep_ not in ("conj", "xcomp", "advcl", "relcl", "acl"):
            break
        if verb.dep_ in ("relcl", "acl"):
            return (verb.head, "noun of the clause") if verb.head.pos_ in NOUNS and site.number.kind != "duration" else (None, "")
        verb = verb.head
    if subject is not None and subject.pos_ == "PRON" and verb.dep_ == "relcl" and verb.head.pos_ in NOUNS:
        subject = verb.head
    if subject is None or subject.pos_ not in NOUNS or site.low <= subject.i < site.stop:
        return None, ""
    mention = page.mention_at.get(subject.i)
    payer = (
        site.number.kind == "money"
        and site.root.dep_ in ("dobj", "npadvmod")
        and subject.lemma_.lower() in words("group_references")
        and verb.lemma_.lower() not in words("price_verbs")
    )
    if payer or (mention is not None and verb.lemma_.lower() not in words("price_verbs")):
        return None, ""
    changed = _changed(subject)
    return (None, "") if _tells_nothing(changed) else (changed, "subject of the verb")


def _phrase(page: Page, head: Token, site: Site) -> str:
    """The noun with its adjectives and compounds, lower case, without determiners, numbers and quotation marks."""
    parts = _modifiers(head, site)
    parts.append(head)
    if head.lemma_.lower() in words("light_nouns"):
        inner = _of(head)
        if inner is not None and inner.i - head.i < 8:
            parts.append(page.doc[next(t.i for t in near(head, "rights") if t.dep_ == "prep" and t.lower_ == "of")])
            parts += [*_modifiers(inner, site), inner]
    for other in near(head, "rights"):
        if (
            other.dep_ == "conj"
            and other.pos_ in NOUNS
            and other.i - head.i <= 3
            and page.doc[head.i + 1].lower_ in ("and", "or")
            and not any(t.dep_ in ("nummod", "det", "poss") for t in near(other, "lefts"))
        ):
            parts += [page.doc[head.i + 1], *_modifiers(other, site), other]
            break
    return _joined(parts)


def _modifiers(noun: Token, site: Site) -> list[Token]:
    """The words before a noun that make it self-sufficient."""
    out: list[Token] = []
    for child in near(noun, "lefts"):
        following = noun.doc[child.i + 1]
        if (following.text in ("-", "–", "—") and child.whitespace_) or any(t.pos_ == "NUM" for t in near(child, "lefts")):
            continue  # a dateline; a part of another number (four-year)
        if child.dep_ in _BESIDE_NOUN and child.tag_ not in ("CD", "PDT") and child.lower_ not in words("empty_modifiers") and not child.is_quote:
            inner = [t for t in child.subtree if t.i <= noun.i] if noun.i - child.left_edge.i < 10 else [child]
            out += [
                t
                for t in inner
                if not site.low <= t.i < site.stop
                and (not t.is_punct or t.text == "-")
                and t.pos_ not in ("NUM", "SPACE")
                and t.dep_ not in ("det", "case", "quantmod")
            ]
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
