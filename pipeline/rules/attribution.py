"""Who a text says something comes from: subjects of reporting verbs, "according to", makers of reports.

The originator counts, not the outlet that passes it on: of several voices around a statement the innermost is taken.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

from spacy.tokens import Doc, Token

from pipeline.lexicon import table, words
from pipeline.rules.people import names_people
from pipeline.rules.referents import Referents, near, owners, passive_agent
from pipeline.tables import ExtractedMention

_WIDTH = 60
"""Children of a token that are looked at, and voices of a sentence: enough for prose, and lists of thousands stay linear."""


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
_VERBS = frozenset(("VERB", "AUX"))
_PRONOUNS = frozenset(("it", "they", "he", "she"))
_BACKWARD = frozenset(
    ("it", "its", "they", "their", "he", "his", "she", "her", "these", "those", "this", "that", "that’s", "the other", "the others", "of the")
)
"""Openings of sentences that go on about what the sentence before is about."""
_LIST = 5
"""Sentences that a list may have after its colon."""
_BACK = 300
"""Characters within which a pronoun's name is looked for."""
_AHEAD = 400
"""Tokens within which the maker of "a report" is named, in news that puts the finding first."""


class Attribution:
    """The voices of one article. Sentences are read in order, since pronouns and "the report" look back."""

    def __init__(
        self,
        doc: Doc,
        sentences: Sequence[tuple[int, int]],
        mentions: Sequence[ExtractedMention],
        mention_at: Mapping[int, ExtractedMention],
        quotes: Sequence[tuple[int, int]],
    ) -> None:
        """`sentences` are token ranges, `mention_at` gives a token's mention, `quotes` are character ranges of quotations."""
        self._doc = doc
        self._mention_at = mention_at
        self._referents = Referents(doc, mentions, mention_at)
        self._makers: list[tuple[int, Voice]] = []
        self._last: Voice | None = None
        """The voice that still speaks: of the sentence before, or carried on from further back."""
        self._reporter: Voice | None = None
        """The organisation that spoke last, whose report "the report" is."""
        for low, high in sentences:
            self._makers += self._makers_in(low, high)
        self._frames: list[list[Frame]] = []
        self._listing = 0
        for low, high in sentences:
            self._frames.append(self._read(low, high))
        self._spread_over_quotations(sentences, quotes)

    def voice(self, sentence: int, token: Token) -> Voice | None:
        """Whoever this token of that sentence comes from; None when it is the article's own voice."""
        around = [f for f in self._frames[sentence] if f.low <= token.i < f.high and not f.hole <= token.i < f.hole_end]
        return min(around, key=lambda f: f.high - f.low).voice if around else None

    def speaks(self, sentence: int) -> bool:
        """Whether anyone is cited in that sentence."""
        return bool(self._frames[sentence])

    def _read(self, low: int, high: int) -> list[Frame]:
        """The frames of a sentence; without any, the voice before it may carry on."""
        tokens = [self._doc[i] for i in range(low, high)]
        frames = list(islice((frame for token in tokens if (frame := self._frame(token, low, high)) is not None), _WIDTH))
        named = [frame for frame in frames if frame.voice.text]
        if named:
            self._last = max(named, key=lambda f: f.high - f.low).voice
            if self._last.mention is not None and self._last.mention.type == "organisation":
                self._reporter = self._last
            self._listing = _LIST if tokens[-1].text == ":" else 0
            return frames
        if tokens and tokens[-1].text == ":":
            introduced = self._introduced(tokens)
            self._last, self._listing = introduced or self._last, _LIST if introduced else 0
            return frames
        if self._last is None or (frames and not self._listing):
            self._last = None
            return frames
        carried = self._carries_on(tokens)
        if carried:
            return [Frame(low, high, low, low, self._last._replace(rule=carried))]
        if any(t.pos_ in _VERBS for t in tokens) and tokens[0].lower_ not in _PRONOUNS:
            self._last = None
        return []

    def _introduced(self, tokens: Sequence[Token]) -> Voice | None:
        """The maker of the report whose contents a colon introduces."""
        report = next((t for t in tokens if t.dep_ == "nsubj" and t.lemma_.lower() in words("report_nouns")), None)
        voice = self._resolved(report) if report is not None else None
        return voice if voice is not None and voice.text else None

    def _carries_on(self, tokens: Sequence[Token]) -> str:
        """Why a sentence without a voice of its own has the one before it; empty when it has not."""
        if self._listing:
            self._listing -= 1
            return "item of a list"
        if tokens[0].text in ("“", '"', "‘"):
            return "quotation goes on"
        forms = [t.lower_ for t in tokens[:6]]
        same_paragraph = "\n" not in self._doc[max(0, tokens[0].i - 1)].text_with_ws and "\n" not in self._between(tokens[0].i)
        bare = _opens_with_bare_number(tokens) or (forms[0] == "the" and len(tokens) > 1 and tokens[1].tag_ == "JJS" and tokens[1].dep_ != "amod")
        if bare or (same_paragraph and (forms[0] in _BACKWARD or " ".join(forms[:2]) in _BACKWARD)):
            return "goes on about the same"
        if any(_stands_in(row["phrase"].split(), forms) for row in table("continuations")):
            return "carried on"
        verb = next((t for t in tokens if t.dep_ == "ROOT"), None)
        if (
            verb is not None
            and any(t.dep_ == "aux" and t.lower_ == "would" for t in near(verb, "lefts"))
            and not any(t.lower_ == "if" for t in tokens)
        ):
            return "carried on in the conditional"
        return ""

    def _between(self, i: int) -> str:
        """The blanks between a token and the one before."""
        before = self._doc[i - 1] if i else None
        return self._doc.text[before.idx + len(before) : self._doc[i].idx] if before is not None else ""

    def _spread_over_quotations(self, sentences: Sequence[tuple[int, int]], quotes: Sequence[tuple[int, int]]) -> None:
        """Sentences of one quotation have the voice that any of them names."""
        for begin, end in quotes:
            inside = [
                k for k in range(bisect_left(sentences, begin, key=self._end), len(sentences)) if k < bisect_left(sentences, end, key=self._begin)
            ]
            voices = [max(self._frames[k], key=lambda f: f.high - f.low).voice for k in inside if self._frames[k]]
            if voices:
                for k in inside:
                    if not self._frames[k]:
                        low, high = sentences[k]
                        self._frames[k] = [Frame(low, high, low, low, voices[0]._replace(rule="same quotation"))]

    def _begin(self, sentence: tuple[int, int]) -> int:
        return self._doc[sentence[0]].idx

    def _end(self, sentence: tuple[int, int]) -> int:
        last = self._doc[sentence[1] - 1]
        return last.idx + len(last)

    # --- frames -------------------------------------------------------------------------------------------------------

    def _frame(self, token: Token, low: int, high: int) -> Frame | None:
        lemma = token.lemma_.lower()
        if lemma == "accord" or token.lower_ == "according":
            return self._according(token, low, high)
        if token.pos_ not in ("VERB", "AUX"):
            return None
        subject = _subject(token)
        agent = passive_agent(token)
        if agent is not None and (lemma in words("reporting_verbs") or lemma in words("finding_verbs")):
            voice = self._resolved(agent)
            return Frame(low, high, agent.left_edge.i, agent.right_edge.i + 1, voice._replace(rule=f"{token.lower_} by")) if voice else None
        if subject is None or subject.dep_ == "nsubjpass" or subject.pos_ == "NUM":
            return None
        said = lemma in words("reporting_verbs")
        report = subject.lemma_.lower() in words("report_nouns") and (said or lemma in words("report_verbs"))
        found = lemma in words("finding_verbs") and self._is_of_organisation(subject)
        if not (report or found or (said and _speaks(token))) or self._is_where(subject, token):
            return None
        voice = self._resolved(subject)
        if voice is None or (voice.text is None and not _can_speak(subject)):
            return None
        start, end = _reach(token, low, high)
        return Frame(start, end, subject.left_edge.i, subject.right_edge.i + 1, voice._replace(rule=f"{voice.rule}: {subject.text} {token.text}"))

    def _according(self, token: Token, low: int, high: int) -> Frame | None:
        to = next((t for t in near(token, "children") if t.lower_ == "to"), None)
        if to is None and token.i + 1 < len(self._doc) and self._doc[token.i + 1].lower_ == "to":
            to = self._doc[token.i + 1]
        named = next((t for t in near(to, "children") if t.dep_ in ("pobj", "nsubj", "pcomp")), None) if to is not None else None
        if named is not None and named.pos_ in _VERBS:  # according to what the bank said
            named = _subject(named)
        if named is None:
            return None
        voice = self._resolved(named) or _UNNAMED
        return Frame(low, high, token.i, named.right_edge.i + 1, voice._replace(rule=f"{voice.rule}: according to"))

    def _makers_in(self, low: int, high: int) -> Iterator[tuple[int, Voice]]:
        """Who published the reports that a sentence speaks of, with their tokens, for "the report says" elsewhere."""
        for i in range(low, high):
            token = self._doc[i]
            if token.pos_ in _NOUNS and token.lemma_.lower() in words("report_nouns"):
                maker = self._named_maker(token)
            elif token.lower_ == "reported" and (agent := passive_agent(token)) is not None and self._is_organisation(agent):
                maker = Voice(self._mention_at[agent.i], self._mention_at[agent.i].text, "maker of the report")
            else:
                continue
            if maker is not None:
                yield i, maker

    def _maker(self, report: Token) -> Voice:
        """The maker of a report named without one: the last one before it; for "a report" that opens a story also the next one."""
        at = bisect_left(self._makers, report.i, key=lambda made: made[0])
        earlier = [maker for _, maker in self._makers[max(0, at - 1) : at]]
        later = [maker for i, maker in self._makers[at : at + 1] if i < report.i + _AHEAD]
        definite = any(t.dep_ in ("det", "poss") and t.lower_ not in ("a", "an") for t in near(report, "lefts"))
        return next(iter(earlier if definite else later), self._reporter if definite and self._reporter is not None else _UNNAMED)

    # --- who is meant -------------------------------------------------------------------------------------------------

    def _resolved(self, token: Token) -> Voice | None:
        """The voice that a noun or pronoun stands for; one without text when it is unnamed, None when it is no voice."""
        lemma = token.lemma_.lower()
        mention = self._mention_at.get(token.i)
        if lemma in words("report_nouns"):
            made = self._named_maker(token)
            if made is not None:
                return made
            if mention is None:
                return self._maker(token)
        if mention is not None:
            return Voice(mention, mention.text, "named")
        if token.pos_ == "PRON":
            return self._antecedent(token)
        if lemma in words("authority_nouns") or lemma in words("state_bodies"):
            authority = self._authority(token)
            if authority is not None:
                return authority
        appositive = next((t for t in near(token, "children") if t.dep_ == "appos" and t.i in self._mention_at), None)
        if appositive is not None:
            return Voice(self._mention_at[appositive.i], self._mention_at[appositive.i].text, "apposition")
        belonging = self._within(token, ("organisation",))
        if belonging is not None:
            return Voice(belonging, belonging.text, "speaks for")
        back = self._referents.organisation(token) or self._referents.person(token)
        if back is None:
            owner = next((t for t in near(token, "lefts") if t.dep_ == "poss" and t.pos_ == "NOUN"), None)
            back = self._referents.organisation(owner) if owner is not None else None
        return Voice(back, back.text, "refers back") if back is not None else _UNNAMED

    def _antecedent(self, pronoun: Token) -> Voice | None:
        if pronoun.lower_ in ("who", "which", "that"):
            noun = pronoun.head.head
            if pronoun.head.dep_ == "relcl" and noun.pos_ in _NOUNS and (noun.i in self._mention_at or noun.pos_ == "NOUN"):
                return self._resolved(noun)
            back = self._referents.last(pronoun, ("organisation",), 40)
            return Voice(back, back.text, "relative pronoun") if back is not None else None
        if pronoun.lower_ in ("i", "we", "you"):
            return None
        if pronoun.lower_ not in _PRONOUNS:
            return _UNNAMED
        types = ("person",) if pronoun.lower_ in ("he", "she") else ("organisation", "country", "city") if pronoun.lower_ == "it" else ()
        last = self._last
        if last is not None and (not types or last.mention is None or last.mention.type in types):
            return last._replace(rule="pronoun")
        of_clause = _subject_of_clause_around(pronoun)
        if of_clause is not None and pronoun.lower_ in ("it", "they"):
            return self._resolved(of_clause)
        back = self._referents.last(pronoun, types[:1], _BACK)
        return Voice(back, back.text, "pronoun") if back is not None else _UNNAMED

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
            authority = next((self._authority(t) for t in owners(report) if t.lemma_.lower() in words("authority_nouns")), None)
            return authority
        return None

    def _within(self, token: Token, types: tuple[str, ...]) -> ExtractedMention | None:
        """A mention that belongs to the noun: X's report, the X report, a report by X, published by X, a spokesman for X."""
        for owner in owners(token):
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

    def _is_of_organisation(self, noun: Token) -> bool:
        """The Trust, its inspectors, inspectors from the Trust, the charity."""
        if self._is_organisation(noun):
            return True
        if noun.pos_ not in _NOUNS or noun.i in self._mention_at:
            return False
        return self._within(noun, ("organisation",)) is not None or self._referents.organisation(noun) is not None

    def _is_where(self, subject: Token, verb: Token) -> bool:
        """France recorded 20 cases: a place as the scene, not as a speaker."""
        mention = self._mention_at.get(subject.i)
        place = mention is not None and mention.type in ("city", "country", "region")
        return place and verb.lemma_.lower() in words("place_verbs") and not any(t.dep_ == "ccomp" and t.i > verb.i for t in near(verb, "children"))


