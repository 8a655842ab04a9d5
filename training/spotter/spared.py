"""Words that an answer is not taught against.

No triple of colour, shape and motion that is kept from training is ever true there. Taught as it
is, each answer about an object also says a little that the kept triples are not: of a red cross,
which bounces, slides and blinks in no clip of the training, that it orbits, pulses or rises,
whatever it does. So where a word of an answer would, in place of the right one, make a kept triple,
it is left out of what the right word is compared with: nothing is learnt for it or against it.
"""

from collections.abc import Sequence
from dataclasses import replace

from training.sprite import world
from training.sprite.world import Scene

AXES = {"colour": tuple(world.COLOURS), "shape": world.SHAPES, "motion": world.MOTIONS}
AXIS = {word: axis for axis, words in AXES.items() for word in words}


def list_spared(words: Sequence[str], about: Sequence[Scene]) -> list[tuple[int, str]]:
    """Place among `words` and the word spared there.

    Args:
        words: an answer, word by word; one that is no colour, shape or motion spares nothing.
        about: the objects that it names or says something of. Where there are several, each
            begins with its colour.
    """
    found, at = [], -1
    for place, word in enumerate(words):
        axis = AXIS.get(word)
        if axis is None or not about:
            continue
        at += axis == "colour" or at < 0
        scene = about[at]
        for other in AXES[axis]:
            changed = replace(scene, **{axis: other})
            if other != word and world.is_held_out(changed.colour, changed.shape, changed.motion):
                found.append((place, other))
    return found
