"""What is true of every page that the product writes as one file."""

import html
import re


def assert_asks_for_nothing(page: str) -> None:
    """A page that opens offline loads nothing, from no host and no file, and says so to the browser."""
    assert not re.search(r"<(script|link|img|iframe|source|object|embed)\b[^>]*\b(src|href|data)\s*=", page)
    for style in re.findall(r"<style>.*?</style>", page, flags=re.DOTALL):
        assert "@import" not in style
        assert "url(" not in style
    assert "default-src 'none'" in html.unescape(page)
    # what is left are XML's names and Leaflet's comments, which nobody loads
    hosts = set(re.findall(r"https?://([\w.-]+)", page))
    assert hosts <= {"www.w3.org", "leafletjs.com", "bugs.chromium.org", "bugzilla.mozilla.org"}
