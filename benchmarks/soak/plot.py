"""Draws what was sampled: a panel for each measure, over the same minutes, as SVG."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.soak.samples import MEASURES, Sample

WIDTH, HEIGHT, LEFT, GAP = 720, 110, 56, 46
STYLE = "text{font:12px sans-serif;fill:#444}.axis{stroke:#bbb}.line{fill:none;stroke:#2b6cb0;stroke-width:1.5}"


def svg(samples: Sequence[Sample]) -> str:
    """The whole picture."""
    height = len(MEASURES) * (HEIGHT + GAP) + GAP
    panels = [
        _panel(samples, measure, title, GAP + place * (HEIGHT + GAP))
        for place, (measure, title) in enumerate(MEASURES.items())
    ]
    last = samples[-1].minutes
    end = f'<text x="{WIDTH}" y="{height - 14}" text-anchor="end">{last:.0f} minutes</text>'
    begin = f'<text x="{LEFT}" y="{height - 14}">0</text>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 16} {height}"><style>{STYLE}</style>'
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, ground, *panels, begin, end, "</svg>", ""])


def _panel(samples: Sequence[Sample], measure: str, title: str, top: float) -> str:
    """From zero, so that small changes look small."""
    values = [float(getattr(sample, measure)) for sample in samples]
    most, last = max(values) or 1, samples[-1].minutes or 1
    points = " ".join(
        f"{LEFT + (WIDTH - LEFT) * sample.minutes / last:.1f},{top + HEIGHT * (1 - value / most):.1f}"
        for sample, value in zip(samples, values, strict=True)
    )
    bottom = top + HEIGHT
    return "\n".join(
        [
            f'<text x="{LEFT}" y="{top - 8}">{title}</text>',
            f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{most:,.4g}</text>',
            f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end">0</text>',
            f'<path class="axis" d="M{LEFT},{top}V{bottom}H{WIDTH}" fill="none"/>',
            f'<polyline class="line" points="{points}"/>',
        ]
    )
