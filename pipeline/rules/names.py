"""Named persons, organisations and places in a parsed text: where the model's entities begin and end, and what they are.

The model proposes; the words of a name, its syntax and the rest of the article correct it. All rules speak of kinds of
words (lexicon) and of syntax, none of particular names.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from spacy.tokens import Doc, Span, Token

from pipeline.lexicon import table, words
from pipeline.rules import places

HEADLINE = 0.75
"""A sentence with this share of longer words in capitals and no full stop is set as a headline: capitals mean nothing there."""

CLEAR = 3.0
"""Signs of this weight decide a name's type against the model."""

PLACES = {"city", "country", "region"}
CODE = re.compile(r"[A-Z]{2,}-?\d+[A-Za-z]?")
NAME_POS = {"PROPN", "NOUN", "ADJ", "VERB", "X"}
SMALL = {"of", "for", "and", "the"}
JOINERS = {"-", "–", "&"}
STOPS = {".", "!", "…"}
EDGE = set("\"'“”‘’«»()[]{},.;:!?-–—…*/•|<>") | {"``", "''", "'s", "’s", "--", "..."}


class Name(NamedTuple):
    """A named mention: tokens start to end of a Doc, and its type."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class Page:
    """A Doc's words with what the rules ask of them again and again."""

    doc: Doc
    words: list[str]
    capital: list[bool]
    """Whether a word can be part of a name by its capital."""
    headline: list[bool]
    """Whether a word stands in a sentence set in capitals throughout."""
    block: list[int]
    """End of the run of capitals that a word stands in; 0 elsewhere."""

    common: set[str]
    """Words that the article also has in lower case."""

    def text(self, start: int, end: int) -> str:
        return self.doc[start:end].text

    def word(self, at: int) -> str:
        return self.words[at] if 0 <= at < len(self.words) else ""


@cache
def roles() -> dict[str, str]:
    """Head nouns of roles, in lower case -> office or post."""
    return {row["word"]: row["kind"] for row in table("roles")}


@cache
def heads() -> dict[str, str]:
    """Head nouns of organisations' names -> their kind."""
    return {row["word"]: row["kind"] for row in table("organisation_heads")}


@cache
def _labels() -> dict[str, str]:
    return {row["label"]: row["type"] for row in table("ner_labels")}


def names(doc: Doc) -> list[Name]:
    """The named mentions of an article, in order, none overlapping another."""
    page = read(doc)
    proposed = [*_modelled(page), *_organisations(page), *_after_roles(page), *_after_kinds(page), *_countries(page), *_unmodelled(page)]
    proposed = [n for n in proposed if not _of_other_kind(page, n)]
    kept = _typed(page, _apart(proposed))
    # Again, with what was learnt: acronyms, and full names of people whom another sentence gives a role.
    kept = _typed(page, _apart([*kept, *_acronyms(page, kept), *proposed]))
    kept = _without_headlines(page, kept)
    return _apart([*kept, *_repeats(page, kept)])


def read(doc: Doc) -> Page:
    """The Doc's words, with capitals and headlines seen for what they are."""
    text = [t.text for t in doc]
    capital, headline = [False] * len(text), [False] * len(text)
    for sent in doc.sents:
        long = [t for t in text[sent.start : sent.end] if len(t) > 3 and t.isalpha()]
        stopped = any(t in STOPS for t in text[sent.start : sent.end][-3:])
        shouting = len(long) > 3 and not stopped and sum(t[0].isupper() for t in long) >= HEADLINE * len(long)
        for token in sent:
            i = token.i
            headline[i] = shouting
            if text[i][0].isupper() and token.pos_ in NAME_POS and token.ent_type_ not in {"DATE", "TIME"}:
                capital[i] = i > sent.start or token.pos_ == "PROPN" or (text[i + 1 : i + 2] != [] and text[i + 1][0].isupper())
    block = [0] * len(text)
    end = 0
    for i in range(len(text) - 1, -1, -1):
        glued = text[i] in JOINERS and 0 < i < len(text) - 1 and capital[i - 1] and capital[i + 1]
        if capital[i] or glued:
            end = block[i + 1] if i + 1 < len(text) and block[i + 1] else i + 1
            block[i] = end
    return Page(doc, text, capital, headline, block, {t for t in text if t.islower()})


