"""entities: named persons, organisations and places of an article, and the people it says hold an office."""

from pipeline.config import Settings
from pipeline.rebuild import rebuilt, sentence_at
from pipeline.rules.fullnames import full_names
from pipeline.rules.names import names
from pipeline.rules.officials import officials
from pipeline.rules.places import country, region
from pipeline.tables import ExtractedMention, ExtractedOfficial, Rows


def entities(rows: Rows, settings: Settings) -> Rows:
    """Mentions and officials of one article."""
    (article,) = rows["articles"]
    sentences = rows["sentences"]
    mentions: list[ExtractedMention] = []
    offices: list[ExtractedOfficial] = []
    with rebuilt(article.text, rows["tokens"]) as doc:
        found = names(doc)
        full = full_names(doc, found)
        for name, longest in zip(found, full, strict=True):
            span = doc[name.start : name.end]
            place = (country(longest) if name.type == "country" else region(longest)) if name.type in {"country", "region"} else None
            mentions.append(
                ExtractedMention(
                    doc_id=article.doc_id,
                    mention_id=f"{article.doc_id}:{span.start_char}-{span.end_char}",
                    sentence_id=sentence_at(sentences, span.start_char),
                    start=span.start_char,
                    end=span.end_char,
                    text=span.text,
                    type=name.type,
                    name=longest,
                    place_id=place.place_id if place else None,
                    score=None,
                )
            )
        row = dict(zip(found, mentions, strict=True))
        for office in officials(doc, found, full):
            person, body = row[office.person], row.get(office.body) if office.body else None
            offices.append(
                ExtractedOfficial(
                    doc_id=article.doc_id,
                    mention_id=person.mention_id,
                    role=office.role,
                    organisation_mention_id=body.mention_id if body else None,
                    organisation=body.name if body else office.organisation,
                    country=office.country,
                    sentence_id=person.sentence_id,
                    start=person.start,
                    end=person.end,
                )
            )
    return {"extracted_mentions": mentions, "extracted_officials": offices}
