"""People whom a text says to hold a role, with the role, its organisation and its state.

A role stands before the name (`Peruvian Health Minister Ana Rojas`), in apposition on either side (`Ana Rojas, director
of the fund`; `the fund's director, Ana Rojas`), is said of it (`Ana Rojas is director`; `Ana Rojas, who heads the fund`),
or introduces it (`a member surnamed Rojas`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from spacy.tokens import Doc, Token

from pipeline.lexicon import table, words
from pipeline.rules import places
from pipeline.rules.names import Name, heads, roles

ARTICLES = {"the", "a", "an", "its", "their", "his", "her", "our"}
POSSESSIVES = {"'s", "’s", "'", "’"}
LINKS = {"of", "at", "for", "in", "with", "from"}
AFTER_NAME = {"of", "at", "from"}
"""Between a person and the organisation, where the role stands before the name: `Justice Ana Rojas of the High Court`."""
REACH = 8
"""So many words may stand between a role and its organisation: `head of the Lima-based mining company Oro`."""


class Office(NamedTuple):
    """A person, the role as written, the mention of the organisation or its text, and the state's ISO 3166-1 code."""

    person: Name
    role: str
    body: Name | None
    organisation: str | None
    country: str | None


@cache
def _verbs() -> dict[str, str]:
    return {row["verb"]: row["role"] for row in table("role_verbs")}


def officials(doc: Doc, found: Sequence[Name], full: Sequence[str]) -> list[Office]:
    """The offices that an article states, each once a person: the first statement that says most about it.

    `full` are the full names of `found`; they tell that "Rojas" and "Ana Rojas" are one person.
    """
    at = {i: name for name in found for i in range(name.start, name.end)}
    best: dict[tuple[str, str], Office] = {}
    for name, person in zip(found, full, strict=True):
        if name.type != "person":
            continue
        for head in _role_heads(doc, name, at):
            office = _office(doc, name, head, at, found)
            if office:
                word = doc[head].lower_
                # Superintendent and Supt: one rank a person.
                key = (person, "rank" if roles()[word] == "rank" else word)
                if key not in best or _said(office) > _said(best[key]):
                    best[key] = office
        for office in _by_verb(doc, name, at):
            best.setdefault((person, office.role), office)
    # A rank is a way of address beside a role: Captain Novak, spokesman for the fire brigade.
    ranked = Counter(person for person, head in best if head != "rank")
    kept = {key: o for key, o in best.items() if key[1] != "rank" or not ranked[key[0]]}
    return sorted((_completed(doc, key, o, kept, at) for key, o in kept.items()), key=lambda o: o.person)


def _completed(doc: Doc, key: tuple[str, str], office: Office, others: dict[tuple[str, str], Office], at: dict[int, Name]) -> Office:
    """An office without an organisation has the one that the article gives with the same role elsewhere, if it gives but one."""
    person, head = key
    if _said(office) or roles().get(head) not in {"office", "voice"}:
        return office
    bodies: dict[str, Name] = {}
    for token in doc:
        if token.lower_ == head and token.i not in at:
            body = _owner(doc, _left(doc, token.i, at), at)[0] or _right(doc, token.i + 1, at, LINKS)[1]
            if body:
                bodies.setdefault(doc[body.start : body.end].text, body)
    if not bodies:
        bodies = {o.organisation: o.body for (p, _), o in others.items() if p == person and o.body and o.organisation and o.person == office.person}
    if len(bodies) != 1:
        return office
    ((text, body),) = bodies.items()
    return office._replace(body=body, organisation=text, country=_state_of(doc, body))


def _said(office: Office) -> int:
    return (office.body is not None) + (office.organisation is not None) + (office.country is not None)


def _role_heads(doc: Doc, name: Name, at: dict[int, Name]) -> Iterator[int]:
    """Tokens that name a role of the person."""
    before, root = name.start - 1, doc[name.start : name.end].root
    if before >= 0 and _is_role(doc[before]):
        yield before
    elif before > 0 and doc[before].lower_ in {"surnamed", "named", "called"} and _is_role(doc[before - 1]):
        yield before - 1
    while before > 0 and (doc[before].text == "." or doc[before].text in words("honorifics") or roles().get(doc[before].lower_) == "rank"):
        before -= 1
    head = _leading(doc, before, at)
    if head is not None:
        yield head
    yield from _after_comma(doc, name.end)
    verbs = [c for c in root.children if c.dep_ == "relcl"]
    if root.dep_ in {"nsubj", "nsubjpass"}:
        verbs.append(root.head)
    for verb in verbs:
        for child in verb.children:
            if child.dep_ in {"attr", "oprd"} and _is_role(child) and verb.lemma_ in words("verbs_of_office"):
                yield child.i
            elif child.dep_ == "prep" and child.lower_ == "as":
                yield from (c.i for c in child.children if c.dep_ == "pobj" and _is_role(c))


