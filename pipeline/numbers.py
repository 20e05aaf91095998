"""Number expressions in a sentence: where they stand, what they amount to, in which unit and within which bound.

This works on plain text: notation needs no grammar. What grammar is needed for (whether "one" counts, what a number counts,
whether it is part of a name) is the business of the claims stage.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from pipeline.lexicon import table, words
from pipeline.tables import Evidence


class Number(NamedTuple):
    """A number expression. `start` and `end` are offsets into the text given; `stop` is the end of its unit words."""

    start: int
    end: int
    stop: int
    kind: str
    value: float | None
    value_max: float | None
    bound: str
    unit: str | None
    rules: tuple[Evidence, ...]


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


class Cardinal(NamedTuple):
    """Atoms that make one number: up to `stop` (exclusive), None for a vague value."""

    stop: int
    value: float | None
    scale: float
    """The multiplier at its end (a million: 1e6), which "1 to 2 million" shares."""
    rule: str


_DIGITS = r"\d{1,3}(?:[,\u00a0\u202f\u2009]\d{3})+(?:\.\d+)?(?!\d)|\d{1,2}(?:,\d\d)+,\d{3}(?!\d)|\d{1,3}(?:\.\d{3}){2,}(?!\d)|(?<!\d )(?<![\d.,])[1-9]\d{0,2}(?: \d{3})+(?! ?\d)|\d+(?:\.\d+)?|(?<![\w.])\.\d+"
_FRACTION_SIGNS = {"½": 1 / 2, "⅓": 1 / 3, "⅔": 2 / 3, "¼": 1 / 4, "¾": 3 / 4, "⅕": 1 / 5, "⅛": 1 / 8, "⅜": 3 / 8, "⅝": 5 / 8, "⅞": 7 / 8}
_ATOM = re.compile(
    rf"(?P<digits>{_DIGITS})|(?P<sign>[½⅓⅔¼¾⅕⅛⅜⅝⅞])"
    r"|(?:US|AU|CA|HK|NZ|NT|MX|A|C|S|R)?\$|°[CF]\b|[^\W\d_]+/[^\W\d_]+|(?:[^\W\d_]\.)+(?!\w)|[^\W\d_]+[²³23]?\b|[^\W\d_]+|\S"
)
_DASHES = frozenset("-‐‑–—")
_SKIP = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+|[#@]\w+"  # addresses and tags
    r"|(?<![\w,.])\+?\(?\d{2,5}\)?(?:[\s.-]\d{2,4}){2,}(?![\w,%])"  # telephone numbers: three groups or more
    r"|(?<![\w,.$£€])\d{3}-\d{4}(?![\w,%])"
    r"|\b\d+(?:[./]\d+){2,}\b|\b(?!(?:1/[2-8]|2/[35]|3/[458]|[457]/8)\b)\d+/\d+\b"  # versions, dates with slashes, 9/11
    r"|^\s*(?:\(?\d{1,2}[.)]|[IVX]+\.)\s(?=\D)"  # list numbering
)


def numbers(text: str, masked: Iterable[tuple[int, int]] = ()) -> list[Number]:
    """The number expressions of a sentence, in order and without overlaps.

    `masked` are stretches whose numbers are no quantities (dates). Ordinals count only as ranks; a bare "one" is given
    here, since only the sentence's grammar can tell whether it counts.
    """
    if not _hint().search(text):
        return []
    found: list[Number] = []
    for atoms in _stretches(text, sorted([*masked, *(m.span() for m in _SKIP.finditer(text))])):
        i = 0
        while i < len(atoms):
            made = _number_at(atoms, i) if atoms[i].number is not None or atoms[i].lower in _starters() or atoms[i].text in _currencies()[0] else None
            if made is None:
                i += 1
            else:
                found.append(made[0])
                i = made[1]
    return found


def _stretches(text: str, closed: Sequence[tuple[int, int]]) -> list[list[Atom]]:
    """The atoms outside the closed stretches; no number reaches across one."""
    out: list[list[Atom]] = [[]]
    k = 0
    for atom in _atoms(text):
        while k < len(closed) and closed[k][1] <= atom.start:
            k += 1
        if k < len(closed) and atom.end > closed[k][0]:
            out.append([])
        else:
            out[-1].append(atom)
    return out


def _atoms(text: str) -> list[Atom]:
    out: list[Atom] = []
    end = -1
    for match in _ATOM.finditer(text):
        form = match[0]
        value = _digits(form) if match["digits"] else _FRACTION_SIGNS.get(form)
        out.append(Atom(match.start(), match.end(), form, form.lower(), value, match.start() == end))
        end = match.end()
    return out


def _digits(form: str) -> float:
    form = re.sub(r"[,\s]", "", form)
    return float(form.replace(".", "") if form.count(".") > 1 else form)


@cache
def _hint() -> re.Pattern[str]:
    """Whatever every number expression has one of: most sentences end here."""
    forms = {*_number_words(), *_fractions(), *_ordinals(), *_scales(), *_vague_plurals(), "scores"}
    return re.compile(r"[\d½⅓⅔¼¾⅕⅛⅜⅝⅞]|\b(?:" + "|".join(sorted(forms)) + r")\b", re.I)


@cache
def _starters() -> frozenset[str]:
    """Words a number expression may begin with."""
    return frozenset({*_number_words(), *_fractions(), *_ordinals(), *_scales(), *_vague_plurals(), *words("vague_numbers"), "a", "an"})


# --- the lists --------------------------------------------------------------------------------------------------------


@cache
def _number_words() -> dict[str, tuple[float, str]]:
    return {row["word"]: (float(row["value"]), row["place"]) for row in table("number_words")}


@cache
def _fractions() -> dict[str, int]:
    return {row["word"]: int(row["parts"]) for row in table("fractions")}


@cache
def _ordinals() -> dict[str, int]:
    return {row["word"]: int(row["value"]) for row in table("ordinals")}


@cache
def _scales() -> dict[str, float]:
    return {row["form"]: float(row["factor"]) for row in table("multipliers") if row["use"] == "word"}


@cache
def _suffixes() -> dict[str, tuple[float, bool]]:
    """Suffix -> factor, and whether it needs a currency sign."""
    return {row["form"]: (float(row["factor"]), row["use"] == "money") for row in table("multipliers") if row["use"] != "word"}


@cache
def _vague_plurals() -> dict[str, float]:
    return {row["vague"]: float(row["factor"]) for row in table("multipliers") if row["vague"]}


@cache
def _currencies() -> tuple[dict[str, str], dict[tuple[str, ...], tuple[str, str]]]:
    """Before the number: form -> code. After it: words in lower case -> code and place."""
    before = {row["form"]: row["code"] for row in table("currencies") if row["place"] in ("before", "both")}
    after = {
        tuple(a.lower for a in _atoms(row["form"])): (row["code"], row["place"])
        for row in table("currencies")
        if row["place"] != "before"
    }
    return before, after


@cache
def _units() -> tuple[dict[tuple[str, ...], tuple[str, str]], dict[str, tuple[str, str]]]:
    """Words in lower case -> unit and kind; symbols as they are -> unit and kind."""
    rows = table("units")
    spelled = {tuple(a.lower for a in _atoms(row["form"])): (row["unit"], row["kind"]) for row in rows if row["form_is"] == "word"}
    return spelled, {row["form"]: (row["unit"], row["kind"]) for row in rows if row["form_is"] == "symbol"}


@cache
def _bounds() -> tuple[dict[tuple[str, ...], str], dict[tuple[str, ...], str]]:
    before, after = ({tuple(a.lower for a in _atoms(row["phrase"])): row["bound"] for row in table("bounds") if row["side"] == side} for side in ("before", "after"))
    return before, after


# --- one number -------------------------------------------------------------------------------------------------------


def _number_at(atoms: Sequence[Atom], i: int) -> tuple[Number, int] | None:
    """The number expression that begins at atom i, and where to go on."""
    first = _quantity(atoms, i)
    if first is None:
        return _rank(atoms, i)
    quantity, stop = first
    second = _second(atoms, i, stop, quantity)
    if second is None and _is_score_or_code(atoms, i, stop):
        return None
    value_max = None
    rules = [Evidence("value", quantity.rule)]
    if second is not None:
        low, high, stop = second
        quantity, value_max, bound = high._replace(start=quantity.start, value=low.value), high.value, ("between", "range")
        rules[0] = Evidence("value", "range")
    else:
        bound = _bound(atoms, i, stop, quantity)
    if quantity.unit is not None:
        rules.append(Evidence("unit", quantity.unit_rule))
    rules.append(Evidence("bound", bound[1]))
    made = Number(quantity.start, quantity.end, atoms[stop - 1].end, quantity.kind, quantity.value, value_max, bound[0], quantity.unit, tuple(rules))
    return made, stop


class _Quantity(NamedTuple):
    start: int
    end: int
    kind: str
    value: float | None
    unit: str | None
    scale: float
    rule: str
    unit_rule: str
    signed: bool
    """A currency sign before the number."""


def _quantity(atoms: Sequence[Atom], i: int) -> tuple[_Quantity, int] | None:
    """A cardinal with the currency before it and the unit after it, from atom i; and the atom after all that."""
    before, _ = _currencies()
    code, k = None, i
    if atoms[i].text in before and i + 1 < len(atoms):
        code, k = before[atoms[i].text], i + 1
        if k + 1 < len(atoms) and atoms[k].text == "." and atoms[k].glued:  # Rs. 500
            k += 1
        if atoms[k].number is None:
            return None
    share = _share(atoms, k) if code is None else None
    if share is not None:
        value, stop, rule = share
        return _Quantity(atoms[i].start, atoms[stop - 1].end, "percent", value, "percent", 1, rule, rule, False), stop
    if not _may_begin(atoms, k, code is not None):
        return None
    negative = k > 0 and atoms[k].number is not None and atoms[k].glued and atoms[k - 1].text in "-−" and not atoms[k - 1].glued and (k < 2 or atoms[k - 1].start > atoms[k - 2].end)
    cardinal = _cardinal(atoms, k, code is not None)
    if cardinal is None:
        return None
    stop, value, scale, rule = cardinal
    start, end = atoms[i - 1].start if negative and i == k else atoms[i].start, atoms[stop - 1].end
    if negative and value is not None:
        value = -value
    if code is not None:
        return _Quantity(start, end, "money", value, code, scale, rule, "currency sign", True), stop
    after = _unit_after(atoms, stop, scale)
    if after is None and value is not None and value < 130 and _after_age(atoms, i):
        return _Quantity(start, end, "age", value, "year", scale, rule, "age word before", False), stop
    if after is None:
        return _Quantity(start, end, "count", value, None, scale, rule, "", False), stop
    unit, kind, unit_stop, unit_rule = after
    if rule == "part of a unit":
        end = atoms[stop - 2].end
    if unit_rule == "hundredth of a currency" and value is not None:
        value /= 100
    if kind in ("percent", "money"):
        end = atoms[unit_stop - 1].end
    if kind == "duration" and _is_age(atoms, i, unit_stop, unit):
        return _Quantity(start, end, "age", value, "year", scale, rule, "age", False), _age_stop(atoms, unit_stop)
    return _Quantity(start, end, kind, value, unit, scale, rule, unit_rule, False), unit_stop


def _may_begin(atoms: Sequence[Atom], i: int, signed: bool) -> bool:
    """Not the tail of a name (COVID-19, F-16, A380), and not digits with letters that are no unit (5G, 4x4)."""
    atom = atoms[i]
    if atom.number is None:
        return True
    if i and atom.glued and not signed:
        previous = atoms[i - 1]
        if previous.text[-1:].isalpha() or previous.text in "_/.'’" or previous.number is not None:
            return False
        if previous.text in _DASHES and previous.glued and i >= 2 and atoms[i - 2].text[-1:].isalpha() and atoms[i - 2].lower not in _number_words():
            return False
    if i + 1 < len(atoms) and atoms[i + 1].glued and atoms[i + 1].text[:1].isalpha():
        after = atoms[i + 1]
        glued_more = i + 2 < len(atoms) and atoms[i + 2].glued and atoms[i + 2].number is not None
        known = after.text in _suffixes() or after.text in _units()[1] or (after.lower,) in _units()[0] or after.lower in _scales()
        known = known or (after.lower,) in _currencies()[1]
        return known and not glued_more
    return True


def _cardinal(atoms: Sequence[Atom], i: int, signed: bool = False) -> Cardinal | None:
    """One number in digits, words or both; vague ones (dozens, several thousand) have no value."""
    atom = atoms[i]
    vague = _vague(atoms, i)
    if vague is not None:
        return vague
    part = _part_of_scale(atoms, i)
    if part is not None:
        return part
    if atom.number is not None:
        return _from_digits(atoms, i, signed)
    if atom.lower in ("a", "an") and i + 1 < len(atoms) and atoms[i + 1].lower in _scales():
        return _from_words(atoms, i + 1)
    if atom.lower in _number_words() or atom.lower in _scales():
        return _from_words(atoms, i)
    return None


def _vague(atoms: Sequence[Atom], i: int) -> Cardinal | None:
    """Dozens; tens of thousands; several hundred; a few million; scores of."""
    plurals, scales = _vague_plurals(), _scales()
    k = i + 1 if atoms[i].lower == "a" and i + 1 < len(atoms) else i
    lower = atoms[k].lower
    after = [a.lower for a in atoms[k + 1 : k + 3]] + ["", ""]
    if lower in words("vague_numbers") and after[0] in scales:
        return Cardinal(k + 2, None, 1, "vague multiplier")
    if lower in words("vague_numbers") and after[0] == "of" and (after[1] in plurals or after[1] in scales):
        return Cardinal(k + 3, None, 1, "vague multiplier")
    if k == i and lower in plurals:
        return Cardinal(k + 3 if after[0] == "of" and after[1] in plurals else k + 1, None, 1, "vague plural")
    if k == i and lower == "scores" and after[0] == "of" or lower == "tens" and after[0] == "of" and after[1] in plurals:
        return Cardinal(k + 1 if lower == "scores" else k + 3, None, 1, "vague plural")
    return None


def _part_of_scale(atoms: Sequence[Atom], i: int) -> Cardinal | None:
    """Half a million, half a dozen, a quarter of a million, half an hour (0.5)."""
    k = i + 1 if atoms[i].lower in ("a", "an", "one") and i + 1 < len(atoms) else i
    parts = _fractions().get(atoms[k].lower)
    if parts not in (2, 4) or atoms[k].lower.endswith("s"):
        return None
    rest = [a.lower for a in atoms[k + 1 : k + 4]]
    lead = next((n for n, form in enumerate((["of", "a"], ["of", "an"], ["a"], ["an"], [])) if rest[: len(form)] == form), 4)
    skip = (2, 2, 1, 1, 0)[lead]
    word = rest[skip] if len(rest) > skip else ""
    if word in _scales():
        return Cardinal(k + skip + 2, _scales()[word] / parts, _scales()[word], "part of a multiplier")
    if (word,) in _units()[0] and _units()[0][(word,)][1] in ("duration", "measure") and word[-1:] != "s" and lead in (2, 3, 0, 1) and word not in ("second", "quarter"):
        return Cardinal(k + skip + 1, 1 / parts, 1, "part of a unit")
    return None


def _from_digits(atoms: Sequence[Atom], i: int, signed: bool) -> Cardinal:
    value, k, scale, rule = atoms[i].number or 0.0, i + 1, 1.0, "digits"
    if k < len(atoms) and atoms[k].text in _FRACTION_SIGNS and value == int(value):
        value, k = value + _FRACTION_SIGNS[atoms[k].text], k + 1
    elif k + 2 < len(atoms) and (fraction := _slash(atoms, k)) is not None and not atoms[k].glued:
        value, k = value + fraction, k + 3
    elif k < len(atoms) and atoms[k].text == "/" and (fraction := _slash(atoms, i)) is not None:
        value, k = fraction, k + 2
    while k < len(atoms):
        word = k + 1 if atoms[k].text in _DASHES and atoms[k].glued and k + 1 < len(atoms) else k
        factor = _scales().get(atoms[word].lower)
        if factor is None and word == k:
            factor = _suffix(atoms, k, signed, rule)
        if factor is None:
            break
        value, scale, k, rule = value * factor, scale * factor, word + 1, "digits and multiplier"
    return Cardinal(k, value, scale, rule)


def _slash(atoms: Sequence[Atom], i: int) -> float | None:
    """The proper fraction a/b at atom i."""
    if i + 2 >= len(atoms) or atoms[i + 1].text != "/" or not (atoms[i + 1].glued and atoms[i + 2].glued):
        return None
    a, b = atoms[i].number, atoms[i + 2].number
    return a / b if a is not None and b is not None and 0 < a < b <= 16 and a == int(a) else None


def _suffix(atoms: Sequence[Atom], k: int, signed: bool, rule: str) -> float | None:
    """bn, m or k after digits. m is also metres and k a name's letter, so those want money or a plural after them."""
    known = _suffixes().get(atoms[k].text)
    if known is None or rule != "digits":
        return None
    factor, needs_money = known
    after = [a.lower for a in atoms[k + 1 : k + 4]]
    if needs_money and not signed:
        plural = bool(after) and (_is_plural(after[0]) or after[0] in _PEOPLE_ADJECTIVES and any(map(_is_plural, after[1:2])))
        if tuple(after[:1]) in _currencies()[1]:
            return factor
        return factor if factor == 1e6 and atoms[k].glued and plural and not _measures(after) else None
    if atoms[k].text in ("m", "M", "b", "B", "t", "T", "k", "K") and not atoms[k].glued and not (signed and len(atoms[k].text) == 1 and atoms[k].text in "mMbB"):
        return None
    return factor