def _modelled(page: Page) -> Iterator[Name]:
    """The model's entities, cut to what the guidelines call a name."""
    labels = {ent.label_ for ent in page.doc.ents}
    for ent in page.doc.ents:
        kind = _labels().get(ent.label_)
        if kind == "place":
            kind = "region" if "GPE" in labels else "city"
        if kind is not None:
            for start, end in _pieces(page, ent):
                start, end = _trim(page, start, end, kind)
                if start < end and _plausible(page, start, end, kind):
                    start = _forename(page, start) if kind == "person" else start
                    yield Name(start, _longer(page, start, end) if kind == "organisation" else end, kind)


def _forename(page: Page, start: int) -> int:
    """Where a person's name begins: the model at times leaves the first of its words out."""
    while start and page.block[start - 1] and not page.headline[start] and page.doc[start - 1].pos_ == "PROPN" and not page.doc[start - 1].ent_type_:
        word = page.words[start - 1]
        if word in words("honorifics") or _has_kind([word]):
            break
        start -= 1
    return start


def _plausible(page: Page, start: int, end: int, kind: str) -> bool:
    """Whether an entity of the model can be a name: not a people, a code (COVID-19), a portfolio, a clause."""
    if kind == "person":
        return end - start > 1 or places.nationality(page.words[start]) is None
    text = page.text(start, end)
    plural = page.doc[end - 1].tag_ in {"NNS", "NNPS"} and page.words[end - 1] not in heads()
    people = all(places.nationality(w.removesuffix("s")) is not None for w in page.words[start:end])
    portfolio = kind == "organisation" and _portfolio(page, end)
    first = page.doc[start]
    common = end - start == 1 and first.is_sent_start and (first.pos_ != "PROPN" or first.lower_ in page.common)
    clause = end - start > 2 and any(t.pos_ in {"VERB", "AUX"} for t in page.doc[start + 1 : end]) and page.words[end - 1] not in heads()
    return not (clause or people or portfolio or common or (plural and places.nationality(page.words[start])) or CODE.fullmatch(text))


def _portfolio(page: Page, end: int) -> bool:
    """Whether the words after capitals make them a field of government: `Interior Minister`, `Interior Cabinet Secretary`.

    Letters are none: `NATO Secretary General`.
    """
    if page.word(end - 1).isupper():
        return False
    following = page.words[end : end + 2] if page.word(end) == "Cabinet" else page.words[end : end + 1]
    return any(w.istitle() and roles().get(w.lower()) == "minister" for w in following)


@cache
def _other_heads() -> set[tuple[str, str]]:
    return {(row["word"], row["place"]) for row in table("other_heads")}


def _of_other_kind(page: Page, name: Name) -> bool:
    """Whether a name's first or last word makes it an event, a law, a prize: `Operation Lantern`, `Lantern Cup`."""
    return (page.words[name.start], "first") in _other_heads() or (page.words[name.end - 1], "last") in _other_heads()


def _pieces(page: Page, ent: Span) -> Iterator[tuple[int, int]]:
    """A name ends at a line break, and at the `at` or `in` before another name."""
    start = ent.start
    for i in range(ent.start, ent.end):
        if "\n" in page.words[i] or page.words[i] in {"at", "in"}:
            yield start, i
            start = i + 1
    yield start, ent.end


def _unmodelled(page: Page) -> Iterator[Name]:
    """Runs of proper nouns that the model left alone: of unknown type, until something in the article gives one."""
    i = 0
    while i < len(page.words):
        end = page.block[i]
        if end and not page.headline[i] and all(t.pos_ == "PROPN" or t.text in JOINERS for t in page.doc[i:end]):
            start, end = _trim(page, i, end, "")
            if start < end and not any(t.ent_type_ for t in page.doc[start:end]):
                yield Name(start, end, "")
            i = max(i + 1, end)
        else:
            i = end or i + 1


