"""Dates and clock times in a sentence, with the days, months or years they mean.

Dates that name no year, and relative ones (last week, on Tuesday), are read from the day of publication: news looks back,
so an incomplete date is the latest one that is not after it. Without that day they stay unresolved. Where a date stands
matters even then, because its numbers are no claims.
"""

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from pipeline.lexicon import table, words


class Moment(NamedTuple):
    """A stretch of text that states a time. `first` and `last` are ISO 8601 at the precision known."""

    start: int
    end: int
    first: str | None
    last: str | None
    rule: str
    counts: bool = False
    """Whether its numbers are quantities all the same (the two of "two weeks ago")."""

    @property
    def known(self) -> bool:
        return self.first is not None or self.last is not None


def moments(text: str, published: str | None) -> list[Moment]:
    """The times stated in a sentence, in order and without overlaps; intervals ("from May to July") as one.

    `published` is the article's date, ISO 8601 at any precision. What stands in a clock time is returned too, with neither
    a first nor a last day.
    """
    if not _hint().search(text):
        return []
    today = _day(published)
    found: list[Moment] = []
    for match in _grammar().finditer(text):
        rule = next(name for name in _RULES if match[name])
        moment = _RULES[rule](match, today)
        if moment is not None:
            found.append(moment)
    return _joined(text, found)


# --- what a date looks like -------------------------------------------------------------------------------------------

_YEAR = r"(?:1[5-9]|20)\d\d"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_COUNT = r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|few|couple of|several)"
_PART = r"(?:(?P<{0}>(?:start|beginning|end|middle|close)\s+of|early|late|mid)[\s-]+(?:the\s+)?)?"


@cache
def _hint() -> re.Pattern[str]:
    return re.compile(rf"\d|\b(?:{_months()})\b|\b(?:{_weekdays()})\b|\b(?:week|month|year|day|quarter|decade|{_relative()})", re.I)


@cache
def _month_numbers() -> dict[str, int]:
    return {row["form"]: int(row["month"]) for row in table("months")}


@cache
def _weekday_numbers() -> dict[str, int]:
    return {row["form"]: int(row["day"]) for row in table("weekdays")}


@cache
def _day_offsets() -> dict[str, int]:
    return {row["form"]: int(row["days"]) for row in table("relative_days")}


def _longest_first(forms: dict[str, int]) -> str:
    return "|".join(sorted(map(re.escape, forms), key=len, reverse=True))


def _months() -> str:
    return _longest_first(_month_numbers())


def _weekdays() -> str:
    return _longest_first(_weekday_numbers())


def _relative() -> str:
    return _longest_first(_day_offsets())