_PEOPLE_ADJECTIVES = frozenset(("new", "more", "other", "young", "older", "poor", "additional"))


def _measures(after: Sequence[str]) -> bool:
    return bool(after) and after[0] in ("hurdles", "sprints", "metres", "races", "times")


def _is_plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) or word in words("plurals")


def _from_words(atoms: Sequence[Atom], i: int) -> Cardinal | None:
    """Number words from atom i on, as far as they make one number."""
    known, scales = _number_words(), _scales()
    total, group, k, last_scale, scale = 0.0, 0.0, i, float("inf"), 1.0
    open_place = ""  # the place of the last word in the open group
    stop = i
    while k < len(atoms):
        word = atoms[k].lower
        if word in known:
            value, place = known[word]
            if open_place == "" or (open_place == "ten" and place == "unit" and value) or open_place == "hundred":
                group, open_place, scale = group + value, place, 1.0
            else:
                break
        elif word in scales:
            factor = scales[word]
            if factor in (100.0, 12.0) and open_place in ("", "unit", "teen", "ten", "half"):
                if open_place == "" and total:
                    break
                group, open_place = (group or 1.0) * factor, "hundred" if factor == 100.0 else "dozen"
            elif factor >= 1000 and factor < last_scale and (open_place != "" or total == 0):
                total, group, last_scale, open_place = total + (group or 1.0) * factor, 0.0, factor, ""
            else:
                break
            scale = factor
        else:
            break
        stop = k = k + 1
        k = _join(atoms, k, scale)
        half = _and_a_half(atoms, stop)
        if half is not None:
            group, stop, open_place = group + half[0], half[1], "half"
            k = _join(atoms, stop, scale)
    if stop == i:
        return None
    return Cardinal(stop, total + group, scale, "number words")


