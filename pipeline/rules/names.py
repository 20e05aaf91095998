"""Named persons, organisations and places in a parsed text: where names begin and end, and what they are.

The model's names are trusted; the rules cut them to the guidelines' boundaries, leave out what is no name of ours, say
what kind of place a place is, give one text one type in an article, and add what follows from names already found:
repetitions, surnames, acronyms and short forms. All rules speak of kinds of words (lexicon), none of particular names.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from spacy.tokens import Doc, Span, Token

from pipeline.lexicon import table, words
from pipeline.rules import places

PLACES = {"city", "country", "region"}
CODE = re.compile(r"[A-Z]{2,}-?\d+[A-Za-z]?|[A-Z]{0,3}[$€£]")
SMALL = {"of", "for", "and", "the"}
EDGE = set("\"'“”‘’«»()[]{},.;:!?-–—…*/•|<>") | {"``", "''", "'s", "’s", "--", "..."}
QUOTES = {"“", '"', "‘", "'", "«", "``"}
OPENING = {"\n", ".", "!", "?", ":", "“", '"', "‘", "•", "|"}


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
    common: set[str]
    """Words that the article also has in lower case."""

    def text(self, start: int, end: int) -> str:
        return self.doc[start:end].text

    def word(self, at: int) -> str:
        return self.words[at] if 0 <= at < len(self.words) else ""

    def opens(self, at: int) -> bool:
        """Whether a word begins a sentence or line, so that its capital means nothing."""
        before = self.word(at - 1)
        return not before or "\n" in before or before in OPENING or bool(self.doc[at].is_sent_start)


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


@cache
def _other_heads() -> set[tuple[str, str]]:
    return {(row["word"], row["place"]) for row in table("other_heads")}


def names(doc: Doc) -> list[Name]:
    """The named mentions of an article, in order, none overlapping another."""
    text = [t.text for t in doc]
    page = Page(doc, text, {t for t in text if t.islower()})
    kept = typed(page, _apart(_modelled(page)))
    kept = _apart([*kept, *_acronyms(page, kept)])
    kept = _apart([*kept, *_repeats(page, kept), *_short_forms(page, kept)])
    return [n for n in kept if n.type and not _bare_head(page, n)]


def _modelled(page: Page) -> Iterator[Name]:
    """The model's entities, cut to what the guidelines call a name; of type "" where they are no names of ours."""
    seen = {page.text(ent.start, ent.end) for ent in page.doc.ents if _labels().get(ent.label_) in {"place", "city"}}
    surnames = {page.words[ent.end - 1] for ent in page.doc.ents if _labels().get(ent.label_) == "person"}
    for ent in page.doc.ents:
        kind = _labels().get(ent.label_)
        if kind is None:
            continue
        for part, start, end in _pieces(page, ent, kind, seen):
            if part == "organisation" and page.words[end - 1] in surnames and _after_title(page.words, start, end) == end - 1:
                part = "person"
            start, end = _trim(page, start, end, part)
            if start < end and _plausible(page, start, end, part):
                yield Name(start, end, "" if _of_other_kind(page, start, end, part) else part)


def _pieces(page: Page, ent: Span, kind: str, seen: set[str]) -> Iterator[tuple[str, int, int]]:
    """A name ends at a line break, an organisation's also at the `in` before a place."""
    start = ent.start
    for i in range(ent.start, ent.end):
        if "\n" in page.words[i] or (kind == "organisation" and page.words[i] in {"–", "—"}):
            yield kind, start, i
            start = i + 1
        elif kind == "organisation" and page.words[i] == "in" and ent.start < i:
            rest = page.text(i + 1, ent.end)
            if rest in seen or places.country(rest) or places.region(rest):
                yield kind, start, i
                kind, start = "place", i + 1
    yield kind, start, ent.end


def _trim(page: Page, start: int, end: int, kind: str) -> tuple[int, int]:
    """Without articles, possessives, punctuation, descriptions and, of a person, titles and roles."""
    w = page.words
    if kind == "person":
        start = _after_title(w, start, end)
    if "(" in w[start:end] and ")" not in w[start:end]:
        end = w.index("(", start)
    while start < end and (w[start] in EDGE or w[start].isspace() or _is_said(page, start, end, kind)):
        start += 1
    while start < end and ((w[end - 1] in EDGE and not w[end - 1].endswith(".")) or w[end - 1].isspace()):
        end -= 1
    # The Nordvik hospital, Nordvik province, northern Nordvik: common nouns and directions are no part of a place's name.
    while end - start > 1 and kind == "place" and (w[end - 1] in words("organisation_nouns") or _common_place(w[end - 1])):
        end -= 1
    while end - start > 1 and kind == "place" and w[start] in words("directions"):
        start += 1
    if kind == "organisation" and start < end:
        start = _without_nation(page, start, end)
    if 0 < start < end and w[start] in words("places_with_article") and w[start - 1] == "The":
        start -= 1
    return start, end


