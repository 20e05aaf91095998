"""normalise: spellings of one name come together as an entity, claims about one quantity as a group.

Three steps: `link` brings names together over the whole corpus, `group` claims, `resolve` writes both into the rows of
each article.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from pipeline.config import Settings
from pipeline.lexicon import table
from pipeline.rules.likeness import fullness
from pipeline.rules.linking import Linking, Node, Occurrence, is_acronym_of, link_names
from pipeline.tables import Claim, ClaimGroup, Entity, Evidence, ExtractedClaim, ExtractedMention, Link, Member, Mention, Official, Rows, Variant

Tables = Mapping[str, Iterable[Any]]

WELL_ATTESTED = 4
"""A form is well attested when it stands in this part of the articles of the commonest: one in four."""


class Key(NamedTuple):
    """What makes two names the same without looking further: their type, and the place they resolve to or else their words."""

    type: str
    words: str


def link(tables: Tables, settings: Settings) -> dict[str, Iterable[Any]]:
    """Distinct names of the corpus to entities.

    An entity's id derives from the key of its founding name, the one in most articles: it stays when rarer variants join.
    """
    tallies = _tally(tables["extracted_mentions"], name_key)
    keys = sorted(tallies)
    number = {key: i for i, key in enumerate(keys)}
    nodes = [_node(key, tallies[key]) for key in keys]
    linking = link_names(nodes, lambda: _articles(tables["extracted_mentions"], number), _facts(tables, number))
    founder = {keys[i]: keys[group[0]] for group in linking.clusters for i in group}
    joined = {keys[i] for group in linking.clusters if len(group) > 1 for i in group}
    whole = _tally((m for m in tables["extracted_mentions"] if name_key(m) in joined), lambda m: founder[name_key(m)]) if joined else {}
    entities: dict[Key, Entity] = {}
    variants: list[Variant] = []
    reasons = _reasons(nodes, linking)
    for group in sorted(linking.clusters, key=lambda g: _identifier("E", *keys[g[0]])):
        key = keys[group[0]]
        tally = whole.get(key, tallies[key])
        entities[key] = _entity(_identifier("E", *key), key, tally)
        why = {text: reasons[i] for i in reversed(group) if i in reasons for text in tallies[keys[i]].mentions}
        own = next((i for i in group if entities[key].name in tallies[keys[i]].names), group[0])
        variants += _variants(entities[key], tally, {text: r for text, r in why.items() if text not in tallies[keys[own]].mentions})

    def links() -> Iterator[Link]:
        for mention in tables["extracted_mentions"]:
            entity = entities[founder[name_key(mention)]]
            yield Link(mention.doc_id, mention.mention_id, entity.entity_id, entity.name)

    return {"entities": list(entities.values()), "variants": variants, "links": links()}


def name_key(mention: ExtractedMention) -> Key:
    """The key of a mention's name: of its fullest form in the article, so that a surname goes with its full name there."""
    return Key(mention.type, mention.place_id or fold(mention.name))


@lru_cache(maxsize=100_000)
def fold(name: str) -> str:
    """A name without what spellings of one name differ by: case, leading article, possessive, punctuation.

    >>> fold("The Harbour-Watch's")
    'harbour watch'
    """
    name = re.sub(r"['’]s?(?=\W|$)", "", name.casefold())
    words = re.sub(r"[\W_]+", " ", name).split()
    if len(words) > 1 and words[0] in ("the", "a", "an"):
        words = words[1:]
    return " ".join(words) or name


def _facts(tables: Tables, number: Mapping[Key, int]) -> Iterator[tuple[int, str]]:
    """Which name is the origin of which statement."""
    said: dict[str, set[str]] = defaultdict(set)
    for claim in tables["extracted_claims"]:
        if claim.source_mention_id and (fact := _fact(claim)):
            said[claim.source_mention_id].add(fact)
    for mention in tables["extracted_mentions"] if said else ():
        for fact in sorted(said.get(mention.mention_id, ())):
            yield number[name_key(mention)], fact


