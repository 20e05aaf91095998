"""Pure functions over a parsed text that the stages `entities` and `claims` are made of. Words are data, in `lexicon`.

Names: `names` (where names begin and end, and their types), `fullnames` (what a surname or acronym stands for), `places`,
`officials`. Numbers: `atoms` and `cardinals` (figures and number words), `numbers` (whole expressions), `dates`, `clause` (a
number in its sentence), `counting` (what is counted), `scope` (where and when), `attribution` (according to whom).
"""