def _join(atoms: Sequence[Atom], k: int, scale: float) -> int:
    """Past a hyphen or an "and" that may continue the number."""
    if k + 1 < len(atoms):
        following = atoms[k + 1].lower
        if atoms[k].text in "-‐‑" and atoms[k].glued and atoms[k + 1].glued and (following in _number_words() or following in _scales()):
            return k + 1
        if atoms[k].lower == "and" and scale >= 100 and scale != 12 and following in _number_words() and not _has_unit(atoms, k):
            return k + 1
    return k


def _has_unit(atoms: Sequence[Atom], k: int) -> bool:
    return _unit_after(atoms, k, 1) is not None


def _and_a_half(atoms: Sequence[Atom], k: int) -> tuple[float, int] | None:
    """The 0.5 of "two and a half"."""
    if k + 2 >= len(atoms):
        return None
    # "two-and-a-half-year" has hyphens where "two and a half years" has spaces
    rest = [(n, a.lower) for n, a in enumerate(atoms[k : k + 7], k) if a.text not in _DASHES]
    if len(rest) >= 3 and rest[0][1] == "and" and rest[1][1] in ("a", "one", "three") and rest[2][1] in ("half", "quarter", "quarters", "third"):
        times = 3 if rest[1][1] == "three" else 1
        return times / _fractions()[rest[2][1]], rest[2][0] + 1
    return None