def _fact(claim: ExtractedClaim) -> str | None:
    """What a claim says, short enough that another article's wording of it is the same: a number and what it counts."""
    counted = re.split(r" (?:of|in|for|from|with|who|that) ", claim.counted or "")[0].split()
    what = claim.unit or (_singular(fold(counted[-1])) if counted else "")
    return f"{claim.value:.15g} {what}" if claim.value is not None and what else None


class _Tally:
    """What the corpus says of one entity: how often, in how many articles, each spelling and each full name."""

    def __init__(self) -> None:
        self.mentions: Counter[str] = Counter()
        self.articles: Counter[str] = Counter()
        self.names: Counter[str] = Counter()
        self.named_in: Counter[str] = Counter()
        self.total_articles = 0
        self.place_id: str | None = None
        self._last: dict[tuple[str, bool], str] = {}
        self._last_article: str | None = None

    def add(self, mention: ExtractedMention) -> None:
        self.mentions[mention.text] += 1
        self.names[mention.name] += 1
        self.place_id = self.place_id or mention.place_id
        # Mentions come article by article, so the last article seen tells whether this one is new.
        for text, full, counter in ((mention.text, False, self.articles), (mention.name, True, self.named_in)):
            if self._last.get((text, full)) != mention.doc_id:
                self._last[text, full] = mention.doc_id
                counter[text] += 1
        if self._last_article != mention.doc_id:
            self._last_article = mention.doc_id
            self.total_articles += 1

    def name(self, type: str) -> str:
        """The fullest of the well-attested forms, in mixed case if the corpus has it so."""
        mixed = [n for n in self.names if not n.isupper()] or list(self.names)
        most = max(self.named_in[n] for n in mixed)
        known = [n for n in mixed if WELL_ATTESTED * self.named_in[n] >= most]
        return max(known, key=lambda n: (fullness(type, n), self.named_in[n], self.names[n], n)) if len(known) > 1 else known[0]


def _tally(mentions: Iterable[ExtractedMention], key_of: Callable[[ExtractedMention], Key]) -> dict[Key, _Tally]:
    tallies: dict[Key, _Tally] = defaultdict(_Tally)
    for mention in mentions:
        tallies[key_of(mention)].add(mention)
    return tallies


def _node(key: Key, tally: _Tally) -> Node:
    name = tally.name(key.type)
    acronyms = tuple(sorted(t for t in tally.mentions if t.isupper() and is_acronym_of(t, name)))
    return Node(key.type, key.words, name, tally.place_id, tally.mentions.total(), tally.total_articles, acronyms)


def _articles(mentions: Iterable[ExtractedMention], number: Mapping[Key, int]) -> Iterator[list[Occurrence]]:
    for _, group in groupby(mentions, key=lambda m: m.doc_id):
        yield [Occurrence(number[name_key(m)], m.sentence_id, m.start, m.end) for m in group]


def _reasons(nodes: Sequence[Node], linking: Linking) -> dict[int, tuple[float, list[Evidence]]]:
    """For each name the surest decision that brought it to another."""
    reasons: dict[int, tuple[float, list[Evidence]]] = {}
    home = {i: at for at, group in enumerate(linking.clusters) for i in group}
    for d in sorted(linking.decisions, key=lambda d: -d.score):
        if d.verdict == "same" and home[d.left] == home[d.right]:
            for one, other in ((d.left, d.right), (d.right, d.left)):
                reasons.setdefault(one, (d.score, [Evidence("same as", nodes[other].name), *(Evidence(*s) for s in d.signals)]))
    return reasons


