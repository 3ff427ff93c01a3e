"""Steers a real browser through JupyterLab and code-server; run by the Python that has playwright, not by pytest.

Takes {program, url, token, password, browser, pictures} as JSON, says what it saw as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright  # type: ignore[import-not-found, unused-ignore]

LONG_MS = 120_000


def through_the_proxy(page: Any, url: str, token: str) -> dict[str, Any]:
    """Ask without a token, with a wrong one, and with the right one."""
    page.goto(url)
    seen = {"first page": page.title()}
    page.fill("#t", "wrong")
    page.click("button")
    page.wait_for_function("document.getElementById('p').textContent != ''")
    seen["wrong token"] = page.text_content("#p")
    page.fill("#t", token)
    page.click("button")
    return seen


def jupyter(page: Page, asked: dict[str, str]) -> dict[str, Any]:
    """Log in, run a cell, write a file in a terminal."""
    sockets: list[str] = []
    page.on("websocket", lambda line: sockets.append(line.url))
    seen = through_the_proxy(page, asked["url"] + "/lab", asked["token"])
    page.fill("input[type=password]", asked["password"], timeout=LONG_MS)
    page.click("button[type=submit]")
    page.wait_for_selector(".jp-Launcher", timeout=LONG_MS)
    page.click('.jp-LauncherCard[data-category="Notebook"]')
    page.wait_for_selector(".jp-Notebook .jp-Cell .cm-content", timeout=LONG_MS)
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=LONG_MS)
    page.wait_for_timeout(5000)  # the notebook takes the focus once more when its kernel is there
    page.click(".jp-Notebook .jp-Cell .cm-content")
    page.keyboard.type("print(6 * 7)")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".jp-OutputArea-output", timeout=LONG_MS)
    seen["cell"] = page.inner_text(".jp-OutputArea-output").strip()
    seen["notices"] = [found.inner_text() for found in page.query_selector_all(".Toastify__toast")]
    page.click("text=File >> nth=0")
    page.hover('.lm-Menu-item:has-text("New") >> nth=0')
    page.click('.lm-Menu-item[data-command="terminal:create-new"]')
    page.wait_for_selector(".jp-Terminal .xterm-screen", timeout=LONG_MS)
    page.wait_for_timeout(5000)
    page.click(".jp-Terminal")
    page.keyboard.type("echo kept-$((40 + 2)) > from-terminal.txt\n")
    page.wait_for_timeout(5000)
    answer = page.request.get(asked["url"] + "/api/contents/from-terminal.txt")
    seen["file of the terminal"] = answer.json().get("content", "") if answer.ok else answer.status
    return {**seen, "websockets": sorted({line.split("/")[4] for line in sockets if "/api/" in line}) or sockets}


def code_server(page: Page, asked: dict[str, str]) -> dict[str, Any]:
    """Log in, and have the workbench talk to the server."""
    sockets: list[str] = []
    page.on("websocket", lambda line: sockets.append(line.url))
    seen = through_the_proxy(page, asked["url"] + "/", asked["token"])
    page.fill("input[type=password]", asked["password"], timeout=LONG_MS)
    page.click("input[type=submit]")
    page.wait_for_selector(".monaco-workbench", timeout=LONG_MS)
    page.wait_for_timeout(8000)
    return {**seen, "workbench": True, "websockets": len(sockets)}


def main() -> None:
    """One program, one answer."""
    asked = json.load(sys.stdin)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=asked["browser"], args=["--no-sandbox"])
        page = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(LONG_MS)
        try:
            seen = {"jupyter": jupyter, "code-server": code_server}[asked["program"]](page, asked)
        finally:
            page.screenshot(path=str(Path(asked["pictures"]) / f"{asked['program']}.png"))
        print(json.dumps({**seen, "browser": browser.version}))
        browser.close()


if __name__ == "__main__":
    main()
