"""Open311's two formats: JSON, and XML by the Spark convention, in which a list is an element with like children."""

import re
from typing import Any
from xml.etree import ElementTree

import orjson
from starlette.responses import Response

CHILDREN = {
    "services": "service", "service_requests": "request", "errors": "error", "endpoints": "endpoint",
    "formats": "format", "attributes": "attribute", "values": "value",
}  # fmt: skip
_UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 can't carry


def answer(form: str, root: str, content: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Write an answer.

    Parameters
    ----------
    form
        `json` or `xml`.
    root
        Name of the XML document's element; JSON has none.
    """
    told = {"cache-control": "no-cache", **(headers or {})}
    if form == "json":
        return Response(orjson.dumps(content), status, told, "application/json; charset=utf-8")
    written = ElementTree.tostring(element(root, content), encoding="utf-8", xml_declaration=True)
    return Response(written, status, told, "text/xml; charset=utf-8")


def element(name: str, content: Any) -> ElementTree.Element:
    """Write a value as an element: objects and lists have children, null is empty."""
    made = ElementTree.Element(name)
    if isinstance(content, dict):
        made.extend(element(key, value) for key, value in content.items())
    elif isinstance(content, list):
        made.extend(element(CHILDREN[name], value) for value in content)
    elif isinstance(content, bool):
        made.text = "true" if content else "false"
    elif content is not None:
        made.text = _UNWRITABLE.sub("", str(content))
    return made
