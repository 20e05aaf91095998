"""People whom a text says to hold a role, with the role, its organisation and its state."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from spacy.tokens import Doc

from pipeline.names import Name


class Office(NamedTuple):
    person: Name
    role: str
    body: Name | None
    organisation: str | None
    country: str | None


def officials(doc: Doc, found: Sequence[Name]) -> Iterator[Office]:
    return iter(())
