"""The built public page as a shell: what the server rendered goes into it, with what its script begins with."""

import re
from html import escape

import orjson

from api.errors import MissingError
from api.settings import Settings

TITLE = "便民地图 · 一网图"
_APP = '<div id="app"></div>'
_HTML = '<html lang="zh-CN"'
_TITLE = re.compile("<title>.*?</title>")


def fill_shell(settings: Settings, body: str, *, title: str, is_elder: bool, first: dict[str, bytes]) -> str:
    """Put a rendered page into the built one.

    Parameters
    ----------
    body
        HTML that stands until the script takes over, and for good where there is none.
    first
        Values as JSON, by name: what the script would else ask for.

    Raises
    ------
    MissingError
        If the pages are not built.
    """
    path = settings.web_dir / "public" / "index.html"
    if not path.is_file():
        raise MissingError("The pages are not built; run: make web")
    shell = path.read_text("utf-8")
    data = ",".join(f"{orjson.dumps(name).decode()}:{value.decode()}" for name, value in first.items())
    script = f'<script type="application/json" id="first">{{{_inert(data)}}}</script>' if first else ""
    filled = shell.replace(_APP, f'<div id="app">{body}</div>{script}', 1)
    filled = _TITLE.sub(lambda _: f"<title>{escape(title)}</title>", filled, count=1)
    return filled.replace(_HTML, f'{_HTML} class="elder"', 1) if is_elder else filled


def _inert(data: str) -> str:
    """Write JSON so that nothing in it ends the script element or begins a comment."""
    return data.replace("<", "\\u003c")
