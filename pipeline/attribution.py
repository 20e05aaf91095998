"""Who a text says something comes from: subjects of reporting verbs, "according to", makers of reports.

The originator counts, not the outlet that passes it on: of several voices around a statement the innermost is taken.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from spacy.tokens import Doc, Token

from pipeline.lexicon import table, words
from pipeline.tables import ExtractedMention, Sentence


class Voice(NamedTuple):
    """A source: its mention, if it is named, and its words. Both are None for one the text leaves unnamed."""

    mention: ExtractedMention | None
    text: str | None
    rule: str


class Frame(NamedTuple):
    """The tokens from `low` to `high` (exclusive) come from `voice`; those from `hole` to `hole_end` are the voice itself."""

    low: int
    high: int
    hole: int
    hole_end: int
    voice: Voice


_UNNAMED = Voice(None, None, "unnamed source")
_SUBJECTS = frozenset(("nsubj", "nsubjpass"))
_NOUNS = frozenset(("NOUN", "PROPN"))
_CLIMB = 12
"""Steps up a tree before giving up: what governs a number is near, and a list of thousands stays linear."""


class Attribution:
    """The voices of one article, sentence by sentence in reading order."""

    def __init__(self, doc: Doc, mentions: Sequence[ExtractedMention], mention_at: Mapping[int, ExtractedMention]) -> None:
        self._doc = doc
        self._mentions = mentions
        self._mention_at = mention_at
        self._frames: list[Frame] = []
        self._last: Voice | None = None
        self._maker: Voice | None = None
        """Who made the report the text speaks of."""

    def read(self, sentence: Sentence, low: int, high: int) -> None:
        """Go on to the sentence with the tokens from `low` to `high` (exclusive)."""
        tokens = [self._doc[i] for i in range(low, high)]
        self._frames = []
        for token in tokens:
            frame = self._frame(token, low, high)
            if frame is not None:
                self._frames.append(frame)
        self._note_maker(tokens)
        outermost = max((f for f in self._frames if f.voice.text), key=lambda f: f.high - f.low, default=None)
        if outermost is not None:
            self._last = outermost.voice
        elif any(t.pos_ in ("VERB", "AUX") for t in tokens) and not any(t.lower_ in ("it", "they", "he", "she") for t in tokens[:3]):
            self._last = None if self._last is None else self._last._replace(rule="stale")

    def voice(self, token: Token) -> Voice | None:
        """Whoever this token of the sentence read last comes from; None when it is the article's own voice."""
        around = [f for f in self._frames if f.low <= token.i < f.high and not f.hole <= token.i < f.hole_end]
        return min(around, key=lambda f: f.high - f.low).voice if around else None

    @property
    def main(self) -> Voice | None:
        """The voice that the sentence read last has overall."""
        return max(self._frames, key=lambda f: f.high - f.low).voice if self._frames else None

    # --- frames -------------------------------------------------------------------------------------------------------

    def _frame(self, token: Token, low: int, high: int) -> Frame | None:
        lemma = token.lemma_.lower()
        if lemma == "accord" or token.lower_ == "according":
            return self._according(token, low, high)
        if token.pos_ not in ("VERB", "AUX"):
            return None
        subject = _subject(token)
        agent = _agent(token)
        if agent is not None and lemma in words("reporting_verbs"):
            voice = self._resolved(agent)
            return Frame(low, high, agent.left_edge.i, agent.right_edge.i + 1, voice._replace(rule=f"{token.lower_} by")) if voice else None
        if subject is None or subject.dep_ == "nsubjpass":
            return None
        said = lemma in words("reporting_verbs")
        report = subject.lemma_.lower() in words("report_nouns")
        found = lemma in words("finding_verbs") and self._is_organisation(subject)
        if not (report or found or said and _speaks(token)):
            return None
        voice = self._resolved(subject)
        if voice is None:
            return None
        start, end = _reach(token, low, high)
        return Frame(start, end, subject.left_edge.i, subject.right_edge.i + 1, voice._replace(rule=f"{voice.rule}: {subject.text} {token.text}"))

    def _according(self, token: Token, low: int, high: int) -> Frame | None:
        to = next((t for t in token.children if t.lower_ == "to"), None)
        if to is None and token.i + 1 < len(self._doc) and self._doc[token.i + 1].lower_ == "to":
            to = self._doc[token.i + 1]
        named = next((t for t in to.children if t.dep_ in ("pobj", "nsubj")), None) if to is not None else None
        if named is None:
            return None
        voice = self._resolved(named) or _UNNAMED
        return Frame(low, high, token.i, named.right_edge.i + 1, voice._replace(rule=f"{voice.rule}: according to"))

    def _note_maker(self, tokens: Sequence[Token]) -> None:
        """Remember who published a report, for "the report says" later on."""
        for token in tokens:
            if token.pos_ in _NOUNS and token.lemma_.lower() in words("report_nouns"):
                maker = self._named_maker(token)
                if maker is not None:
                    self._maker = maker

    # --- who is meant -------------------------------------------------------------------------------------------------

    def _resolved(self, token: Token) -> Voice | None:
        """The voice that a noun or pronoun stands for; one without text when it is unnamed, None when it is no voice."""
        lower, lemma = token.lower_, token.lemma_.lower()
        mention = self._mention_at.get(token.i)
        if lemma in words("report_nouns"):
            made = self._named_maker(token)
            if made is not None:
                return made
            if mention is None:
                return self._maker._replace(rule="maker of the report") if self._maker and _is_definite(token) else _UNNAMED
        if mention is not None:
            return Voice(mention, mention.text, "named")
        if token.pos_ == "PRON":
            if lower in ("who", "which", "that"):
                return self._resolved(token.head.head) if token.head.dep_ == "relcl" and token.head.head.pos_ != "PRON" else None
            if lower in ("it", "they", "he", "she") and self._last is not None and self._last.rule != "stale":
                return self._last._replace(rule="pronoun")
            return _UNNAMED
        if lemma in words("authority_nouns"):
            authority = self._authority(token)
            if authority is not None:
                return authority
        appositive = next((t for t in token.children if t.dep_ == "appos" and t.i in self._mention_at), None)
        if appositive is not None:
            return Voice(self._mention_at[appositive.i], self._mention_at[appositive.i].text, "apposition")
        belonging = self._within(token, ("organisation",))
        if belonging is not None:
            return Voice(belonging, belonging.text, "speaks for")
        if lemma in words("organisation_nouns") and _is_definite(token):
            back = self._before(token)
            if back is not None:
                return Voice(back, back.text, "refers back")
        demonym = _demonym(token)
        if demonym and lemma == "police":
            return Voice(None, f"{demonym} police", "authorities")
        return _UNNAMED

    def _named_maker(self, report: Token) -> Voice | None:
        mention = self._within(report, ("organisation", "person"))
        if mention is not None:
            return Voice(mention, mention.text, "maker of the report")
        verb = report.head
        if report.dep_ in ("dobj", "attr") and verb.lemma_.lower() in words("publishing_verbs"):
            subject = _subject(verb)
            if subject is not None and subject.i in self._mention_at:
                named = self._mention_at[subject.i]
                return Voice(named, named.text, "maker of the report")
        if report.dep_ in ("dobj", "pobj", "nsubj", "attr"):
            authority = next((self._authority(t) for t in _owners(report) if t.lemma_.lower() in words("authority_nouns")), None)
            return authority
        return None

    def _within(self, token: Token, types: tuple[str, ...]) -> ExtractedMention | None:
        """A mention that belongs to the noun: X's report, the X report, a report by X, published by X, a spokesman for X."""
        for owner in _owners(token):
            mention = self._mention_at.get(owner.i)
            if mention is not None and mention.type in types:
                return mention
        return None

    def _authority(self, token: Token) -> Voice | None:
        demonym = _demonym(token)
        if demonym:
            return Voice(None, f"{demonym} government", "authorities")
        place = self._within(token, ("country", "city", "region"))
        return Voice(place, place.text, "authorities") if place is not None else None

    def _is_organisation(self, token: Token) -> bool:
        mention = self._mention_at.get(token.i)
        return mention is not None and mention.type == "organisation"

    def _before(self, token: Token) -> ExtractedMention | None:
        """The organisation that "the ministry" or "the group" means: the last one before it, with that word in its name if any has."""
        earlier = [m for m in self._mentions if m.end <= token.idx and m.type == "organisation"][-20:]
        word = token.lemma_.lower()
        alike = [m for m in earlier if word in m.name.lower().split()]
        return (alike or earlier or [None])[-1]  # type: ignore[list-item]


