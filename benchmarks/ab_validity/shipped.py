"""Track-and-stop with its own traffic shares, as a gateway ships it: what happens when a variant is starved."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from benchmarks.ab_validity.size import Size
from benchmarks.ab_validity.table import markdown, rate

NURSERY, DELTA, FLOOR, LEAST_SHARE = 10, 0.05, 1e-12, 1e-6
Floats = NDArray[np.float64]


def shipped(size: Size, seed: int) -> str:
    """Two coins, equal shares until ten feedbacks each and an update; then the shares go as the estimated sd.

    Source: TensorZero, tensorzero-core/src/experimentation/track_and_stop, with its defaults. Its second-order cone
    program has the solution sd_1 : sd_2 for two variants, but for a regularisation that fades with the sample.
    """
    updates = (20, 100)
    rows = []
    for rates in ((0.02, 0.02), (0.1, 0.1), (0.3, 0.3), (0.02, 0.03), (0.08, 0.1)):
        cells = []
        for update in updates:
            winners = _run(rates, update, size.feedbacks, size.shipped, seed)
            wrong = winners >= 0 if rates[0] == rates[1] else winners == 0
            cells.append(rate(int(np.sum(wrong)), size.shipped))
        rows.append([f"{rates[0]:g} and {rates[1]:g}", *cells])
    return markdown(
        "Track-and-stop with its own traffic shares: false winners or the worse promoted, % of tests",
        ["rates", *(f"{update} feedbacks per update" for update in updates)],
        rows,
        f"Up to {size.feedbacks:,} feedbacks per test, {size.shipped:,} tests per cell; a look at every update.",
    )


def _run(rates: tuple[float, float], update: int, total: int, tests: int, seed: int) -> NDArray[np.int64]:
    random = np.random.default_rng(seed)
    p = np.array(rates)
    begin = max(NURSERY, update // 2)
    n = np.full((tests, 2), begin, dtype=np.float64)
    s = random.binomial(begin, p, (tests, 2)).astype(np.float64)
    winners = np.full(tests, -1, dtype=np.int64)
    for seen in range(2 * begin, total + 1, update):
        means = s / n
        variances = np.maximum((s - s * means) / (n - 1), FLOOR)
        z = (means[:, 1] - means[:, 0]) / np.sqrt((variances / n).sum(axis=1))
        over = (np.abs(z) > np.sqrt(2 * log((1 + log(seen)) / DELTA))) & (winners < 0)
        winners[over] = (z[over] > 0).astype(np.int64)
        sd = np.sqrt(variances)
        share = np.clip(sd[:, 1] / sd.sum(axis=1), LEAST_SHARE, 1 - LEAST_SHARE)
        second = random.binomial(update, share)
        drawn = np.stack([update - second, second], axis=1)
        n, s = n + drawn, s + random.binomial(drawn, p)
    return winners
