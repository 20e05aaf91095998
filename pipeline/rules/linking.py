"""Which names of a corpus are one: pairs are proposed by keys, borne out or refused by the corpus, and clustered.

Every name looks up keys it could be known by, so cost grows with names and not with pairs. A likeness of words only
proposes; what decides is the corpus: whether a short form has one bearer, whether two names keep the same company or
give the same numbers, and whether a sentence sets them side by side, which only different things are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from pipeline.rules.likeness import Likeness, Parsed, compare, different, is_word, parse
from pipeline.rules.names import stands_for
from pipeline.rules.spelling import skeleton

LARGEST_BLOCK = 20
"""Names that share a key beyond this number are not paired by it."""

FREQUENT = 5
"""Two spellings in so many articles each are no misspelling of one another."""

LONG_WORD = 6
"""Shorter words are too near to one another for a letter to be a slip."""

SHORT_PER_FULL = 2
"""A name whose distinctive words are all in a longer one is its short form only if not in so many times its articles."""

COMPANIONS = 200
"""Companions kept of a name."""

CHECKED = 40
"""Members of a cluster, the best attested first, that a newcomer must be compatible with."""


class Node(NamedTuple):
    """A distinct name of the corpus."""

    type: str
    key: str
    name: str
    place_id: str | None
    mentions: int
    articles: int
    acronyms: tuple[str, ...]
    """Acronyms that articles use for it."""


class Occurrence(NamedTuple):
    """A mention of a name, by the name's place in the list of names."""

    node: int
    sentence: int
    start: int
    end: int


class Decision(NamedTuple):
    """What became of a pair of names."""

    left: int
    right: int
    verdict: str
    """same, different or undecided."""

    score: float
    signals: tuple[tuple[str, str], ...]


class Linking(NamedTuple):
    clusters: list[list[int]]
    """Names by entity, the founding one first: it is in most articles."""

    decisions: list[Decision]
    largest_block: int
    """Names under the most common key, whether they were paired or not."""


_PLACES = {"city", "country", "region"}
_WITHOUT_ACRONYMS = {*_PLACES, "person"}

Articles = Callable[[], Iterable[Sequence[Occurrence]]]
Facts = Iterable[tuple[int, str]]
Pair = tuple[int, int]
Key = tuple[object, ...]


class Proposal(NamedTuple):
    likeness: Likeness
    bearers: int
    """How many names the shorter could stand for."""


def link_names(nodes: Sequence[Node], articles: Articles, facts: Facts) -> Linking:
    """Bring together the names of a corpus.

    `articles` gives each article's occurrences whenever it is called; `facts` says which name is the origin of which
    statement.
    """
    parsed = [parse(n.type, n.name) for n in nodes]
    rank = sorted(range(len(nodes)), key=lambda i: (-nodes[i].articles, -nodes[i].mentions, nodes[i].type, nodes[i].key))
    decisions, chief = _same(nodes, parsed, rank)
    chiefs = [i for i in rank if chief[i] == i]
    shared = _shared_facts(((chief[i], fact) for i, fact in facts), nodes)
    proposals, largest = _propose(nodes, parsed, chiefs, shared)
    seen = _observe(proposals, articles, chief, nodes)
    for pair in sorted(proposals):
        decisions.append(_decide(pair, proposals[pair], nodes, seen, shared.get(pair, ())))
    return Linking(_cluster(nodes, parsed, chief, rank, decisions), decisions, largest)


def _same(nodes: Sequence[Node], parsed: Sequence[Parsed], rank: Sequence[int]) -> tuple[list[Decision], list[int]]:
    """Names that differ in nothing that counts, each with the best attested of its like; and one key under two types."""
    chief = list(range(len(nodes)))
    first: dict[Key, int] = {}
    decisions = []
    for i in rank:
        node = nodes[i]
        if node.place_id:
            continue
        by_type = first.setdefault(_full_key(parsed[i]), i)
        by_key = first.setdefault(("key", node.key), i) if node.type in {"person", "organisation"} else i
        found, signal = by_type, ("same but for titles, legal form, order or spelling", node.name)
        if by_type == i and by_key != i and _confused(nodes[by_key], node):
            found, signal = by_key, ("same name with another type", node.type)
            first[_full_key(parsed[i])] = by_key
        if found != i:
            chief[i] = chief[found]
            decisions.append(Decision(chief[found], i, "same", 0.95, (signal,)))
    return decisions, chief


def _confused(most: Node, least: Node) -> bool:
    """Whether a name's second type is a slip of whatever found it."""
    return " " in least.key or 3 * least.articles <= most.articles


def _full_key(name: Parsed) -> Key:
    return (name.type, name.core if name.type == "person" else tuple(sorted(name.core)), name.heads, name.countries, name.sign)