@cache
def _demonyms() -> frozenset[str]:
    return frozenset(row["word"] for row in table("demonyms"))


def _demonym(token: Token) -> str | None:
    return next((t.text for t in token.lefts if t.text in _demonyms()), None)


def _subject(verb: Token) -> Token | None:
    """Its subject, or that of the verb it is joined to (X said A and added B)."""
    for _ in range(4):
        for child in verb.children:
            if child.dep_ in _SUBJECTS:
                return child
        if verb.dep_ not in ("conj", "xcomp"):
            return None
        verb = verb.head
    return None


def _agent(verb: Token) -> Token | None:
    by = next((t for t in verb.rights if t.dep_ == "agent"), None)
    return next((t for t in by.children if t.dep_ == "pobj"), None) if by is not None else None


def _owners(noun: Token) -> Iterator[Token]:
    """Tokens that say whose something is, nearest relation first."""
    for child in noun.children:
        if child.dep_ in ("poss", "compound", "nmod", "amod"):
            yield child
    for child in noun.rights:
        if child.dep_ == "prep" and child.lower_ in ("by", "from", "of", "for", "at", "in", "with"):
            for inner in child.children:
                if inner.dep_ == "pobj":
                    yield inner
        if child.dep_ == "acl":
            agent = _agent(child)
            if agent is not None:
                yield agent


def _is_definite(token: Token) -> bool:
    return any(t.dep_ in ("det", "poss") and t.lower_ in ("the", "this", "that", "these", "its", "their") for t in token.lefts)


def _speaks(verb: Token) -> bool:
    """Whether the verb has something said: a clause, a quotation, or is put in ("..., X said")."""
    if verb.dep_ in ("parataxis", "advcl") or verb.lemma_.lower() in ("say", "add", "tell"):
        return True
    return any(t.dep_ in ("ccomp", "parataxis", "dobj", "xcomp", "prep", "oprd") for t in verb.children)


def _reach(verb: Token, low: int, high: int) -> tuple[int, int]:
    """The tokens that a reporting verb covers: its subtree, and for one put in the clause that it is put into."""
    top = verb
    inserted = verb.dep_ == "parataxis" or (verb.dep_ == "advcl" and any(t.dep_ == "mark" and t.lower_ == "as" for t in verb.lefts))
    if inserted:
        top = verb.head
    return max(low, top.left_edge.i), min(high, top.right_edge.i + 1)