def _leading(doc: Doc, before: int, at: dict[int, Name]) -> int | None:
    """The role whose phrase ends right before a person: `the director of Oro, Ana Rojas`, `Minister for Roads Ana Rojas`."""
    comma = before > 0 and doc[before].text == ","
    i = before - comma
    while i >= 0 and before - i < 2 * REACH and doc[i].pos_ in {"DET", "ADJ", "NOUN", "PROPN", "ADP", "PART", "CCONJ"} and not _is_person(at.get(i)):
        if i not in at and _is_role(doc[i]):
            linked = doc[i + 1].lower_ in LINKS
            return i if (linked or (comma and i == before - 1)) and (comma or doc[i + 1].lower_ in {"of", "for"}) else None
        if not comma and i in at:
            return None
        i -= 1
    return None


def _is_person(name: Name | None) -> bool:
    return name is not None and name.type == "person"


def _is_role(token: Token) -> bool:
    return token.lower_ in roles() and token.pos_ in {"NOUN", "PROPN", "ADJ"}


def _after_comma(doc: Doc, i: int) -> Iterator[int]:
    """The head nouns of an apposition after a name: `, 45, founder and chief executive of`."""
    if i >= len(doc) or doc[i].text not in {",", "(", "–", "—"}:
        return
    i += 1
    if i < len(doc) and doc[i].lower_ == "and":
        return
    if i + 1 < len(doc) and doc[i].like_num and doc[i + 1].text == ",":
        i += 2
    if i < len(doc) and doc[i].lower_ == "until":
        # Until last Friday manager of the works.
        i = next((k for k in range(i, min(len(doc), i + REACH)) if _is_role(doc[k])), i)
    while i < len(doc) and (
        doc[i].pos_ in {"DET", "ADJ", "NOUN", "PROPN", "PART", "ADV", "NUM"} or doc[i].text in {"-", "and"} or doc[i].lower_ in ARTICLES
    ):
        last = i + 1 >= len(doc) or (doc[i + 1].pos_ not in {"NOUN", "PROPN"} and doc[i + 1].text not in {"-", *POSSESSIVES})
        if last and doc[i].pos_ in {"NOUN", "PROPN"}:
            if not _is_role(doc[i]):
                return
            yield i
            if i + 1 >= len(doc) or doc[i + 1].text != "and":
                return
        i += 1


def _office(doc: Doc, person: Name, head: int, at: dict[int, Name], found: Sequence[Name]) -> Office | None:
    """The office that a role noun says: what stands before it and, apart from roles before a name, after it."""
    start, end = _left(doc, head, at), head + 1
    body, code = _owner(doc, start, at)
    referred = _referred(doc, start, head, at)
    organisation = None
    cut = start
    for i in range(start, head):
        nation = places.nationality(doc[i].text) or places.nationality(doc[i : i + 2].text)
        name = at.get(i)
        if nation and (name is None or name.type != "organisation"):
            code, cut = nation, i + 1 + (not places.nationality(doc[i].text))
        elif name and name.type == "organisation" and name.end <= head:
            body = name
            cut = cut if heads().get(doc[name.end - 1].text) == "state" else name.end
        elif name and name.type != "person":
            place = places.country(doc[name.start : name.end].text)
            code, cut = place.country if place else code, name.end
        elif doc[i].lower_ in words("organisation_nouns") and i + 1 == head and not body:
            bare = next((k for k in range(cut, head) if doc[k].lower_ not in words("role_states")), head)
            organisation = doc[bare:head].text or None
    prefixed = head < person.start and "," not in (t.text for t in doc[head : person.start])
    portfolio = prefixed and head + 1 < person.start and doc[head + 1].lower_ in {"of", "for"}
    right = person.end + (doc[person.end : person.end + 1].text == ",") if prefixed else head + 1
    until, after, nation = _right(doc, right, at, AFTER_NAME if prefixed else LINKS)
    if prefixed or doc[head + 1 : head + 2].text != "and" or not (body or code):
        body, code = after or body, nation or code
    end = person.start if portfolio else end if prefixed else until
    if not (body or organisation):
        body = referred or (None if prefixed else _named_by(doc, until + 2, at) if doc[until : until + 1].text in LINKS else None)
    while cut < head and not doc[cut].text[0].isalnum():
        cut += 1
    state = [doc[i].text for i in range(start, cut) if doc[i].lower_ in words("role_states")]
    role = " ".join([*state, doc[cut:end].text])
    if body:
        organisation = doc[body.start : body.end].text
        code = code or _state_of(doc, body)
    if not (body or organisation or code) and roles()[doc[head].lower_] == "voice":
        body = _subject_before(doc, doc[head].sent.start, at)
        if body:
            organisation, code = doc[body.start : body.end].text, _state_of(doc, body)
        else:
            organisation, code = _spoken_for(doc, head)
    body = body or _ministry(doc, f"{organisation or ''} {role}", code, found)
    if roles()[doc[head].lower_] == "post" and not (body or organisation):
        return None
    return Office(person, role, body, organisation, code)