def _trim(page: Page, start: int, end: int, kind: str) -> tuple[int, int]:
    """Without articles, possessives, punctuation, descriptions and, of a person, titles and roles."""
    w = page.words
    if kind == "person":
        start = _after_title(w, start, end)
    if "(" in w[start:end] and ")" not in w[start:end]:
        end = w.index("(", start)
    while start < end and (w[start] in EDGE or w[start].lower() in {"the", "a", "an"} or w[start].isspace() or _describes(w[start], kind)):
        start += 1
    while start < end and ((w[end - 1] in EDGE and not w[end - 1].endswith(".")) or (not w[end - 1][0].isupper() and not w[end - 1][0].isdigit())):
        end -= 1
    if kind == "organisation":
        first = next((i for i in range(start, end) if w[i] in SMALL), end)
        if first - start > 1 and heads().get(w[first - 1]) == "state" and places.nationality(w[start]):
            start += 1
    if 0 < start < end and w[start] in words("places_with_article") and w[start - 1] == "The":
        start -= 1
    if end - start == 1 and (
        heads().get(w[start]) in {"body", "state"}
        or w[start] in places.place_heads()
        or (kind == "person" and (w[start] in words("honorifics") or roles().get(w[start].lower()) == "rank"))
    ):
        return end, end
    return start, end


def _after_title(w: Sequence[str], start: int, end: int) -> int:
    """Where a person's own name begins. King and Dean are surnames too: a role further in needs a reason to be one."""
    for i in range(start, end - 1):
        role = roles().get(w[i].lower())
        leading = all(x.lower() in roles() or x.lower() in words("role_states") for x in w[start:i])
        if w[i] in words("honorifics") or (role and (leading or role in {"minister", "voice"} or end - i > 2)):
            start = i + 1
    return start


def _describes(word: str, kind: str) -> bool:
    """Whether a word before a name only says what it is: lower case, or a kind of organisation in capitals (NGO)."""
    return kind in {"organisation", ""} and (word[0].islower() or (word.isupper() and word.lower() in words("organisation_nouns")))


def _organisations(page: Page) -> Iterator[Name]:
    """Runs of capitals with the head noun of an organisation: `Home Office`, `Ministry of Health and Welfare`."""
    w = page.words
    i = 0
    while i < len(w):
        j = page.block[i]
        if not j or page.headline[i]:
            i += 1
            continue
        found = [h for h in range(i, j) if w[h] in heads()]
        if found:
            start, end = _trim(page, _first_half(page, i), found[-1] + 1, "organisation") if found[-1] > i else (i, i + 1)
            start = min(start, found[-1])
            longer = _longer(page, start, end)
            if longer - start > 1 and not _portfolio(page, longer):
                yield Name(start, longer, "organisation")
                j = max(j, longer)
        i = j


def _first_half(page: Page, start: int) -> int:
    """Where a name begins that `and` joins: `the Roads and Bridges Authority`, but `the Senate and Human Rights Watch`."""
    w = page.words
    before = start - 2
    if start < 3 or w[start - 1] not in {"and", "&"} or not page.capital[before]:
        return start
    while page.capital[before - 1] and before > 1:
        before -= 1
    own = any(x in heads() or x.isupper() or places.country(x) for x in w[before : start - 1]) or page.doc[start - 2].ent_type_ in {
        "PERSON",
        "GPE",
        "PER",
    }
    return before if w[before - 1].lower() == "the" and not own else start


def _longer(page: Page, start: int, end: int) -> int:
    """The end of an organisation's name that goes on with `of`, `for` and `and`."""
    w = page.words
    if w[end - 1] not in heads():
        return end
    joined = False
    while end < len(w):
        after = end + 2 if page.word(end + 1) == "the" else end + 1
        if after >= len(w) or not page.block[after]:
            break
        until = _state_name(page, after) or page.block[after]
        if w[end] in {"of", "for"}:
            joined = True
        elif not (
            w[end] == "and" and joined and after == end + 1 and not w[after].isupper() and w[until - 1] not in heads() and page.word(until) != "of"
        ):
            break
        end = until
    return end


