"""How many examples a property is tried on where a hundred are not what it takes."""

from hypothesis import settings

LEAST = 10


def examples(count: int) -> settings:
    """`count` examples in the thorough profile, as many fewer in another as that has of the usual hundred."""
    return settings(max_examples=max(min(LEAST, count), count * settings().max_examples // 100))