# --- shares: fractions and ratios --------------------------------------------------------------------------------------


def _share(atoms: Sequence[Atom], i: int) -> tuple[float, int, str] | None:
    """Half of, a third of, two-thirds, one in five, three out of ten: in percent."""
    return None if _part_of_scale(atoms, i) else _fraction(atoms, i) or _ratio(atoms, i)


def _fraction(atoms: Sequence[Atom], i: int) -> tuple[float, int, str] | None:
    count, k = 1.0, i
    if atoms[i].lower in _number_words():
        count, k = _number_words()[atoms[i].lower][0], i + 1
        if k < len(atoms) and atoms[k].text in _DASHES and atoms[k].glued:
            k += 1
    elif atoms[i].lower in ("a", "an"):
        k = i + 1
    if k >= len(atoms):
        return None
    word = atoms[k].lower
    parts = _fractions().get(word)
    if parts is None or not 0 < count < parts or word.endswith("s") != (count > 1) or (i and atoms[i - 1].text in _DASHES and atoms[i].glued):
        return None
    rest = [a.lower for a in atoms[k + 1 : k + 3]] + ["", ""]
    before = atoms[i - 1].lower if i else ""
    if word == "half":
        if before in ("first", "second", "other", "and", "third", "latter", "better", "opening") or k == i and rest[0] in _DASHES:
            return None
        wanted = k > i or rest[0] in _HALF_BEFORE or before in _SHARE_AFTER
    elif k == i:
        return None
    elif count > 1:
        wanted = word not in ("quarters", "halves") or rest[0] == "of" or atoms[k].glued
    else:
        wanted = rest[0] in ("of", "more", "less", "fewer", "higher", "lower") or before in ("by", "than", "nearly", "almost") or atoms[i].lower == "one" and parts > 2
        wanted = wanted and not (word in ("quarter", "fourth") and rest[0] in ("more", "less", "fewer", "higher", "lower") and before not in ("by", "than", "nearly", "almost"))
    return (100 * count / parts, k + 1, "fraction") if wanted else None