@cache
def _grammar() -> re.Pattern[str]:
    """One alternative a rule; the first that fits wins, so the more specific stand first."""
    month, weekday = rf"(?:{_months()})\b\.?", rf"(?:{_weekdays()})"
    part = _PART.format
    return re.compile(
        "|".join(
            (
                r"(?P<era>\b(?:A\.?D\.?|B\.?C\.?)\s+\d{1,4}(?:\s*(?:and|to|-|–)\s*\d{1,4})?\b|\b\d[\d,]{0,6}\s+(?:BCE?|B\.C\.|CE|AD)(?!\w))",
                rf"(?P<iso>\b{_YEAR}-\d\d-\d\d\b)",
                r"(?P<clock>(?<![\d:.,])(?:[01]?\d|2[0-4])(?::[0-5]\d(?::[0-5]\d)?(?!\d)|(?:[.:][0-5]\d)?\s?(?:[ap]m\b|[ap]\.m\.|[AP]M\b|o['’]clock))(?:\s?[ap]\.?m\b\.?)?)",
                rf"(?P<dmy>\b(?P<d1>{_DAY})(?:\s?[-–]\s?(?P<d2>{_DAY}))?\s+(?:of\s+)?(?P<m1>{month})(?:,?\s+(?P<y1>{_YEAR})\b)?)",
                rf"(?P<mdy>\b(?P<m2>{month})\s+(?P<d3>{_DAY})(?:\s?[-–]\s?(?P<d4>{_DAY}))?(?![\d:%])(?!,\d\d\d)(?:,?\s+(?P<y2>{_YEAR})\b)?)",
                rf"(?P<my>\b{part('p1')}(?P<m3>{month})(?:\s+of)?,?\s+(?P<y3>{_YEAR})\b(?![,.]?\d|\s?%))",
                rf"(?P<slashed>(?<![\d/])(?P<n1>\d{{1,2}})[/.-](?P<n2>\d{{1,2}})[/.-](?P<y4>{_YEAR})\b)",
                rf"(?P<quarter>\b(?:[Qq](?P<q1>[1-4])|(?P<q2>first|second|third|fourth)[\s-]quarter|(?P<h>first|second)[\s-]half)(?:\s+of)?(?:\s+the)?(?:\s+(?:(?P<y5>{_YEAR})\b|(?P<ty>this|last|next)\s+year))?)",
                r"(?P<decade>(?:\b(?:early|mid|late)[\s-]+)?\b(?:1[5-9]|20)\d0['’]?s\b|['’]\d0s\b)",
                rf"(?P<years>(?<![\d,.$£€])\b(?P<y6>{_YEAR})\s?[-–/]\s?(?P<y7>{_YEAR}|\d\d)\b(?![,.]?\d|\s?%))",
                rf"(?P<ago>\b(?:about\s+|around\s+|some\s+)?(?P<n3>{_COUNT})\s+(?P<u1>day|week|month|year)s?\s+ago\b)",
                rf"(?P<span>\b(?:the|this|these|those)\s+(?:last|past|previous)\s+(?:(?P<n4>{_COUNT})\s+)?(?P<u2>day|week|month|year|decade)s?\b)",
                rf"(?P<named>\b{part('p2')}(?:earlier\s+|later\s+)?(?P<w1>last|this|next|previous|current)\s+(?:(?P<u3>week|month|year|quarter|weekend)\b|(?P<wd1>{weekday})\b|(?P<m4>{month})))",
                rf"(?P<relative>\b(?P<rd>{_relative()})\b)",
                rf"(?P<weekday>\b(?P<wd2>{weekday})\b)",
                rf"(?P<month>\b{part('p3')}(?P<m5>{month})(?:\s+(?P<ty2>this|last|next)\s+year)?)",
                rf"(?P<year>(?<![\d,.$£€¥₹#+/-])(?<!\d\s)\b{part('p4')}(?P<y8>{_YEAR})\b(?![,.:/]?\d|\s?[%°]|-[a-z]))",
            )
        )
    )


# --- what it means ----------------------------------------------------------------------------------------------------


def _day(published: str | None) -> date | None:
    """The day of publication; the middle of a year or month that is known alone would be a guess, so none."""
    try:
        day = date.fromisoformat((published or "")[:10])
    except ValueError:
        return None
    # further back, relative times would leave the calendar
    return day if day.year >= 1500 else None


def _iso(match: re.Match[str], today: date | None) -> Moment | None:
    return _moment(match, match["iso"], "iso date")


def _era(match: re.Match[str], today: date | None) -> Moment | None:
    return _moment(match, None, "year of an era")


def _clock(match: re.Match[str], today: date | None) -> Moment | None:
    return Moment(match.start(), match.end(), None, None, "clock time")


def _moment(match: re.Match[str], first: str | None, rule: str, last: str | None = None, counts: bool = False) -> Moment:
    return Moment(match.start(), match.end(), first, last if last is not None else first, rule, counts)


def _month_of(form: str) -> int:
    return _month_numbers()[form.rstrip(".")]


