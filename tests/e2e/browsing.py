"""What the browser tests share: patience, asking the server as the page does, signing in, watching for faults."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
SLOW_MS = 30_000
JOB_MS = 180_000


class Watch:
    """Collects what a healthy page never does, and every request."""

    def __init__(self, page: Page, origin: str) -> None:
        self.faults: list[str] = []
        self.requests: list[str] = []
        self._origin = origin
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("request", lambda request: self._request(request.url, request.post_data))

    def _console(self, kind: str, text: str) -> None:
        if kind == "error" or (kind == "warning" and "ReadPixels" not in text):
            self.faults.append(f"console: {text}")

    def _request(self, url: str, body: str | None) -> None:
        self.requests.append(f"{url} {body or ''}")
        if not url.startswith((self._origin, "data:", "blob:")):
            self.faults.append(f"foreign request: {url}")


def sign_in(page: Page, url: str, login: str, password: str) -> None:
    """Sign in on whichever page the address opens."""
    page.goto(url)
    page.get_by_label("账号").fill(login)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()


def api(page: Page, path: str) -> Any:
    """What the server answers this page's session."""
    return page.evaluate("path => fetch(path).then(answer => answer.json())", path)


def call(page: Page, method: str, path: str, body: Any = None) -> Any:
    """Change something as the page would: with the session's token."""
    return page.evaluate(
        """async ([method, path, body]) => {
          const { csrf_token } = await (await fetch('/api/session')).json();
          const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf_token };
          const answer = await fetch(path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
          return answer.status === 204 ? null : answer.json();
        }""",
        [method, path, body],
    )


def axe_faults(page: Page) -> list[str]:
    """What axe finds wrong for people who cannot see or point."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("tags => axe.run({ runOnly: tags })", AXE_TAGS)
    return [f"{rule['id']}: {rule['nodes'][0]['target']}" for rule in found["violations"]]


def wait_for_map(page: Page) -> None:
    """Wait until the map has drawn what it has to draw."""
    page.wait_for_function(
        "() => window.__map && window.__map.loaded() && window.__map.areTilesLoaded()", timeout=SLOW_MS
    )


def number_in(text: str) -> int:
    """The digits of a text, as one number."""
    return int(re.sub(r"\D", "", text))