_HALF_BEFORE = frozenset(("of", "the", "its", "their", "his", "her", "our", "all", "these", "those", "that", "my", "your"))
_SHARE_AFTER = frozenset(("by", "than", "nearly", "almost", "about", "over", "under", "roughly", "around", "least", "in"))
_RATIO_BASES = frozenset((2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 15.0, 20.0, 25.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 10000.0, 100000.0, 1000000.0))


def _ratio(atoms: Sequence[Atom], i: int) -> tuple[float, int, str] | None:
    """One in five; three out of 10. The base is round and nothing else may follow that makes it a place or time."""
    value = _plain(atoms[i])
    if value is None or value < 1 or i and atoms[i - 1].text in _DASHES and atoms[i].glued:
        return None
    k = i + 1
    joiner = [a.lower for a in atoms[k : k + 3]]
    if joiner[:2] == ["out", "of"]:
        k += 2
    elif joiner[:1] == ["in"] or joiner[:3:2] == ["-", "-"] and joiner[1] == "in":
        k += 1 if joiner[0] == "in" else 3
    else:
        return None
    if joiner[:2] == ["out", "of"] and k < len(atoms) and atoms[k].lower == "every":
        k += 1
    if k < len(atoms) and atoms[k].lower == "every":
        k += 1
    base = _cardinal(atoms, k) if k < len(atoms) and _plain(atoms[k]) is not None else None
    if base is None or base.value not in _RATIO_BASES or base.value <= value or value > 20 and joiner[0] == "in":
        return None
    after = _unit_after(atoms, base.stop, base.scale)
    if after is not None or (joiner[0] == "in" and base.stop < len(atoms) and value > 1 and _is_plural(atoms[base.stop].lower) and atoms[base.stop].lower not in words("plurals")):
        return None
    return 100 * value / base.value, base.stop, "ratio"


