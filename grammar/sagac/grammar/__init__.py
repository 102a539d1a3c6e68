"""The grammar of the saga language, as package data."""
