"""The fullest form of each name in its article: what a surname, an acronym or a short form stands for."""

from collections import defaultdict
from collections.abc import Sequence

from spacy.tokens import Doc

from pipeline.rules.names import Name, stands_for


def full_names(doc: Doc, found: Sequence[Name]) -> list[str]:
    """For each name the longest form that the article gives, its own text when none is certain.

    A short form stands for a longer one of its type when exactly one begins or ends with it: two persons Silva leave
    "Silva" as it is.
    """
    texts = [doc[n.start : n.end].text for n in found]
    forms: dict[str, set[str]] = defaultdict(set)
    for name, text in zip(found, texts, strict=True):
        forms[name.type].add(text)
    introduced = {**_unexplained(forms["organisation"]), **_introduced(doc, found, texts)}
    longer: dict[tuple[str, str], str] = {}
    for kind, known in forms.items():
        if kind in {"person", "organisation"}:
            for text in known:
                longer[kind, text] = _longest(introduced.get((kind, text), text), known)
    # Datelines and headlines write names in capitals throughout.
    mixed = {t.upper(): t for t in texts if not t.isupper()}
    return [longer.get((n.type, t), mixed.get(t, t)) for n, t in zip(found, texts, strict=True)]


def _longest(text: str, known: set[str]) -> str:
    words = text.split()
    full = [k for k in known if len(k) > len(text) and _shortened(words, k.split())]
    # Of forms that contain one another the longest is meant; forms that don't are different names.
    best = max(full, key=len, default=text)
    return best if all(f in best for f in full) else text


def _shortened(short: Sequence[str], name: Sequence[str]) -> bool:
    """Whether a name begins or ends with the short form, or has it as its head noun: `Office` of `Nordvik Office for Roads`."""
    end = next((i for i, word in enumerate(name) if i and word in {"of", "for"}), len(name))
    return any(name[at - len(short) : at] == short for at in (len(short), end, len(name)))


def _unexplained(known: set[str]) -> dict[tuple[str, str], str]:
    """Acronyms that the article leaves to its readers: letters that are the initials, in order, of one name's last words."""
    found = {}
    for letters in known:
        if len(letters) > 2 and letters.isalpha() and letters.isupper():
            names = [k for k in known if "".join(w[0] for w in k.split() if w[0].isupper()).endswith(letters)]
            best = max(names, key=len, default="")
            if best and all(n in best for n in names):
                found["organisation", letters] = best
    return found


def _introduced(doc: Doc, found: Sequence[Name], texts: Sequence[str]) -> dict[tuple[str, str], str]:
    """Acronyms that the article itself explains, in either order: `World Metal Union (WMU)`, `WMU (World Metal Union)`."""
    known = {}
    for (left, a), (right, b) in zip(zip(found, texts, strict=True), list(zip(found, texts, strict=True))[1:], strict=False):
        if left.end + 1 == right.start and doc[left.end].text == "(" and left.type == right.type:
            if stands_for(b, a):
                known[left.type, b] = a
            elif stands_for(a, b):
                known[left.type, a] = b
    return known