def _plain(atom: Atom) -> float | None:
    return atom.number if atom.number is not None else _number_words().get(atom.lower, (None, ""))[0]


# --- units ------------------------------------------------------------------------------------------------------------


def _unit_after(atoms: Sequence[Atom], i: int, scale: float) -> tuple[str, str, int, str] | None:
    """Unit, kind, the atom after it and the rule, for what follows a number that ends before atom i."""
    if i >= len(atoms):
        return None
    k = i
    hyphen = atoms[i].text in _DASHES and atoms[i].glued and i + 1 < len(atoms) and atoms[i + 1].glued
    if hyphen:
        k = i + 1
    elif atoms[i].lower in words("before_unit") and i + 1 < len(atoms):
        longer = _spelled_unit(atoms, i + 1)
        return (*longer, "unit word") if longer and longer[1] == "duration" else None
    elif [a.lower for a in atoms[i : i + 2]] in (["of", "a"], ["of", "an"]):
        longer = _spelled_unit(atoms, i + 2)
        return (*longer, "unit word") if longer and longer[1] in ("duration", "measure") and atoms[i - 1].lower in _fractions() else None
    elif atoms[i].lower in ("a", "an") and atoms[i - 1].lower in _fractions():
        k = i + 1
    _, after = _currencies()
    for size in (3, 2, 1):
        known = after.get(tuple(a.lower for a in atoms[k : k + size]))
        if known is not None and len(atoms) >= k + size and (known[1] != "money" or scale >= 1000):
            return known[0], "money", k + size, "hundredth of a currency" if known[1] == "hundredth" else "currency name"
    spelled = _spelled_unit(atoms, k)
    if spelled is not None:
        return (*spelled, "unit word")
    symbol = _units()[1].get(atoms[k].text)
    if symbol is not None and (len(atoms[k].text) > 1 or atoms[k].glued or not atoms[k].text.isalpha() or atoms[k].text == "m") and not (atoms[k].text == "in" and not hyphen):
        return symbol[0], symbol[1], k + 1, "unit symbol"
    return None


