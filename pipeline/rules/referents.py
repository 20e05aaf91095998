"""Which named person or organisation a common noun means: "the museum", "the inspector", "police", "a Leeds hospital"."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from spacy.tokens import Doc, Token

from pipeline.lexicon import table, words
from pipeline.tables import ExtractedMention

_WIDTH = 60
"""Children of a token that are looked at: enough for prose, and lists of thousands stay linear."""
_MANY = 60
"""Mentions before and after a noun that are looked at."""
_FORWARD = 700
"""Characters within which a story names what it opens with ("A hospital said ...")."""
_BESIDE = 60
"""Characters on either side of a person within which the role stands."""


def near(token: Token, side: Literal["children", "lefts", "rights"]) -> Iterator[Token]:
    """A token's children; none when it has more than any in prose has."""
    # spaCy collects all children before it yields the first, so cutting the iteration short would save nothing
    found: Iterator[Token] = getattr(token, side) if token.n_lefts + token.n_rights <= _WIDTH else iter(())
    return found


class Referents:
    """The named persons and organisations of one article, in order."""

    def __init__(self, doc: Doc, mentions: Sequence[ExtractedMention], mention_at: Mapping[int, ExtractedMention]) -> None:
        self._doc = doc
        self._mentions = mentions
        self._starts = [m.start for m in mentions]
        self._mention_at = mention_at

    def organisation(self, noun: Token) -> ExtractedMention | None:
        """The organisation a noun means: one whose name has the noun, before it or, at first naming, after it; else the last one."""
        lemma = noun.lemma_.lower()
        stands_for = [row["name_word"] for row in table("stands_for") if row["noun"] == lemma]
        grouped = lemma in words("group_references") or lemma in words("organisation_nouns")
        if not (grouped or stands_for):
            return None
        forms = {lemma, noun.lower_, *stands_for}
        described = {t.lower_ for t in noun.subtree if t.i <= noun.i} if noun.i - noun.left_edge.i < 10 else set()
        earlier = [m for m in self._before(noun) if m.type == "organisation"]
        alike = [m for m in earlier if forms.intersection(_forms(m))]
        if alike:
            return max(alike, key=lambda m: (len(described.intersection(_forms(m))), m.start))
        at = bisect_left(self._starts, noun.idx)
        later = [m for m in self._mentions[at : at + _MANY] if m.type == "organisation" and m.start - noun.idx < _FORWARD]
        alike = [m for m in later if forms.intersection(_forms(m)) or len((described - {"the", "a", "of"}).intersection(_forms(m))) > 0]
        if alike and not (is_definite(noun) and earlier):
            return alike[0]
        if not grouped or not is_definite(noun):
            return None
        if lemma not in words("media_nouns"):
            earlier = [m for m in earlier if not words("media_nouns").intersection(_forms(m))] or earlier
        return earlier[-1] if earlier else None

    def person(self, noun: Token) -> ExtractedMention | None:
        """The person "the minister" means: the last one named with that role."""
        lemma = noun.lemma_.lower()
        if not is_definite(noun) or not any(row["word"] == lemma for row in table("roles")):
            return None
        people = [m for m in self._before(noun) if m.type == "person"]
        text = self._doc.text
        return next((m for m in reversed(people) if lemma in text[max(0, m.start - _BESIDE) : m.end + _BESIDE].lower()), None)

    def last(self, token: Token, types: Sequence[str], within: int) -> ExtractedMention | None:
        """The last mention of these types before a token, within some characters."""
        return next((m for m in reversed(self._before(token)) if m.type in types and token.idx - m.end < within), None)

    def _before(self, token: Token) -> list[ExtractedMention]:
        upto = bisect_left(self._starts, token.idx)
        return [m for m in self._mentions[max(0, upto - _MANY) : upto] if m.end <= token.idx]


def _forms(mention: ExtractedMention) -> set[str]:
    return {*mention.name.lower().split(), *mention.text.lower().split()}


def passive_agent(verb: Token) -> Token | None:
    """The noun after "by"."""
    by = next((t for t in near(verb, "rights") if t.dep_ == "agent"), None)
    return next((t for t in near(by, "children") if t.dep_ == "pobj"), None) if by is not None else None


def owners(noun: Token) -> Iterator[Token]:
    """Tokens that say whose something is, nearest relation first."""
    for child in near(noun, "children"):
        if child.dep_ in ("poss", "compound", "nmod", "amod"):
            yield child
    for child in near(noun, "rights"):
        if child.dep_ == "prep" and child.lower_ in ("by", "from", "of", "for", "at", "in", "with"):
            for inner in near(child, "children"):
                if inner.dep_ == "pobj":
                    yield inner
        if child.dep_ == "acl" and child.lemma_.lower() not in words("passing_verbs"):
            agent = passive_agent(child)
            if agent is not None:
                yield agent


def is_definite(noun: Token) -> bool:
    return any(t.dep_ == "poss" or (t.dep_ == "det" and t.lower_ in ("the", "this", "that", "these")) for t in near(noun, "lefts"))
