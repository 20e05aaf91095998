"""Number expressions in a sentence: where they stand, what they amount to, in which unit and within which bound.

This works on plain text: notation needs no grammar. What grammar is needed for (whether "one" counts, what a number counts,
whether it is part of a name) is the business of the claims stage.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from pipeline.lexicon import table, words
from pipeline.rules.atoms import (
    DASHES,
    Atom,
    currencies,
    fractions,
    number_words,
    ordinals,
    scales,
    split,
    suffixes,
    symbol,
    unit_after,
    units,
    vague_plurals,
)
from pipeline.rules.cardinals import cardinal, manifold, share
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


_SKIP = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+|[#@]\w+"  # addresses and tags
    r"|(?<![\w,.])(?!\d{1,3}(?: \d{3})+(?![\d-]))\+?\(?\d{2,5}\)?(?:[\s.-]\d{2,4}){2,}(?![\w%]|,\d)"  # telephone numbers: three groups or more
    r"|\+\d{1,3}[\s.-]\(?\d{1,4}\)?(?:[\s.-]\d{2,4})+"  # with a country code
    r"|(?:\+\d{1,3}\s?)?\(0?\d{2,5}\)\s?\d{3,4}[\s-]?\d{3,4}\b|(?<![\w,.])0\d{2,4}\s\d{5,8}\b"
    r"|\b(?:[Tt]ext|[Dd]ial|[Cc]all|[Pp]hone|[Rr]ing)\s+(?:\w+\s+)?(?:(?:to|on|at)\s+)?\d{3,6}\b(?!,\d|[\s-]\d|\s+[a-z]+s\b)"  # dial 999
    r"|\b\d{1,2}[\s-]min(?:ute)?s?\s+read\b"
    r"|(?<![\w,.$£€])\d{3}-\d{4}(?![\w,%])"
    r"|\b(?!\d{1,3}(?:\.\d{3})+\b)\d+(?:[./]\d+){2,}\b|\b(?!(?:1/[2-8]|2/[35]|3/[458]|[457]/8)\b)\d+[/⁄]\d+\b"  # versions, dates with slashes, 9/11
    r"|(?m:^)\s*(?:\(?\d{1,2}[.)]|[IVX]+\.)(?:\s(?=\D)|$)"  # list numbering
    r"|(?m:^)\s*\d{1,2}(?:\.\d{1,2})+\s+(?=[A-Z“‘])(?![MBT]illion|[TB]rillion)"  # section 3.1
    r"|(?m:^)\s*\d{1,2}\s+(?=(?:The|A|An|This|How|Why|What|When|Where|Who)\s)"  # rank in a list of headlines
    r"|(?<!\w)\(\d{1,2}\)\s(?=[A-Z])"  # (1) Harvest (2) Prices
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
            made = _number_at(atoms, i) if atoms[i].number is not None or atoms[i].lower in _starters() or atoms[i].text in currencies()[0] else None
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
    for atom in split(text):
        while k < len(closed) and closed[k][1] <= atom.start:
            k += 1
        if k < len(closed) and atom.end > closed[k][0]:
            out.append([])
        else:
            out[-1].append(atom)
    return out


@cache
def _hint() -> re.Pattern[str]:
    """Whatever every number expression has one of: most sentences end here."""
    forms = (_starters() - {"a", "an"}) | {"scores"}
    return re.compile(r"[\d½⅓⅔¼¾⅕⅛⅜⅝⅞]|\b(?:" + "|".join(sorted(forms)) + r")\b", re.I)


@cache
def _starters() -> frozenset[str]:
    """Words a number expression may begin with."""
    return frozenset(
        {
            *number_words(),
            *fractions(),
            *ordinals(),
            *scales(),
            *vague_plurals(),
            *words("vague_numbers"),
            "a",
            "an",
            *(f"{word}fold" for word in number_words()),
        }
    )


@cache
def _bounds() -> tuple[dict[tuple[str, ...], str], dict[tuple[str, ...], str]]:
    before, after = (
        {tuple(a.lower for a in split(row["phrase"])): row["bound"] for row in table("bounds") if row["side"] == side} for side in ("before", "after")
    )
    return before, after


def _number_at(atoms: Sequence[Atom], i: int) -> tuple[Number, int] | None:
    """The number expression that begins at atom i, and where to go on."""
    first = _quantity(atoms, i)
    if first is None:
        return _rank(atoms, i)
    quantity, stop = first
    second = _second(atoms, i, stop, quantity)
    if second is None and _is_score_or_code(atoms, i, stop):
        return None
    value_max: float | None = None
    rules = [Evidence("value", quantity.rule)]
    if second is not None:
        low, high, stop = second
        quantity = high._replace(start=quantity.start, value=low.value)
        value_max, bound = high.value, ("between", "range")
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
    before, _ = currencies()
    code, k = None, i
    if atoms[i].text in before and i + 1 < len(atoms):
        code, k = before[atoms[i].text], i + 1
        if k + 1 < len(atoms) and atoms[k].text == "." and atoms[k].glued:  # Rs. 500
            k += 1
        if atoms[k].number is None:
            return None
    fold = manifold(atoms, k)
    if fold is not None:
        return _Quantity(atoms[k].start, atoms[k].end, "measure", fold, "times", 1, "number word and fold", "fold", False), k + 1
    part = share(atoms, k) if code is None else None
    if part is not None:
        value_of_part, stop, rule = part
        return _Quantity(atoms[i].start, atoms[stop - 1].end, "percent", value_of_part, "percent", 1, rule, rule, False), stop
    if not _may_begin(atoms, k, code is not None):
        return None
    negative = _minus(atoms, k)
    found = cardinal(atoms, k, code is not None)
    if found is None:
        return None
    stop, value, scale, rule = found
    start, end = atoms[i - negative].start if i == k else atoms[i].start, atoms[stop - 1].end
    if negative and value is not None:
        value = -value
    if code is not None:
        return _Quantity(start, end, "money", value, code, scale, rule, "currency sign", True), stop
    after = unit_after(atoms, stop, scale)
    if after is None and value is not None and value < 130 and _after_age(atoms, i):
        return _Quantity(start, end, "age", value, "year", scale, rule, "age word before", False), stop
    if after is None and "magnitude" in [a.lower for a in atoms[max(0, i - 2) : i]]:
        return _Quantity(start, end, "measure", value, "magnitude", scale, rule, "magnitude before", False), stop
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


def _minus(atoms: Sequence[Atom], i: int) -> int:
    """How many atoms before atom i make its number negative: a sign tied to it alone, or the word minus."""
    if not i or atoms[i].number is None:
        return 0
    if atoms[i - 1].lower == "minus":
        return 1
    if atoms[i].glued and atoms[i - 1].text in ("-", "−"):
        if i >= 2 and atoms[i - 2].lower == "minus":
            return 2
        return 0 if atoms[i - 1].glued else 1
    return 0


def _may_begin(atoms: Sequence[Atom], i: int, signed: bool) -> bool:
    """Not the tail of a name (COVID-19, F-16, A380), and not digits with letters that are no unit (5G, 4x4)."""
    atom = atoms[i]
    if atom.number is None:
        return True
    if i and atom.glued and not signed:
        previous = atoms[i - 1]
        if previous.text[-1:].isalpha() or previous.text in "_/.'’" or previous.number is not None:
            return False
        if (
            previous.text in DASHES
            and previous.glued
            and i >= 2
            and atoms[i - 2].text[-1:].isalpha()
            and atoms[i - 2].lower not in ("sub", "minus", "under", "over", "to")
        ):
            return False
    if i + 1 < len(atoms) and atoms[i + 1].glued and atoms[i + 1].text[:1].isalpha():
        after = atoms[i + 1]
        glued_more = i + 2 < len(atoms) and atoms[i + 2].glued and atoms[i + 2].number is not None
        known = after.text in suffixes() or after.lower in scales() or (after.lower,) in units()[0] or (after.lower,) in currencies()[1]
        return (known or symbol(after) is not None) and not glued_more
    return True


def _is_age(atoms: Sequence[Atom], i: int, stop: int, unit: str) -> bool:
    """66 years old, 66-year-old, 66 years of age."""
    if unit not in ("year", "month"):
        return False
    rest = [a.lower for a in atoms[stop : stop + 2]]
    return unit == "year" and (rest[:1] in (["old"], ["olds"]) or rest in (["-", "old"], ["-", "olds"], ["of", "age"]))


def _after_age(atoms: Sequence[Atom], i: int) -> bool:
    """Aged 66; at the age of 66; turned 66."""
    before = [a.lower for a in atoms[max(0, i - 2) : i]]
    return before[-1:] in (["aged"], ["age"], ["ages"]) or before in (
        ["age", "of"],
        ["ages", "of"],
        ["aged", "between"],
        ["ages", "between"],
        ["ages", "from"],
    )


def _age_stop(atoms: Sequence[Atom], stop: int) -> int:
    return stop + 1 if atoms[stop].lower in ("old", "olds") else stop + 2


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
        if before[-1:] == ["by"]:
            return None
        if "from" in before and any(a.lower in words("change_words") for a in (*atoms[max(0, i - 12) : i], *atoms[stop : stop + 1])):
            return None
    elif joiner.text not in DASHES:
        return None
    upper = _quantity(atoms, stop + 1)
    if upper is None or (upper[0].kind == "percent" and upper[0].rule in ("fraction", "ratio")):
        return None
    high, end = upper
    most = high.value
    if most is None:
        return None
    bare = low.kind == "count"
    if not bare and high.kind == "count" and (low.signed or low.kind == "age"):
        high = high._replace(kind=low.kind, unit=low.unit, unit_rule=low.unit_rule)
    elif not bare and (low.kind, low.unit) != (high.kind, high.unit):
        return None
    least = low.value
    if low.scale == 1 and high.scale > 1 and least < most / high.scale:
        least = low.value * high.scale
    loose = joiner.text in DASHES and not joiner.glued and not _spaced_range(atoms, stop)
    if loose or not least < most <= _WIDEST * max(least, 1):
        return None
    if bare and atoms[i].lower == "one" and joiner.lower == "to":
        return None
    return low._replace(value=least), high, end


_WIDEST = 50
"""A range whose ends lie further apart is two numbers (rose 38 to 91,704)."""


def _spaced_range(atoms: Sequence[Atom], k: int) -> bool:
    return atoms[k].text == "–" and atoms[k - 1].number is not None and atoms[k + 1].number is not None


def _is_score_or_code(atoms: Sequence[Atom], i: int, stop: int) -> bool:
    """3-1, 2–2, 2-1-1: results and codes, tied by hyphens without a space, that rise to no range."""
    if atoms[i].number is None:
        return False
    tied = stop + 1 < len(atoms) and atoms[stop].text in DASHES and atoms[stop].glued and atoms[stop + 1].glued and atoms[stop + 1].number is not None
    back = i >= 2 and atoms[i].glued and atoms[i - 1].text in DASHES and atoms[i - 1].glued and atoms[i - 2].number is not None
    return tied or back


def _rank(atoms: Sequence[Atom], i: int) -> tuple[Number, int] | None:
    """The third largest; ranked fifth; finished 12th; No. 1 in."""
    word = atoms[i].lower
    value: float | None = ordinals().get(word)
    stop = i + 1
    if value is None and atoms[i].number is not None and stop < len(atoms) and atoms[stop].glued and atoms[stop].lower in ("st", "nd", "rd", "th"):
        value, stop = atoms[i].number, i + 2
    if value is None or (stop >= len(atoms) and not i):
        return None
    k = stop + 1 if stop < len(atoms) and atoms[stop].text in DASHES else stop
    superlative = k < len(atoms) and (
        atoms[k].lower in words("superlatives") or (len(atoms[k].lower) > 4 and atoms[k].lower.endswith("est") and atoms[k].text.islower())
    )
    before = [a.lower for a in atoms[max(0, i - 2) : i]]
    verb = any(b in words("rank_verbs") for b in before[-1:]) or (before[1:] in (["in"], ["joint"]) and before[0] in words("rank_verbs"))
    following = atoms[stop].lower if stop < len(atoms) else ""
    placed = verb and (
        following in ("", ".", ",", ";", "in", "on", "among", "behind", "with", "and", "out", "place", "overall", "at", "of", "for", "after")
    )
    if (superlative and value > 1) or placed or (following == "place" and before[-1:] == ["in"]):
        rule = "ordinal before a superlative" if superlative else "ordinal after a verb of rank"
        rules = (Evidence("value", rule), Evidence("bound", "no bound word"))
        return Number(atoms[i].start, atoms[stop - 1].end, atoms[stop - 1].end, "rank", float(value), None, "exact", None, rules), stop
    return None


def _bound(atoms: Sequence[Atom], i: int, stop: int, quantity: _Quantity) -> tuple[str, str]:
    """The bound and the words it comes from."""
    if quantity.value is None:
        return "vague", "vague number"
    before, after = _bounds()
    k = i
    if quantity.value < 0:
        k -= _minus(atoms, i)
    if k > 1 and atoms[k - 1].text in DASHES and atoms[k - 1].glued:
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
            if (
                phrase in after
                and len(phrase) == size
                and (size > 1 or (phrase == ("+",) and atoms[tail].glued) or (tail == number_stop + 1 and phrase in (("odd",), ("ish",), ("plus",))))
            ):
                return after[phrase], " ".join(phrase)
    return "exact", "no bound word"


def _bounds_here(atoms: Sequence[Atom], k: int, size: int, quantity: _Quantity) -> bool:
    """Whether a word that is a preposition too bounds this number: "over 10 years" is a period, "for over 10 years" a bound."""
    word, previous = atoms[k].lower, atoms[k - 1].lower if k else ""
    if word in ("about", "around", "some") and atoms[k + 1].lower in ("the", "these", "those", "its", "his", "her", "their", "our"):
        return False
    if not k:
        return True
    if word == "about" and previous in words("before_about"):
        return False
    if word == "up":  # prices went up to 20
        return previous not in words("change_words") and previous not in ("back", "it", "them")
    if size > 1:
        return True
    if word in ("over", "under", "around") and quantity.kind == "duration":
        return previous in words("before_over") or previous.endswith("ed") or previous in ("", ",", ".", "“", '"')
    return not (word in ("over", "above", "below", "under") and previous in ("votes", "points", "win", "victory", "lead", "majority"))
