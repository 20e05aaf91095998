"""What a place's name says about it, without a gazetteer of cities: countries, regions, nationalities."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from pipeline.lexicon import table


class Place(NamedTuple):
    """A country or region that the lexicon knows: the country has ISO 3166-1's code, null where there is none."""

    place_id: str
    type: str
    name: str
    country: str | None


@cache
def _countries() -> dict[str, Place]:
    return {row["alias"]: Place(f"country:{row['code']}", "country", row["name"], row["code"]) for row in table("countries")}


@cache
def _regions() -> dict[str, Place]:
    return {row["alias"]: _region(row) for row in table("regions")}


@cache
def _abbreviations() -> dict[str, Place]:
    return {row["alias"]: _region(row) for row in table("state_abbreviations")}


def _region(row: Mapping[str, str]) -> Place:
    return Place(f"region:{row['id']}", "region", row["name"], row["country"] or None)


@cache
def _demonyms() -> dict[str, str]:
    return {row["word"]: row["code"] for row in table("demonyms")}


@cache
def place_heads() -> dict[str, str]:
    """Words such as Province and City -> region, city, or nothing for places that are no names of ours."""
    return {row["word"]: row["type"] for row in table("place_heads")}


def country(text: str) -> Place | None:
    """The country of that name."""
    return _countries().get(text)


def region(text: str) -> Place | None:
    """The region of that name; `Fujian Province` and `Province of Fujian` are Fujian."""
    found = _regions().get(text) or _abbreviations().get(text)
    if found:
        return found
    words = text.split()
    if len(words) > 1 and place_heads().get(words[-1]) == "region":
        return _regions().get(" ".join(words[:-1]))
    if len(words) > 2 and words[1] == "of" and place_heads().get(words[0]) == "region":
        return _regions().get(" ".join(words[2:]))
    return None


def nationality(word: str) -> str | None:
    """ISO 3166-1 code that an adjective or noun of nationality stands for: Peruvian -> PE."""
    return _demonyms().get(word)


def place_type(text: str, homes: Mapping[str, int] | None = None, said: str | None = None) -> str:
    """city, country or region, for a name that is known to be a place's; "" for a kind of place that is none of them.

    The lexicon decides, then the name's own head word, then what the article says of it (`said`); all else is a city.
    `homes` counts the states that the article speaks of: a country whose name is also a region's is the region where
    the article speaks of the region's state rather.
    """
    state, area = country(text), region(text)
    if state and area and area.country != state.country and homes and homes.get(area.country or "", 0) > homes.get(state.country or "", 0):
        return "region"
    if state:
        return "country"
    if area:
        return "region"
    words = text.split()
    if len(words) > 1:
        first, last = place_heads().get(words[0]), place_heads().get(words[-1])
        # Lake Nordvik, Port of Nordvik; but Port Nordvik and Castle Nordvik are towns.
        found = last if last is not None else first if first == "region" or words[1] == "of" else None
        if found is not None:
            return found
    return "city" if said is None else said
