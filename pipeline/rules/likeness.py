"""How two names compare: which words they share, exactly or nearly, and what keeps them apart.

Knows nothing of the corpus: what a likeness is worth there is for `linking` to say.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from pipeline.lexicon import table, words
from pipeline.rules.names import heads, roles
from pipeline.rules.spelling import distance, plain, skeleton, spelt

_ROMAN = re.compile(r"(?=..)x{0,3}(ix|iv|v?i{0,3})")


class Parsed(NamedTuple):
    """A name taken apart."""

    type: str
    words: tuple[str, ...]
    """All but articles and prepositions, abbreviations and spellings made one."""

    core: tuple[str, ...]
    """The words that tell it from others of its kind."""

    heads: frozenset[str]
    """Head nouns: ministry, bureau, museum."""

    countries: frozenset[str]
    sign: str
    """1 for a father, 2 for the son of the same name; else empty."""


class Likeness(NamedTuple):
    """How alike two names are."""

    kind: str
    """same: nothing that counts differs. near: a word misspelt or romanised otherwise. short: one leaves out what the
    other has. meaning: words that translate one another. Empty: different names."""

    score: float
    signals: tuple[tuple[str, str], ...]
    """What speaks for it, or the one thing that speaks against it."""


def different(why: str, value: str, score: float = 0.0) -> Likeness:
    return Likeness("", score, ((why, value),))


@lru_cache(maxsize=100_000)
def parse(type: str, name: str) -> Parsed:
    return _person(name) if type == "person" else _body(type, name)


def _person(name: str) -> Parsed:
    family, comma, given = name.partition(",")
    found = plain(f"{given} {family}" if comma and given.strip() else name) or [name]
    signs = {row["word"]: row["sign"] for row in table("generational")}
    sign = next((signs[w] for w in found[1:] if w in signs), "")
    titles = _titles()
    kept = [w for i, w in enumerate(found) if not (i and w in signs) and w not in titles] or found
    kept = [w for w, before in zip(kept, ["", *kept], strict=False) if w != before]
    particles = _particles()
    kept = [particles.get(w, w) for w in kept]
    core = tuple(w for w in kept if w not in particles) or tuple(kept)
    return Parsed("person", tuple(kept), core, frozenset(), frozenset(), sign)


def fullness(type: str, name: str) -> int:
    """How many words that count a name has. Of places the plain name is the full one."""
    parts = parse(type, name)
    return len(parts.words) + len(parts.countries) if type in {"person", "organisation"} else 0


@cache
def _titles() -> frozenset[str]:
    return frozenset(w.strip(".").casefold() for w in words("honorifics")) | frozenset(r.strip(".") for r in roles() if " " not in r)


@cache
def _particles() -> dict[str, str]:
    return {row["word"]: row["same"] for row in table("name_particles")}


@cache
def _head_words() -> frozenset[str]:
    return frozenset(spelt(h.strip(".").casefold()) for h in heads()) - {"united"}


@cache
def _place_heads() -> frozenset[str]:
    return frozenset(row["word"].casefold() for row in table("place_heads"))


@cache
def _numbers_in_words() -> dict[str, str]:
    """Number words, and figures as ordinals, in figures."""
    known = {row["word"]: row["value"] for row in (*table("number_words"), *table("ordinals")) if row["value"].isdigit()}
    return known | {f"{value}{ending}": value for value in list(known.values()) for ending in ("st", "nd", "rd", "th")}


@cache
def _legal_forms() -> frozenset[str]:
    return words("legal_forms")


def _body(type: str, name: str) -> Parsed:
    """An organisation or a place."""
    found, countries = _without_countries([_numbers_in_words().get(w, spelt(w)) for w in plain(name) or [name]])
    found = _without_legal_form(found)
    kept = tuple(w for w in found if w not in words("small_name_words")) or tuple(found)
    if len(kept) > 1 and kept[0] in words("organisation_nouns") and kept[0] not in _head_words():
        kept = kept[1:]
    known = _head_words() if type == "organisation" else _place_heads()
    core = tuple(w for w in kept if w not in known and w not in words("light_name_words"))
    head = frozenset(w for w in kept if w in known)
    if not core and not countries:
        core, head = kept, frozenset()
    return Parsed(type, kept, core, head, countries, "")


def _without_legal_form(found: Sequence[str]) -> list[str]:
    """`Company` and its like in the last words, or before them all, as Russian firms have it."""
    kept = list(found)
    changed = True
    while changed and len(kept) > 1:
        changed = False
        for size in (4, 3, 2, 1):
            if len(kept) > size and " ".join(kept[-size:]) in _legal_forms():
                kept, changed = kept[:-size], True
                break
            if len(kept) > size and " ".join(kept[:size]) in (_legal_forms() if size > 1 else words("legal_prefixes")):
                kept, changed = kept[size:], True
                break
    return kept


@cache
def _countries() -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """First word -> names and adjectives of countries that begin with it, longest first."""
    known: dict[tuple[str, ...], str] = {}
    for row in table("demonyms"):
        known[tuple(plain(row["word"]))] = row["code"]
    for row in table("countries"):
        known[tuple(plain(row["alias"]))] = row["code"]
    by_first = defaultdict(list)
    for name in sorted(known, key=len, reverse=True):
        if name:
            by_first[name[0]].append((name, known[name]))
    return dict(by_first)


def _without_countries(found: list[str]) -> tuple[list[str], frozenset[str]]:
    kept, codes, at = [], set(), 0
    while at < len(found):
        for name, code in _countries().get(found[at], ()):
            if tuple(found[at : at + len(name)]) == name:
                codes.add(code)
                at += len(name)
                break
        else:
            kept.append(found[at])
            at += 1
    return (kept, frozenset(codes)) if kept else (found, frozenset())


Match = tuple[str, float]
"""How two words match, and how well."""


@cache
def _senses() -> dict[str, frozenset[str]]:
    return {row["word"]: frozenset(row["senses"].split()) for row in table("synonyms")}


@cache
def _translations() -> dict[str, frozenset[str]]:
    return {row["word"]: frozenset(row["english"].split()) for row in table("title_words")}


def is_word(word: str) -> bool:
    """Whether a word is a common one of the language, not coined or a family's."""
    return word in _senses() or word.removesuffix("s") in _senses()


