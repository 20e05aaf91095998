"""How well the comparison of two names alone decides whether they are one, on labelled pairs.

    python benchmarks/name_bench.py NAME_BENCH.CSV [--errors]

The file is nomenklatura's contrib/name_bench/cases.csv: schema, name1, name2, is_match.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from pipeline.rules.likeness import compare, parse

THRESHOLD = 0.7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--errors", action="store_true", help="print the pairs decided otherwise than labelled")
    args = parser.parse_args()
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    with args.file.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kind = "person" if row["schema"] == "Person" else "organisation"
            found = compare(parse(kind, row["name1"]), parse(kind, row["name2"]))
            said, true = found.score >= THRESHOLD, row["is_match"] == "true"
            for key in ("all", row["schema"], row["case_group"]):
                counts[key][2 * true + said] += 1
            if args.errors and said != true:
                print(f"{'missed' if true else 'wrong '} {found.score:.2f} {row['name1']} | {row['name2']} | {found.kind} {found.signals}")
    for key, (_, wrong, missed, right) in counts.items():
        precision, recall = right / max(right + wrong, 1), right / max(right + missed, 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        print(f"{key:16} pairs {sum(counts[key]):4}  p {100 * precision:5.1f}  r {100 * recall:5.1f}  f1 {100 * f1:5.1f}")


if __name__ == "__main__":
    main()
