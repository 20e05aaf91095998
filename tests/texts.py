"""Texts for property tests: what breaks naive handling of characters, between the words of an article."""

from hypothesis import strategies as st

WORDS = ("Ansa Velloth", "nests.", "41", "Share", "3 comments", "“", "”", '"', "«", "…", "They were\n")
SPACES = (" ", "  ", "\n", "\r\n", "\r", "\t", "\u00a0", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c")
ODD = ("\x7f", "\u200b", "\ufeff", "\u202e", "\u05e9\u05dc\u05d5\u05dd", "\U0001f468\u200d\U0001f469", "e\u0301")
OTHER = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=6)

ANY_TEXT = st.lists(st.sampled_from(WORDS + SPACES + ODD) | OTHER, max_size=25).map("".join)