def _spelled_unit(atoms: Sequence[Atom], k: int) -> tuple[str, str, int] | None:
    spelled, _ = _units()
    for size in (4, 3, 2, 1):
        if k + size <= len(atoms):
            known = spelled.get(tuple(a.lower for a in atoms[k : k + size]))
            if known is not None and size == 1 and atoms[k].lower == "second" and k and atoms[k - 1].text not in _DASHES and atoms[k].lower == atoms[k].text and _plain(atoms[k - 1]) != 1:
                return None
            if known is not None:
                return known[0], known[1], k + size
    return None


def _is_age(atoms: Sequence[Atom], i: int, stop: int, unit: str) -> bool:
    """66 years old, 66-year-old, 66 years of age."""
    if unit not in ("year", "month"):
        return False
    rest = [a.lower for a in atoms[stop : stop + 2]]
    return unit == "year" and (rest[:1] in (["old"], ["olds"]) or rest in (["-", "old"], ["-", "olds"], ["of", "age"]))


def _after_age(atoms: Sequence[Atom], i: int) -> bool:
    """Aged 66; at the age of 66; turned 66."""
    before = [a.lower for a in atoms[max(0, i - 2) : i]]
    return before[-1:] in (["aged"], ["age"], ["ages"]) or before in (["age", "of"], ["ages", "of"], ["aged", "between"], ["ages", "between"], ["ages", "from"])


def _age_stop(atoms: Sequence[Atom], stop: int) -> int:
    return stop + 1 if atoms[stop].lower in ("old", "olds") else stop + 2


# --- ranges -----------------------------------------------------------------------------------------------------------


def _second(atoms: Sequence[Atom], i: int, stop: int, low: _Quantity) -> tuple[_Quantity, _Quantity, int] | None:
    """The upper end of a range that begins with `low`, with its units shared out: low, high and the atom after."""
    if stop + 1 >= len(atoms) or low.value is None:
        return None
    joiner = atoms[stop]
    before = [a.lower for a in atoms[max(0, i - 3) : i]]
    if joiner.lower == "and":
        if "between" not in before:
            return None
    elif joiner.lower == "to":
        if before[-1:] == ["from"] and before[:-1][-1:] not in (["anywhere"], ["ranging"], ["range"], ["ranged"], ["ranges"], ["aged"], ["ages"]):
            return None
    elif joiner.text not in _DASHES:
        return None
    upper = _quantity(atoms, stop + 1)
    if upper is None or (upper[0].kind == "percent" and upper[0].rule in ("fraction", "ratio")):
        return None
    high, end = upper
    if high.value is None:
        return None
    bare = low.kind == "count"
    if not bare and high.kind == "count" and low.signed:
        high = high._replace(kind=low.kind, unit=low.unit, unit_rule=low.unit_rule)
    elif not bare and (low.kind, low.unit) != (high.kind, high.unit):
        return None
    if low.scale == 1 and high.scale > 1 and low.value * 1 < high.value / high.scale:
        low = low._replace(value=low.value * high.scale)
    if low.value is None or not low.value < high.value or (joiner.text in _DASHES and not joiner.glued and not _spaced_range(atoms, stop)):
        return None
    if bare and atoms[i].lower == "one" and joiner.lower == "to":
        return None
    return low, high, end


def _spaced_range(atoms: Sequence[Atom], k: int) -> bool:
    return atoms[k].text == "–" and atoms[k - 1].number is not None and atoms[k + 1].number is not None