def _calendar_day(match: re.Match[str], day: str, until: str | None, month: int, year: str | None, today: date | None) -> Moment | None:
    number = int(re.sub(r"\D", "", day))
    chosen = int(year) if year else _past_year(month, number, today)
    if chosen is None or number > calendar.monthrange(chosen, month)[1]:
        return _moment(match, None, "date without a year")
    prefix = f"{chosen:04d}-{month:02d}-"
    last = f"{prefix}{int(re.sub(r'[^0-9]', '', until)):02d}" if until else None
    return _moment(match, f"{prefix}{number:02d}", "date" if year else "date, year of publication", last)


def _past_year(month: int, day: int, today: date | None) -> int | None:
    """The year in which that day last came round; a few weeks ahead of publication count as announced for the same year."""
    if today is None:
        return None
    ahead = (month - today.month) * 30 + day - today.day
    return today.year - 1 if ahead > 45 else today.year


def _dmy(match: re.Match[str], today: date | None) -> Moment | None:
    return _calendar_day(match, match["d1"], match["d2"], _month_of(match["m1"]), match["y1"], today)


def _mdy(match: re.Match[str], today: date | None) -> Moment | None:
    return _calendar_day(match, match["d3"], match["d4"], _month_of(match["m2"]), match["y2"], today)


def _my(match: re.Match[str], today: date | None) -> Moment | None:
    return _moment(match, f"{match['y3']}-{_month_of(match['m3']):02d}", "month and year")


def _slashed(match: re.Match[str], today: date | None) -> Moment | None:
    # 3/4/2022 is March in America and April elsewhere: only a number above 12 tells.
    one, two = int(match["n1"]), int(match["n2"])
    if one > 12 >= two:
        return _moment(match, f"{match['y4']}-{two:02d}-{one:02d}", "numeric date")
    if two > 12 >= one:
        return _moment(match, f"{match['y4']}-{one:02d}-{two:02d}", "numeric date")
    return _moment(match, match["y4"], "numeric date, day and month not told apart")


def _quarter(match: re.Match[str], today: date | None) -> Moment | None:
    year = int(match["y5"]) if match["y5"] else None
    if year is None and match["ty"] and today:
        year = today.year + {"last": -1, "this": 0, "next": 1}[match["ty"]]
    if match["h"] and year is None:
        return None
    if match["h"]:
        first, last = (1, 6) if match["h"] == "first" else (7, 12)
    else:
        number = int(match["q1"] or ("first", "second", "third", "fourth").index(match["q2"]) + 1)
        first, last = 3 * number - 2, 3 * number
    if year is None and today:
        year = today.year if last < today.month else today.year - 1
    if year is None:
        return _moment(match, None, "quarter without a year")
    return _moment(match, f"{year}-{first:02d}", "quarter" if not match["h"] else "half year", f"{year}-{last:02d}")


def _decade(match: re.Match[str], today: date | None) -> Moment | None:
    digits = re.search(r"(?:1[5-9]|20)\d0", match[0])
    return _moment(match, digits[0], "decade", str(int(digits[0]) + 9)) if digits else _moment(match, None, "decade")


def _years(match: re.Match[str], today: date | None) -> Moment | None:
    first, last = match["y6"], match["y7"]
    last = first[:2] + last if len(last) == 2 else last
    return _moment(match, first, "years", last) if last > first else None


def _count(text: str | None) -> int | None:
    """The number in a relative time: words as in `_COUNT`; None for several and a few."""
    text = text or "1"
    if text.isdigit():
        return int(text)
    if text in ("a", "an"):
        return 1
    return next((int(row["value"]) for row in table("number_words") if row["word"] == text), None)


def _shifted(today: date, unit: str, back: int) -> str:
    """The time `back` units before the day of publication, at the precision of the unit."""
    if unit == "day":
        return (today - timedelta(days=back)).isoformat()
    if unit == "week":
        return (today - timedelta(weeks=back)).isoformat()
    if unit == "month":
        year, month = divmod(today.year * 12 + today.month - 1 - back, 12)
        return f"{year:04d}-{month + 1:02d}"
    return f"{today.year - back * (10 if unit == 'decade' else 1):04d}"


