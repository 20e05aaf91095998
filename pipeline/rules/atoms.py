"""A text cut into numbers, words and signs, with the lists that say what they mean: number words, multipliers, currencies, units."""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from pipeline.lexicon import table, words


class Atom(NamedTuple):
    """A number, word or sign of the text."""

    start: int
    end: int
    text: str
    lower: str
    number: float | None
    """The value of digits; None for anything else."""
    glued: bool
    """Whether no space stands before it."""


_DIGITS = "|".join(
    (
        r"\d{1,3}(?:[,\u00a0\u202f\u2009]\d{3})+(?:\.\d+)?(?!\d)",  # 1,200,000.5
        r"\d{1,2}(?:,\d\d)+,\d{3}(?!\d)",  # 12,00,000
        r"\d{1,3}(?:\.\d{3}){2,}(?!\d)",  # 1.200.000
        r"(?<!\d )(?<![\d.,])[1-9]\d{0,2}(?: \d{3})+(?! ?\d)",  # 1 200 000
        r"\d+(?:\.\d+)?|(?<![\w.])\.\d+",
    )
)
_POWER = r"(?:\s?[×x]\s?10\^?(?P<power>[-−–]?\d+)(?!\w))?"
FRACTION_SIGNS = {"½": 1 / 2, "⅓": 1 / 3, "⅔": 2 / 3, "¼": 1 / 4, "¾": 3 / 4, "⅕": 1 / 5, "⅛": 1 / 8, "⅜": 3 / 8, "⅝": 5 / 8, "⅞": 7 / 8}
_ATOM = re.compile(
    rf"(?P<digits>{_DIGITS}){_POWER}|(?P<sign>[½⅓⅔¼¾⅕⅛⅜⅝⅞])"
    r"|(?:US|AU|CA|HK|NZ|NT|MX|A|C|S|R)?\$|°[CF]\b|[^\W\d_]+/[^\W\d_]+|(?:[^\W\d_]\.){2,}(?!\w)|[^\W\d_]+[²³23]?\b|[^\W\d_]+|\S"
)
_MINUS = str.maketrans("−–", "--")
_LONGEST = 24
"""Characters of the longest number in digits."""
DASHES = frozenset("-‐‑–—")


def split(text: str) -> list[Atom]:
    out: list[Atom] = []
    end = -1
    for match in _ATOM.finditer(text):
        form = match[0]
        value = _digits(match["digits"]) if match["digits"] else FRACTION_SIGNS.get(form)
        if value is not None and match["power"]:
            value *= 10.0 ** min(int(match["power"].translate(_MINUS)), _LONGEST)
        out.append(Atom(match.start(), match.end(), form, form.lower(), value, match.start() == end))
        end = match.end()
    return out


def _digits(form: str) -> float | None:
    """The value of digits with separators; None for those too long to be a quantity (serial numbers)."""
    if len(form) > _LONGEST:
        return None
    form = re.sub(r"[,\s]", "", form)
    return float(form.replace(".", "") if form.count(".") > 1 else form)


@cache
def number_words() -> dict[str, tuple[float, str]]:
    return {row["word"]: (float(row["value"]), row["place"]) for row in table("number_words")}


@cache
def fractions() -> dict[str, int]:
    return {row["word"]: int(row["parts"]) for row in table("fractions")}


@cache
def ordinals() -> dict[str, int]:
    return {row["word"]: int(row["value"]) for row in table("ordinals")}


@cache
def scales() -> dict[str, float]:
    return {row["form"]: float(row["factor"]) for row in table("multipliers") if row["use"] == "word"}


@cache
def suffixes() -> dict[str, tuple[float, bool]]:
    """Suffix -> factor, and whether it needs a currency sign."""
    return {row["form"]: (float(row["factor"]), row["use"] == "money") for row in table("multipliers") if row["use"] != "word"}


@cache
def vague_plurals() -> dict[str, float]:
    return {row["vague"]: float(row["factor"]) for row in table("multipliers") if row["vague"]}


@cache
def currencies() -> tuple[dict[str, str], dict[tuple[str, ...], tuple[str, str]]]:
    """Before the number: form -> code. After it: words in lower case -> code and place."""
    before = {row["form"]: row["code"] for row in table("currencies") if row["place"] in ("before", "both")}
    after = {tuple(a.lower for a in split(row["form"])): (row["code"], row["place"]) for row in table("currencies") if row["place"] != "before"}
    return before, after


