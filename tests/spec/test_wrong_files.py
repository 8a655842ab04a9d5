"""Wrong project files: each gives one error with the right line and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.cli.main import main
from tests.spec.tools import HEAD, SHOT, error_of, marked_place, write_project

P = HEAD + SHOT
CASES: dict[str, tuple[str, str]] = {
    # how TOML itself can be wrong
    "cut off": (P + "[shots. # <-", "not valid TOML"),
    "no value": (P + "seed = # <-\n", "not valid TOML"),
    "key twice": (P + 'prompt = "b" # <-\n', "not valid TOML"),
    "table twice": (P + "[shots.one] # <-\n", "not valid TOML"),
    "open text": (HEAD + '[shots.one]\nprompt = "a # <-\nseed = 1\n', "not valid TOML"),
    "bad date": (P + "seed = 2020-99-99 # <-\n", "not valid TOML"),
    "too long a number": (P + f"seed = {'9' * 5000} # <-\n", "not valid TOML"),
    "lone surrogate": (P + 'negative = "\\uD800" # <-\n', "not valid TOML"),
    "nested too deeply": (P + f"seed = {'[' * 9000} # <-", "not valid TOML"),
    "control character": (P + 'negative = "\x01" # <-\n', "not valid TOML"),
    # unknown keys
    "promt": (HEAD + '[shots.one]\npromt = "x" # <-\n', "did you mean prompt?"),
    "shot for shots": (HEAD + "[shot.one] # <-\n", "did you mean shots?"),
    "sead": (HEAD + "sead = 1 # <-\n" + SHOT, "did you mean seed?"),
    "fame": (P + "fame = 33 # <-\n", "did you mean frames?"),
    "default": (P + "[default] # <-\nseed = 1\n", "did you mean defaults?"),
    "licenses": (P + "[policy]\nlicenses = [] # <-\n", "did you mean licences?"),
    "cross_fade": (
        P + '[films.f]\nshots = ["one"]\ncross_fade = 1.0 # <-\n',
        "did you mean crossfade?",
    ),
    "bitrate": (P + "[shots.one.export]\nbitrate = 1 # <-\n", "audio_kbps"),
    "in an inline table": (
        HEAD + '[shots]\none = { prompt = "x", stepss = 3 } # <-\n',
        "did you mean steps?",
    ),
    "dotted key": (HEAD + '[shots]\none.prompt = "x"\none.sed = 3 # <-\n', "did you mean seed?"),
    "nothing close": (P + "zzzzzz = 1 # <-\n", "known keys:"),
    "empty key": (P + '"" = 1 # <-\n', "unknown key ''"),
    # wrong types
    "text for a number": (P + 'seed = "7" # <-\n', "expected a whole number, not text"),
    "number for text": (HEAD + "[shots.one]\nprompt = 7 # <-\n", "expected text, not a whole"),
    "fraction of a seed": (P + "seed = 1.5 # <-\n", "expected a whole number, not a number"),
    "truth for a number": (P + "attempts = true # <-\n", "not true or false"),
    "list for text": (P + 'size = ["64x64"] # <-\n', "expected text, not a list"),
    "text for a list": (P + 'checks = "default" # <-\n', "expected a list, not text"),
    "number in a list": (P + "checks = [1] # <-\n", "expected text"),
    "date for a number": (P + "seed = 2020-01-01 # <-\n", "expected a whole number"),
    "shots is a list": (HEAD + "[[shots]] # <-\n", "shots must be a table of tables"),
    "shot is text": (HEAD + '[shots]\none = "a red ball" # <-\n', "shots.one must be a table"),
    "project is text": ('project = "p" # <-\n' + SHOT, "project must be a table"),
    "vars is a list": (P + 'vars = ["a"] # <-\n', "expected a table, not a list"),
    "var is a number": (HEAD + '[shots.one]\nprompt="{a}"\nvars = {a=1} # <-\n', "expected text"),
    "export is text": (P + 'export = "mp4" # <-\n', "must be a table"),
    "include is text": ('include = "a.toml" # <-\n' + P, "expected a list, not text"),
    # values out of range
    "seed below 0": (P + "seed = -1 # <-\n", ">= 0"),
    "seed above 2^53": (P + "seed = 9007199254740992 # <-\n", "<= 9007199254740991"),
    "seed of 70 bits": (P + f"seed = {2**70} # <-\n", "<= 9007199254740991"),
    "seed of 40000 bits": (P + f"seed = 0x{'f' * 9999} # <-\n", "seed"),
    "no frames": (P + "frames = 0 # <-\n", ">= 1"),
    "seconds below 0": (P + "seconds = -1 # <-\n", "> 0"),
    "seconds are 0": (P + "seconds = 0.0 # <-\n", "> 0"),
    "seconds nan": (P + "seconds = nan # <-\n", "seconds"),
    "seconds inf": (P + "seconds = inf # <-\n", "<= 3600"),
    "an hour and more": (P + "seconds = 1e12 # <-\n", "<= 3600"),
    "seconds of 400 digits": (P + f"seconds = 1{'0' * 400} # <-\n", "seconds"),
    "fps nan": (P + "fps = nan # <-\n", "fps"),
    "guidance nan": (P + "guidance = nan # <-\n", "guidance"),
    "guidance -inf": (P + "guidance = -inf # <-\n", "guidance"),
    "budget inf": (P + "[policy]\nbudget_usd = inf # <-\n", "budget_usd"),
    "budget nan": (P + "[policy]\nbudget_usd = nan # <-\n", "budget_usd"),
    "revenue inf": (P + "[policy]\nrevenue_usd = inf # <-\n", "revenue_usd"),
    "crossfade nan": (P + '[films.f]\nshots=["one"]\ncrossfade = nan # <-\n', "crossfade"),
    "no attempts": (P + "attempts = 0 # <-\n", ">= 1"),
    "a size of one number": (P + 'size = "64" # <-\n', "WIDTHxHEIGHT"),
    "a size of nothing": (P + 'size = "0x64" # <-\n', "WIDTHxHEIGHT"),
    "a size and a line end": (P + 'size = "64x64\\n" # <-\n', "WIDTHxHEIGHT"),
    "a size in other digits": (P + 'size = "６４x６４" # <-\n', "WIDTHxHEIGHT"),
    "empty prompt": (HEAD + '[shots.one]\nprompt = "" # <-\n', "is empty"),
    "blank prompt": (HEAD + '[shots.one]\nprompt = " \\t\\n" # <-\n', "is empty"),
    "prompt too long": (HEAD + f'[shots.one]\nprompt = "{"x" * 4001}" # <-\n', "length <= 4000"),
    "format gif": (P + 'export = { format = "gif" } # <-\n', "gif"),
    "paid maybe": (P + '[policy]\npaid = "maybe" # <-\n', "maybe"),
    "film of nothing": (P + "[films.f]\nshots = [] # <-\n", "length >= 1"),
    # names
    "upper case": (HEAD + '[shots.One] # <-\nprompt = "x"\n', "lower-case letters"),
    "a slash": (HEAD + '[shots."../x"] # <-\nprompt = "x"\n', "lower-case letters"),
    "a line end in a name": (HEAD + '[shots."a\\n"] # <-\nprompt = "x"\n', "lower-case"),
    "a long name": (HEAD + f'[shots.{"a" * 65}] # <-\nprompt = "x"\n', "length <= 64"),
    "name of the project": ('[project]\nname = "My Clips" # <-\n' + SHOT, "lower-case letters"),
    "a variable's name": (P + 'vars = { "A b" = "x" } # <-\n', "vars"),
    # what is missing
    "empty file": ("", "[project]"),
    "no project": (SHOT, "[project]"),
    "no name": ("[project] # <-\nseed = 1\n" + SHOT, "lacks the key 'name'"),
    "no shots": (HEAD, "no shots"),
    "no prompt": (HEAD + "[shots.one] # <-\nseed = 1\n", "no prompt"),
    "film lacks shots": (P + "[films.f] # <-\ncrossfade = 0.1\n", "lacks the key 'shots'"),
    # what does not exist
    "model": ('[project]\nname = "p"\nmodel = "sprit" # <-\n' + SHOT, "did you mean sprite?"),
    "model of a shot": (P + 'model = "nope" # <-\n', "sprite"),
    "preset": (
        P + '[shots.two]\npreset = "bonce" # <-\n[presets.bounce]\n',
        "did you mean bounce?",
    ),
    "shot of a film": (P + '[films.f]\nshots = ["on"] # <-\n', "did you mean one?"),
    "film and shot": (P + '[films.one] # <-\nshots = ["one"]\n', "both a shot and a film"),
    # variables
    "no value for a variable": (
        HEAD + '[shots.one] # <-\nprompt = "a {colour} ball"\n',
        "{colour}",
    ),
    "a variable not used": (P + 'vars = { colour = "red" } # <-\n', "has no {colour}"),
    "an open brace": (HEAD + '[shots.one]\nprompt = "a { ball" # <-\n', "{{ or }}"),
    "a closing brace": (HEAD + '[shots.one]\nprompt = "a } ball" # <-\n', "{{ or }}"),
    "a position": (HEAD + '[shots.one]\nprompt = "a {0} ball" # <-\n', "{{ or }}"),
    "an attribute": (HEAD + '[shots.one]\nprompt = "a {x.__class__}" # <-\n', "{{ or }}"),
    "a format": (HEAD + '[shots.one]\nprompt = "a {x:>99}" # <-\n', "{{ or }}"),
    "a conversion": (HEAD + '[shots.one]\nprompt = "a {x!r}" # <-\n', "{{ or }}"),
    "an empty brace": (HEAD + '[shots.one]\nprompt = "a {} b" # <-\n', "{{ or }}"),
    "a prompt that becomes empty": (
        HEAD + '[shots.one]\nprompt = "{a} {b}" # <-\nvars = { a = "", b = " " }\n',
        "empty",
    ),
    # what the model cannot do
    "30 frames": (P + "frames = 30 # <-\n", "29 or 33"),
    "1000 frames": (P + "frames = 1000 # <-\n", "997 or 1001"),
    "3 frames": (P + "frames = 3 # <-\n", "17"),
    "too long": (P + "seconds = 3601 # <-\n", "3600"),
    "another size": (P + 'size = "95x96" # <-\n', "96x96"),
    "another rate": (P + "fps = 15.99 # <-\n", "16"),
    "another rate, own frames": (
        HEAD + "[defaults]\nfps = 24 # <-\n" + SHOT + "frames = 33\n",
        "not 24",
    ),
    "both lengths": (P + "seconds = 1.0\nframes = 33 # <-\n", "both seconds and frames"),
    "both lengths in defaults": (
        P + "[defaults]\nframes = 33 # <-\nseconds = 2\n",
        "both seconds and frames",
    ),
    # export
    "h264 in webm": (P + 'export = { format = "webm", video = "h264" } # <-\n', "vp9"),
    "aac in mkv": (P + '[shots.one.export] # <-\nformat = "mkv"\naudio = "aac"\n', "opus"),
    "crf too high": (P + "export = { crf = 60 } # <-\n", "51"),
    "crf of a film": (P + '[films.f]\nshots = ["one"]\nexport = { crf = 52 } # <-\n', "51"),
    # places that are hard to find
    "after text of many lines": (
        HEAD + '[shots.one]\nprompt = """\n[shots.two]\nseed = 3\n"""\n[shots.two]\n'
        'prompt = "x"\nseed = -1 # <-\n',
        ">= 0",
    ),
    "after odd line ends": (HEAD + "# \u2028 \x85 \u2029\n" + SHOT + "seed = -1 # <-\n", ">= 0"),
    "windows line ends": ((P + "seed = -1 # <-\n").replace("\n", "\r\n"), ">= 0"),
    "a quoted header": (HEAD + '[ "shots" . "one" ]\nprompt = "x"\nseed = -1 # <-\n', ">= 0"),
    "no final line end": (P + "seed = -1 # <-", ">= 0"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_error_with_line_and_remedy(case: str, tmp_path: Path) -> None:
    text, words = CASES[case]
    error = error_of(tmp_path, text)
    assert error.where == marked_place(text)
    assert words in f"{error.message} → {error.hint}"
    assert len(error.message) < 300
    assert "Traceback" not in error.message


@pytest.mark.parametrize("case", list(CASES)[::6])
def test_on_the_command_line(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = CASES[case]
    write_project(tmp_path, text)
    assert main(["plan", "-C", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert marked_place(text) in err
    assert "Traceback" not in err
    assert "fault of Rushes" not in err


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 100
