"""A number in its sentence: what the parts of the claims stage look at."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from spacy.tokens import Doc, Token

from pipeline.rules.attribution import Attribution, Voice
from pipeline.rules.dates import Moment
from pipeline.rules.numbers import Number
from pipeline.tables import ExtractedMention, Sentence

NOUNS = frozenset(("NOUN", "PROPN"))
VERBS = frozenset(("VERB", "AUX"))
MODIFIES = frozenset(("nummod", "quantmod", "compound", "amod", "nmod", "npadvmod"))
PLACES = frozenset(("city", "country", "region"))
CLIMB = 12
"""Steps up a tree before giving up: what governs a number is near, and a list of thousands stays linear."""
NEAR = 6
"""Times and numbers on either side that are looked at: lists of thousands stay linear."""


@dataclass
class Counted:
    """What an earlier number counted, for numbers that leave it out."""

    phrase: str
    main: bool
    """Not merely where or among what something is (in 25 cities)."""
    kind: str
    unit: str | None
    value: float | None
    stop: int
    """The token after it."""
    sentence: int
    """The place of its sentence."""
    voice: Voice | None = None
    top: bool = False
    """With the main verb of its sentence."""
    total: bool = False
    """Said to be a total, a number or a figure."""


@dataclass(frozen=True)
class Site:
    """A number in its sentence: tokens `low` to `high` hold it, up to `stop` with its unit."""

    number: Number
    start: int
    end: int
    low: int
    high: int
    stop: int
    root: Token
    verb: Token | None


@dataclass(frozen=True)
class Page:
    """A sentence with all that is needed to read its numbers."""

    doc: Doc
    text: str
    sentence: Sentence
    place: int
    """Its place among the article's sentences."""
    low: int
    high: int
    mention_at: Mapping[int, ExtractedMention]
    quotes: Sequence[tuple[int, int]]
    times: Sequence[Moment]
    starts: Sequence[int]
    sites: list[Site]
    before: Sequence[Counted]
    """What the numbers of the last sentences counted."""
    known: dict[float, Counted]
    """What each value counted where the article gave it first."""
    attribution: Attribution
    counted: list[Counted] = field(default_factory=list)

    def token(self, i: int) -> Token | None:
        return self.doc[i] if self.low <= i < self.high else None


def neighbours(page: Page, site: Site) -> Iterator[Site]:
    k = bisect_left(page.sites, site.low, key=lambda other: other.low)
    return (other for other in page.sites[max(0, k - NEAR) : k + NEAR] if other.low != site.low)


def place_of(page: Page, token: Token) -> str:
    mention = page.mention_at.get(token.i)
    return mention.mention_id if mention is not None and mention.type in PLACES else ""


def is_place_or_time(page: Page, token: Token) -> bool:
    mention = page.mention_at.get(token.i)
    if mention is not None and mention.type in PLACES:
        return True
    at = token.idx - page.sentence.start
    return any(m.start <= at < m.end for m in page.times)


def is_setting(noun: Token) -> bool:
    return noun.dep_ == "pobj" and noun.head.lower_ not in ("of", "by", "to")