def _state_name(page: Page, start: int) -> int:
    """Where the name of a country ends that starts here; some hold small words: `People's Republic of China`."""
    for name in places.country_starts().get(page.words[start], ()):
        text = "".join(name)
        end = start
        while end < len(page.words) and len("".join(page.words[start:end])) < len(text):
            end += 1
        if "".join(page.words[start:end]) == text:
            return end
    return 0


def _after_kinds(page: Page) -> Iterator[Name]:
    """Capitals right after the noun that says what they are: `the broadcaster Radio Five`, `the charity Feed the Young`."""
    w = page.words
    for i in range(len(w) - 1):
        if w[i].lower() in words("organisation_nouns") and (w[i].islower() or w[i].isupper()) and page.capital[i + 1] and not page.headline[i]:
            start, end = i + 1, page.block[i + 1]
            while page.word(end) in SMALL - {"and"} and page.word(end + 1) and page.block[end + 1]:
                end = page.block[end + 1]
            if not page.doc[start].ent_type_ or page.doc[start].ent_type_ in _labels():
                yield Name(start, end, "organisation")


def _after_roles(page: Page) -> Iterator[Name]:
    """Capitals right after a role or a form of address are a person: `spokesman Jan Nowak`."""
    w = page.words
    for i in range(len(w) - 1):
        if (w[i].lower() in roles() or w[i] in words("honorifics")) and page.capital[i + 1] and not page.headline[i]:
            start, end = _after_title(w, i + 1, page.block[i + 1]), page.block[i + 1]
            if end - start <= 4 and all(t.pos_ == "PROPN" for t in page.doc[start:end]) and not _has_kind(w[start:end]):
                yield Name(start, end, "person")


def _has_kind(part: Sequence[str]) -> bool:
    """Whether the words speak of a place, an office or an organisation."""
    return any(w in heads() or w in places.place_heads() or w.lower() in roles() or places.nationality(w) or places.country(w) for w in part)


def _countries(page: Page) -> Iterator[Name]:
    """Countries that fill a run of capitals, whether the model saw them or not."""
    w = page.words
    for i, word in enumerate(w):
        if word[0].isupper() and page.doc[i].pos_ == "PROPN":
            end = _state_name(page, i) if word in places.country_starts() else 0
            inside = i > 0 and page.block[i - 1]
            if end and (page.headline[i] or (not inside and page.block[end - 1] == end)):
                yield Name(i, end, "country")
            elif not inside and (places.region(page.text(i, page.block[i])) if page.block[i] else None) and _located(page, i, page.block[i]):
                yield Name(i, page.block[i], "region")


def _located(page: Page, start: int, end: int) -> bool:
    """Whether a name stands where a place would: after a preposition of place, or before `province` and its like."""
    return page.word(start - 1) in words("place_prepositions") or page.word(end).capitalize() in places.place_heads()


def _apart(proposed: Iterable[Name]) -> list[Name]:
    """The longest of names that overlap, the first proposed of equals; in order of the text."""
    taken: set[int] = set()
    kept = []
    for name in sorted(proposed, key=lambda n: n.start - n.end):
        if taken.isdisjoint(range(name.start, name.end)):
            taken.update(range(name.start, name.end))
            kept.append(name)
    return sorted(kept)


def _without_headlines(page: Page, found: Sequence[Name]) -> list[Name]:
    """Where every word is a capital, only names that the text below bears out: their last word ends a name there too."""
    sure = {page.words[n.end - 1] for n in found if not page.headline[n.start]}
    return [n for n in found if not page.headline[n.start] or n.type in PLACES or page.words[n.end - 1] in sure or not sure]


