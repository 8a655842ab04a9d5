"""Scene -> prompt: the plain form, adverbs, silence, and a modest set of paraphrases."""

import string

import numpy as np

from training.sprite.world import Scene

ING = {
    "bounces": "bouncing",
    "slides": "sliding",
    "blinks": "blinking",
    "orbits": "orbiting",
    "pulses": "pulsing",
    "rises": "rising",
}
SYNONYMS = {
    "ball": ("circle", "disc"),
    "square": ("box",),
    "cross": ("plus",),
    "bounces": ("hops",),
    "slides": ("glides",),
    "blinks": ("flashes",),
    "pulses": ("throbs",),
    "rises": ("floats up",),
    "grey": ("gray",),
    "purple": ("violet",),
}
ADVERBS = {"slow": ("slowly",), "fast": ("quickly", "fast")}
SILENCES = (", silent", ", silent", " silently", " without sound", ", no sound")
PLAIN = "a {colour} {shape} {motion}{adverb} on a {ground} background{silence}"
FORMS = (
    "a {colour} {shape} {adverb_before}{motion} on a {ground} background{silence}",
    "the {colour} {shape} {motion}{adverb} on a {ground} background{silence}",
    "on a {ground} background, a {colour} {shape} {motion}{adverb}{silence}",
    "a {colour} {shape} that {motion}{adverb} on {ground}{silence}",
    "{colour} {shape} {motion}{adverb}, {ground} background{silence}",
    "a {colour} {shape} {ing}{adverb} on a {ground} background{silence}",
    "a {colour} {shape} is {ing}{adverb} in front of a {ground} background{silence}",
    "a video of a {colour} {shape} {ing}{adverb} over a {ground} background{silence}",
)


def write_plain(scene: Scene, *, with_speed: bool = False) -> str:
    """The plain form, as users write it."""
    adverb = " " + ADVERBS[scene.speed][0] if with_speed else ""
    return fill(PLAIN, scene, adverb, ", silent" if scene.silent else "", {})


def fill(form: str, scene: Scene, adverb: str, silence: str, words: dict[str, str]) -> str:
    """One of the forms about a scene; `words` says some of its words otherwise."""
    text = form.format(
        colour=words.get(scene.colour, scene.colour),
        shape=words.get(scene.shape, scene.shape),
        motion=words.get(scene.motion, scene.motion),
        ing=ING[scene.motion],
        ground=words.get(scene.background, scene.background),
        adverb=adverb,
        adverb_before=adverb[1:] + " " if adverb else "",
        silence=silence,
    )
    return text


def write_prompt(scene: Scene, rng: np.random.Generator) -> str:
    """A random wording of the scene; half of them plain, half of them naming the speed."""
    adverb = " " + str(rng.choice(ADVERBS[scene.speed])) if rng.random() < 0.5 else ""
    silence = str(rng.choice(SILENCES)) if scene.silent else ""
    if rng.random() < 0.55:
        text = fill(PLAIN, scene, adverb, silence, {})
    else:
        words = {k: str(rng.choice(v)) for k, v in SYNONYMS.items() if rng.random() < 0.3}
        text = fill(str(rng.choice(FORMS)), scene, adverb, silence, words)
    if scene.colour == "orange" and rng.random() < 0.5:
        text = text.replace("a orange", "an orange")
    return _disturb(text, rng)


def _disturb(text: str, rng: np.random.Generator) -> str:
    """Sometimes a full stop, a capital, a word that means nothing here: all to be ignored."""
    if rng.random() < 0.1:
        words = text.split(" ")
        length = int(rng.integers(2, 8))
        unknown = "".join(rng.choice(list(string.ascii_lowercase), size=length))
        words.insert(int(rng.integers(len(words) + 1)), unknown)
        text = " ".join(words)
    if rng.random() < 0.1:
        text = text[0].upper() + text[1:]
    if rng.random() < 0.1:
        text += "."
    return text


def list_corpus(count: int = 4000, seed: int = 5) -> list[str]:
    """Prompts to train the tokenizer on."""
    from training.sprite.world import sample_scene

    rng = np.random.default_rng(seed)
    return [write_prompt(sample_scene(rng), rng) for _ in range(count)]