def _shared_facts(facts: Facts, nodes: Sequence[Node]) -> dict[Pair, list[str]]:
    """Pairs of names that are the origin of the same statements."""
    origins: dict[str, set[int]] = defaultdict(set)
    for node, fact in facts:
        origins[fact].add(node)
    shared: dict[Pair, list[str]] = defaultdict(list)
    for fact in sorted(origins):
        if len(origins[fact]) <= LARGEST_BLOCK:
            for i, j in combinations(sorted(origins[fact]), 2):
                if "organisation" in (types := {nodes[i].type, nodes[j].type}) and types <= {"person", "organisation"}:
                    shared[i, j].append(fact)
    return shared


def _propose(
    nodes: Sequence[Node], parsed: Sequence[Parsed], chiefs: Sequence[int], shared: Mapping[Pair, object]
) -> tuple[dict[Pair, Proposal], int]:
    free = [i for i in chiefs if not nodes[i].place_id]
    by_key = {_full_key(parsed[i]): i for i in free}
    near, largest = _near_pairs(parsed, free, by_key)
    bearers = _bearers(nodes, parsed, free, by_key)
    proposals: dict[Pair, Proposal] = {}
    pairs = [(pair, 1) for pair in near]
    for (short, _), longs in bearers.items():
        several = _several(sorted(longs)[:LARGEST_BLOCK], nodes, parsed)
        pairs += [((short, long), len(longs) if several else 1) for long in sorted(longs)[:LARGEST_BLOCK]]
    pairs += [(pair, 1) for pair in shared]
    for (i, j), count in pairs:
        pair = min(i, j), max(i, j)
        known = proposals.get(pair)
        if known is None:
            likeness = _likeness(nodes[i], nodes[j], parsed[i], parsed[j])
            if likeness.kind:
                proposals[pair] = Proposal(likeness, count)
        elif known.bearers < count:
            proposals[pair] = known._replace(bearers=count)
    return proposals, max(largest, max(map(len, bearers.values()), default=0))


def _several(longs: Sequence[int], nodes: Sequence[Node], parsed: Sequence[Parsed]) -> bool:
    """Whether names are of different things, and not one the shorter form of the next."""
    return any(not _likeness(nodes[i], nodes[j], parsed[i], parsed[j]).kind for i, j in combinations(longs, 2))


def _likeness(a: Node, b: Node, left: Parsed, right: Parsed) -> Likeness:
    for short, long in ((a, b), (b, a)):
        if a.type == b.type and is_acronym_of(short.name, long.name):
            introduced = short.name in long.acronyms
            signal = "introduced as its acronym" if introduced else "its initials"
            return Likeness("acronym" if introduced else "short", 0.9 if introduced else 0.7, ((signal, short.name),))
    if {a.type, b.type} == {"person", "organisation"}:
        # Whatever found the names may take one for a person; two that translate one another are not of two types.
        meant = compare(parse("organisation", a.name), parse("organisation", b.name))
        return meant if meant.kind == "meaning" else different("different type", f"{a.type} / {b.type}")
    return compare(left, right)


def is_acronym_of(short: str, long: str) -> bool:
    return " " not in short and " " in long and stands_for(short.replace(".", ""), long)


def _near_pairs(parsed: Sequence[Parsed], free: Sequence[int], by_key: Mapping[Key, int]) -> tuple[set[Pair], int]:
    """Names that sound the same, or that differ in a letter of one long word; and the largest block of such names or words.

    Slips are looked for among the distinct words, which are fewer than the names: two words a letter apart have a form in
    common that lacks one letter.
    """
    sounds: dict[Key, list[int]] = defaultdict(list)
    lacking: dict[str, list[str]] = defaultdict(list)
    known: set[str] = set()
    for i in free:
        name = parsed[i]
        long = [w for w in name.core if len(w) >= LONG_WORD]
        if long and name.type not in _PLACES:
            sounds[(name.type, name.heads, name.countries, tuple(skeleton(w) for w in name.core))].append(i)
            for word in long:
                if word not in known:
                    known.add(word)
                    for form in {word, *(word[:k] + word[k + 1 :] for k in range(1, len(word)))}:
                        lacking[form].append(word)
    neighbours: dict[str, set[str]] = defaultdict(set)
    for block in lacking.values():
        if 1 < len(block) <= LARGEST_BLOCK:
            for word in block:
                neighbours[word].update(w for w in block if w != word)
    pairs = {pair for group in sounds.values() if 1 < len(group) <= LARGEST_BLOCK for pair in combinations(group, 2)}
    for i in free:
        name = parsed[i]
        for at, word in enumerate(name.core if name.type not in _PLACES else ()):
            for other in neighbours.get(word, ()):
                j = by_key.get(_full_key(name._replace(core=(*name.core[:at], other, *name.core[at + 1 :]))))
                if j is not None:
                    pairs.add((min(i, j), max(i, j)))
    return pairs, max(max(map(len, sounds.values()), default=0), max(map(len, lacking.values()), default=0))


