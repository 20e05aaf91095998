"""Our own saved pages, a layout each: what is furniture, what stays, and what the page says about itself."""

import sys
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.stages.ingest import Source, ingest
from pipeline.tables import Article

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from furniture import PAGES, measure, rates

PRECISION = 0.99
RECALL = 0.95
"""Floors: raise them when the rules get better."""

PATHS = sorted(PAGES.glob("*.txt"))


def page(name: str) -> Article:
    (row,) = ingest(Source(name, f"{name}.txt", ".txt", (PAGES / f"{name}.txt").read_bytes()), Settings())["articles"]
    assert isinstance(row, Article)
    return row


def test_pages_are_many() -> None:
    assert len(PATHS) >= 30
    assert len({path.stem.split("-")[0] for path in PATHS}) >= 10


def test_furniture_of_all_pages_is_above_the_floors() -> None:
    precision, recall = rates([measure(path) for path in PATHS])
    assert precision >= PRECISION
    assert recall >= RECALL


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_line_of_the_article_is_lost(path: Path) -> None:
    assert measure(path).lost == []


@pytest.mark.parametrize(
    ("name", "title", "publisher", "author", "published"),
    [
        ("paper-bridge", "Bridge to close for 14 weeks, county says", "Tolgarth Mercury", "Carys Penhale", "2024-07-03"),
        ("paper-fire", "FIRE DESTROYS 3 BARNS NEAR OULTON", None, "Marguerite Slade", "2024-01-12"),
        ("wire-grain", None, "Corvid Press", None, "2022-03-03"),
        ("wire-flood", "Floods displace 12,000 in river delta", "Corvid Press", None, "2023-08-22"),
        ("portal-vaccine", "Vaccine drive reaches 2.1 million children", None, "Joanna Breck", "2024-04-07"),
        ("portal-strike", "Dockers strike over 4.5% pay offer", None, "Hanne Rasmussen", "2024-09-24"),
        ("aggregator-theft", "Thieves take 40 tonnes of cheese", "The Curd Tribune", None, None),
        ("translated-port", "The port of Sfax receives 9 ships with wheat", None, "Leila Ben Amor", "2023-02-13"),
        ("translated-tram", "Trams of the capital stop for the third day", None, None, None),
        ("broadcaster-storm", "STORM KNOCKS OUT POWER TO 58,000 HOMES", "KPLX", "Darnell Whitcomb", "2023-06-12"),
        ("broadcaster-radio", "Archive of 9,000 folk songs goes online", "Radio Vesna", None, None),
        ("magazine-hardwrapped", "Register strikes off nine tugs after hull survey", "HARBOUR & KEEL MONTHLY", None, "2023-07-20"),
        ("magazine-chess", "How a bus driver beat 3 grandmasters", None, "Ewa Stolarz", None),
        ("blog-bread", "Why our village saved its bakery", None, "Tamsin Orrell", "2024-03-04"),
        ("forum-live", "Live: trial of the Orrin eight", None, None, None),
    ],
)
def test_metadata_of_pages(name: str, title: str | None, publisher: str | None, author: str | None, published: str | None) -> None:
    row = page(name)
    assert (row.title, row.publisher, row.author, row.published) == (title, publisher, author, published)
