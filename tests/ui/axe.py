"""What axe-core finds on a page: the check of accessibility that its users run, from the UI's own packages."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
RULES = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] })
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html.slice(0, 200)} ${any[0]?.message ?? ""}`))
}"""


def serious(page: Page) -> list[str]:
    """What is serious or critical on the page as it is now."""
    # Evaluated by the debugger, not as a script of the page: its policy forbids such.
    page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate(RULES)
    return found
