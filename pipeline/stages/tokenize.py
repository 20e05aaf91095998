"""tokenize: the one stage that runs a neural network. Text to sentences and tokens with every layer that later stages need."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from pipeline import nlp
from pipeline.config import Settings
from pipeline.tables import Article, Furniture, Rows, Sentence, Token

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

BLOCK_CHARS = 10_000
"""Longer passages are cut: a parser's memory grows with the passage."""

WRAP_COLUMNS = (50, 100)
"""A text whose lines break at a width between these is hard-wrapped."""


def tokenize(rows: Rows, settings: Settings) -> Rows:
    """Sentences and tokens of one article, parsed with the model that the settings name."""
    (article,) = rows["articles"]
    sentences, tokens = parse(article, nlp.load(settings.tokenize.model))
    return {"sentences": sentences, "tokens": tokens}


def parse(article: Article, language: "Language") -> tuple[list[Sentence], list[Token]]:
    """Parse an article passage by passage, so that nothing reaches across a paragraph break or into page furniture."""
    spans = list(blocks(article.text, article.furniture))
    title = _title_span(article)
    quotes = quoted_spans(article.text, spans)
    sentences: list[Sentence] = []
    tokens: list[Token] = []
    with language.memory_zone():
        # One character for one: the model sees spaces where the file has line breaks and tabs, offsets stay.
        passages = [re.sub(r"\s", " ", article.text[start:end]) for start, end in spans]
        for (start, _), doc in zip(spans, nlp.parse(language, passages), strict=True):
            _add(article, start, doc, title, quotes, sentences, tokens)
    return sentences, tokens


def _add(
    article: Article,
    offset: int,
    doc: "Doc",
    title: tuple[int, int],
    quotes: Sequence[tuple[int, int]],
    sentences: list[Sentence],
    tokens: list[Token],
) -> None:
    kept = [token for token in doc if not token.is_space]
    first = len(tokens)
    number = {token.i: first + n for n, token in enumerate(kept)}
    before: int | None = None
    for token in kept:
        start = offset + token.idx
        end = start + len(token.text)
        if token.sent.start != before:
            before = token.sent.start
            words = [t for t in token.sent if not t.is_space]
            span = (start, offset + words[-1].idx + len(words[-1].text))
            kind = "title" if _inside(span, [title]) else "quote" if _inside(span, quotes) else "body"
            sentences.append(Sentence(article.doc_id, len(sentences), *span, kind))
        head = token.head
        while head.is_space and head.i != head.head.i:  # white space is no row, so what hangs on it hangs on its head
            head = head.head
        tokens.append(
            Token(
                doc_id=article.doc_id,
                sentence_id=sentences[-1].sentence_id,
                token_id=number[token.i],
                start=start,
                end=end,
                text=article.text[start:end],
                lemma=token.lemma_,
                pos=token.pos_,
                tag=token.tag_,
                dep=token.dep_,
                head=number.get(head.i, number[token.i]),
                space_after=article.text[end : end + 1] == " ",
                ner=f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O",
            )
        )


def blocks(text: str, furniture: Sequence[Furniture]) -> Iterator[tuple[int, int]]:
    """The passages to parse: paragraphs outside page furniture, none longer than BLOCK_CHARS.

    Every line break ends a paragraph, unless the text is hard-wrapped: then only an empty line does.
    """
    paragraph = re.compile(r"\S(?:[^\n]+|\n(?!\s*\n))*" if hard_wrapped(text) else r"\S[^\r\n]*")
    edges = [(f.start, f.end) for f in furniture] + [(len(text), len(text))]
    at = 0
    for start, end in edges:
        for match in paragraph.finditer(text, at, start):
            yield from _cut(text, match.start(), match.start() + len(match.group().rstrip()))
        at = end


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > BLOCK_CHARS:
        # After a sentence if there is one to cut after, else at white space, else in the middle of a word.
        window = text[start : start + BLOCK_CHARS]
        ends = [m.end() for m in re.finditer(r"[.!?][\"'”’)]*(?=\s)", window)] or [m.start() for m in re.finditer(r"\s", window)]
        cut = start + (next((e for e in reversed(ends) if e > 0), 0) or BLOCK_CHARS)
        yield start, cut
        start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
    if start < end:
        yield start, end


def hard_wrapped(text: str) -> bool:
    """Whether lines break at a fixed width, as in an e-mail, and not at the end of paragraphs.

    Then most lines that another line follows are about equally long and end in the middle of a sentence.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    followed = [line for line, following in pairwise(lines) if line and following]
    if len(followed) < 5:
        return False
    width = median(len(line) for line in followed)
    unfinished = sum(line[-1] not in '.!?:"”’' for line in followed)
    return WRAP_COLUMNS[0] <= width <= WRAP_COLUMNS[1] and unfinished / len(followed) > 0.6


def quoted_spans(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Passages between quotation marks, the marks included; one that its paragraph leaves open ends with the paragraph."""
    found = []
    for start, end in spans:
        opened = None
        for match in re.finditer('[“”„«»"]', text[start:end]):
            at = start + match.start()
            if opened is None and match.group() not in "”»":
                opened = at
            elif opened is not None and match.group() not in "“„«":
                found.append((opened, at + 1))
                opened = None
        if opened is not None:
            found.append((opened, end))
    return found


def _title_span(article: Article) -> tuple[int, int]:
    start = article.text.find(article.title) if article.title else -1
    return (start, start + len(article.title)) if start >= 0 and article.title else (-1, -1)


def _inside(span: tuple[int, int], spans: Sequence[tuple[int, int]]) -> bool:
    at = bisect_right(spans, span[0], key=lambda s: s[0]) - 1
    return at >= 0 and spans[at][0] <= span[0] and span[1] <= spans[at][1]