def _is_said(page: Page, start: int, end: int, kind: str) -> bool:
    """Whether a name's first word is an article, or says in capitals what kind of organisation it is (NGO)."""
    word = page.words[start]
    if word.lower() in {"the", "a", "an"}:
        return page.word(start + 1) != "-"
    return kind == "organisation" and end - start > 1 and len(word) > 1 and word.isupper() and word.lower() in words("organisation_nouns")


def _common_place(word: str) -> bool:
    return word.islower() and word.capitalize() in places.place_heads()


def _without_nation(page: Page, start: int, end: int) -> int:
    """A nationality is part of an office's name, not of a ministry's: `Peruvian Office for Roads`, but `Ministry of Roads`."""
    w = page.words
    first = next((i for i in range(start, end) if w[i] in SMALL), end)
    kind = heads().get(w[first - 1])
    if kind == "state" and first - start > 1 and places.nationality(w[start]):
        return start + 1
    if kind == "body" and first < end and first - start == 1 and places.nationality(page.word(start - 1)):
        return start - 1
    return start


def _after_title(w: Sequence[str], start: int, end: int) -> int:
    """Where a person's own name begins. King and Dean are surnames too: a role further in needs a reason to be one."""
    for i in range(start, end - 1):
        role = roles().get(w[i].lower())
        leading = all(x.lower() in roles() or x.lower() in words("role_states") for x in w[start:i])
        if w[i] in words("honorifics") or (role and (leading or role in {"minister", "voice"} or end - i > 2)):
            start = i + 1
    return start


def _plausible(page: Page, start: int, end: int, kind: str) -> bool:
    """Whether an entity of the model can be a name: not a people, a code (COVID-19), a common word."""
    text = page.text(start, end)
    if CODE.fullmatch(text) or text in words("organisation_nouns") or text in roles():
        return False
    if places.country(text):
        return True
    after = page.word(end)
    if kind == "organisation" and not text.isupper() and after.istitle() and roles().get(after.lower()) == "minister":
        return False
    if end - start == 1:
        generic = text.lower() in page.common and (text.isupper() or page.opens(start))
        if (generic and len(text) > 3) or (kind == "person" and text in words("honorifics")):
            return False
    people = places.nationality(text) or all(w.islower() or places.nationality(w.removesuffix("s")) for w in page.words[start:end])
    return kind == "person" or not people or text.islower()


def _of_other_kind(page: Page, start: int, end: int, kind: str) -> bool:
    """Whether it is an event, a law, a ship, a building: `Operation Lantern`, `Lantern Cup`, `the ferry Lantern`."""
    first, last, quoted = page.words[start], page.words[end - 1], page.word(start - 1) in QUOTES
    before = page.word(start - 2 if quoted else start - 1)
    if before.lower() == "the" and page.word(start - 2) in {"aboard", "board"}:
        return True
    if (first, "first") in _other_heads() or (last, "last") in _other_heads() or (before, "first") in _other_heads():
        return True
    if (before.lower(), "before") in _other_heads() or (quoted and before in words("report_nouns")):
        return True
    if any((said, "before") in _other_heads() for said in _said_of(page.doc[start:end].root, Name(start, end, kind))):
        return True
    if kind == "person":
        return False
    after = page.word(end)
    if before in {"aboard", "board"} or (after in {"'s", "’s"} and page.word(end + 1) in words("ship_parts")):
        return True
    article = page.word(start - 1).lower() == "the"
    if kind == "organisation" and (
        (article and after in words("ship_verbs")) or (first.lower() in roles() and page.word(start + 1) in {"of", "for"})
    ):
        return True
    # Albert Dock: streets and buildings are no names of ours, whatever the model takes them for.
    return kind == "organisation" and end - start > 1 and last not in heads() and places.place_heads().get(last) == ""


