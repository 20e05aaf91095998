"""A spaCy Doc from stored tokens, without a model: what the rule stages work on."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from spacy.lang.en import English
from spacy.tokens import Doc
from spacy.vocab import Vocab, create_vocab

from pipeline.tables import Sentence, Token


@cache
def _vocab() -> Vocab:
    # English lexical attributes (like_num, is_stop, shape) without a pipeline: building one would import every plug-in of spaCy.
    return create_vocab("en", English.Defaults)


@contextmanager
def rebuilt(text: str, tokens: Sequence[Token]) -> Iterator[Doc]:
    """The Doc of one article: `doc.text == text`, so `token.idx` and `span.start_char` are offsets into the article.

    What lies between two tokens (line breaks, tags, page furniture) becomes one filler token with pos SPACE. Fillers of white
    space, and all those within a sentence, belong to what is before them; others are a sentence of their own. So a token's
    place in the Doc is not its token_id. The Doc must not be used after the block: its strings are freed with it.
    """
    with _vocab().memory_zone():
        yield _doc(text, tokens)


def _doc(text: str, tokens: Sequence[Token]) -> Doc:
    words: list[str] = []
    spaces: list[bool] = []
    place: dict[int, int] = {}  # token_id -> index in the Doc
    apart: set[int] = set()  # fillers that are a sentence of their own
    inside: dict[int, str] = {}  # white space within a named entity is part of it
    end = 0
    sentence: int | None = None
    for token in tokens:
        if token.start > end:
            if not words or (token.sentence_id != sentence and text[end : token.start].strip()):
                apart.add(len(words))
            if token.ner.startswith("I-"):
                inside[len(words)] = token.ner
            words.append(text[end : token.start])
            spaces.append(False)
        place[token.token_id] = len(words)
        words.append(token.text)
        spaces.append(token.space_after)
        end = token.end + token.space_after
        sentence = token.sentence_id
    if end < len(text):
        if not words or text[end:].strip():
            apart.add(len(words))
        words.append(text[end:])
        spaces.append(False)
    n = len(words)
    pos, tags, lemmas, deps, ents = ["SPACE"] * n, ["_SP"] * n, list(words), ["dep"] * n, ["O"] * n
    heads = [max(0, i - 1) for i in range(n)]  # white space hangs on the token before it, as in spaCy's own parses
    for i in apart:
        heads[i], deps[i] = i, "ROOT"
    for i, ner in inside.items():
        ents[i] = ner
    roots: dict[int, int] = {}  # sentence_id -> index in the Doc
    for token in tokens:
        i = place[token.token_id]
        pos[i], tags[i], lemmas[i], deps[i], ents[i] = token.pos, token.tag, token.lemma, token.dep, token.ner
        heads[i] = place[token.head]
        if token.head == token.token_id:
            # Doc takes sentences from the syntax: one a root. Without a parser every token is its own, so a flat tree has to stand in.
            heads[i] = roots.setdefault(token.sentence_id, i)
            deps[i] = token.dep or ("ROOT" if heads[i] == i else "dep")
    return Doc(_vocab(), words=words, spaces=spaces, pos=pos, tags=tags, lemmas=lemmas, heads=heads, deps=deps, ents=ents)


def sentence_at(sentences: Sequence[Sentence], start: int) -> int:
    """sentence_id of the sentence that holds a character of its article."""
    return sentences[max(0, bisect_left(sentences, start + 1, key=lambda s: s.start) - 1)].sentence_id