@cache
def _demonyms() -> frozenset[str]:
    return frozenset(row["word"] for row in table("demonyms"))


def _demonym(token: Token) -> str | None:
    return next((t.text for t in near(token, "lefts") if t.text in _demonyms()), None)


def _subject(verb: Token) -> Token | None:
    """Its subject, or that of the verb it is joined to (X said A and added B)."""
    for _ in range(4):
        own = [child for child in near(verb, "children") if child.dep_ in _SUBJECTS]
        if own:
            return own[-1] if own[0].lower_ in ("which", "who", "that") else own[0]
        if verb.dep_ not in ("conj", "xcomp", "dep"):
            return None
        verb = verb.head
    return None


def _speaks(verb: Token) -> bool:
    """Whether the verb has something said: a clause, a quotation, or is put in ("..., X said")."""
    if verb.lemma_.lower() in ("speak", "talk") and not any(t.lower_ in ("of", "about") for t in near(verb, "rights")):
        return False
    if verb.dep_ in ("parataxis", "advcl") or verb.lemma_.lower() in ("say", "add", "tell"):
        return True
    return any(t.dep_ in ("ccomp", "parataxis", "dobj", "xcomp", "prep", "oprd") for t in near(verb, "children"))


def _reach(verb: Token, low: int, high: int) -> tuple[int, int]:
    """The tokens that a reporting verb covers: its subtree, and for one put in the clause that it is put into."""
    top = verb
    inserted = verb.dep_ == "parataxis" or (verb.dep_ == "advcl" and any(t.dep_ == "mark" and t.lower_ == "as" for t in near(verb, "lefts")))
    if inserted:
        top = verb.head
    return max(low, top.left_edge.i), min(high, top.right_edge.i + 1)