def _ago(match: re.Match[str], today: date | None) -> Moment | None:
    back = _count(match["n3"])
    known = today is not None and back is not None
    # "three weeks ago" seldom means to the day: the day is dropped
    first = _shifted(today, match["u1"], back)[: 10 if match["u1"] == "day" else 7] if known and today and back is not None else None
    return _moment(match, first, "time ago", counts=True)


def _span(match: re.Match[str], today: date | None) -> Moment | None:
    back, unit = _count(match["n4"]), match["u2"]
    if today is None or back is None:
        return _moment(match, None, "time up to publication", counts=True)
    last = _shifted(today, "day" if unit == "week" else unit, 0)
    return _moment(match, _shifted(today, unit, back), "time up to publication", last, counts=True)


def _named(match: re.Match[str], today: date | None) -> Moment | None:
    if today is None:
        return _moment(match, None, "relative time")
    step = {"last": -1, "previous": -1, "this": 0, "current": 0, "next": 1}[match["w1"]]
    if match["wd1"]:
        return _moment(match, _weekday_near(today, _weekday_numbers()[match["wd1"]], ahead=step >= 0), "weekday")
    if match["m4"]:
        month = _month_of(match["m4"])
        year = today.year + (step if step > 0 or (step < 0 and month >= today.month) else 0)
        return _moment(match, f"{year}-{month:02d}", "relative month")
    unit = match["u3"]
    if unit in ("week", "weekend"):
        monday = today - timedelta(days=today.weekday()) + timedelta(weeks=step)
        first = monday + timedelta(days=5) if unit == "weekend" else monday
        return _moment(match, first.isoformat(), "relative week", (monday + timedelta(days=6)).isoformat())
    if unit == "quarter":
        number = today.year * 4 + (today.month - 1) // 3 + step
        year, quarter = divmod(number, 4)
        return _moment(match, f"{year}-{3 * quarter + 1:02d}", "relative quarter", f"{year}-{3 * quarter + 3:02d}")
    return _moment(match, _edge(_shifted(today, unit, -step), match["p2"]), f"relative {unit}")


def _weekday_near(today: date, weekday: int, ahead: bool) -> str:
    back = (today.isoweekday() - weekday) % 7
    return (today + timedelta(days=-back if not ahead or back == 0 else 7 - back)).isoformat()


def _relative_day(match: re.Match[str], today: date | None) -> Moment | None:
    if today is None:
        return _moment(match, None, "relative day")
    return _moment(match, (today + timedelta(days=_day_offsets()[match["rd"]])).isoformat(), "relative day")


def _weekday(match: re.Match[str], today: date | None) -> Moment | None:
    return _moment(match, _weekday_near(today, _weekday_numbers()[match["wd2"]], ahead=False) if today else None, "weekday")


def _month(match: re.Match[str], today: date | None) -> Moment | None:
    # May and March are words too, and April a name: a month alone needs a preposition before it.
    before = match.string[: match.start()].rsplit(None, 1)
    if not match["p3"] and not match["ty2"] and (not before or before[-1].lower() not in words("before_month")):
        return None
    month = _month_of(match["m5"])
    if today is None:
        return _moment(match, None, "month without a year")
    if match["ty2"]:
        year = today.year + {"last": -1, "this": 0, "next": 1}[match["ty2"]]
    else:
        year = today.year - 1 if month - today.month > 1 else today.year
    return _moment(match, f"{year}-{month:02d}", "month")


def _year(match: re.Match[str], today: date | None) -> Moment | None:
    return _moment(match, _edge(match["y8"], match["p4"]), "year") if _is_year(match) else None


def _is_year(match: re.Match[str]) -> bool:
    """Whether a bare number of four digits is a year: not when it counts the plural after it or follows a verb or bound."""
    before = match.string[max(0, match.start("y8") - 40) : match.start("y8")].split()
    after = re.match(r"\s+([^\W\d_]+)", match.string[match.end() :])
    previous, following = before[-1].lower() if before else "", after[1] if after else ""
    if following in _unit_words() or f"{previous}" in _bound_words():
        return False
    if not (following.islower() and ((following.endswith("s") and not following.endswith(("ss", "is", "us"))) or following in words("plurals"))):
        return True
    return previous in words("year_words") or (bool(before) and (before[-1][:1].isupper() or not previous[-1:].isalpha()))