def senses(word: str) -> frozenset[str]:
    """What a word can mean, as keys that words translating one another have in common."""
    english = _translations().get(word, frozenset())
    found = {f"={w}" for w in english | {word}}
    for each in (word, *english):
        found |= _senses().get(each, frozenset()) or _senses().get(each.removesuffix("s"), frozenset())
    return frozenset(found)


def same_word(a: str, b: str) -> Match | None:
    """Whether two words are one, misspelt or romanised otherwise."""
    shorter, longer = sorted((len(a), len(b)))
    if any(c.isdigit() for c in a + b):
        return None
    if shorter > 3 and skeleton(a) == skeleton(b):
        return "sounds the same", 0.95
    allowed = 1 if shorter < 6 else 2 if shorter < 10 else 3
    if longer - shorter > allowed or shorter < 2:
        return None
    edits = distance(a, b, allowed)
    return ("spelt nearly the same", 1 - 2 * edits / (shorter + longer)) if edits <= allowed else None


def same_part(a: str, b: str) -> Match | None:
    """The same for parts of a person's name, where an initial will do."""
    if min(len(a), len(b)) == 1:
        return ("initial", 0.9) if a[0] == b[0] else None
    return same_word(a, b)


def same_meaning(a: str, b: str) -> Match | None:
    return same_word(a, b) or (("means the same", 0.5) if senses(a) & senses(b) else None)


class Alignment(NamedTuple):
    signals: list[tuple[str, str]]
    score: float
    """Mean over the letters of the words that match."""

    left: list[str]
    right: list[str]


def align(a: Sequence[str], b: Sequence[str], match: Callable[[str, str], Match | None]) -> Alignment:
    """Pair the words of two names, the best matches first; each word once."""
    left, right = list(a), list(b)
    for word in a:
        if word in right:
            left.remove(word)
            right.remove(word)
    letters = sum(map(len, a)) - sum(map(len, left))
    total, weight = float(letters), letters
    signals = []
    if left and right and "".join(left) == "".join(right):
        signals.append(("written as one word", "".join(left)))
        total, weight = total + len("".join(left)), weight + len("".join(left))
        left, right = [], []
    found = [(m, x, y) for x in set(left) for y in set(right) if (m := match(x, y))]
    for (signal, score), x, y in sorted(found, key=lambda f: (-f[0][1], f[1], f[2])):
        if x in left and y in right:
            left.remove(x)
            right.remove(y)
            signals.append((signal, f"{x} / {y}"))
            size = max(len(x), len(y))
            total, weight = total + score * size, weight + size
    return Alignment(signals, total / weight if weight else 0.0, left, right)


def compare(a: Parsed, b: Parsed) -> Likeness:
    """How alike two names of one type are."""
    if a.type != b.type:
        return different("different type", f"{a.type} / {b.type}")
    return _compare_persons(a, b) if a.type == "person" else _compare_bodies(a, b)