def _apart(proposed: Iterable[Name]) -> list[Name]:
    """The longest of names that overlap, the first proposed of equals; in order of the text."""
    taken: set[int] = set()
    kept = []
    for name in sorted(proposed, key=lambda n: n.start - n.end):
        if taken.isdisjoint(range(name.start, name.end)):
            taken.update(range(name.start, name.end))
            kept.append(name)
    return sorted(kept)


def typed(page: Page, found: Sequence[Name]) -> list[Name]:
    """One sense an article: all mentions with one text get the type that the article speaks for most."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    sorts: dict[str, Counter[str]] = defaultdict(Counter)
    texts = [page.text(n.start, n.end) for n in found]
    bodies = {part for n in found if n.type == "organisation" and n.end - n.start > 1 for part in page.words[n.start : n.end]}
    persons = [n for n in found if n.type == "person" and n.end - n.start > 1 and not head_kind(page, n.start, n.end)]
    full = {part for n in persons for part in page.words[n.start : n.end]}
    for name, text in zip(found, texts, strict=True):
        votes[text]["place" if name.type in PLACES else name.type] += 2 if name.type else 8
        if name.type:
            for kind in _evidence(page, name, full, bodies):
                votes[text][kind] += 3
            sorts[text].update(_sorts(page, name))
    kinds = {}
    homes = home_states(page, texts)
    for text, counts in votes.items():
        kind = max(counts, key=lambda k: (counts[k], k))
        if kind == "place":
            kind = places.place_type(text, homes, sorts[text].most_common(1)[0][0] if sorts[text] else None)
        kinds[text] = kind
    return [n._replace(type=kinds[t]) for n, t in zip(found, texts, strict=True)]


def home_states(page: Page, texts: Sequence[str]) -> Counter[str]:
    """ISO 3166-1 codes of the states that an article speaks of, by their regions and adjectives, with how often."""
    found: Counter[str] = Counter()
    for text in texts:
        region = places.region(text)
        if region and region.country and not places.country(text):
            found[region.country] += 1
    found.update(code for code in map(places.nationality, page.words) if code)
    return found


def head_kind(page: Page, start: int, end: int) -> str | None:
    """The kind of an organisation that the head noun of a name of several words says; it stands last or before `of`."""
    w = page.words
    if end - start < 2:
        return None
    until = next((i for i in range(start + 1, end) if w[i] in {"of", "for"}), end)
    return heads().get(" ".join(w[until - 2 : until]) if until - start > 1 else "") or heads().get(w[until - 1])


def _evidence(page: Page, name: Name, full: set[str], bodies: set[str]) -> Iterator[str]:
    """Types that the words in and around a name speak for against the model; each outweighs one mention's label.

    `full` are the words of persons' full names, `bodies` those of organisations.
    """
    w, doc = page.words, page.doc
    before = page.word(name.start - 1)
    text = page.text(name.start, name.end)
    place = name.type not in {"person", "organisation"}
    if name.end - name.start == 1 and w[name.start] in full and not places.country(text):
        yield "person"
    if place and head_kind(page, name.start, name.end) == "body" and not places.country(text) and not places.region(text):
        yield "organisation"
    elif place:
        return
    if _dateline(page, name):
        yield "place"
    if name.type == "organisation" and w[name.start] in heads() and name.end - name.start == 1 and w[name.start] not in bodies:
        # The Ministry said: which one, nobody knows.
        yield from ["", ""] if heads()[w[name.start]] == "state" else []
    if name.type == "person" and head_kind(page, name.start, name.end) and SMALL & set(w[name.start : name.end]):
        yield "organisation"
    if before == "in" and name.type == "person" and name.end - name.start == 1 and text not in full and page.word(name.end) in {",", ".", "and"}:
        yield "place"
    if name.type == "person" and before.lower() == "the" and doc[name.start - 1].head.i in range(name.start, name.end):
        # The Ledger is an organisation where there is a Ledger of Things; the Ana Rojas is perhaps a ship.
        yield "organisation" if w[name.end - 1] in bodies or w[name.end - 1] in heads() else ""
    if name.type == "person" and any(said in words("organisation_nouns") for said in _said_of(doc[name.start : name.end].root, name)):
        yield from ["organisation"] * 2


def _dateline(page: Page, name: Name) -> bool:
    """Whether a name opens its paragraph as the place it was written in: `LIMA (Reuters) -`, `Dhaka, 14 July -`."""
    if name.start and "\n" not in page.words[name.start - 1]:
        return False
    following = page.words[name.end : name.end + 10]
    if following[:1] == ["("] and ")" in following:
        following = following[following.index(")") + 1 :][:1]
    elif following[:1] != [","] or not page.text(name.start, name.end).isupper():
        return False
    return any(d in following for d in ("-", "–", "—", "--"))


def _sorts(page: Page, name: Name) -> Iterator[str]:
    """Kinds of place that the words around a name say: `city of X`, `X province`, `X, an island`, `the X`."""
    before, after = page.word(name.start - 1), page.word(name.end)
    beside = page.word(name.start - 2) if before == "of" else before
    for noun in (beside, after, *_said_of(page.doc[name.start : name.end].root, name)):
        # The coast of X and the capital of X say nothing about X.
        if noun in words("place_nouns"):
            yield from [places.place_heads()[noun.capitalize()]] * 4
            return
    yield "region" if before.lower() == "the" and not after.isalpha() else "city"


def _said_of(root: Token, name: Name) -> Iterator[str]:
    """Nouns that a sentence equates with a name: `X, a charity`, `X is a charity`, `the charity X`."""
    for child in root.children:
        if child.dep_ == "appos" and child.left_edge.i == name.end + 1 and child.pos_ == "NOUN":
            yield child.lemma_.lower()
    if root.dep_ == "appos" and root.head.i == name.start - 1 and root.head.pos_ == "NOUN":
        yield root.head.lemma_.lower()
    if root.dep_ == "nsubj" and root.head.lemma_ == "be":
        for child in root.head.children:
            if child.dep_ == "attr":
                yield child.lemma_.lower()


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
    """Names that stand elsewhere without the model having seen them, and surnames of persons."""
    known: dict[tuple[str, ...], str] = {}
    for name in found:
        parts = tuple(page.words[name.start : name.end])
        known[parts] = name.type
        if name.type == "person" and 1 < len(parts) < 5:
            known.setdefault(parts[-1:], "person")
    by_first: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for parts, kind in known.items():
        by_first[parts[0]].append((parts, kind))
    taken = {i for n in found for i in range(n.start, n.end)}
    for i, word in enumerate(page.words):
        for parts, kind in by_first.get(word, ()):
            end = i + len(parts)
            if i not in taken and tuple(page.words[i:end]) == parts and _whole(page, i, end, taken):
                yield Name(i, end, kind)


def _whole(page: Page, start: int, end: int, taken: set[int]) -> bool:
    """Whether words are no part of a longer run of capitals, and were meant as a name."""
    if not page.words[start][0].isupper() or (end - start == 1 and page.words[start].lower() in page.common):
        return False
    return not any(page.word(i)[:1].isupper() and i not in taken and not page.opens(i) for i in (start - 1, end))


def _short_forms(page: Page, found: Sequence[Name]) -> Iterator[Name]:
    """`the Hollin` where the article names the Hollin Office: a capital after `the` refers back to it. `the Office` is no name."""
    shorts = {word for name in found if name.type == "organisation" for word in _own_words(page, name)}
    taken = {i for n in found for i in range(n.start, n.end)}
    for i, word in enumerate(page.words):
        if word in shorts and i not in taken and page.word(i - 1) in {"the", "The"}:
            after = page.word(i + 1)
            if not after[:1].isupper() and after not in {"of", "for", "-", "&"}:
                yield Name(i, i + 1, "organisation")


def _own_words(page: Page, name: Name) -> Iterator[str]:
    """Words that alone can stand for an organisation's name of several: a newspaper's head noun, and a first word that is none's but its own."""
    w = page.words
    if name.end - name.start < 2:
        return
    if heads().get(w[name.end - 1]) == "press":
        yield w[name.end - 1]
    first = w[name.start]
    if first[0].isupper() and first.lower() not in page.common and not places.nationality(first) and places.place_type(first) == "city":
        yield first


def _bare_head(page: Page, name: Name) -> bool:
    """`the Ministry`, `the Bureau`: a capital does not make a common noun a name, unless it is a newspaper's."""
    alone = name.end - name.start == 1 and page.word(name.start - 1).lower() in {"the", "a", "an", "this", "that", "its", "their"}
    return name.type == "organisation" and alone and heads().get(page.words[name.start], "press") != "press"