@cache
def _unit_words() -> frozenset[str]:
    forms = {row["form"].split()[0] for row in table("units")} | {row["form"] for row in table("multipliers") if row["use"] == "word"}
    return frozenset(forms | {row["form"] for row in table("currencies") if row["place"] != "before"}) - {"in", "m", "s", "a"}


@cache
def _bound_words() -> frozenset[str]:
    """Last words of bounds that no year follows (more than 2000; but: in around 2000, over, under and some are left to it)."""
    return frozenset({"than", "least", "approximately", "nearly", "almost", "roughly", "some", "over", "exceeding", "estimated"})


def _edge(iso: str, part: str | None) -> str:
    """The first or last month of a year for its start or end; early and late stay the year."""
    if part and len(iso) == 4:
        if part.startswith(("start", "beginning")):
            return f"{iso}-01"
        if part.startswith(("end", "close")):
            return f"{iso}-12"
    return iso


_RULES: dict[str, Callable[[re.Match[str], date | None], Moment | None]] = {
    "era": _era,
    "iso": _iso,
    "clock": _clock,
    "dmy": _dmy,
    "mdy": _mdy,
    "my": _my,
    "slashed": _slashed,
    "quarter": _quarter,
    "decade": _decade,
    "years": _years,
    "ago": _ago,
    "span": _span,
    "named": _named,
    "relative": _relative_day,
    "weekday": _weekday,
    "month": _month,
    "year": _year,
}


# --- intervals --------------------------------------------------------------------------------------------------------


def _joined(text: str, found: list[Moment]) -> list[Moment]:
    """Two dates joined by and, to, until or a dash become an interval; since leaves the end open."""
    out: list[Moment] = []
    for moment in found:
        if out and _interval(text, out[-1], moment):
            start = out.pop()
            first = _month_before(text[start.start : start.end], moment) or start.first
            if first is not None and moment.last is not None and first > moment.last and start.rule.endswith("publication"):
                first = None
            out.append(Moment(start.start, moment.end, first, moment.last, "interval"))
        elif (
            re.search(r"\bsince\s+(?:the\s+)?$", text[max(0, moment.start - 12) : moment.start])
            and moment.known
            and not re.match(r",?\s+when\b", text[moment.end : moment.end + 8])
        ):
            out.append(moment._replace(last=None, rule=f"since {moment.rule}"))
        else:
            out.append(moment)
    return out


def _month_before(name: str, until: Moment) -> str | None:
    """The year of a bare month is that of the month up to which the interval goes: between May and July 2022."""
    month = _month_numbers().get(name.strip())
    if month is None or until.rule != "month and year" or until.last is None:
        return None
    year, last = int(until.last[:4]), int(until.last[5:7])
    return f"{year - (month > last):04d}-{month:02d}"


def _interval(text: str, first: Moment, second: Moment) -> bool:
    if not (first.known or second.known or first.rule == "month without a year") or "clock time" in (first.rule, second.rule):
        return False
    between = text[first.end : second.start]
    before = text[max(0, first.start - 16) : first.start].lower()
    if between.strip() in ("and", "to") and re.search(
        r"\b(?:between|from)\s+(?:the\s+)?$" if between.strip() == "and" else r"\bfrom\s+(?:the\s+)?$", before
    ):
        return True
    return between.strip() in ("until", "till", "through", "–", "-", "—") or (between.strip() == "to" and first.rule == second.rule)


def masked(found: list[Moment]) -> Iterator[tuple[int, int]]:
    """The stretches whose numbers are part of a date or clock time."""
    return ((moment.start, moment.end) for moment in found if not moment.counts)
