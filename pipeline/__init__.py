"""From a folder of news articles to tables of who, where, how many and according to whom."""

__version__ = "0.1.0"
