"""The report in its forms: terminal, HTML, Markdown, JSON and table files."""