def _bearers(nodes: Sequence[Node], parsed: Sequence[Parsed], free: Sequence[int], by_key: Mapping[Key, int]) -> dict[tuple[int, str], set[int]]:
    """Short name, and how it is short -> the longer names that it could stand for."""
    acronyms = {(nodes[i].type, nodes[i].name.replace(".", "")): i for i in free if nodes[i].name.isupper() and " " not in nodes[i].name}
    by_sound = {skeleton(parsed[i].core[0]): i for i in free if nodes[i].type == "person" and len(parsed[i].core) == 1}
    found: dict[tuple[int, str], set[int]] = defaultdict(set)
    for i in free:
        if nodes[i].type == "person" and len(parsed[i].core) > 1 and len(parsed[i].core[-1]) >= LONG_WORD:
            short = by_sound.get(skeleton(parsed[i].core[-1]))
            if short is not None:
                found[short, "words"].add(i)
        for key in _short_keys(parsed[i]):
            short = by_key.get(key)
            if short is not None and short != i:
                found[short, "words"].add(i)
        if nodes[i].type not in _WITHOUT_ACRONYMS and " " in nodes[i].name:
            for acronym in {*_initials(nodes[i].name, parsed[i]), *nodes[i].acronyms}:
                short = acronyms.get((nodes[i].type, acronym))
                if short is not None:
                    found[short, "acronym"].add(i)
    return found


def _initials(name: str, parsed: Parsed) -> Iterator[str]:
    """The acronyms a name could have: of its capitalised words, and of those without its country and legal form."""
    for words in ([w for w in name.replace("-", " ").split() if w[0].isupper()], parsed.words):
        if len(words) > 2:
            yield "".join(w[0] for w in words).upper()


def _short_keys(name: Parsed) -> Iterator[Key]:
    """The keys of the shorter names that could mean this one."""
    none: frozenset[str] = frozenset()
    if name.type == "person":
        core = name.core
        if len(core) > 1:
            yield ("person", core[-1:], none, none, "")
            for shorter in {(core[0], core[-1]), (core[0][0], core[-1]), tuple(w[0] for w in core[:-1]) + core[-1:]}:
                yield ("person", shorter, none, none, "")
            if name.sign:
                yield ("person", core, none, none, "")
        return
    core = tuple(sorted(name.core))
    if name.countries:
        yield (name.type, core, name.heads, none, "")
    if name.heads and core:
        yield (name.type, core, none, name.countries, "")
        yield (name.type, core, none, none, "")
    if name.type not in _PLACES:
        for size in range(1, len(name.core)):
            for heads in {name.heads, none}:
                for countries in {name.countries, none}:
                    yield (name.type, tuple(sorted(name.core[:size])), heads, countries, "")


class Seen(NamedTuple):
    """What the articles show of the proposed pairs."""

    beside: set[Pair]
    """Pairs that stand in one sentence as two."""

    together: set[Pair]
    """Pairs that stand in one article."""

    company: dict[int, set[int]]
    """The names that a name shares articles with."""


def _observe(proposals: Mapping[Pair, Proposal], articles: Articles, chief: Sequence[int], nodes: Sequence[Node]) -> Seen:
    partners: dict[int, set[int]] = defaultdict(set)
    for i, j in proposals:
        partners[i].add(j)
        partners[j].add(i)
    seen = Seen(set(), set(), defaultdict(set))
    if not partners:
        return seen
    for occurrences in articles():
        present = {chief[o.node] for o in occurrences}
        wanted = present & partners.keys()
        if not wanted:
            continue
        telling = [i for i in present if nodes[i].type in {"person", "organisation", "city"}]
        for i in wanted:
            if len(seen.company[i]) < COMPANIONS:
                seen.company[i].update(telling)
            seen.together.update((i, j) for j in partners[i] & present if i < j)
        by_sentence: dict[int, list[Occurrence]] = defaultdict(list)
        for o in occurrences:
            if chief[o.node] in wanted:
                by_sentence[o.sentence].append(o)
        for group in by_sentence.values():
            for a, b in combinations(group, 2):
                i, j = sorted((chief[a.node], chief[b.node]))
                # `World Metal Union (WMU)` is one thing twice.
                if j in partners[i] and not 0 <= b.start - a.end <= 2:
                    seen.beside.add((i, j))
    return seen