def _left(doc: Doc, head: int, at: dict[int, Name]) -> int:
    """Where the noun phrase of a role begins, without its article."""
    i = head
    while i > 0:
        before = doc[i - 1]
        if (at.get(i - 1) and at[i - 1].type == "person") or before.lower_ in ARTICLES or before.text.isspace():
            break
        if before.pos_ not in {"NOUN", "PROPN", "ADJ", "NUM"} and before.text not in {"-", "&"} and i - 1 not in at:
            break
        i -= 1
    return i


def _owner(doc: Doc, start: int, at: dict[int, Name]) -> tuple[Name | None, str | None]:
    """Whose role it is: `the fund's director`, `Peru's president`."""
    name = at.get(start - 2) if start > 1 and doc[start - 1].text in POSSESSIVES else None
    if name is None or name.type == "person":
        return None, None
    place = places.country(doc[name.start : name.end].text)
    return (name if name.type == "organisation" else None), (place.country if place else None)


def _right(doc: Doc, i: int, at: dict[int, Name], links: set[str]) -> tuple[int, Name | None, str | None]:
    """What follows a role noun: the end of the role (`minister of health`), its organisation, its state."""
    end, body, code = i, None, None
    # Roles in a row share what follows the last: founder and director of Oro.
    following = next((k for k in range(i + 1, min(len(doc), i + 4)) if _is_role(doc[k])), i) if i < len(doc) and doc[i].text == "and" else i
    i = following + 1 if following > i else i
    while i < len(doc) and doc[i].lower_ in links:
        stop = i + 1
        plain = False
        while (
            stop < min(len(doc), i + REACH)
            and stop not in at
            and (doc[stop].pos_ in {"DET", "ADJ", "NOUN", "PROPN", "CCONJ"} or doc[stop].text in {"-", "&"})
        ):
            code = places.nationality(doc[stop].text) or code
            plain = plain or (doc[stop].pos_ == "NOUN" and _is_kind(doc[stop].lower_))
            stop += 1
        name = at.get(stop)
        if name is None:
            if plain or any(t.pos_ == "PROPN" for t in doc[i:stop]) or doc[i].lower_ not in {"of", "for"} or body or stop == i + 1:
                break
            end = i = stop
        else:
            if name.type == "organisation":
                body = name
            elif name.type == "country" and not body:
                place = places.country(doc[name.start : name.end].text)
                code = place.country if place else code
            i = name.end
    return end, body, code


def _state_of(doc: Doc, body: Name) -> str | None:
    """The state that an organisation's name, or the word before it, says it belongs to."""
    for i in range(max(0, body.start - 1), body.end):
        code = places.nationality(doc[i].text)
        if code:
            return code
    before = doc[body.start - 2 : body.start - 1].text if body.start > 1 and doc[body.start - 1].text in POSSESSIVES else ""
    place = places.country(before)
    return place.country if place else None