def _typed(page: Page, found: Sequence[Name]) -> list[Name]:
    """One sense an article: all mentions with one text get the type that the article speaks for most."""
    w = page.words
    votes: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    signs: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    lone = {w[n.start] for n in found if n.type == "person" and n.end - n.start == 1}
    full = {part for n in found if n.type == "person" and n.end - n.start > 1 for part in page.words[n.start : n.end]}
    known = {i for n in found if n.type in PLACES for i in range(n.start, n.end)}
    texts = [page.text(n.start, n.end) for n in found]
    for name, text in zip(found, texts, strict=True):
        if name.type:
            votes[text][name.type] += 1
        for kind, weight in _evidence(page, name, known, full, lone):
            signs[text][kind] += weight
    kinds = {text: _decided(text, votes[text], signs[text], text in full) for text in set(texts)}
    return [n._replace(type=kinds[t]) for n, t in zip(found, texts, strict=True) if kinds[t]]


def _decided(text: str, votes: Mapping[str, float], signs: Mapping[str, float], of_person: bool) -> str:
    """The type that the model's votes and the signs in the text agree on; clear signs outweigh any number of votes."""
    if places.country(text) and not (of_person and votes.get("person", 0) > sum(votes.values()) / 2):
        return "country"
    clear = max(signs.values(), default=0) >= CLEAR
    counts = {kind: signs.get(kind, 0) + (0 if clear else votes.get(kind, 0)) for kind in {*votes, *signs}}
    kind = max(counts, key=lambda k: (counts[k], k), default="")
    return places.place_type(text, wide=kind == "region") if kind in PLACES else kind


def _evidence(page: Page, name: Name, known: set[int], full: set[str], lone: set[str]) -> Iterator[tuple[str, float]]:
    """What the words in and around a name say about its type, with a weight in model's votes."""
    w, doc = page.words, page.doc
    root = doc[name.start : name.end].root
    first, last, single = w[name.start], w[name.end - 1], name.end - name.start == 1
    before = doc[name.start - 1] if name.start else None
    unsure = name.type in {"person", ""}
    noun = next((w[i - 1] for i in range(name.start + 1, name.end) if w[i] in SMALL), last)
    if (noun in heads() and not single) or (before is not None and before.lower_ == "the" and heads().get(last) in {"press", "assembly"}):
        yield "organisation", 3
    if name.type == "organisation" and places.region(page.text(name.start, name.end)):
        yield "region", 2
    if (single and last in full and not places.country(last)) or (not name.type and not single and last in lone):
        yield "person", 3
    for said in _said_of(root, name):
        if said in words("organisation_nouns"):
            yield "organisation", 4
        elif said in roles():
            yield "person", 4
    if before is not None:
        if before.lower_ in roles() or before.text in words("honorifics"):
            yield "person", 3
        elif before.lower_ in words("organisation_nouns") and before.pos_ in {"NOUN", "PROPN"}:
            yield "organisation", 3
        elif before.lower_ == "of" and before.head.lower_ in roles() and name.type == "person":
            yield "organisation", 2
    if (unsure or (name.type == "organisation" and single and not first.isupper())) and last not in heads():
        place = _case(root)
        if place is not None and (unsure or place.head.lemma_ not in words("nouns_with_in")):
            yield "city", 3 if unsure else 1.5
    if unsure and root.dep_ == "conj" and root.head.i in known:
        yield "city", 1.5
    if _dateline(page, name):
        yield "city", 5
    sort = places.place_heads().get(w[name.start - 2].capitalize()) if before is not None and before.lower_ == "of" and name.start > 1 else None
    if sort:
        yield sort, 4
    if unsure and not single and any(x.isupper() and len(x) > 2 for x in w[name.start : name.end]) and not page.text(name.start, name.end).isupper():
        yield "organisation", 2
    if unsure and root.dep_ == "nsubj":
        if _plural(root):
            yield "organisation", 3
        if not name.type and not single and root.head.lemma_ in words("reporting_verbs"):
            common = (
                root.tag_ == "NNPS"
                or (before is not None and before.lower_ == "the")
                or any(x.lower() in page.common for x in w[name.start : name.end])
            )
            yield "organisation" if common else "person", 1
    if name.type == "person" and before is not None and before.lower_ == "the" and before.head == root:
        yield "organisation", 2


