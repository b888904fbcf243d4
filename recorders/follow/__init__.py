"""The optimizer that a recording follows: whose it is, what is read around its steps, and where its t begins."""
