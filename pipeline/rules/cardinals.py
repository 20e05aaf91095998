"""One number in digits, words or both (two and a half million), and shares (a third of, one in five)."""

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.lexicon import words
from pipeline.rules.atoms import (
    DASHES,
    FRACTION_SIGNS,
    Atom,
    currencies,
    fractions,
    is_plural,
    number_words,
    plain,
    scales,
    suffixes,
    unit_after,
    units,
    vague_plurals,
)


class Cardinal(NamedTuple):
    """Atoms that make one number: up to `stop` (exclusive), None for a vague value."""

    stop: int
    value: float | None
    scale: float
    """The multiplier at its end (a million: 1e6), which "1 to 2 million" shares."""
    rule: str


def cardinal(atoms: Sequence[Atom], i: int, signed: bool = False) -> Cardinal | None:
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
    if atom.lower in ("a", "an") and i + 1 < len(atoms) and atoms[i + 1].lower in scales():
        return _from_words(atoms, i + 1)
    if atom.lower in number_words() or atom.lower in scales():
        return _from_words(atoms, i)
    return None


def _vague(atoms: Sequence[Atom], i: int) -> Cardinal | None:
    """Dozens; tens of thousands; several hundred; a few million; scores of."""
    plurals, factors = vague_plurals(), scales()
    k = i + 1 if atoms[i].lower == "a" and i + 1 < len(atoms) else i
    lower = atoms[k].lower
    after = [a.lower for a in atoms[k + 1 : k + 3]] + ["", ""]
    if lower in words("vague_numbers") and after[0] in factors:
        return Cardinal(k + 2, None, 1, "vague multiplier")
    if lower in words("vague_numbers") and after[0] == "of" and (after[1] in plurals or after[1] in factors):
        return Cardinal(k + 3, None, 1, "vague multiplier")
    if k == i and lower in plurals:
        return Cardinal(k + 3 if after[0] == "of" and after[1] in plurals else k + 1, None, 1, "vague plural")
    if (k == i and lower == "scores" and after[0] == "of") or (lower == "tens" and after[0] == "of" and after[1] in plurals):
        return Cardinal(k + 1 if lower == "scores" else k + 3, None, 1, "vague plural")
    return None


def manifold(atoms: Sequence[Atom], i: int) -> float | None:
    """The 6 of sixfold."""
    word = atoms[i].lower
    return number_words()[word[:-4]][0] if word.endswith("fold") and word[:-4] in number_words() else None


def _part_of_scale(atoms: Sequence[Atom], i: int) -> Cardinal | None:
    """Half a million, half a dozen, a quarter of a million, half an hour (0.5)."""
    k = i + 1 if atoms[i].lower in ("a", "an", "one") and i + 1 < len(atoms) else i
    parts = fractions().get(atoms[k].lower)
    if parts not in (2, 4) or atoms[k].lower.endswith("s"):
        return None
    rest = [a.lower for a in atoms[k + 1 : k + 4]]
    lead = next((n for n, form in enumerate((["of", "a"], ["of", "an"], ["a"], ["an"], [])) if rest[: len(form)] == form), 4)
    skip = (2, 2, 1, 1, 0)[lead]
    word = rest[skip] if len(rest) > skip else ""
    if word in scales():
        return Cardinal(k + skip + 2, scales()[word] / parts, scales()[word], "part of a multiplier")
    if (
        (word,) in units()[0]
        and units()[0][(word,)][1] in ("duration", "measure")
        and word[-1:] != "s"
        and lead in (2, 3, 0, 1)
        and word not in ("second", "quarter")
    ):
        return Cardinal(k + skip + 1, 1 / parts, 1, "part of a unit")
    return None


def _from_digits(atoms: Sequence[Atom], i: int, signed: bool) -> Cardinal:
    value, k, scale, rule = atoms[i].number or 0.0, i + 1, 1.0, "digits"
    if k < len(atoms) and atoms[k].text in FRACTION_SIGNS and value == int(value):
        value, k = value + FRACTION_SIGNS[atoms[k].text], k + 1
    elif k + 2 < len(atoms) and (fraction := _slash(atoms, k)) is not None and not atoms[k].glued:
        value, k = value + fraction, k + 3
    elif k < len(atoms) and atoms[k].text == "/" and (fraction := _slash(atoms, i)) is not None:
        value, k = fraction, k + 2
    while k < len(atoms):
        word = k + 1 if atoms[k].text in DASHES and atoms[k].glued and k + 1 < len(atoms) else k
        factor = scales().get(atoms[word].lower)
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
    known = suffixes().get(atoms[k].text)
    if known is None or rule != "digits":
        return None
    factor, needs_money = known
    after = [a.lower for a in atoms[k + 1 : k + 4]]
    if needs_money and not signed:
        plural = any(map(is_plural, after[:2]))
        if tuple(after[:1]) in currencies()[1]:
            return factor
        return factor if factor == 1e6 and atoms[k].glued and plural and not _measures(after) else None
    if (
        atoms[k].text in ("m", "M", "b", "B", "t", "T", "k", "K")
        and not atoms[k].glued
        and not (signed and len(atoms[k].text) == 1 and atoms[k].text in "mMbB")
    ):
        return None
    return factor