def _entity(entity_id: str, key: Key, tally: _Tally) -> Entity:
    place = _places().get(tally.place_id or "", {})
    return Entity(
        entity_id=entity_id,
        type=key.type,
        name=place.get("name") or tally.name(key.type),
        mentions=tally.mentions.total(),
        articles=tally.total_articles,
        country=place.get("country") or None,
        geonames_id=_number(int, place.get("geonames_id")),
        latitude=_number(float, place.get("latitude")),
        longitude=_number(float, place.get("longitude")),
        population=_number(int, place.get("population")),
    )


def _number(kind: Any, text: str | None) -> Any:
    return kind(text) if text else None


@cache
def _places() -> dict[str, dict[str, str]]:
    countries = {f"country:{row['code']}": {**row, "country": row["code"]} for row in table("countries")}
    return countries | {f"region:{row['id']}": row for row in table("regions")}


def _variants(entity: Entity, tally: _Tally, reasons: Mapping[str, tuple[float, list[Evidence]]]) -> Iterator[Variant]:
    for text in sorted(tally.mentions):
        same = text == entity.name
        plain = _evidence(text, entity, tally)
        score, evidence = (1.0, [plain]) if plain else reasons.get(text, (1.0, [Evidence("short for it in its article", entity.name)]))
        yield Variant(
            entity_id=entity.entity_id,
            variant=text,
            mentions=tally.mentions[text],
            articles=tally.articles[text],
            decided_by="same" if same else "rule",
            score=score,
            evidence=evidence,
        )


def _evidence(text: str, entity: Entity, tally: _Tally) -> Evidence | None:
    """What is plain to see, without the corpus."""
    if text == entity.name:
        return Evidence("same name", text)
    if tally.place_id:
        return Evidence("same place", tally.place_id)
    if fold(text) == fold(entity.name):
        return Evidence("same but for case, article, possessive or punctuation", fold(text))
    return None


