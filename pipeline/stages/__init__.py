"""The stages, in order. Everything else (commands, status, help, documentation) derives from this list.

A step is one function of `pipeline.stages.<stage>`, named like the step. It is pure: rows in, rows out.

- scope "source": called once a file or record, `(source, settings) -> rows`;
- scope "article": called once an article, `(rows, settings) -> rows`, both by table name;
- scope "corpus": called once, `(tables, settings) -> rows`; its tables can be read over and over, articles in order of
  doc_id, and never fit in memory. What it writes about articles it gives in order of doc_id too, as an iterator if it likes.

`reads` names the columns that a step looks at: it is given no others (they are None), and it is redone only when one of
these changes. So a change to a date rule of `ingest` does not run the model of `tokenize` again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ALL = ("*",)
"""Every column of a table."""

_TOKENS = ("doc_id", "sentence_id", "token_id", "start", "end", "text", "lemma", "pos", "tag", "dep", "head", "space_after", "ner")
_SENTENCES = ("doc_id", "sentence_id", "start", "end", "kind")


@dataclass(frozen=True)
class Step:
    name: str
    stage: str
    scope: Literal["source", "article", "corpus"]
    reads: Mapping[str, tuple[str, ...]]
    writes: tuple[str, ...]
    model: bool = False
    """Whether it runs the spaCy model, whose digest it then depends on."""


STEPS = (
    Step("ingest", "ingest", "source", {}, ("articles",)),
    Step("tokenize", "tokenize", "article", {"articles": ("doc_id", "text", "title", "furniture")}, ("sentences", "tokens"), model=True),
    Step(
        "entities",
        "entities",
        "article",
        {"articles": ("doc_id", "text", "publisher"), "sentences": _SENTENCES, "tokens": _TOKENS},
        ("extracted_mentions", "extracted_officials"),
    ),
    Step(
        "claims",
        "claims",
        "article",
        {"articles": ("doc_id", "text", "published"), "sentences": _SENTENCES, "tokens": _TOKENS, "extracted_mentions": ALL},
        ("extracted_claims",),
    ),
    Step(
        "link",
        "normalise",
        "corpus",
        {
            "extracted_mentions": ("doc_id", "mention_id", "sentence_id", "start", "end", "text", "type", "name", "place_id"),
            "extracted_claims": ("doc_id", "value", "unit", "counted", "source_mention_id"),
        },
        ("entities", "variants", "links"),
    ),
    Step(
        "group",
        "normalise",
        "corpus",
        {"articles": ("doc_id", "published"), "extracted_claims": ALL, "entities": ("entity_id",), "links": ALL},
        ("claim_groups", "members"),
    ),
    Step(
        "resolve",
        "normalise",
        "article",
        {
            "articles": ("doc_id", "text"),
            "sentences": ("doc_id", "sentence_id"),
            "extracted_mentions": ALL,
            "extracted_officials": ALL,
            "extracted_claims": ALL,
            "links": ALL,
            "members": ALL,
        },
        ("mentions", "officials", "claims"),
    ),
    Step(
        "report",
        "report",
        "corpus",
        {
            "articles": ALL,
            "sentences": _SENTENCES,
            "mentions": ALL,
            "entities": ALL,
            "variants": ALL,
            "officials": ALL,
            "claims": ALL,
            "claim_groups": ALL,
        },
        ("report.html",),
    ),
)

STAGES: dict[str, str] = {
    "ingest": "Read the corpus: one row an article, furniture marked.",
    "tokenize": "Run the model: sentences and parsed tokens.",
    "entities": "Find people, organisations, places and officials.",
    "claims": "Find numbers: of what, where, when, says who.",
    "normalise": "Bring variant names together, and claims in groups.",
    "report": "Write one page to read in a browser.",
}
