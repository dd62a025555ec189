"""One HTML file that needs nothing but itself: templates filled, style and script inside, everything else forbidden.

A strict Content-Security-Policy stands in the file: no address may be fetched, and only the style and the script whose
hashes it names may run. Text is escaped by the templates; data goes into a JSON element that no markup can leave.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

#: The parts of the script, each standing on those before it.
_SCRIPTS = ("written.js", "layout.js", "lanes.js", "drawing.js", "timeline.js", "page.js")

#: Characters of JSON that could end a script element, as escapes.
_UNSAFE = {character: f"\\u{character:04x}" for character in map(ord, "&<>")}
#: What a page may hold of a text from a device: anything else is shown as U+FFFD.
_SHOWN_CONTROLS = "\n\t"


def rendered(template: str, **values: Any) -> str:
    """``template`` of this package filled with ``values``: a whole document with style, script and policy inside."""
    style, script = _asset("page.css") + _asset("chart.css"), _script()
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    from markupsafe import Markup

    return (
        _environment()
        .get_template(template)
        .render(style=Markup(style), script=Markup(script), policy=policy, **values)  # noqa: S704  our own files
    )


def shown(text: str) -> str:
    """``text`` from a device made harmless to look at: no control characters, no direction overrides."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _SHOWN_CONTROLS else "\ufffd" for c in text)


def embedded(data: Any) -> Markup:
    """``data`` as JSON for a script element: nothing in it can end the element or disguise what the script shows of it.

    Raw characters without a look of their own (direction overrides, soft hyphens, spaces without width) become U+FFFD,
    as everywhere on a page.
    """
    from markupsafe import Markup

    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(shown(text).translate(_UNSAFE))  # noqa: S704  made safe above


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("halfopen.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = shown
    environment.filters["embedded"] = embedded
    return environment


def _script() -> str:
    """The script in one closure: nothing of it is visible outside."""
    parts = "\n".join(_asset(name) for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n\n{parts}}})();\n'


def _asset(name: str) -> str:
    return (Path(__file__).with_name("assets") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What the policy names ``text`` by: browsers hash an element's content as it stands."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