def _identifier(letter: str, *parts: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return f"{letter}{int(digest[:15], 16):018d}"


def group(tables: Tables, settings: Settings) -> dict[str, Iterable[Any]]:
    """Claims with the same counted thing, kind, unit and places form a group, whatever their numbers are."""
    published = {article.doc_id: article.published for article in tables["articles"]}
    frames: dict[str, list[tuple[ExtractedClaim, list[str], str]]] = defaultdict(list)
    for claim, links in _with_links(tables):
        places = sorted({links[m] for m in claim.place_mention_ids})
        origin = links.get(claim.source_mention_id or "") or fold(claim.source or "") or claim.doc_id
        frames[_frame(claim, places)].append((claim, places, origin))
    groups = [_group(group_id, frames[group_id], published) for group_id in sorted(frames)]

    def members() -> Iterator[Member]:
        for claim, links in _with_links(tables):
            yield Member(claim.doc_id, claim.claim_id, _frame(claim, [links[m] for m in claim.place_mention_ids]), None)

    return {"claim_groups": groups, "members": members()}


def _with_links(tables: Tables) -> Iterator[tuple[ExtractedClaim, dict[str, str]]]:
    """Each claim with the entity of every mention of its article. Both tables are read in order of doc_id."""
    links = iter(tables["links"])
    ahead: Link | None = next(links, None)
    doc_id, of_article = None, dict[str, str]()
    for claim in tables["extracted_claims"]:
        if claim.doc_id != doc_id:
            doc_id, of_article = claim.doc_id, {}
            while ahead is not None and ahead.doc_id <= doc_id:
                if ahead.doc_id == doc_id:
                    of_article[ahead.mention_id] = ahead.entity_id
                ahead = next(links, None)
        yield claim, of_article


def _frame(claim: ExtractedClaim, places: Sequence[str]) -> str:
    """What a claim's group goes by. A single word ("people") says too little by itself: the verb has to agree too."""
    words = sorted({_singular(word) for word in fold(claim.counted or "").split()})
    verb = (claim.predicate or claim.claim_id) if len(words) < 2 else ""
    return _identifier("G", claim.kind, claim.unit or "", " ".join(words) or claim.claim_id, verb, *sorted(set(places)))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _group(group_id: str, members: Sequence[tuple[ExtractedClaim, list[str], str]], published: Mapping[str, str | None]) -> ClaimGroup:
    claims = [claim for claim, _, _ in members]
    values = sorted({v for c in claims for v in (c.value, c.value_max) if v is not None})
    dates = sorted(d for d in {published.get(c.doc_id) for c in claims} if d)
    first = claims[0]
    return ClaimGroup(
        group_id=group_id,
        quantity=first.counted or first.text,
        kind=first.kind,
        unit=first.unit,
        place_ids=members[0][1],
        claims=len(claims),
        articles=len({c.doc_id for c in claims}),
        independent_sources=len({origin for _, _, origin in members}),
        values=values,
        low=values[0] if values else None,
        high=values[-1] if values else None,
        status="single" if len(claims) == 1 else _status(claims),
        first_published=dates[0] if dates else None,
        last_published=dates[-1] if dates else None,
    )


def _status(claims: Sequence[ExtractedClaim]) -> str:
    """agree when one number satisfies every claim that gives one, else differ."""
    low, high = float("-inf"), float("inf")
    stated = {c.value for c in claims if c.value is not None and c.bound in ("exact", "about")}
    for claim in claims:
        if claim.value is None:
            continue
        if claim.bound in ("at_least", "more_than", "between"):
            low = max(low, claim.value)
        if claim.bound in ("at_most", "less_than"):
            high = min(high, claim.value)
        if claim.bound == "between" and claim.value_max is not None:
            high = min(high, claim.value_max)
    if len(stated) > 1 or low > high or any(not low <= value <= high for value in stated):
        return "differ"
    return "agree"


def resolve(rows: Rows, settings: Settings) -> Rows:
    """The rows of one article with their entities and groups."""
    links: dict[str, Link] = {link.mention_id: link for link in rows["links"]}
    members: dict[str, Member] = {member.claim_id: member for member in rows["members"]}
    return {
        "mentions": [_mention(m, links) for m in rows["extracted_mentions"]],
        "officials": [_official(o, links) for o in rows["extracted_officials"]],
        "claims": [_claim(c, links, members[c.claim_id]) for c in rows["extracted_claims"]],
    }


def _mention(m: ExtractedMention, links: Mapping[str, Link]) -> Mention:
    return Mention(m.doc_id, m.mention_id, m.sentence_id, m.start, m.end, m.text, m.type, links[m.mention_id].entity_id, m.score)


def _official(o: Any, links: Mapping[str, Link]) -> Official:
    person = links[o.mention_id]
    organisation = links.get(o.organisation_mention_id or "")
    return Official(
        doc_id=o.doc_id,
        entity_id=person.entity_id,
        person=person.name,
        role=o.role,
        organisation_id=organisation.entity_id if organisation else None,
        organisation=organisation.name if organisation else o.organisation,
        country=o.country,
        sentence_id=o.sentence_id,
        start=o.start,
        end=o.end,
    )


def _claim(c: ExtractedClaim, links: Mapping[str, Link], member: Member) -> Claim:
    places = {links[m].entity_id: links[m].name for m in c.place_mention_ids}
    source = links.get(c.source_mention_id or "")
    return Claim(
        doc_id=c.doc_id,
        claim_id=c.claim_id,
        sentence_id=c.sentence_id,
        start=c.start,
        end=c.end,
        text=c.text,
        kind=c.kind,
        value=c.value,
        value_max=c.value_max,
        bound=c.bound,
        unit=c.unit,
        counted=c.counted,
        predicate=c.predicate,
        place_ids=list(places),
        places=list(places.values()),
        time_start=c.time_start,
        time_end=c.time_end,
        source_id=source.entity_id if source else None,
        source=source.name if source else c.source,
        quoted=c.quoted,
        hedged=c.hedged,
        negated=c.negated,
        copied_from=member.copied_from,
        group_id=member.group_id,
    )