def _case(root: Token) -> Token | None:
    """The `in` that governs a name, alone or in a row: `in Fara and Nuova`."""
    while root.dep_ == "conj":
        root = root.head
    return root.head if root.dep_ == "pobj" and root.head.lower_ == "in" else None


def _dateline(page: Page, name: Name) -> bool:
    """Whether a name opens its paragraph as the place it was written in: `LIMA (Reuters) -`, `Dhaka, 14 July -`."""
    if name.start and "\n" not in page.words[name.start - 1]:
        return False
    following = page.words[name.end : name.end + 10]
    return following[:1] in ([","], ["("]) and any(d in following for d in ("-", "–", "—", "--"))


def _said_of(root: Token, name: Name) -> Iterator[str]:
    """Nouns that a sentence equates with a name: `X, a charity`, `X is a charity`, `the charity X`."""
    for child in root.children:
        if child.dep_ == "appos" and child.i >= name.end:
            yield child.lemma_.lower()
    if root.dep_ == "appos" and root.head.i < name.start:
        yield root.head.lemma_.lower()
    if root.dep_ == "nsubj" and root.head.lemma_ == "be":
        for child in root.head.children:
            if child.dep_ == "attr":
                yield child.lemma_.lower()


def _plural(root: Token) -> bool:
    """Whether the verb of a subject is plural: `X have found`; a group of people, where no second subject makes it so."""
    if any(c.dep_ == "conj" for c in root.children):
        return False
    aux = [c for c in root.head.children if c.dep_ in {"aux", "auxpass"}]
    verb = aux[0] if aux else root.head
    return verb.tag_ == "VBP" or verb.lower_ == "were"


def _acronyms(page: Page, found: Sequence[Name]) -> Iterator[Name]:
    """`World Metal Union (WMU)`: the letters in the parenthesis are a name of the same type."""
    for name in found:
        if page.word(name.end) == "(" and page.word(name.end + 2) == ")" and stands_for(page.words[name.end + 1], page.text(name.start, name.end)):
            yield Name(name.end + 1, name.end + 2, name.type)


def stands_for(acronym: str, name: str) -> bool:
    """Whether an acronym's letters are first letters of a name's words; some are left out, or come in another language's order."""
    initials = Counter(w[0].upper() for w in name.replace("-", " ").split())
    letters = Counter(c for c in acronym if c.isalpha())
    return acronym.isupper() and letters.total() > 1 and letters <= initials


def _repeats(page: Page, found: Sequence[Name]) -> Iterator[Name]:
    """Names that stand elsewhere without the model having seen them, and surnames and short forms of longer ones."""
    known: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for name in found:
        known[tuple(page.words[name.start : name.end])][name.type] += 1
    parts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for text, counts in known.items():
        kind = counts.most_common(1)[0][0]
        if kind == "person" and 1 < len(text) < 5:
            parts[text[-1:]][kind] += 1
            parts[text[:1]][kind] += 1
    by_first: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for text, counts in {**parts, **known}.items():
        by_first[text[0]].append((text, counts.most_common(1)[0][0]))
    taken = {i for n in found for i in range(n.start, n.end)}
    for i, word in enumerate(page.words):
        if i in taken:
            continue
        for text, kind in by_first.get(word, ()):
            end = i + len(text)
            if tuple(page.words[i:end]) == text and _whole(page, i, end, taken):
                yield Name(i, end, kind)


def _whole(page: Page, start: int, end: int, taken: set[int]) -> bool:
    """Whether a run of words is not a part of a longer run of capitals, and was meant as a name."""
    if not page.words[start][0].isupper():
        return False
    if page.headline[start]:
        return True
    inner = any(page.block[i] and i not in taken for i in (start - 1, end) if 0 <= i < len(page.words))
    return not inner and page.capital[start]