def _is_score_or_code(atoms: Sequence[Atom], i: int, stop: int) -> bool:
    """3-1, 2–2, 2-1-1: results and codes, tied by hyphens without a space, that rise to no range."""
    if atoms[i].number is None:
        return False
    tied = stop + 1 < len(atoms) and atoms[stop].text in _DASHES and atoms[stop].glued and atoms[stop + 1].glued and atoms[stop + 1].number is not None
    back = i >= 2 and atoms[i].glued and atoms[i - 1].text in _DASHES and atoms[i - 1].glued and atoms[i - 2].number is not None
    return tied or back


# --- ranks ------------------------------------------------------------------------------------------------------------


def _rank(atoms: Sequence[Atom], i: int) -> tuple[Number, int] | None:
    """The third largest; ranked fifth; finished 12th; No. 1 in."""
    word = atoms[i].lower
    value: float | None = _ordinals().get(word)
    stop = i + 1
    if value is None and atoms[i].number is not None and stop < len(atoms) and atoms[stop].glued and atoms[stop].lower in ("st", "nd", "rd", "th"):
        value, stop = atoms[i].number, i + 2
    if value is None or stop >= len(atoms) and not i:
        return None
    k = stop + 1 if stop < len(atoms) and atoms[stop].text in _DASHES else stop
    superlative = k < len(atoms) and (atoms[k].lower in words("superlatives") or len(atoms[k].lower) > 4 and atoms[k].lower.endswith("est") and atoms[k].text.islower())
    before = [a.lower for a in atoms[max(0, i - 2) : i]]
    verb = any(b in words("rank_verbs") for b in before[-1:]) or before[1:] in (["in"], ["joint"]) and before[0] in words("rank_verbs")
    following = atoms[stop].lower if stop < len(atoms) else ""
    placed = verb and (following in ("", ".", ",", ";", "in", "on", "among", "behind", "with", "and", "out", "place", "overall", "at", "of", "for", "after"))
    if (superlative and value > 1) or placed or (following == "place" and before[-1:] == ["in"]):
        rule = "ordinal before a superlative" if superlative else "ordinal after a verb of rank"
        rules = (Evidence("value", rule), Evidence("bound", "no bound word"))
        return Number(atoms[i].start, atoms[stop - 1].end, atoms[stop - 1].end, "rank", float(value), None, "exact", None, rules), stop
    return None


# --- bounds -----------------------------------------------------------------------------------------------------------


def _bound(atoms: Sequence[Atom], i: int, stop: int, quantity: _Quantity) -> tuple[str, str]:
    """The bound and the words it comes from."""
    if quantity.value is None:
        return "vague", "vague number"
    before, after = _bounds()
    k = i
    if k and atoms[k - 1].text in "-−" and quantity.value < 0:
        k -= 1
    for _ in range(4):
        for size in range(min(5, k), 0, -1):
            phrase = tuple(a.lower for a in atoms[k - size : k])
            if phrase in before and _bounds_here(atoms, k - size, size, quantity):
                return before[phrase], " ".join(phrase)
        if k and atoms[k - 1].lower in words("between_bound_and_number"):
            k -= 1
        else:
            break
    number_stop = next((n for n in range(stop - 1, i - 1, -1) if atoms[n].start < quantity.end), stop - 1) + 1
    for place in {number_stop, stop, stop + 1}:
        tail = place + 1 if place < len(atoms) and atoms[place].text == "-" else place
        for size in (3, 2, 1):
            phrase = tuple(a.lower for a in atoms[tail : tail + size])
            if phrase in after and len(phrase) == size and (size > 1 or phrase == ("+",) or tail == number_stop + 1 and phrase in (("odd",), ("ish",), ("plus",))):
                return after[phrase], " ".join(phrase)
    return "exact", "no bound word"


def _bounds_here(atoms: Sequence[Atom], k: int, size: int, quantity: _Quantity) -> bool:
    """Whether a word that is a preposition too bounds this number: "over 10 years" is a period, "for over 10 years" a bound."""
    if size > 1 or not k:
        return True
    word, previous = atoms[k].lower, atoms[k - 1].lower
    if word in ("over", "under", "around") and quantity.kind == "duration":
        return previous in _BEFORE_OVER or previous.endswith("ed") or previous in ("", ",", ".", "“", '"')
    if word in ("over", "above", "below", "under") and previous in ("votes", "points", "win", "victory", "lead", "majority"):
        return False
    return True


_BEFORE_OVER = frozenset(("for", "just", "well", "after", "a", "took", "takes", "take", "lasts", "of", "in", "spent", "is", "was", "slightly", "to", "little", "spend", "far", "than", "by", "been"))
