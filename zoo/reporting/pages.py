"""The templates of HTML pages, whose head they share: its policy and the pictures' colours."""

from __future__ import annotations

import functools

import jinja2
from markupsafe import Markup, escape

from zoo.reporting import sheet


@functools.cache
def template(name: str) -> jinja2.Template:
    """A page's template: what it is given is escaped, and what it is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("zoo"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    environment.globals["palette"] = sheet.PAGE
    return environment.get_template(name)


def breakable(name: str) -> Markup:
    """A name that may break after its underscores and slashes, escaped."""
    escaped = str(escape(name))
    return Markup(escaped.replace("_", "_<wbr>").replace("/", "/<wbr>"))
