"""NewsQuant predictions of the claims stage, scored: `python benchmarks/newsquant.py SET.json SCORER.py [--errors N]`.

The set (Almasian et al., CQE, EMNLP 2023) names units and concepts in its own way: here they are put into its words; the
stage itself knows nothing of them.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from spacy.tokens import Doc

from pipeline import nlp
from pipeline.config import Settings
from pipeline.stages.claims import extract
from pipeline.tables import ExtractedClaim, Sentence

_BOUNDS = {"exact": "=", "between": "=", "about": "~", "vague": "~", "at_least": ">", "more_than": ">", "at_most": "<", "less_than": "<"}
_TREND = {
    **dict.fromkeys(("up", "rise", "gain", "jump", "grow", "increase", "climb", "add", "surge", "advance", "soar"), "up"),
    **dict.fromkeys(("down", "fall", "lose", "drop", "decline", "decrease", "slip", "plunge", "plummet", "shed", "slump", "cut"), "down"),
}
_UNITS = {
    "times": "count",
    "percent": "percentage",
    "USD": "dollar",
    "EUR": "euro",
    "GBP": "pound sterling",
    "JPY": "japanese yen",
    "CNY": "chinese yuan",
    "ILS": "shekel",
    "INR": "indian rupee",
    "CAD": "canadian dollar",
    "AUD": "australian dollar",
    "CHF": "swiss franc",
    "RUB": "russian ruble",
    "KRW": "south korean won",
    "degree celsius": "celsius",
    "degree fahrenheit": "fahrenheit",
    "°C": "celsius",
    "°F": "fahrenheit",
    "pound": "pound-mass",
    "milliampere hour": "milliampere-hour",
    "liter": "litre",
    "tonne": "metric ton",
    "km": "kilometre",
    "m": "metre",
    "cm": "centimetre",
    "mm": "millimetre",
    "kg": "kilogram",
    "g": "gram",
}


def main() -> None:
    """Predict every sentence of the set and hand the lines to the scorer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", type=Path)
    parser.add_argument("scorer", type=Path)
    parser.add_argument("--errors", default="0", help="sentences whose errors are printed")
    given = parser.parse_args()
    gold = json.loads(given.set.read_text(encoding="utf-8"))
    model = nlp.load(Settings().tokenize.model)
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8", delete=False) as out:
        for place, (row, doc) in enumerate(zip(gold, model.pipe(row["text"] for row in gold), strict=True)):
            for line in predicted(doc):
                out.write(json.dumps({"sent_id": row.get("id", place), **line}) + "\n")
    command = [sys.executable, str(given.scorer), str(given.set), out.name, "--mode", "strict", "--errors", given.errors]
    subprocess.run(command, check=True)


def predicted(doc: Doc) -> list[dict[str, object]]:
    """One line a quantity, in the words of the set."""
    claims = extract(doc, [Sentence("a", 0, 0, len(doc.text), "body")], [], None, "a")
    return [_line(doc, claim) for claim in claims if claim.value is not None and claim.kind != "rank"]


def _line(doc: Doc, claim: ExtractedClaim) -> dict[str, object]:
    value, value_max = claim.value, claim.value_max
    counted = (claim.counted or "").split()
    unit = _unit(doc, claim)
    if claim.kind == "percent" and value is not None and not re.search(r"\d|per", claim.text):  # half is 0.5, no percentage
        value, unit = value / 100, f"% {_singular(doc, counted[-1]) if counted else '-'}"
    if unit == "dollar" and value is not None and re.search(r"\bcents?$", claim.text):
        value, unit = value * 100, "cent"
    count = claim.kind == "count" and claim.unit is None
    unit = " ".join((*counted[:-1], _singular(doc, counted[-1]))) if count and counted else unit
    concept: list[str] | None = None if count or not counted or counted == [claim.unit] else counted
    return {
        "start": claim.start,
        "end": claim.end,
        "value": value,
        "value_max": value_max,
        "bound": _bound(doc, claim),
        "unit": unit,
        "concept": concept,
    }


def _unit(doc: Doc, claim: ExtractedClaim) -> str | None:
    unit = (
        "year of age"
        if claim.kind == "age"
        else _UNITS.get((claim.unit or "").lower(), claim.unit)
        if (claim.unit or "") not in _UNITS
        else _UNITS[claim.unit or ""]
    )
    per = re.match(r"\s+(?:an?|per|each)\s+(square foot|\w+)\b", doc.text[claim.end :])
    return f"{unit} per {per[1]}" if per and claim.kind == "money" else unit


def _bound(doc: Doc, claim: ExtractedClaim) -> str:
    """The set puts the direction of a change in the place of the bound."""
    before = [t.lemma_.lower() for t in doc if claim.start - 30 < t.idx < claim.start][-4:]
    direction = next((_TREND[word] for word in reversed(before) if word in _TREND), None)
    if direction and claim.kind in ("percent", "money", "count", "measure") and (claim.kind == "percent" or claim.bound == "exact"):
        return direction
    return _BOUNDS[claim.bound]


def _singular(doc: Doc, word: str) -> str:
    return next((t.lemma_.lower() for t in doc if t.lower_ == word), word)


if __name__ == "__main__":
    main()
