"""The document as one HTML file that needs nothing else: inline styles and SVG, no script, no outside reference.

Decides that every string is escaped by the template; SVG alone, which `plots` makes, is put in as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from sedscope.analysis.glossary import GLOSSARY
from sedscope.report.document import Content, Document, Figure, Name, Piece, Strong, Term, Words

TEMPLATE = "report.html.j2"


def render_html(document: Document) -> str:
    """Return the file as text, ending in a newline."""
    return _template().render(document=document, glossary=GLOSSARY) + "\n"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("sedscope.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., object]] = {"words": _words, "piece": _piece, "kind": _kind, "svg": _svg}
    environment.filters.update(filters)
    return environment.get_template(TEMPLATE)


def _words(words: Words) -> Markup:
    return Markup("").join(map(_piece, words))


def _piece(piece: Piece) -> Markup:
    match piece:
        case str():
            return escape(piece)
        case Term():
            return Markup('<a class="term" href="#about-{}">{}</a>').format(piece.key, piece.label)
        case Name():
            return Markup("<code>{}</code>").format(piece.text)
        case Strong():
            return Markup("<strong>{}</strong>").format(piece.text)


def _kind(block: Content) -> str:
    return type(block).__name__.lower()


def _svg(figure: Figure) -> Markup:
    """Return the picture with its description for those who do not see it."""
    head = Markup('<svg role="img" aria-label="{}"').format(figure.alt)
    return head + Markup(figure.svg.removeprefix("<svg"))
