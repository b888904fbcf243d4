"""The sections of a report: each module makes one from the runs, `compose` puts them together."""