def _compare_persons(a: Parsed, b: Parsed) -> Likeness:
    if a.sign != b.sign and a.sign and b.sign:
        return different("different generation", f"{a.sign} / {b.sign}")
    if a.core == b.core:
        return Likeness("same", 1.0, (("same but for titles", " ".join(a.core)),))
    if "".join(a.words) == "".join(b.words):
        return Likeness("near", 0.95, (("written as one word", "".join(a.words)),))
    found = align(a.core, b.core, same_part)
    if found.left and found.right:
        return different("different words", f"{' '.join(found.left)} / {' '.join(found.right)}", found.score / 2)
    short, long = sorted((a.core, b.core), key=len)
    extra = found.left or found.right
    if len(short) == 1 and extra:
        if not same_part(short[0], long[-1]) and short[0] != long[-1]:
            return Likeness("short", 0.6, (("forename", " ".join(short)),))
        return Likeness("short", 0.7 * found.score, (("surname", " ".join(short)), *found.signals))
    if not extra and sorted(a.core) == sorted(b.core):
        return Likeness("short", 0.6 if len(short) == 2 else 0.75, (("same words in another order", " ".join(short)),))
    if not extra:
        initials = any(s == "initial" for s, _ in found.signals)
        crossed = not _in_order(a.core, b.core)
        return Likeness("short" if initials or crossed else "near", found.score * (0.7 if crossed else 1), tuple(found.signals))
    ends = (short[0] == long[0] or same_part(short[0], long[0])) and (short[-1] == long[-1] or same_part(short[-1], long[-1]))
    return Likeness("short", found.score * (0.95 if ends else 0.8), (("middle name" if ends else "further names", " ".join(extra)), *found.signals))


def _in_order(a: Sequence[str], b: Sequence[str]) -> bool:
    return all(x == y or same_part(x, y) for x, y in zip(a, b, strict=False))


def _compare_bodies(a: Parsed, b: Parsed) -> Likeness:
    if a.countries != b.countries and a.countries and b.countries:
        return different("different country", f"{', '.join(sorted(a.countries))} / {', '.join(sorted(b.countries))}")
    if a.heads.isdisjoint(b.heads) and a.heads and b.heads:
        return different("different kind of body", f"{', '.join(sorted(a.heads))} / {', '.join(sorted(b.heads))}", 0.3)
    if _numbers(a) != _numbers(b):
        return different("different number", f"{' '.join(_numbers(a))} / {' '.join(_numbers(b))}", 0.4)
    if len(a.core) == len(b.core) == 0:
        return _rest(a, b, "same", 1.0, [])
    if a.words != b.words and a.countries == b.countries and "".join(a.words) == "".join(b.words):
        return Likeness("near", 0.95, (("written as one word", "".join(a.words)),))
    found = align(a.core, b.core, same_word)
    lacking = (bool(b.heads - a.heads) or bool(b.countries - a.countries), bool(a.heads - b.heads) or bool(a.countries - b.countries))
    if (found.left and lacking[0]) or (found.right and lacking[1]):
        return different("different words", f"{' '.join(a.words)} / {' '.join(b.words)}", found.score / 2)
    if found.left and found.right:
        meant = align(a.core, b.core, same_meaning)
        if not (meant.left or meant.right):
            return _rest(a, b, "meaning", 0.5, meant.signals)
        return different("different words", f"{' '.join(found.left)} / {' '.join(found.right)}", found.score / 2)
    if found.left or found.right:
        left_out = ("leaves out", " ".join(found.left or found.right))
        return Likeness("short" if found.score else "", 0.65 * found.score, (left_out, *found.signals))
    if a.core == b.core or sorted(a.core) == sorted(b.core):
        return _rest(a, b, "same", 1.0 if a.core == b.core else 0.9, [])
    return _rest(a, b, "near", found.score, found.signals)


def _numbers(name: Parsed) -> list[str]:
    return sorted(w for w in name.words if any(c.isdigit() for c in w) or _ROMAN.fullmatch(w))


def _rest(a: Parsed, b: Parsed, kind: str, score: float, signals: Iterable[tuple[str, str]]) -> Likeness:
    """What is left to compare when the distinctive words agree: the kinds of body, and the countries."""
    signals = [*signals, ("same distinctive words", " ".join(a.core))] if kind == "same" else list(signals)
    if a.countries != b.countries:
        return Likeness(
            "short" if kind == "same" else kind, score * 0.8, (*signals, ("country left out", ", ".join(sorted(a.countries ^ b.countries))))
        )
    if a.heads == b.heads:
        return Likeness(kind, score, tuple(signals))
    differing = " ".join(sorted(a.heads ^ b.heads))
    return Likeness("short" if kind == "same" else kind, score * 0.85, (*signals, ("kind of body left out", differing)))