@cache
def units() -> tuple[dict[tuple[str, ...], tuple[str, str]], dict[str, tuple[str, str]]]:
    """Words in lower case -> unit and kind; symbols as they are -> unit and kind."""
    rows = table("units")
    spelled = {tuple(a.lower for a in split(row["form"])): (row["unit"], row["kind"]) for row in rows if row["form_is"] == "word"}
    return spelled, {row["form"]: (row["unit"], row["kind"]) for row in rows if row["form_is"] == "symbol"}


def is_plural(word: str) -> bool:
    return (len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))) or word in words("plurals")


def plain(atom: Atom) -> float | None:
    return atom.number if atom.number is not None else number_words().get(atom.lower, (None, ""))[0]


def unit_after(atoms: Sequence[Atom], i: int, scale: float) -> tuple[str, str, int, str] | None:
    """Unit, kind, the atom after it and the rule, for what follows a number that ends before atom i."""
    if i >= len(atoms):
        return None
    k = i
    hyphen = atoms[i].text in DASHES and atoms[i].glued and i + 1 < len(atoms) and atoms[i + 1].glued
    if hyphen:
        k = i + 1
    elif atoms[i].lower in words("before_unit") and i + 1 < len(atoms):
        longer = _spelled_unit(atoms, i + 1)
        return (*longer, "unit word") if longer and longer[1] == "duration" else None
    elif [a.lower for a in atoms[i : i + 2]] in (["of", "a"], ["of", "an"]):
        longer = _spelled_unit(atoms, i + 2)
        return (*longer, "unit word") if longer and longer[1] in ("duration", "measure") and atoms[i - 1].lower in fractions() else None
    elif atoms[i].lower in ("a", "an") and atoms[i - 1].lower in fractions():
        k = i + 1
    _, after = currencies()
    for size in (3, 2, 1):
        known = after.get(tuple(a.lower for a in atoms[k : k + size]))
        if known is not None and size == 1 and atoms[k].text == "p" and not (atoms[k].glued and not hyphen):
            continue
        if known is not None and len(atoms) >= k + size and (known[1] != "money" or scale >= 1000):
            return known[0], "money", k + size, "hundredth of a currency" if known[1] == "hundredth" else "currency name"
    spelled = _spelled_unit(atoms, k)
    if spelled is not None:
        return (*spelled, "unit word")
    sign = symbol(atoms[k])
    if (
        sign is not None
        and (len(atoms[k].text) > 1 or atoms[k].glued or not atoms[k].text.isalpha() or atoms[k].text == "m")
        and not (atoms[k].text == "in" and not hyphen)
    ):
        return sign[0], sign[1], k + 1, "unit symbol"
    return None


def symbol(atom: Atom) -> tuple[str, str] | None:
    """Unit and kind of a symbol; another case than usual (HZ, KM) will do when it is no other unit's; km/hr is km per hour."""
    known = units()[1].get(atom.text)
    if known is None and len(atom.text) > 1:
        known = _folded_symbols().get(atom.lower)
    if known is None and "/" in atom.text:
        above, below = (units()[1].get(part) or units()[0].get((part.lower(),)) for part in atom.text.split("/", 1))
        known = (f"{above[0]} per {below[0]}", "measure") if above and below else None
    return known


@cache
def _folded_symbols() -> dict[str, tuple[str, str]]:
    rows = [row for row in table("units") if row["form_is"] == "symbol" and len(row["form"]) > 1]
    units: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        units.setdefault(row["form"].lower(), set()).add((row["unit"], row["kind"]))
    return {
        form: next(iter(known))
        for form, known in units.items()
        if len(known) == 1 and not form.isdecimal() and form not in ("in", "mi", "ha", "pc", "ct", "ma")
    }


def _spelled_unit(atoms: Sequence[Atom], k: int) -> tuple[str, str, int] | None:
    spelled, _ = units()
    for size in (4, 3, 2, 1):
        if k + size <= len(atoms):
            known = spelled.get(tuple(a.lower for a in atoms[k : k + size]))
            if (
                known is not None
                and size == 1
                and atoms[k].lower == "second"
                and k
                and atoms[k - 1].text not in DASHES
                and atoms[k].lower == atoms[k].text
                and plain(atoms[k - 1]) != 1
            ):
                return None
            if known is not None:
                return known[0], known[1], k + size
    return None
