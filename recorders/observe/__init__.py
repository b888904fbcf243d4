"""The script's own calls, observed while a recording runs: steps, backward passes, clearing, clipping, scaling."""
