"""What the short names in the report of an A/B test mean, in plain words."""

from __future__ import annotations

ASSUMPTIONS = {
    "k_correction": "More than two variants: every pair is held to a stricter level, so that all together stay at 5 %.",
    "clustered_units": "The unit is the user or session, not the single feedback: one user's votes are alike.",
    "exact_counts": "What is only counted (rates, preferences) has intervals that hold for any number of feedbacks.",
    "asymptotic": "Differences of means hold for large samples; simulation, not a theorem, vouches for small ones.",
    "longer_warmup": "Rare or lopsided values: figures wait for more than 50 units per variant.",
    "pooled_variance": "A variant varies suspiciously little so far: the variance of both counts, to be careful.",
    "skewness_correction": "Lopsided values have weakened some evidence, to be careful.",
    "lost_digits": "Values lie so far from the first one that digits were lost; the evidence is weaker for it.",
}

OUTCOMES = {
    "winner": "one variant is better than every other",
    "better_than_default": "the best of those that beat the default",
    "equivalent": "no two variants differ by as much as is worth knowing",
    "futile": "no variant can beat the default by as much as is worth knowing",
    "max_feedbacks": "the maximum of feedbacks is reached",
    "expired": "its time is over",
    "guardrail": "a guardrail was breached; the default stays",
    "cancelled": "somebody ended it",
}


def assumption(name: str) -> str:
    """An assumption in words; one that a newer engine made up, as it is."""
    return ASSUMPTIONS.get(name, name.replace("_", " "))
