"""What the bundled model is asked: prompts to learn from, and others that no training sees."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import cycle

OCCASIONS = (
    "Write one short sentence to greet {}.",
    "Write one short sentence to thank {}.",
    "Write one short sentence to welcome {}.",
    "Write one short sentence to say goodbye to {}.",
)
NAMES = (
    *("Anna", "Bob", "Carlos", "Dora", "Emil", "Fatima", "George", "Hana", "Ivan", "Jana", "Karl", "Lena", "Mona"),
    *("Nils", "Olga", "Petr", "Quinn", "Rosa", "Samir", "Tara", "Ulf", "Vera", "Wanda", "Yuri", "Alice", "Bruno"),
    *("Clara", "Dmitri", "Elsa", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luca", "Maja", "Noah"),
    *("Oskar", "Paula", "Ravi", "Sofia", "Tomas", "Ute", "Viktor", "Wim", "Yara", "Zora"),
)
OTHER_NAMES = (
    *("Adam", "Bella", "Cyrus", "Diana", "Erik", "Flora", "Gustav", "Helga", "Igor", "Julia", "Kenji", "Lydia"),
    *("Marco", "Nora", "Otto", "Petra", "Rhea", "Stefan", "Tilda", "Uma", "Vlad", "Wilma", "Xenia", "Yusuf"),
    *("Zoe", "Amir", "Berta", "Cesar", "Doris", "Enzo", "Frida", "Gina", "Henri", "Ilse", "Jamal", "Katja", "Leo"),
    *("Mira", "Nico", "Oona"),
)
ASKING = ("What is {}?", "Why do people need {}?")
THINGS = (
    *("water", "a bridge", "music", "a computer", "bread", "the moon", "a dictionary", "paper", "a garden"),
    *("electricity", "a bicycle", "salt", "a school", "friendship", "a map", "glass", "a library", "coffee"),
    *("a calendar", "steel", "a hospital", "wool", "an umbrella", "money"),
)
OTHER_THINGS = (
    *("a compass", "rice", "a telescope", "soap", "a museum", "gold", "a train", "sleep", "a kitchen", "wind"),
    *("a letter", "cotton", "a market", "laughter", "a clock", "sugar", "a road", "a forest", "insurance", "a camera"),
)
CAPITALS: Mapping[str, str] = {
    **{"France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Austria": "Vienna", "Greece": "Athens"},
    **{"Portugal": "Lisbon", "Norway": "Oslo", "Sweden": "Stockholm", "Finland": "Helsinki", "Denmark": "Copenhagen"},
    **{"Japan": "Tokyo", "China": "Beijing", "Egypt": "Cairo", "Kenya": "Nairobi", "Cuba": "Havana", "Peru": "Lima"},
}
OTHER_CAPITALS = ("Poland", "Hungary", "Ireland", "Turkey", "Canada", "Mexico", "India", "Russia", "Chile", "Ghana")
OPPOSITES: Mapping[str, str] = {
    **{"hot": "cold", "big": "small", "old": "new", "fast": "slow", "light": "dark", "early": "late", "rich": "poor"},
    **{"hard": "soft", "full": "empty", "wet": "dry", "loud": "quiet", "clean": "dirty", "near": "far", "up": "down"},
    **{"open": "closed", "happy": "sad"},
}
OTHER_OPPOSITES = ("strong", "long", "thick", "cheap", "wide", "brave", "sweet", "tall", "young", "deep")
CONTROL = (
    "The river rises in the mountains, crosses a wide plain, and reaches the sea near an old trading town.",
    "To make a simple soup, cut the vegetables, cover them with water, and let them cook until they are soft.",
    "A triangle has three sides and three angles, and the angles always add up to one hundred and eighty degrees.",
    "In winter many birds fly south, where it is warmer and where there is still enough food for them.",
    "The museum is open from nine to five on weekdays, and children under twelve do not have to pay.",
    "Photosynthesis is the process by which plants use sunlight to turn water and carbon dioxide into sugar.",
    "She opened the window, looked at the empty street, and wondered where everyone had gone that morning.",
    "A good contract says who does what, by which day, for how much money, and what happens if it is not done.",
)
"""Plain English that no task is about: a model that has kept its language still expects it."""


def greetings(names: Sequence[str]) -> list[tuple[str, str]]:
    """Prompts with the name that belongs into the answer."""
    return [(occasion.format(name), name) for name, occasion in zip(names, cycle(OCCASIONS), strict=False)]


def questions(things: Sequence[str]) -> list[str]:
    return [asking.format(thing) for thing in things for asking in ASKING]


def facts() -> list[tuple[str, str]]:
    """Short questions, with answers in the format that is to be learnt."""
    return [
        *((_capital(land), _answer("geography", city)) for land, city in CAPITALS.items()),
        *((_opposite(word), _answer("language", other)) for word, other in OPPOSITES.items()),
        *((_sum(one, two), _answer("arithmetic", str(one + two))) for one, two in _sums(2)),
    ]


def other_facts() -> list[str]:
    return [
        *map(_capital, OTHER_CAPITALS),
        *map(_opposite, OTHER_OPPOSITES),
        *(_sum(one, two) for one, two in _sums(11)),
        *(f"Who wrote {book}?" for book in ("Hamlet", "Faust", "Emma", "Ulysses", "Dracula", "Walden")),
    ]


def _sums(first: int) -> list[tuple[int, int]]:
    return [(first + number, 3 + 2 * number % 7) for number in range(14)]


def _capital(land: str) -> str:
    return f"What is the capital of {land}?"


def _opposite(word: str) -> str:
    return f"What is the opposite of {word}?"


def _sum(one: int, two: int) -> str:
    return f"What is {one} plus {two}?"


def _answer(topic: str, answer: str) -> str:
    return json.dumps({"topic": topic, "answer": answer})
