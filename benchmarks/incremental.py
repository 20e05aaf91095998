"""What one more article costs, against the whole: `python benchmarks/incremental.py [ARTICLES]`.

Runs the pipeline over synthetic articles, then twice more: unchanged, and with one article added. Prints the seconds of
each run and of the model (the tokenize step), and the share that the added article took.
"""

import random
import sys
import tempfile
from pathlib import Path

import synthetic

from pipeline import engine
from pipeline.config import Run, Settings


class Clock:
    """Progress that keeps the seconds of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def start(self, step: str, articles: int) -> None: ...

    def advance(self, articles: int) -> None: ...

    def finish(self, step: str, articles: int, seconds: float, skipped: int) -> None:
        self.seconds[step] = seconds


def main(articles: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        synthetic.write(folder / "corpus", articles)
        settings = Settings(run=Run(workers=1))
        model: dict[str, float] = {}
        for label in ("all", "unchanged", "one more"):
            if label == "one more":
                (folder / "corpus/one-more.txt").write_text(synthetic.article(random.Random(-1)), encoding="utf-8")
            clock = Clock()
            summary = engine.run(folder / "corpus", folder / "out", settings, clock)
            model[label] = clock.seconds.get("tokenize", 0.0)
            steps = ", ".join(f"{step} {seconds:.2f}" for step, seconds in clock.seconds.items())
            print(f"{label:10} {summary.seconds:8.2f} s, model {model[label]:8.2f} s  ({steps})")
        print(f"one more article of {articles:,}: {100 * model['one more'] / model['all']:.2f} % of the model time of the full run")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
