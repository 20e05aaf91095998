"""How well names become entities on the MEANTIME corpus, with the annotators' mentions given: B-cubed over named mentions.

    python benchmarks/meantime.py MEANTIME.JSONL [--errors]

Spans hold descriptions ("Apple CEO Steve Jobs", "the US carmaker Ford"), where our own extraction gives names alone, so
each is cut down to its name first, for the exact-string baseline too.
"""

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import spacy

from pipeline.config import Settings
from pipeline.rules import places
from pipeline.rules.fullnames import full_names
from pipeline.rules.names import Name, roles
from pipeline.stages.normalise import link
from pipeline.tables import ExtractedMention

TYPES = {"PER": "person", "ORG": "organisation", "PRO": "product", "FIN": "index"}
JOINING = {"of", "and", "&", "for", "de", "the"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--errors", action="store_true", help="print the entities that are split or mixed")
    args = parser.parse_args()
    documents = [json.loads(line) for line in args.file.read_text(encoding="utf-8").splitlines()]
    documents.sort(key=lambda d: d["doc"])
    gold = {key(d, m): m["chain"] for d in documents for m in d["mentions"] if m["named"]}
    spans = {key(d, m): m["text"] for d in documents for m in d["mentions"] if m["named"]}
    rows = [row for document in documents for row in extracted(document)]
    found = link({"extracted_mentions": rows, "extracted_claims": []}, Settings())
    linked = {link.mention_id: link.entity_id for link in found["links"]}
    print(f"{len(gold)} named mentions of {len(set(gold.values()))} entities")
    show("exact string, span as given", gold, spans)
    show("exact string, cut to the name", gold, {r.mention_id: r.text for r in rows})
    show("full name in its article", gold, {r.mention_id: (r.type, r.place_id or r.name) for r in rows})
    show("linker", gold, linked)
    if args.errors:
        names = {r.mention_id: f"{r.name} ({r.type})" for r in rows}
        errors("split", gold, linked, names)
        errors("mixed", linked, gold, names)


def key(document: Mapping[str, Any], mention: Mapping[str, Any]) -> str:
    return f"{document['doc']}:{mention['start']}-{mention['end']}"


def extracted(document: Mapping[str, Any]) -> Iterator[ExtractedMention]:
    """The rows that our extraction would give for the annotators' mentions."""
    doc = spacy.blank("en").make_doc(document["text"])
    mentions, found = [], []
    for mention in sorted((m for m in document["mentions"] if m["named"]), key=lambda m: (m["start"], m["end"])):
        start, end = name_in(mention["text"], mention["type"])
        span = doc.char_span(mention["start"] + start, mention["start"] + end, alignment_mode="expand")
        kind, _ = typed(span.text, mention["type"])
        mentions.append((mention, span))
        found.append(Name(span.start, span.end, kind))
    sentences = [m.start() for m in re.finditer(r"(?<=[.!?\n])\s+", document["text"])]
    for (mention, span), name, full in zip(mentions, found, full_names(doc, found), strict=True):
        at = sum(s <= span.start_char for s in sentences)
        place_id = typed(full, mention["type"])[1]
        yield ExtractedMention(
            document["doc"], key(document, mention), at, span.start_char, span.end_char, span.text, name.type, full, place_id, None
        )


def typed(text: str, label: str) -> tuple[str, str | None]:
    if label != "LOC":
        return TYPES[label], None
    bare = re.sub(r"^[Tt]he ", "", text)
    code = places.nationality(bare)
    place = places.country(bare) or places.region(bare)
    if code:
        return "country", f"country:{code}"
    return (place.type, place.place_id) if place else (places.place_type(bare), None)


def name_in(text: str, label: str) -> tuple[int, int]:
    """Where the name stands in an annotator's span: the last run of capitals before a comma, after any role."""
    piece_start = 0
    for piece in re.split(r"(?<=,) | \(", text):
        start = text.index(piece, piece_start)
        piece_start = start
        run: tuple[int, int] | None = None
        last_role = False
        open_run, joined = False, False
        for word in re.finditer(r"[^\s,()\"“”]+", piece):
            low = word.group().casefold().strip(".")
            role = label == "PER" and (low in roles() or word.group() in {"CEO", "Mr.", "Mrs.", "Ms.", "Dr."})
            capital = word.group()[0].isupper() or (word.group()[0].isdigit() and open_run)
            ends = word.group().endswith(("'s", "s'", "’s")) and label != "PRO"
            if role:
                open_run, last_role, joined = False, True, False
            elif capital:
                run = (run[0] if run and open_run else word.start(), word.end())
                open_run, last_role, joined = not (ends and word.end() < len(piece)), False, False
            elif low in JOINING and open_run and not joined:
                joined = low != "of"
            else:
                open_run = False
        if run and not last_role:
            first = run[0]
            first += 4 if piece[first : first + 4].casefold() == "the " and label != "PER" else 0
            return start + first, start + run[1]
    return 0, len(text)


def show(title: str, gold: Mapping[str, Hashable], found: Mapping[str, Hashable]) -> None:
    precision, recall = b_cubed(gold, found), b_cubed(found, gold)
    print(f"{title:32} p {100 * precision:5.1f}  r {100 * recall:5.1f}  b3 {200 * precision * recall / (precision + recall):5.1f}")


def b_cubed(gold: Mapping[str, Hashable], found: Mapping[str, Hashable]) -> float:
    """Precision of `found`; with the arguments exchanged, recall."""
    groups: dict[Hashable, Counter[Hashable]] = defaultdict(Counter)
    for mention, cluster in found.items():
        groups[cluster][gold[mention]] += 1
    return sum(n * n / group.total() for group in groups.values() for n in group.values()) / len(found)


def errors(title: str, whole: Mapping[str, Hashable], parts: Mapping[str, Hashable], names: Mapping[str, str]) -> None:
    groups: dict[Hashable, dict[Hashable, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for mention, cluster in whole.items():
        groups[cluster][parts[mention]][names[mention]] += 1
    worst = sorted((g for g in groups.values() if len(g) > 1), key=lambda g: -sum(c.total() for c in g.values()))
    for group in worst:
        print(title, " || ".join(", ".join(f"{n} {c}" for n, c in names.items()) for names in group.values()))


if __name__ == "__main__":
    main()