def _stands_in(phrase: Sequence[str], forms: Sequence[str]) -> bool:
    return any(list(forms[k : k + len(phrase)]) == list(phrase) for k in range(len(forms)))


def _opens_with_bare_number(tokens: Sequence[Token]) -> bool:
    """Five are Bulgarian; Nearly 200 remain: a number at the head that leaves its noun to the sentence before."""
    return any(t.pos_ == "NUM" and t.dep_ in _SUBJECTS and not any(u.lower_ == "of" for u in near(t, "rights")) for t in tokens[:5])


def _can_speak(noun: Token) -> bool:
    """Whether an unnamed subject is somebody (sources, the firm), not something (records, the figure)."""
    lemma = noun.lemma_.lower()
    speakers = words("group_references") | words("authority_nouns") | words("state_bodies") | words("report_nouns") | words("sources")
    return noun.pos_ != "NOUN" or names_people(lemma) or lemma in speakers


def _subject_of_clause_around(pronoun: Token) -> Token | None:
    """The subject of the clause that "it said" is put into, or of the sentence before."""
    verb = pronoun.head
    top = verb
    for child in near(verb, "lefts"):
        if child.dep_ in ("ccomp", "parataxis") and child.i < pronoun.i:
            top = child
    if top is verb and verb.dep_ in ("parataxis", "conj", "ccomp"):
        top = verb.head
    subject = next((t for t in near(top, "lefts") if t.dep_ in _SUBJECTS), None) if top is not verb else None
    return (
        subject if subject is not None and subject.pos_ in _NOUNS and subject.i < pronoun.i and (subject.ent_type_ or _can_speak(subject)) else None
    )
