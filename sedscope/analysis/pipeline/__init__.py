"""From a question about a run to its answer: what is needed, what is cached, what is computed, what is reported."""
