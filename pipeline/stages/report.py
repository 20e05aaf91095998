"""The report: one page that a browser opens by itself, from the tables alone.

Everything on the page is either ours or passed through `_text`, which is what keeps hostile articles harmless; the
Content-Security-Policy in report.html is the second line of defence. Memory holds the rows that are shown and the rows
of one article, never a table of articles.
"""

import base64
import hashlib
import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from heapq import nsmallest
from itertools import groupby, pairwise
from operator import attrgetter
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from pipeline.config import Settings
from pipeline.tables import TABLES, Article, Claim, ClaimGroup, Entity, Mention, Official, Sentence, Variant

Tables = Mapping[str, Iterable[Any]]
Organisation = tuple[str | None, str | None]
"""Its id and its name; both are unknown where an article states none."""

_HERE = Path(__file__).parent

# Characters and entries of one item, bytes of one section: together they keep the page of any corpus below 5 MB.
_NAME_CHARS = 300
_HEADLINE_CHARS = 100
_URL_CHARS = 2_000
_SENTENCE_CHARS = 300
_ARTICLE_CHARS = 20_000
_CLAIMS_OF_A_QUANTITY = 40
_CLAIMS_OF_A_NUMBER = 10
_LINES_OF_AN_ITEM = 30
_PLACES_TO_READ = 5
_UNFOLDED = 10
_BYTES = {"disputed": 900_000, "quantities": 700_000, "articles": 1_900_000}
_BYTES_OF_A_LIST = 300_000

_DISPUTED = ("differ", "update")
_STATUS = {"differ": "Sources differ", "update": "Updated over time", "agree": "Sources agree", "single": "One source"}
_WORDED = {"at_least": "at least", "at_most": "at most", "more_than": "more than", "less_than": "less than", "about": "about", "between": "between"}
_DECIDED = {"same": "written the same", "rule": "by rule", "model": "by the model", "person": "by a person"}
_ENTITIES = (
    ("organisations", "Organisations", ("organisation",)),
    ("people", "People", ("person",)),
    ("places", "Places", ("city", "country", "region")),
)

