"""tokenize: the one stage that runs a neural network. Text to sentences and tokens with every layer that later stages need."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from pipeline import nlp
from pipeline.config import Settings
from pipeline.rules.markup import Piece, is_inline, pieces, view
from pipeline.tables import Article, Furniture, Rows, Sentence, Token

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

BLOCK_CHARS = 10_000
"""Longer passages are cut: a parser's memory grows with the passage."""

WRAP_COLUMNS = (50, 100)
"""A text whose lines break at a width between these is hard-wrapped."""

_NO_SPACE = re.compile(r"(?<=[^\W\d_][^\W\dA-Z_][^\W\dA-Z_][.!?])(?=[A-Z][a-z’']+\s)")
"""Where a sentence begins right after a full stop: "extradition.The report", not "e.g.The", "Node.Js," or an address."""

_NEXT_ITEM = r"(?<=[.:;!?\r]\n)[^\S\n]*(?:[•▪‣*-]|\d{1,2}[.)])[^\S\n]"
"""The mark of a list's item at the beginning of a line, after a line that ends a sentence, a clause or a heading."""


def tokenize(rows: Rows, settings: Settings) -> Rows:
    """Sentences and tokens of one article, parsed with the model that the settings name."""
    (article,) = rows["articles"]
    sentences, tokens = parse(article, nlp.load(settings.tokenize.model))
    return {"sentences": sentences, "tokens": tokens}


def parse(article: Article, language: "Language") -> tuple[list[Sentence], list[Token]]:
    """Parse an article passage by passage, so that nothing reaches across a paragraph break or into page furniture."""
    seen = view(article.text, article.furniture)
    spans = list(blocks(seen, [f for f in article.furniture if not is_inline(article.text, f)]))
    hidden = pieces(article.text, article.furniture)
    title = _title_span(seen, article.title)
    quotes = quoted_spans(seen, spans)
    sentences: list[Sentence] = []
    tokens: list[Token] = []
    with language.memory_zone():
        passages = [_passage(article.text, start, end, hidden, language) for start, end in spans]
        for passage, doc in zip(passages, nlp.parse(language, [p.text for p in passages]), strict=True):
            _add(article, passage, doc, title, quotes, sentences, tokens)
    return sentences, tokens


class Passage(NamedTuple):
    """What the model reads of a passage, and where in the article each of its characters starts and ends."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def _passage(text: str, start: int, end: int, hidden: Sequence[Piece], language: "Language") -> Passage:
    """The passage without its inline tags, with a space where one stands within a word, and after a full stop that lacks one."""
    inside = hidden[bisect_left(hidden, (start,)) : bisect_left(hidden, (end,))]
    spaces = {start + m.start() for m in _NO_SPACE.finditer(text[start:end])}
    if not inside and not spaces:
        return Passage(re.sub(r"\s", " ", text[start:end]), range(start, end), range(start + 1, end + 1))
    passage = _shown(text, start, end, inside, spaces)
    tags = {piece.start for piece in inside if not piece.seen}
    for token in language.make_doc(passage.text) if tags else ():
        first, last = passage.starts[token.idx], passage.ends[token.idx + len(token.text) - 1]
        spaces |= {tag for tag in tags if first < tag < last}
    return _shown(text, start, end, inside, spaces)


def _shown(text: str, start: int, end: int, inside: Sequence[Piece], spaces: Collection[int]) -> Passage:
    shown: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def show(character: str, first: int, last: int) -> None:
        # One character for one: the model sees spaces where the file has line breaks and tabs.
        shown.append(" " if character.isspace() else character)
        starts.append(first)
        ends.append(last)

    at = start
    for piece in (*inside, Piece(end, end, "")):
        for place in range(at, piece.start):
            if place in spaces:
                show(" ", place, place)
            show(text[place], place, place + 1)
        if piece.start in spaces:
            show(" ", piece.start, piece.start)
        if piece.seen:
            show(piece.seen, piece.start, piece.end)
        at = piece.end
    return Passage("".join(shown), starts, ends)


def _add(
    article: Article,
    passage: Passage,
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
        start, end = passage.starts[token.idx], passage.ends[token.idx + len(token.text) - 1]
        if token.sent.start != before:
            before = token.sent.start
            last = next(t for t in reversed(token.sent) if not t.is_space)
            span = (start, passage.ends[last.idx + len(last.text) - 1])
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

    Every line break ends a paragraph, unless the text is hard-wrapped: then only an empty line or the next item of a list does.
    """
    paragraph = re.compile(rf"\S(?:[^\n]+|\n(?!\s*\n|{_NEXT_ITEM}))*" if hard_wrapped(text) else r"\S[^\r\n]*")
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


def _title_span(seen: str, title: str | None) -> tuple[int, int]:
    match = re.search(r"\s+".join(map(re.escape, title.split())), seen) if title else None
    return match.span() if match else (-1, -1)


def _inside(span: tuple[int, int], spans: Sequence[tuple[int, int]]) -> bool:
    at = bisect_right(spans, span[0], key=lambda s: s[0]) - 1
    return at >= 0 and spans[at][0] <= span[0] and span[1] <= spans[at][1]
