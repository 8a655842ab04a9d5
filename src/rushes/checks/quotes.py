"""Words that a prompt quotes: what is to be read in the picture, and what is to be said.

Pure text. A quotation is spoken where a word of speaking stands before it in its clause and none of
writing does; else it is something to read.
"""

from __future__ import annotations

import re
import unicodedata

_QUOTED = re.compile(
    r"“([^“”]+)”|\"([^\"]+)\"|«([^«»]+)»|„([^„“”]+)[“”]|‘([^‘’]+)’(?!\w)|(?<!\w)'([^']+)'(?!\w)"
)
_CLAUSE = re.compile(r"[.;!?\n]")
_SPEAKING = re.compile(
    r"\b(say|says|said|saying|speak|speaks|spoke|speaking|ask|asks|asked|asking|shout|shouts|"
    r"shouted|shouting|whisper|whispers|whispered|whispering|sing|sings|sang|singing|tell|tells|"
    r"telling|announce|announces|announcing|call|calls|calling|cry|cries|reply|replies|answer|"
    r"answers|narrator|voice|voiceover|voice-over|dialogue|line)\b",
    re.IGNORECASE,
)
_WRITING = re.compile(
    r"\b(sign|signs|reads|reading|read|written|writes|writing|text|title|titled|titles|caption|"
    r"captions|captioned|label|labelled|labeled|logo|poster|banner|billboard|letters|lettering|"
    r"word|words|shirt|t-shirt|screen|board|neon|subtitle|subtitles|headline|sticker|graffiti|"
    r"book|cover|plate|printed|engraved|painted)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+(?:['’]\w+)*")


def list_quotes(prompt: str) -> list[tuple[str, bool]]:
    """What is quoted, in order, and whether it is spoken."""
    found: list[tuple[str, bool]] = []
    end = 0
    for match in _QUOTED.finditer(prompt):
        words = next(group for group in match.groups() if group is not None)
        before = _CLAUSE.split(prompt[end : match.start()])[-1]
        spoken = bool(_SPEAKING.search(before)) and not _WRITING.search(before)
        if not before.strip(" ,and") and found:
            spoken = found[-1][1]  # a list: says "one" and "two"
        found.append((words, spoken))
        end = match.end()
    return found


def list_spoken(prompts: tuple[str, ...]) -> list[str]:
    """What is to be said."""
    return [words for prompt in prompts for words, spoken in list_quotes(prompt) if spoken]


def list_written(prompts: tuple[str, ...]) -> list[str]:
    """What is to be read."""
    return [words for prompt in prompts for words, spoken in list_quotes(prompt) if not spoken]


def split_words(text: str) -> list[str]:
    """Words in small letters, without accents, apostrophes and punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [re.sub(r"['’_]", "", word) for word in _WORD.findall(plain)]
