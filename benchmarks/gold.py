"""Scores the pipeline on the annotated sample corpus: `python benchmarks/gold.py SCORER [STORY]`.

SCORER is a program that takes OUTPUTS and GOLD. STORY is `ferry`, `other` (the water and the artefacts stories) or both by
default; rules were written with an eye on `other`, `ferry` was kept aside.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main(scorer: str, stories: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        outputs = Path(name) / "outputs"
        subprocess.run([sys.executable, "-m", "pipeline", "run", str(ROOT / "corpus"), str(outputs), "--quiet"], check=True, cwd=ROOT)
        for story in stories:
            gold = Path(name) / story
            gold.mkdir()
            for path in (ROOT / "tests" / "gold").glob(f"{story}.*.jsonl"):
                (gold / path.name.removeprefix(f"{story}.")).write_bytes(path.read_bytes())
            print(f"== {story}", flush=True)
            subprocess.run([sys.executable, scorer, str(outputs), str(gold)], check=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or ["other", "ferry"])
