"""What a number counts: the noun it belongs to, through syntax, and the noun left out, from the number before.

The phrase is the shortest that can stand by itself: the noun with its adjectives and compounds, in the text's own words.
"""

import re
from collections.abc import Sequence

from spacy.tokens import Token

from pipeline.lexicon import words
from pipeline.rules.attribution import near
from pipeline.rules.clause import MODIFIES, NOUNS, VERBS, Counted, Page, Site, is_place_or_time, is_setting
from pipeline.tables import Evidence

_BESIDE_NOUN = frozenset(("amod", "compound", "nmod"))


def counted(page: Page, site: Site, kind: str, rules: list[Evidence]) -> tuple[str | None, Token | None]:
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
                page.counted.append(Counted(phrase, not is_setting(head)))
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


def _carried(page: Page) -> str | None:
    for group in (page.counted, page.before):
        main = [c.phrase for c in group if c.main] or [c.phrase for c in group]
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
    if site.low <= root.i < site.stop and root.dep_ in MODIFIES and root.head.pos_ in (*NOUNS, "ADJ") and root.head.i >= site.stop:
        return _real_head(root.head), "number modifies noun"
    beside = noun_to_the_right(page, site)
    if beside is not None:
        return beside, "noun to the right"
    if root.pos_ in NOUNS and not site.low <= root.i < site.high:
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
                if inner.dep_ == "pobj" and inner.pos_ in NOUNS:
                    return inner
    return None


def noun_to_the_right(page: Page, site: Site) -> Token | None:
    """The noun that follows the number after nothing but adjectives, hyphens and quotation marks, whatever the parser made of it."""
    i, noun = site.stop, None
    while i < min(site.stop + 7, page.high):
        token = page.doc[i]
        if token.pos_ in NOUNS:
            noun = token
        elif noun is not None and not (token.text == "-" and not noun.whitespace_):
            break
        elif not (token.pos_ in ("ADJ", "ADV") or token.tag_ in ("VBN", "VBG") or token.is_quote or token.text in ("-", "‘", "’", "“", "”")) or (
            token.tag_ in ("VBN", "VBG") and (i + 1 >= page.high or page.doc[i + 1].pos_ not in NOUNS)
        ):
            return None
        i += 1
    return noun


def _through_verb(page: Page, site: Site) -> tuple[Token | None, str]:
    """The number of deaths is 12; the toll rose to 12; the victims were 12."""
    verb, root = site.verb, site.root
    if verb is None or root.dep_ not in ("attr", "acomp", "dobj", "pobj", "npadvmod", "oprd", "dep", "nummod"):
        return None, ""
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


def _aged(page: Page, site: Site) -> tuple[Token | None, str]:
    """Whose age it is: a 66-year-old man; people aged 65 and over."""
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
    return _amount_of_verb(page, site)


def _changed(noun: Token) -> Token:
    """What changed, for a noun of change: sales, in "a 5% rise in sales"."""
    if noun.lemma_.lower() in words("change_nouns") or noun.lemma_.lower() in words("number_nouns"):
        inner = _of(noun, ("in", "of", "for", "on"))
        if inner is not None:
            return inner
    return noun


def _amount_of_verb(page: Page, site: Site) -> tuple[Token | None, str]:
    """Sales rose 5%; the deal is worth $5m; they paid £5m for the club."""
    verb = site.verb
    if verb is None:
        return None, ""
    if site.root.dep_ == "dobj" and site.number.kind == "money":
        paid = _of(verb, ("for", "on", "in", "to"))
        if paid is not None and paid.i not in page.mention_at:
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
    if mention is not None or (site.number.kind == "duration" and verb.lemma_ not in ("last", "take", "be", "run", "continue", "span")):
        return None, ""
    return _changed(subject), "subject of the verb"


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
