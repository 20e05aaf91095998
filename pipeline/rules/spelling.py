"""Words of names as letters: plain, as they sound, and how far apart."""

import re
import unicodedata
from functools import cache, lru_cache

from pipeline.lexicon import table

_DOTTED = re.compile(r"\b(?:\w\.){2,}|\b\w\.\w\b")


def plain(name: str) -> list[str]:
    """The words of a name in lower-case Latin letters where they can be, without possessives and full stops.

    >>> plain("The U.S. Møller & Sons' Bank")
    ['the', 'us', 'moller', 'and', 'sons', 'bank']
    """
    text = _DOTTED.sub(lambda m: m.group().replace(".", ""), name)
    text = re.sub(r"['’]s?(?=\W|$)", "", text)
    text = re.sub(r"['’`ʼ]", "", text.replace("&", " and "))
    if not text.isascii():
        letters = _letters()
        apart = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(letters.get(c, c) for c in apart if not unicodedata.combining(c) or c > "\u0700")
    return re.sub(r"[^\w]+|_", " ", text.casefold()).split()


@cache
def _letters() -> dict[str, str]:
    return {row["letter"]: row["latin"] for row in table("letters")}


@cache
def _spellings() -> dict[str, str]:
    return {row["word"]: row["same"] for row in table("spellings")}


@lru_cache(maxsize=100_000)
def spelt(word: str) -> str:
    """A word in the one spelling that stands for all of its spellings.

    >>> spelt("organisations")
    'organizations'
    """
    word = re.sub(r"(?<=.{4})is(?=(ation|ing|ed|e)s?$)", "iz", word)
    return _spellings().get(word, word)


@cache
def _sounds() -> tuple[tuple[str, str], ...]:
    return tuple((row["letters"], row["same"]) for row in table("sound_alikes"))


@lru_cache(maxsize=200_000)
def skeleton(word: str) -> str:
    """What is left of a word when letters that romanisations exchange are one.

    >>> skeleton("Qaddafi".lower()) == skeleton("kadafy")
    True
    """
    for letters, same in _sounds():
        word = word.replace(letters, same)
    return re.sub(r"(.)\1+", r"\1", word)


def distance(a: str, b: str, limit: int) -> int:
    """Letters to change, add, drop or swap with the next to get from one word to another; more than `limit` is limit + 1."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) > limit and (i == 1 or min(before) > limit):
            return limit + 1
    return min(row[-1], limit + 1)