def _measures(after: Sequence[str]) -> bool:
    return bool(after) and after[0] in ("hurdles", "sprints", "metres", "races", "times")


def _from_words(atoms: Sequence[Atom], i: int) -> Cardinal | None:
    """Number words from atom i on, as far as they make one number."""
    known, factors = number_words(), scales()
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
        elif word in factors:
            factor = factors[word]
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
        if atoms[k].text in "-‐‑" and atoms[k].glued and atoms[k + 1].glued and (following in number_words() or following in scales()):
            return k + 1
        if atoms[k].lower == "and" and scale >= 100 and scale != 12 and following in number_words() and not _has_unit(atoms, k):
            return k + 1
    return k


def _has_unit(atoms: Sequence[Atom], k: int) -> bool:
    return unit_after(atoms, k, 1) is not None


def _and_a_half(atoms: Sequence[Atom], k: int) -> tuple[float, int] | None:
    """The 0.5 of "two and a half"."""
    if k + 2 >= len(atoms):
        return None
    # "two-and-a-half-year" has hyphens where "two and a half years" has spaces
    rest = [(n, a.lower) for n, a in enumerate(atoms[k : k + 7], k) if a.text not in DASHES]
    if len(rest) >= 3 and rest[0][1] == "and" and rest[1][1] in ("a", "one", "three") and rest[2][1] in ("half", "quarter", "quarters", "third"):
        times = 3 if rest[1][1] == "three" else 1
        return times / fractions()[rest[2][1]], rest[2][0] + 1
    return None


def share(atoms: Sequence[Atom], i: int) -> tuple[float, int, str] | None:
    """Half of, a third of, two-thirds, one in five, three out of ten: in percent."""
    return None if _part_of_scale(atoms, i) else _fraction(atoms, i) or _ratio(atoms, i)


def _fraction(atoms: Sequence[Atom], i: int) -> tuple[float, int, str] | None:
    count, k = 1.0, i
    if atoms[i].lower in number_words():
        count, k = number_words()[atoms[i].lower][0], i + 1
        if k < len(atoms) and atoms[k].text in DASHES and atoms[k].glued:
            k += 1
    elif atoms[i].lower in ("a", "an"):
        k = i + 1
    if k >= len(atoms):
        return None
    word = atoms[k].lower
    parts = fractions().get(word)
    if parts is None or not 0 < count < parts or word.endswith("s") != (count > 1) or (i and atoms[i - 1].text in DASHES and atoms[i].glued):
        return None
    rest = [a.lower for a in atoms[k + 1 : k + 3]] + ["", ""]
    before = atoms[i - 1].lower if i else ""
    if word == "half":
        if before in ("first", "second", "other", "and", "third", "latter", "better", "opening") or (k == i and rest[0] in DASHES):
            return None
        wanted = k > i or rest[0] in words("after_half") or before in words("before_share")
    elif k == i:
        return None
    elif count > 1:
        wanted = word not in ("quarters", "halves") or rest[0] == "of" or atoms[k].glued
    else:
        wanted = (
            rest[0] in ("of", "more", "less", "fewer", "higher", "lower")
            or before in ("by", "than", "nearly", "almost")
            or (atoms[i].lower == "one" and parts > 2)
        )
        wanted = wanted and not (
            word in ("quarter", "fourth")
            and rest[0] in ("more", "less", "fewer", "higher", "lower")
            and before not in ("by", "than", "nearly", "almost")
        )
    return (100 * count / parts, k + 1, "fraction") if wanted else None


_RATIO_BASES = frozenset(
    (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 15.0, 20.0, 25.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 10000.0, 100000.0, 1000000.0)
)


def _ratio(atoms: Sequence[Atom], i: int) -> tuple[float, int, str] | None:
    """One in five; three out of 10. The base is round and nothing else may follow that makes it a place or time."""
    value = plain(atoms[i])
    if value is None or value < 1 or (i and atoms[i - 1].text in DASHES and atoms[i].glued):
        return None
    k = i + 1
    joiner = [a.lower for a in atoms[k : k + 3]]
    if joiner[:2] == ["out", "of"]:
        k += 2
    elif joiner[:1] == ["in"] or (joiner[:3:2] == ["-", "-"] and joiner[1] == "in"):
        k += 1 if joiner[0] == "in" else 3
    else:
        return None
    if joiner[:2] == ["out", "of"] and k < len(atoms) and atoms[k].lower == "every":
        k += 1
    if k < len(atoms) and atoms[k].lower == "every":
        k += 1
    base = cardinal(atoms, k) if k < len(atoms) and (plain(atoms[k]) is not None or atoms[k].lower == "a") else None
    if base is None or base.value not in _RATIO_BASES or base.value <= value or (value > 20 and joiner[0] == "in"):
        return None
    after = unit_after(atoms, base.stop, base.scale)
    if after is not None or (joiner[0] == "in" and base.stop < len(atoms) and atoms[base.stop].lower in words("tries")):
        return None
    return 100 * value / base.value, base.stop, "ratio"
