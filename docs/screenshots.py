"""Pictures of the web UI's pages for docs/ui, of an engine with sample data: `make screenshots`.

`make screenshots TO=directory` writes every page there in both schemes and sizes, to look at. Needs Chromium, the built
UI, and for the page of a training the extra `train`.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from tests.ui.conftest import DESK, FLAGS, PHONE, chromium

from docs import sample
from tropism import Tropism

HERE = Path(__file__).parent / "ui"
SIZES = {"desk": DESK, "phone": PHONE}
SCHEMES = ("light", "dark")
SETTLED = 800
"""Milliseconds that charts and fonts may take after the last answer."""
DRAWN = "() => document.querySelector('[class*=Skeleton-root]') === null"
DARK = ("overview", "ab-test", "playground")
SMALL = ("overview", "interactions", "ab-test", "annotate")
"""Shown in the dark, and on a phone; all others in the light, on a desk."""
Shot = tuple[str, str, str]
"""A page's name, the size of the screen, and the scheme."""


def pages(client: Tropism) -> dict[str, str]:
    """Each page by its name, with its path."""
    support = "/use_cases/support"
    logged = client.interactions.list(page={"first": 40}).nodes
    shown = next(each for each in logged if each.direct_feedbacks)
    evaluation, (rewarded, training) = client.evaluation.jobs.list()[0], client.training.jobs.list()
    return {
        "use-cases": "/",
        "overview": support,
        "interactions": f"{support}/interactions",
        "interaction": f"{support}/interactions?id={shown.id}",
        "groups": f"{support}/interactions?group=model",
        "feedback-keys": f"{support}/feedback",
        "annotate": f"{support}/annotate?key=solved",
        "playground": f"{support}/playground",
        "ab-tests": f"{support}/ab_tests",
        "ab-test": f"{support}/ab_tests/small-or-large",
        "new-ab-test": f"{support}/new_ab_test",
        "evaluations": f"{support}/evaluations",
        "evaluation": f"{support}/evaluations/{evaluation.id}",
        "new-evaluation": f"{support}/new_evaluation",
        "datasets": f"{support}/datasets",
        "dataset": f"{support}/datasets/questions",
        "trainings": f"{support}/training",
        "training": f"{support}/training/{training.id}",
        "training-by-rewards": f"{support}/training/{rewarded.id}",
        "new-training": f"{support}/new_training",
        "models": "/models",
        "model": f"/models/{sample.LARGE}",
        "reward-servers": "/reward_servers",
        "jobs": "/jobs",
        "job": f"/jobs/{evaluation.id}",
        "compute-pools": "/compute_pools",
        "users": "/admin/users",
        "teams": "/admin/teams",
        "roles": "/admin/roles",
        "api-keys": "/admin/api_keys",
        "audit": "/audit",
    }


def committed(names: dict[str, str]) -> Iterator[Shot]:
    """What the docs show."""
    yield from ((name, "desk", "light") for name in names)
    yield from ((name, "desk", "dark") for name in DARK)
    yield from ((name, "phone", "light") for name in SMALL)


def main(target: Path, everything: bool) -> None:
    """Make the sample engine, and a picture of each page."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sample.engine(Path(data)) as (url, client):
        take(url, client, target, everything)


def take(url: str, client: Tropism, target: Path, everything: bool) -> None:
    """A picture of each page of a running sample engine."""
    paths = pages(client)
    shots = list(product(paths, SIZES, SCHEMES) if everything else committed(paths))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for size, scheme in product(SIZES, SCHEMES):
            names = [name for name, *screen in shots if screen == [size, scheme]]
            page = _signed_in(browser, url, size, scheme)
            for name in names:
                _save(page, paths[name], target / _file(name, size, scheme))
        browser.close()


def _file(name: str, size: str, scheme: str) -> str:
    """The plain name is the page in the light, on a desk."""
    rest = [part for part, plain in ((size, "desk"), (scheme, "light")) if part != plain]
    return "-".join([name, *rest]) + ".png"


def _signed_in(browser: Browser, url: str, size: str, scheme: str) -> Page:
    context = browser.new_context(
        viewport=SIZES[size],  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        base_url=url,
        bypass_csp=True,  # to wait for what is drawn
    )
    page = context.new_page()
    page.goto("/sign-in")
    page.evaluate("key => sessionStorage.setItem('tropism.key', key)", sample.KEY)
    return page


def _save(page: Page, path: str, target: Path) -> None:
    page.goto(path)
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_load_state("networkidle")
    if "playground" in path:
        _ask(page)
    page.wait_for_function(DRAWN)
    page.wait_for_timeout(SETTLED)
    # 256 colours are enough for an interface, and a third of the bytes.
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(target, optimize=True)


def _ask(page: Page) -> None:
    page.get_by_label("Message").fill("Where is my parcel?")
    page.keyboard.press("Enter")
    page.get_by_text("all after").nth(1).wait_for()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE, everything=len(sys.argv) > 1)
