"""Words per CPU-second of pipelines over the same texts in one run, turn about, one thread: ratios hold where times don't."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import spacy
from rich.console import Console
from rich.table import Table
from spacy.language import Language

from pipeline.tagging.component import WindowTagger
from pipeline.train.evaluate import BASELINE


def candidates(folders: list[str]) -> dict[str, Language]:
    """The baseline whole, without its NER, and each exported pipeline alone and beside the baseline's other components."""
    result = {"sm, all components": spacy.load(BASELINE), "sm, no ner": spacy.load(BASELINE, exclude=["ner"])}
    for item in folders:
        name, _, folder = item.partition("=")
        ours = spacy.load(Path(folder))
        result[f"{name} alone"] = ours
        both = spacy.load(BASELINE, exclude=["ner"])
        tagger = both.add_pipe("window_ner", name="names")
        if isinstance(tagger, WindowTagger):
            tagger.from_disk(Path(folder) / "ner")
        result[f"{name} + sm, no ner"] = both
    return result


def main() -> None:
    """Prints medians over rounds and the ratio to the whole baseline."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("texts", type=Path, help="JSONL with a field `text`")
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with arguments.texts.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    pipelines = candidates(arguments.model)
    blank = spacy.blank("en")
    words = sum(sum(not t.is_space for t in blank.make_doc(text)) for text in texts)
    times: dict[str, list[float]] = {name: [] for name in pipelines}
    for turn in range(arguments.rounds + 1):
        for name, nlp in pipelines.items():
            started = time.process_time()
            for _ in nlp.pipe(texts):
                pass
            if turn:
                times[name].append(words / (time.process_time() - started))
    table = Table("pipeline", "words per CPU-second", "of sm")
    whole = statistics.median(times["sm, all components"])
    for name, rates in times.items():
        table.add_row(name, f"{statistics.median(rates):,.0f}", f"{statistics.median(rates) / whole:.2f}")
    console = Console()
    console.print(f"{len(texts)} texts, {words:,} words, {arguments.rounds} rounds")
    console.print(table)


if __name__ == "__main__":
    main()
