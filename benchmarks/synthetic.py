"""Seeded synthetic news articles: `python benchmarks/synthetic.py FOLDER COUNT [SEED]`. All names are invented."""

import random
import sys
from pathlib import Path

_FIRST = "Ada Bruno Chidi Dalia Emre Farah Goran Hana Ivo Jana Kofi Lena Milan Nadia Omar Petra Quim Rosa Tomas Vera Wen Zoran".split()  # noqa: SIM905
_LAST = "Abara Benitez Corvin Dahl Eskola Ferrand Galvan Horvat Ilic Jansky Kovar Moreau Nakai Okoro Pereira Quist Sato Tesfaye".split()  # noqa: SIM905
_STEM = "Quay Harbour River Forest Border Valley Grain Water Market School Bridge Coast Rail Winter Copper Orchard Lantern Meadow".split()  # noqa: SIM905
_KIND = "Watch|Institute|Defence League|Ministry|Police|Trust|Chamber of Commerce|Port Authority|Workers' Union|Journal".split("|")  # noqa: SIM905
_CITY = "Porto Faro Leeds Lyon Gdansk Graz Izmir Jaipur Kano Lima Malmo Nantes Osaka Plovdiv Quito Riga Turku Utrecht Varna".split()  # noqa: SIM905
_COUNTRY = "Portugal France Poland Austria Turkey India Nigeria Peru Sweden Japan Bulgaria Latvia Croatia Finland Spain".split()  # noqa: SIM905
_THING = "boats|patients|schools|farmers|complaints|inspections|households|wells|bridges|arrests|workers|tonnes of grain".split("|")  # noqa: SIM905
_ROLE = "director|spokesperson|deputy minister|chief inspector|chair|mayor|president|secretary-general".split("|")  # noqa: SIM905
_TEMPLATES = (
    "{org} counted {n} {thing} in {city}, {country}, according to a report published on Tuesday.",
    "{person}, {role} of {org}, said that at least {n} {thing} had been affected since {month}.",
    "“We found {n} {thing} in {city} alone,” {person} told reporters in {country}.",
    "The {stem} Bridge between {city} and {city2} was closed for {small} days.",
    "{org} spent €{small}.{digit} million on {thing}, {pct} per cent more than a year earlier.",
    "Officials in {country} denied the figures and spoke of only {small} {thing}.",
    "Three {thing} were reported in {city}, another {small} in {city2} and one in {city3}.",
    "It was not clear on Monday who would pay for the work, which {org} began last year.",
    "{person} and {person2} met in {city2} to discuss the matter with {org2}.",
    "More than {n} people signed a petition that {org2} handed to the government of {country}.",
)


def article(dice: random.Random) -> str:
    """A headline and about 200 words in five paragraphs."""

    def org() -> str:
        return f"{dice.choice(_STEM)} {dice.choice(_KIND)}"

    def person() -> str:
        return f"{dice.choice(_FIRST)} {dice.choice(_LAST)}"

    def sentence() -> str:
        city, city2, city3 = dice.sample(_CITY, 3)
        return dice.choice(_TEMPLATES).format(
            org=org(), org2=org(), person=person(), person2=person(), role=dice.choice(_ROLE), stem=dice.choice(_STEM), city=city, city2=city2,
            city3=city3, country=dice.choice(_COUNTRY), thing=dice.choice(_THING), n=f"{dice.randrange(20, 9000):,}", small=dice.randrange(2, 20),
            digit=dice.randrange(10), pct=dice.randrange(2, 90), month=dice.choice(("January", "March", "June", "October")),
        )  # fmt: skip

    title = f"{org()} counts {dice.choice(_THING)} in {dice.choice(_CITY)}"
    return "\n\n".join([title, *(" ".join(sentence() for _ in range(3)) for _ in range(5))]) + "\n"


def write(folder: Path, count: int, seed: int = 0) -> None:
    """Write `count` articles as text files, a thousand to a folder."""
    dice = random.Random(seed)
    for number in range(count):
        path = folder / f"{number // 1000:05}" / f"{number % 1000:03}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(article(dice), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), *map(int, sys.argv[3:4]))
