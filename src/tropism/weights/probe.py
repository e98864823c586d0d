"""A text in which ways of splitting text differ: contractions, digits, white space, scripts."""

from __future__ import annotations

PROBE = (
    "Hello world, it's 2024 -- I'LL pay $1,234.50 for 3 apples!\n\n\tif (x != y) {\n        return [0x1F];\n    }\n"
    "Ünïcode: naïve café, Größe, Привет мир, 你好世界, こんにちは, مرحبا, 🦙🚀 e\u0301 … “quoted”   trailing spaces  "
)