def _decide(pair: Pair, proposal: Proposal, nodes: Sequence[Node], seen: Seen, facts: Sequence[str]) -> Decision:
    """Weigh a proposal by what the corpus shows."""
    i, j = pair
    kind, score, signals = proposal.likeness
    if pair in seen.beside:
        return Decision(i, j, "different", score, (("named side by side", f"{nodes[i].name} / {nodes[j].name}"),))
    company = sorted(nodes[k].name for k in (seen.company[i] & seen.company[j]) - {i, j})
    if company:
        signals = (*signals, ("in the same company", ", ".join(company[:3])))
    if pair in seen.together:
        signals = (*signals, ("in one article", ""))
    if facts:
        signals = (*signals, ("origin of the same numbers", "; ".join(facts[:3])))
    if proposal.bearers > 1:
        return Decision(i, j, "undecided", score / 2, (*signals, ("could stand for several", str(proposal.bearers))))
    known = bool(company) or pair in seen.together
    if signals[0][0] == "leaves out":
        # A firm is named more often than its branches, a long name's short form seldom without it.
        short, long = sorted((nodes[i], nodes[j]), key=lambda n: len(n.name))
        known = known and short.articles <= SHORT_PER_FULL * long.articles
    if kind in {"acronym", "same"}:
        return Decision(i, j, "same", score, signals)
    if kind == "meaning":
        return Decision(i, j, "same" if _telling(facts) else "undecided", 0.8 if _telling(facts) else score, signals)
    if kind == "near":
        return _slip(pair, nodes, signals, score, bool(company or facts), pair in seen.together)
    if known or facts or signals[0][0] == "middle name":
        return Decision(i, j, "same", max(score, 0.7), signals)
    return Decision(i, j, "undecided", score, signals)


def _telling(facts: Sequence[str]) -> bool:
    """Whether shared statements are more than chance: several, or one with a number that isn't round or small."""
    odd = [f for f in facts if len(f.split()[0].strip("0").replace(".", "")) > 1]
    return bool(odd) or len(facts) > 2


def _slip(pair: Pair, nodes: Sequence[Node], signals: tuple[tuple[str, str], ...], score: float, borne_out: bool, together: bool) -> Decision:
    """Whether a spelling is a slip for, or a romanisation of, the other."""
    i, j = pair
    words = [value.split(" / ") for signal, value in signals if signal in {"spelt nearly the same", "sounds the same"}]
    if any(is_word(a) and is_word(b) and a.removesuffix("s") != b.removesuffix("s") for a, b in words):
        return Decision(i, j, "different", score, (("two words", ", ".join(f"{a} / {b}" for a, b in words)),))
    rarer = min(nodes[i].articles, nodes[j].articles)
    if rarer >= FREQUENT or (together and min(nodes[i].mentions, nodes[j].mentions) > 1):
        return Decision(i, j, "undecided", score / 2, (*signals, ("both well attested", f"in {rarer} articles or more")))
    commoner = max(nodes[i].mentions, nodes[j].mentions)
    if not together and commoner < 2 * min(nodes[i].mentions, nodes[j].mentions):
        borne_out = False
    sounded = all(signal != "spelt nearly the same" for signal, _ in signals)
    sure = borne_out or (sounded and nodes[i].type == "person" and " " in nodes[i].key)
    return Decision(i, j, "same" if sure else "undecided", score, signals)


def _cluster(
    nodes: Sequence[Node], parsed: Sequence[Parsed], chief: Sequence[int], rank: Sequence[int], decisions: Sequence[Decision]
) -> list[list[int]]:
    """The surest pairs first; a cluster takes in another when all their members are compatible."""
    members: dict[int, list[int]] = {i: [i] for i in rank if chief[i] == i}
    home = {i: i for i in members}
    refused = {(d.left, d.right) for d in decisions if d.verdict == "different"}
    joins = [d for d in decisions if d.verdict == "same" and chief[d.right] == d.right]
    for d in sorted(joins, key=lambda d: (-d.score, nodes[d.left].key, nodes[d.right].key)):
        a, b = home[d.left], home[d.right]
        if a == b:
            continue
        pairs = ((x, y) for x in members[a][:CHECKED] for y in members[b][:CHECKED] if {x, y} != {d.left, d.right})
        if all((min(x, y), max(x, y)) not in refused and _likeness(nodes[x], nodes[y], parsed[x], parsed[y]).kind for x, y in pairs):
            members[a] += members.pop(b)
            for x in members[a]:
                home[x] = a
    place = {i: p for p, i in enumerate(rank)}
    for i in rank:
        if chief[i] != i:
            members[home[chief[i]]].append(i)
    return [sorted(group, key=place.__getitem__) for group in members.values()]