def _ministry(doc: Doc, role: str, code: str | None, found: Sequence[Name]) -> Name | None:
    """The ministry, named elsewhere in the article, that a minister heads or its spokesman speaks for."""
    parts = {w.lower() for w in role.split()}
    if not parts & {"minister", "ministry"}:
        return None
    fields = parts - {"minister", "ministry", "prime", "deputy", "former", "of", "the", "for", "and"} - set(roles())
    for name in found:
        if name.type == "organisation" and any(doc[i].text == "Ministry" for i in range(name.start, name.end)):
            state = _state_of(doc, name)
            if fields & {doc[i].lower_ for i in range(name.start, name.end)} and (state is None or code is None or state == code):
                return name
    return None


def _referred(doc: Doc, start: int, head: int, at: dict[int, Name]) -> Name | None:
    """The organisation that a pronoun or common noun before a role stands for: `its director`, `the museum's director`."""
    before = doc[start - 1] if start else None
    if before is not None and before.lower_ in {"its", "their", "our"}:
        return _subject_before(doc, before.i, at, whole=before.lower_ != "our")
    if before is not None and before.text in POSSESSIVES and start > 1:
        return _named_by(doc, start - 2, at)
    return _named_by(doc, head - 1, at) if head > start else None


def _named_by(doc: Doc, i: int, at: dict[int, Name]) -> Name | None:
    """The organisation that a common noun at `i` refers back to: the last one so called, or the last of all for `the group`."""
    if i >= len(doc) or i in at or doc[i].pos_ not in {"NOUN", "PROPN"}:
        return None
    noun = doc[i].lower_
    if not _is_kind(noun):
        return None
    last = None
    for k in range(i - 1, -1, -1):
        name = at.get(k)
        if name and name.type == "organisation":
            said = {t.lower_ for t in doc[name.start : name.end]}
            if noun in said:
                return name
            # The regulator is no hospital.
            if not last and not said & words("organisation_nouns") and heads().get(doc[name.end - 1].text) != "press":
                last = name
    return last if noun in words("group_references") else None


def _is_kind(noun: str) -> bool:
    return noun.capitalize() in heads() or noun in words("organisation_nouns")


def _subject_before(doc: Doc, i: int, at: dict[int, Name], *, whole: bool = False) -> Name | None:
    """The organisation that was last spoken of before `i`: a subject rather than another one of its sentence.

    Looks into the two sentences before, with `whole` into the words before `i` in its own as well.
    """
    end = i if whole else doc[i].sent.start
    for _ in range(2 + whole):
        while end > 0 and doc[end - 1].is_space:
            end -= 1
        if not end:
            break
        start = doc[end - 1].sent.start
        known = [n for k in range(start, end) if (n := at.get(k) or _named(doc, k, at)) and n.type == "organisation"]
        subjects = [n for k in range(start, end) if doc[k].dep_ in {"nsubj", "nsubjpass"} and (n := at.get(k) or _named(doc, k, at))]
        subjects = [n for n in subjects if n.type == "organisation"]
        if known:
            return subjects[-1] if subjects else known[-1]
        end = start
    return None


def _named(doc: Doc, i: int, at: dict[int, Name]) -> Name | None:
    return _named_by(doc, i, at) if i and doc[i - 1].lower_ == "the" else None


def _spoken_for(doc: Doc, head: int) -> tuple[str | None, str | None]:
    """What a spokesman without an organisation speaks for where the sentence before has none with a name: `Spanish police`."""
    start = doc[head].sent.start
    while start > 0 and doc[start - 1].is_space:
        start -= 1
    for token in doc[start - 1].sent if start else ():
        if token.dep_ == "nsubj":
            if token.lower_ in words("organisation_nouns"):
                parts = [t for t in token.lefts if t.dep_ in {"compound", "amod"}]
                code = next((c for c in (places.nationality(t.text) for t in parts) if c), None)
                named = [t.text for t in parts if places.nationality(t.text) is None]
                return " ".join([*named, token.text]), code
            break
    return None, None


def _by_verb(doc: Doc, person: Name, at: dict[int, Name]) -> Iterator[Office]:
    """`Ana Rojas, who heads the fund`: the verb says the role."""
    root = doc[person.start : person.end].root
    for verb in root.children:
        if verb.dep_ == "relcl" and verb.lemma_ in _verbs():
            for child in verb.children:
                if child.dep_ == "dobj":
                    name = at.get(child.i)
                    if name and name.type == "organisation":
                        yield Office(person, _verbs()[verb.lemma_], name, doc[name.start : name.end].text, _state_of(doc, name))