# Control characters would vanish, and directional ones would turn the words around them: both are shown instead.
_VISIBLE = (
    {c: chr(0x2400 + c) for c in range(32) if chr(c) not in "\t\n\r"}
    | {c: f"[U+{c:04X}]" for c in (*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    | {0x7F: "\u2421"}
)


class Cited(NamedTuple):
    """A claim, its article (without the text) and its sentence before and after the number."""

    claim: Claim
    article: Article
    before: str
    after: str


class Mark(NamedTuple):
    """A stretch of an article's text that becomes a link."""

    start: int
    end: int
    attributes: str


class Section(NamedTuple):
    anchor: str
    title: str
    total: int | None
    content: str


def report(tables: Tables, settings: Settings) -> dict[str, list[str]]:
    """Write the page.

    The first `settings.report.top` of every list are shown. Article texts are those that the shown quantities cite, then
    the first of the corpus, so that as many numbers as possible can be checked in their text.
    """
    top = settings.report.top
    disputed = _largest_groups(top, tables, disputed=True)
    others = _largest_groups(top, tables, disputed=False)
    entities = {anchor: _largest_entities(top, tables, types) for anchor, _, types in _ENTITIES}
    shown = {e.entity_id for chosen in entities.values() for e in chosen}
    variants = _variants(tables, shown)
    claims = _claims(tables, [g.group_id for g in (*disputed, *others)])
    cited, texts, read = _read(tables, claims, _texts_to_show(top, tables, claims), shown)

    found = _found(tables)
    total = sum(found["status"].values())
    total_disputed = sum(found["status"][s] for s in _DISPUTED)
    sections = [
        Section("overview", "Overview", None, _overview(found)),
        _section(
            ("disputed", "Sources differ, or were updated"),
            "Quantities for which articles give different numbers, most independent sources first. A dot is a number that somebody gave.",
            (_quantity(g, cited[g.group_id], unfolded=i < _UNFOLDED) for i, g in enumerate(disputed)),
            total_disputed,
        ),
        _section(
            ("quantities", "Other quantities"),
            "Quantities on which all agree, or that one source alone speaks of.",
            (_quantity(g, cited[g.group_id]) for g in others),
            total - total_disputed,
        ),
    ]
    for anchor, title, types in _ENTITIES:
        sections.append(
            _section(
                (anchor, title),
                "Most mentioned first, with every spelling and why it was taken for the same.",
                (_entity(e, variants[e.entity_id], read[e.entity_id]) for e in entities[anchor]),
                sum(found["type"][t] for t in types),
                rows=True,
            )
        )
    sections.append(
        _section(
            ("officials", "Officials"),
            "People with a role, by organisation, as the articles state it. A role leads to where it stands.",
            (_office(name, stated) for name, stated in _officials(top, tables, found["organisation"])),
            len(found["organisation"]),
            rows=True,
        )
    )
    sections.append(_section(("articles", "Articles"), _LEGEND, texts, found["rows"]["articles"]))
    return {"report.html": [_page(found, sections)]}


# Choosing what to show


def _largest_groups(top: int, tables: Tables, *, disputed: bool) -> list[ClaimGroup]:
    groups = (g for g in tables["claim_groups"] if (g.status in _DISPUTED) is disputed)
    return nsmallest(top, groups, key=lambda g: (-g.independent_sources, -g.articles, -g.claims, g.quantity, g.group_id))


def _largest_entities(top: int, tables: Tables, types: tuple[str, ...]) -> list[Entity]:
    entities = (e for e in tables["entities"] if e.type in types)
    return nsmallest(top, entities, key=lambda e: (-e.mentions, -e.articles, e.name, e.entity_id))


def _variants(tables: Tables, shown: set[str]) -> defaultdict[str, list[Variant]]:
    variants = defaultdict(list)
    for variant in tables["variants"]:
        if variant.entity_id in shown:
            variants[variant.entity_id].append(variant)
    return variants


def _claims(tables: Tables, groups: list[str]) -> dict[str, list[Claim]]:
    """The claims to show, by group in the order given. No number crowds out the others, or a dispute would look settled."""
    claims: dict[str, list[Claim]] = {group: [] for group in groups}
    given: Counter[tuple[Any, ...]] = Counter()
    for claim in tables["claims"]:
        number = (claim.group_id, claim.value, claim.value_max)
        kept = claims.get(claim.group_id)
        if kept is not None and len(kept) < _CLAIMS_OF_A_QUANTITY and given[number] < _CLAIMS_OF_A_NUMBER:
            given[number] += 1
            kept.append(claim)
    return claims


def _texts_to_show(top: int, tables: Tables, claims: Mapping[str, list[Claim]]) -> set[str]:
    cited = dict.fromkeys(claim.doc_id for group in claims.values() for claim in group)
    chosen = set(list(cited)[:top])
    for article in tables["articles"]:
        if len(chosen) >= top:
            break
        chosen.add(article.doc_id)
    return chosen


def _officials(top: int, tables: Tables, counts: Counter[Organisation]) -> list[tuple[str | None, list[tuple[Official, int]]]]:
    """The organisations with most statements of office; of each its distinct statements, where they first stand and how often."""
    chosen = nsmallest(top, counts, key=lambda key: (key[1] is None, -counts[key], key[1] or "", key[0] or ""))
    first: dict[Organisation, dict[tuple[str, str], Official]] = {key: {} for key in chosen}
    times: Counter[tuple[Organisation, tuple[str, str]]] = Counter()
    for official in tables["officials"]:
        organisation = (official.organisation_id, official.organisation)
        if organisation in first:
            statement = (official.entity_id, official.role)
            first[organisation].setdefault(statement, official)
            times[organisation, statement] += 1
    return [
        (key[1], sorted(((one, times[key, statement]) for statement, one in stated.items()), key=lambda s: (-s[1], s[0].person, s[0].role)))
        for key, stated in first.items()
    ]


def _found(tables: Tables) -> dict[str, Counter[Any]]:
    """What the overview counts."""
    return {
        "rows": Counter({name: sum(1 for _ in tables[name]) for name in TABLES if name in tables}),
        "published": Counter(a.published for a in tables["articles"] if a.published),
        "publisher": Counter(a.publisher for a in tables["articles"] if a.publisher),
        "status": Counter(g.status for g in tables["claim_groups"]),
        "type": Counter(e.type for e in tables["entities"]),
        "kind": Counter(c.kind for c in tables["claims"]),
        "organisation": Counter((o.organisation_id, o.organisation) for o in tables["officials"]),
    }


# Reading the articles


def _by_article(tables: Tables, *names: str) -> Iterator[tuple[Article, dict[str, list[Any]]]]:
    """Every article with its rows of some tables, which all come in the order of the articles."""
    streams = {name: groupby(tables[name], key=attrgetter("doc_id")) for name in names}
    ahead = {name: next(stream, None) for name, stream in streams.items()}
    for article in tables["articles"]:
        rows: dict[str, list[Any]] = {}
        for name, stream in streams.items():
            group = ahead[name]
            if group and group[0] == article.doc_id:
                rows[name] = list(group[1])
                ahead[name] = next(stream, None)
            else:
                rows[name] = []
        yield article, rows


def _read(
    tables: Tables, claims: Mapping[str, list[Claim]], texts_to_show: set[str], entities: set[str]
) -> tuple[defaultdict[str, list[Cited]], list[str], defaultdict[str, list[str]]]:
    """One pass over the articles: cited claims by group, the chosen texts, and by entity the links to where it is named."""
    wanted = defaultdict(list)
    for group in claims.values():
        for claim in group:
            wanted[claim.doc_id].append(claim)
    cited: defaultdict[str, list[Cited]] = defaultdict(list)
    texts: list[str] = []
    read: defaultdict[str, list[str]] = defaultdict(list)
    for article, rows in _by_article(tables, "sentences", "mentions", "claims"):
        sentences = {s.sentence_id: s for s in rows["sentences"]}
        for claim in wanted.get(article.doc_id, ()):
            cited[claim.group_id].append(_cite(claim, article, sentences[claim.sentence_id]))
        if article.doc_id in texts_to_show:
            texts.append(_article(article, rows["mentions"], rows["claims"]))
            for entity_id in dict.fromkeys(m.entity_id for m in rows["mentions"]):
                if entity_id in entities and len(read[entity_id]) < _PLACES_TO_READ:
                    read[entity_id].append(_link(_anchor("mention", article.doc_id, entity_id), _headline(article)))
    return cited, texts, read


def _cite(claim: Claim, article: Article, sentence: Sentence) -> Cited:
    before = article.text[sentence.start : claim.start].lstrip()
    after = article.text[claim.end : sentence.end].rstrip()
    if len(before) > _SENTENCE_CHARS:
        before = "…" + before[-_SENTENCE_CHARS:]
    return Cited(claim, article._replace(text="", furniture=[], copied=[]), before, _clip(after, _SENTENCE_CHARS))


# Writing HTML


def _clip(value: str, limit: int) -> str:
    return value if len(value) <= limit else value[:limit] + "…"


def _text(value: str, limit: int | None = _NAME_CHARS) -> str:
    """Foreign text, safe between tags and inside attributes."""
    return html.escape((value if limit is None else _clip(value, limit)).translate(_VISIBLE), quote=True)


def _name(value: str) -> str:
    """Foreign text that stands between ours, which a right-to-left name must not reorder."""
    return f"<bdi>{_text(value)}</bdi>" if value else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.15g}"


def _many(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def _dates(first: str | None, last: str | None) -> str:
    return " to ".join(f"<time>{_text(d)}</time>" for d in dict.fromkeys((first, last)) if d)


def _line(parts: Iterable[str]) -> str:
    return " · ".join(filter(None, parts))


def _paragraph(css: str, content: str) -> str:
    return f'<p class="{css}">{content}</p>' if content else ""


def _more(total: int) -> str:
    """What to say after the lines that an item shows."""
    return f" and {total - _LINES_OF_AN_ITEM:,} more" if total > _LINES_OF_AN_ITEM else ""


def _anchor(kind: str, *key: str) -> str:
    """An id for what a key names: a doc_id may hold spaces, quotation marks and characters with a meaning in links."""
    return f"{kind}-{hashlib.blake2b(chr(0).join(key).encode(), digest_size=8).hexdigest()}"


def _link(anchor: str, content: str) -> str:
    return f'<a href="#{anchor}">{content}</a>'


_LINK = re.compile(r'<a href="#([^"]*)"([^>]*)>(.*?)</a>', re.DOTALL)


def _without_dead_links(page: str) -> str:
    """Links are written without asking whether their target is shown; here those that lead nowhere become plain text.

    Only our own markup matches: foreign text holds no `<`, `>` or quotation mark once it is escaped.
    """
    ids = set(re.findall(r' id="([^"]*)"', page))
    return _LINK.sub(lambda link: link[0] if link[1] in ids else f"<span{link[2]}>{link[3]}</span>", page)


def _page(found: Mapping[str, Counter[Any]], sections: list[Section]) -> str:
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    published = found["published"] or [None]
    counts = {s.anchor: "" if s.total is None else f" <b>{s.total:,}</b>" for s in sections}
    body = "\n".join(f'<section id="{s.anchor}" aria-labelledby="h-{s.anchor}">\n{s.content}\n</section>' for s in sections)
    return Template((_HERE / "report.html").read_text(encoding="utf-8")).substitute(
        hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        css=(_HERE / "report.css").read_text(encoding="utf-8"),
        script=script,
        subtitle=_line(
            (
                _many(found["rows"]["articles"], "article"),
                _many(len(found["publisher"]), "outlet"),
                _dates(min(published), max(published)),
            )
        ),
        contents="\n".join(f"<li>{_link(s.anchor, s.title + counts[s.anchor])}</li>" for s in sections),
        main=_without_dead_links(body),
    )


def _section(name: tuple[str, str], lead: str, items: Iterable[str], total: int, *, rows: bool = False) -> Section:
    """A list of the page: as many of its items as its share of the page holds."""
    anchor, title = name
    left = _BYTES.get(anchor, _BYTES_OF_A_LIST)
    shown: list[str] = []
    for item in items:
        size = len(item.encode())
        if size <= left:
            left -= size
            shown.append(item)
    content = "\n".join(shown) if total else "<p>None were found.</p>"
    if rows and shown:
        content = f'<ul class="rows">\n{content}\n</ul>'
    cut = f"{len(shown):,} of {total:,} are shown here; the tables hold all of them." if len(shown) < total else ""
    return Section(anchor, title, total, f'<h2 id="h-{anchor}">{title}</h2>\n<p class="lead">{lead}</p>\n{_paragraph("note", cut)}{content}')


def _overview(found: Mapping[str, Counter[Any]]) -> str:
    counts = {
        "articles": found["rows"]["articles"],
        "numeric claims": found["rows"]["claims"],
        "quantities": found["rows"]["claim_groups"],
        **{words.lower(): found["status"][status] for status, words in _STATUS.items()},
        **{title.lower(): sum(found["type"][t] for t in types) for _, title, types in _ENTITIES},
        "statements of office": found["rows"]["officials"],
    }
    tiles = "\n".join(f"<div><dt>{label}</dt><dd>{count:,}</dd></div>" for label, count in counts.items())
    rows = "\n".join(
        f'<tr><th scope="row">{name}</th><td>{TABLES[name].meaning}</td><td class="count">{count:,}</td></tr>'
        for name, count in found["rows"].items()
    )
    return f"""<h2 id="h-overview">Overview</h2>
<p class="lead">Found by a machine. Every number leads to the sentence it stands in: check it there before you print it.</p>
<dl class="tiles">
{tiles}
</dl>
<p class="plain"><b>Claims by kind:</b> {_counted(found["kind"]) or "none"}.</p>
<p class="plain"><b>Articles by outlet:</b> {_counted(found["publisher"]) or "no outlet is stated"}.</p>
<details><summary>Rows of each table</summary>
<table><thead><tr><th scope="col">Table</th><th scope="col">One row is</th><th scope="col" class="count">Rows</th></tr></thead>
<tbody>
{rows}
</tbody></table></details>"""


def _counted(counts: Counter[str]) -> str:
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_LINES_OF_AN_ITEM]
    return ", ".join(f"{_name(value)} {count:,}" for value, count in most) + _more(len(counts))


def _quantity(group: ClaimGroup, cited: list[Cited], *, unfolded: bool = False) -> str:
    places = {place_id: name for c in cited for place_id, name in zip(c.claim.place_ids, c.claim.places, strict=True)}
    meta = (
        f'<span class="status">{_STATUS[group.status]}</span>',
        ", ".join(_name(places.get(p, p)) for p in group.place_ids[:_LINES_OF_AN_ITEM]),
        f"{_many(group.claims, 'claim')} in {_many(group.articles, 'article')}",
        _many(group.independent_sources, "independent source"),
        _dates(group.first_published, group.last_published),
    )
    claims = "\n".join(map(_claim, sorted(cited, key=lambda c: (c.article.published or "9999", c.claim.doc_id, c.claim.start))))
    cut = f"{len(cited):,} of {group.claims:,} claims are shown here." if len(cited) < group.claims else ""
    opened = " open" if unfolded else ""
    return f"""<details class="card item {group.status}" id="{_anchor("quantity", group.group_id)}"{opened}>
<summary><h3 dir="auto">{_text(group.quantity)}</h3><span class="meta">{_line(meta)}</span>{_strip(group)}</summary>
<ul class="claims">
{claims}
</ul>{_paragraph("after", cut)}</details>"""


def _strip(group: ClaimGroup) -> str:
    """The numbers given, as dots on a line from the lowest to the highest."""
    low, high = group.low, group.high
    if low is None or high is None:
        return ""
    unit = _text(group.unit or "")
    if not low < high:
        return f'<span class="strip"><strong>{_number(low)} {unit}</strong></span>'
    dots = "".join(f'<b style="left:{100 * (v - low) / (high - low):.1f}%"></b>' for v in group.values[:_LINES_OF_AN_ITEM])
    return f'<span class="strip">{_number(low)}<i aria-hidden="true">{dots}</i>{_number(high)} {unit}</span>'


def _claim(cited: Cited) -> str:
    claim, article = cited.claim, cited.article
    number = _link(_anchor("number", claim.claim_id), f"<strong>{_text(claim.text)}</strong>")
    value = " to ".join(filter(None, (_number(claim.value), _number(claim.value_max)))) or claim.bound
    value = f"{value} {_text(claim.unit)}" if claim.unit else value
    read_as = "" if value == claim.text else f"<small>{value}</small>"
    said = {
        "of": _text(claim.counted or ""),
        "in": ", ".join(map(_name, claim.places[:_LINES_OF_AN_ITEM])),
        "when": _dates(claim.time_start, claim.time_end),
        "according to": _text(claim.source) if claim.source else "<i>the article itself</i>",
    }
    facts = "".join(f"<div><dt>{label}</dt><dd>{fact}</dd></div>" for label, fact in said.items() if fact)
    noted = {
        "in quotation marks": claim.quoted,
        "hedged": claim.hedged,
        "denied or negated": claim.negated,
        _link(_anchor("claim", claim.copied_from or ""), "repeats an earlier article"): claim.copied_from,
    }
    flags = "".join(f'<span class="flag">{flag}</span>' for flag, holds in noted.items() if holds)
    origin = _line((_byline(article), _link(_anchor("article", article.doc_id), _headline(article)), _original(article)))
    sentence = f"{_text(cited.before, None)}<mark>{_text(claim.text)}</mark>{_text(cited.after, None)}"
    return f"""<li id="{_anchor("claim", claim.claim_id)}"><p class="figure">{_WORDED.get(claim.bound, "")} {number}{read_as}</p>
<div><blockquote lang="{_text(article.language)}" dir="auto">{sentence}</blockquote>
<dl class="facts">{facts}</dl>
<p class="origin">{flags}{origin}</p></div></li>"""


def _headline(article: Article) -> str:
    return _text(article.title or article.doc_id, _HEADLINE_CHARS)


def _byline(article: Article) -> str:
    return _line((_name(article.publisher or ""), _name(article.author or ""), _dates(article.published, None)))


def _original(article: Article) -> str:
    # Any other scheme (javascript:, data:) could act when it is clicked.
    if article.url is None or len(article.url) > _URL_CHARS or not re.match(r"https?://", article.url, re.IGNORECASE):
        return ""
    return f'<a href="{_text(article.url, None)}" rel="noreferrer noopener">the original</a>'


def _entity(entity: Entity, variants: list[Variant], read: list[str]) -> str:
    located = entity.latitude is not None and entity.longitude is not None
    meta = (
        _text(entity.type),
        _many(entity.mentions, "mention"),
        _many(entity.articles, "article"),
        _text(entity.country or ""),
        f"{entity.latitude:.2f}, {entity.longitude:.2f}" if located else "",
        "" if entity.population is None else _many(entity.population, "inhabitant"),
        "" if entity.geonames_id is None else f"GeoNames {entity.geonames_id}",
    )
    most = sorted(variants, key=lambda v: (-v.mentions, v.variant))[:_LINES_OF_AN_ITEM]
    spellings = "\n".join(map(_spelling, most)) + (f"<li>{_more(len(variants))}</li>" if _more(len(variants)) else "")
    return f"""<li class="item" id="{_anchor("entity", entity.entity_id)}"><h3 dir="auto">{_text(entity.name)}</h3>
{_paragraph("meta", _line(meta))}
<details><summary>{_many(len(variants), "spelling")}</summary><ul class="spellings">
{spellings}
</ul>{_paragraph("meta", "Named in " + ", ".join(read) if read else "")}</details></li>"""


def _spelling(variant: Variant) -> str:
    evidence = "; ".join(f"{_name(e.signal)}: {_name(e.value)}" for e in variant.evidence[:_LINES_OF_AN_ITEM])
    decided = f"{_many(variant.mentions, 'mention')}, {_DECIDED[variant.decided_by]}, score {variant.score:.2f}"
    return f'<li><b>{_name(variant.variant)}</b> ({decided})<br><span class="meta">{evidence}</span></li>'


def _office(organisation: str | None, stated: list[tuple[Official, int]]) -> str:
    lines = []
    for one, count in stated[:_LINES_OF_AN_ITEM]:
        person = _link(_anchor("entity", one.entity_id), _text(one.person))
        role = _link(_anchor("mention", one.doc_id, one.entity_id), _text(one.role))
        country = f" ({_text(one.country)})" if one.country else ""
        times = f", stated {count:,} times" if count > 1 else ""
        lines.append(f"<li>{person}, {role}{country}{times}</li>")
    if _more(len(stated)):
        lines.append(f"<li>{_more(len(stated))}</li>")
    title = _text(organisation) if organisation else "No organisation stated"
    return f'<li class="item"><h3 dir="auto">{title}</h3><ul class="bullets">{"".join(lines)}</ul></li>'


_LEGEND = (
    '<span class="number">number</span> <span class="mention person">person</span> <span class="mention organisation">organisation</span> '
    '<span class="mention">place</span> <span class="furniture">page furniture</span> <span class="copied">stands in an earlier article</span>'
)


def _article(article: Article, mentions: list[Mention], claims: list[Claim]) -> str:
    text = _clip(article.text, _ARTICLE_CHARS)
    earlier = list(dict.fromkeys(part.from_doc for part in article.copied))
    sources = ", ".join(_link(_anchor("article", doc), _text(doc)) for doc in earlier[:_LINES_OF_AN_ITEM])
    return f"""<details class="card item" id="{_anchor("article", article.doc_id)}"><summary><h3 dir="auto">{_headline(article)}</h3>
<span class="meta">{_line((_byline(article), _name(article.doc_id)))}</span></summary>
<div class="body" lang="{_text(article.language)}" dir="auto">{_marked(text, article, _marks(article, mentions, claims))}</div>
{_paragraph("after", _original(article))}
{_paragraph("after", f"Passages in italics stand in {sources}{_more(len(earlier))}." if sources else "")}
{_paragraph("after", "The rest of the text is not shown." if len(article.text) > _ARTICLE_CHARS else "")}</details>"""


def _marks(article: Article, mentions: list[Mention], claims: list[Claim]) -> Iterator[Mark]:
    """Claims first: links can't be nested, and where a number is part of a name it is the number that readers check."""
    for claim in claims:
        says = " ".join(filter(None, (_WORDED.get(claim.bound), claim.text, claim.counted)))
        link = f'href="#{_anchor("claim", claim.claim_id)}" id="{_anchor("number", claim.claim_id)}"'
        yield Mark(claim.start, claim.end, f'{link} class="number" title="{_text(says)}"')
    named = set()
    for mention in mentions:
        # Lists of entities and officials lead to the first place where an article names the entity.
        anchor = "" if mention.entity_id in named else f' id="{_anchor("mention", article.doc_id, mention.entity_id)}"'
        named.add(mention.entity_id)
        kind = _text(mention.type)
        yield Mark(mention.start, mention.end, f'href="#{_anchor("entity", mention.entity_id)}"{anchor} class="mention {kind}" title="{kind}"')


def _marked(text: str, article: Article, marks: Iterable[Mark]) -> str:
    """The text with its marks as links, inside spans for furniture and copied passages; of overlapping marks the first wins."""
    taken = bytearray(len(text) + 1)
    links: dict[int, Mark] = {}
    for mark in marks:
        if mark.end <= len(text) and not any(taken[mark.start : mark.end]):
            taken[mark.start : mark.end] = b"\1" * (mark.end - mark.start)
            links[mark.start] = mark
    passages = [(p.start, p.end, f'class="furniture" title="{_text(p.kind)}"') for p in article.furniture]
    passages += [(p.start, p.end, 'class="copied"') for p in article.copied]
    cuts = {0, len(text)}.union(*((m.start, m.end) for m in links.values()))
    for start, end, _ in passages:
        # A passage that begins or ends inside a link begins or ends with that link: tags can't cross.
        cuts.update(p for p in (start, end) if p < len(text) and not (taken[p] and taken[p - 1]))

    def layer(piece: tuple[int, int]) -> str:
        return next((attributes for start, end, attributes in passages if start <= piece[0] < end), "")

    parts = []
    for attributes, pieces in groupby(pairwise(sorted(cuts)), key=layer):
        inside = ""
        for start, end in pieces:
            plain = _text(text[start:end], None)
            inside += f"<a {links[start].attributes}>{plain}</a>" if start in links else plain
        parts.append(f"<span {attributes}>{inside}</span>" if attributes else inside)
    return "".join(parts)
