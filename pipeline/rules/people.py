"""Nouns for people."""

from pipeline.lexicon import words


def names_people(noun: str) -> bool:
    """Whether a noun (its lemma) is one for people."""
    return noun in words("people_nouns") or noun.endswith(("er", "or", "ist", "ian", "man", "men", "woman", "ee", "child"))
