"""How questions are worded. Fields: {ref} an object, {other} another one, {doing} what it might do.

`TRAIN` is for training; `HELD_OUT` has wordings that training never sees, of words that it does
(a test holds them to it). Answers have one form each: a word, "at 0.8 s", "yes", "no", or "not in
this clip".
"""

ABSENT = "not in this clip"

BASE = {
    "bounces": "bounce", "slides": "slide", "blinks": "blink",
    "orbits": "orbit", "pulses": "pulse", "rises": "rise",
}  # fmt: skip
ING = {
    "bounces": "bouncing", "slides": "sliding", "blinks": "blinking",
    "orbits": "orbiting", "pulses": "pulsing", "rises": "rising",
}  # fmt: skip
# other words for the same, in questions only: (third person, base, -ing)
VERBS = {
    "bounces": (("hops", "hop", "hopping"),),
    "slides": (("glides", "glide", "gliding"),),
    "blinks": (("flashes", "flash", "flashing"),),
    "orbits": (("circles", "circle", "circling"), ("goes round", "go round", "going round")),
    "pulses": (("throbs", "throb", "throbbing"),),
    "rises": (("floats up", "float up", "floating up"),),
}
NOUNS = {"ball": ("circle", "disc"), "square": ("box",), "cross": ("plus",), "grey": ("gray",),
         "purple": ("violet",)}  # fmt: skip
THINGS = ("object", "thing", "shape", "one")
SPEED_WORDS = {"slow": ("slowly",), "fast": ("fast", "quickly")}
NUMBERS = ("no objects", "one object", "two objects", "three objects")

# what an event is called: as a clause after "when does {ref} ..." and as an -ing form
DOINGS = {
    "floor": (("touch the floor", "touching the floor"), ("hit the ground", "hitting the ground"),
              ("land", "landing"), ("hit the floor", "hitting the floor"),
              ("touch the ground", "touching the ground")),
    "wall": (("touch a wall", "touching a wall"), ("hit the side", "hitting the side"),
             ("hit a wall", "hitting a wall"), ("reach the edge", "reaching the edge"),
             ("touch the side", "touching the side")),
    "on": (("come on", "coming on"), ("light up", "lighting up"), ("turn on", "turning on")),
    "off": (("go off", "going off"), ("go dark", "going dark"), ("turn off", "turning off")),
    "top": (("leave at the top", "leaving at the top"),
            ("go out at the top", "going out at the top")),
    "appears": (("appear", "appearing"), ("enter", "entering"), ("come in", "coming in"),
                ("show up", "showing up")),
    "disappears": (("disappear", "disappearing"), ("leave", "leaving"), ("go away", "going away"),
                   ("vanish", "vanishing")),
}  # fmt: skip

TRAIN: dict[str, tuple[str, ...]] = {
    "colour": (
        "what colour is {ref}?", "which colour is {ref}?", "what color is {ref}?",
        "what is the colour of {ref}?", "tell me the colour of {ref}", "{ref} has which colour?",
        "name the color of {ref}",
        "{ref} has what colour?", "what colour does {ref} have?", "which color does {ref} have?",
        "which color is {ref}?", "of what colour is {ref}?", "find the colour of {ref}",
        "describe the colour of {ref}", "{ref}: what colour?", "name the colour that {ref} has",
    ),
    "shape": (
        "what shape is {ref}?", "which shape is {ref}?", "what is the shape of {ref}?",
        "tell me the shape of {ref}", "{ref} has which shape?", "what is {ref}?",
        "{ref} has what shape?", "what shape does {ref} have?", "which shape does {ref} have?",
        "find the shape of {ref}", "describe the shape of {ref}", "what object is {ref}?",
        "what thing is {ref}?", "{ref}: which shape?", "of which shape is {ref}?",
    ),
    "motion": (
        "what does {ref} do?", "how does {ref} move?", "what is {ref} doing?",
        "how is {ref} moving?", "what motion does {ref} have?", "describe the motion of {ref}",
        "which motion does {ref} show?",
        "what motion does {ref} show?", "{ref} does what?", "{ref} has which motion?",
        "tell me what {ref} does", "tell me what {ref} is doing", "name the motion of {ref}",
        "describe how {ref} is moving", "what motion is it that {ref} has?",
        "{ref}: how does it move?", "how does {ref} move in this clip?", "find the motion of {ref}",
    ),
    "speed": (
        "how fast does {ref} move?", "how fast is {ref}?", "is {ref} slow or fast?",
        "does {ref} move fast or slow?", "what is the speed of {ref}?",
        "at what speed does {ref} move?",
        "what speed does {ref} have?", "which speed does {ref} have?", "tell me the speed of {ref}",
        "name the speed of {ref}", "does {ref} move slowly or fast?",
        "at which speed is {ref} moving?", "how fast is {ref} moving?", "is {ref} fast or slow?",
        "{ref} has which speed?", "is the speed of {ref} slow or fast?", "{ref}: fast or slow?",
        "is it fast or slow that {ref} moves?",
    ),
    "background": (
        "what colour is the background?", "which background is it?", "what is the background?",
        "what color does the background have?", "tell me the colour of the background",
        "what is behind the objects?",
        "what is the colour of the background?", "which color is the background?",
        "the background has which colour?", "describe the background", "name the background",
        "tell me the background", "what colour is behind the objects?",
        "which background does the clip have?", "what background does the video show?",
        "find the colour of the background", "the background is what colour?",
        "on what background is it?", "on which background are the objects?",
    ),
    "count": (
        "how many objects are there?", "how many things are in this clip?", "count the objects",
        "how many shapes can be seen?", "what is the number of objects?",
        "how many objects does the clip show?",
        "how many objects does the video show?", "how many objects are in the video?",
        "how many things can be seen?", "how many shapes are there?", "count the things",
        "count the shapes in this clip", "tell me the number of objects",
        "what number of objects is there?", "how many objects do you see?",
        "name the number of objects", "find the number of things", "how many are there?",
        "there are how many objects?",
    ),
    "count_of": (
        "how many {plural} are there?", "how many {plural} are in this clip?",
        "count the {plural}", "how many {plural} can be seen?",
        "how many {plural} do you see?", "how many {plural} does the clip show?",
        "tell me the number of {plural}", "name the number of {plural}",
        "count the {plural} in this clip", "how many {plural} are in the video?",
        "find the number of {plural}", "there are how many {plural}?",
        "{plural}: how many are there?", "how many of the objects are {plural}?",
    ),
    "which": (
        "what {does}?", "which object {does}?", "which shape {does}?", "what is {ing}?",
        "which object is {ing}?", "what is the {ing} object?",
        "which thing {does}?", "name what {does}", "tell me which object {does}",
        "find the object that {does}", "what thing {does}?", "which one {does}?",
        "which is the {ing} object?", "which shape is {ing}?", "tell me what is {ing}",
        "find the {ing} object", "name the {ing} one", "which of the objects {does}?",
        "what is the object that {does}?",
    ),
    "objects": (
        "what objects are there?", "which objects are in this clip?", "list the objects",
        "what can be seen?", "what is in this clip?", "name the objects",
        "what do you see?", "which objects do you see?", "what objects can you see?",
        "what things are there?", "list the things in this clip", "which shapes are there?",
        "describe the objects", "tell me what can be seen",
        "tell me which objects are in the video", "find the objects", "what is there?",
        "what is in the video?", "list what is in this clip", "what objects does the clip show?",
    ),
    "describe": (
        "describe the clip", "what happens?", "what happens in this clip?", "describe the video",
        "tell me what happens", "what does the clip show?",
        "what happens in the video?", "describe this clip", "tell me what happens in this clip",
        "describe what the clip shows", "what does the video show?", "tell me what this clip shows",
        "what does this clip show?", "describe this video", "find what happens in this clip",
        "tell me what happens in the video",
    ),
    "time": (
        "when does {ref} {doing}?", "when does {ref} first {doing}?",
        "at what time does {ref} {doing}?", "when does {ref} {doing} for the first time?",
        "at which second does {ref} first {doing}?", "find when {ref} is first {ing}",
        "tell me when {ref} does {doing}",
        "when is {ref} first {ing}?", "when does {ref} {doing} in this clip?",
        "at what second does {ref} {doing}?", "at which time does {ref} {doing}?",
        "tell me when {ref} is first {ing}", "{ref} does first {doing} when?",
        "{ref}: when does it {doing}?", "when is the first time that {ref} does {doing}?",
        "find the second at which {ref} does first {doing}",
        "what time is it when {ref} does {doing}?", "at what time is {ref} first {ing}?",
        "name the time at which {ref} does {doing}", "when can {ref} be seen {ing}?",
        "when do you see {ref} {ing}?", "find when {ref} does {doing}",
        "{ref} does {doing} when?", "{ref} is {ing} at which second?", "{ref} is first {ing} when?",
        "the second at which {ref} does {doing} is?", "{ref}: at which second is it first {ing}?",
        "{ref} does {doing}. when?", "find the time of {ref} {ing}",
    ),
    "time_last": (
        "when does {ref} last {doing}?", "when does {ref} {doing} for the last time?",
        "at what time does {ref} {doing} last?", "find when {ref} is last {ing}",
        "when is {ref} last {ing}?", "tell me when {ref} does {doing} for the last time",
        "at what second does {ref} last {doing}?", "when is the last time that {ref} does {doing}?",
        "find the last time when {ref} does {doing}",
        "at which time does {ref} {doing} for the last time?", "{ref} does last {doing} when?",
        "{ref} does {doing} for the last time when?", "{ref} is last {ing} at which second?",
    ),
    "order": (
        "what happens first, {first} or {second}?", "which comes first: {first} or {second}?",
        "which happens first, {first} or {second}?", "what is first, {first} or {second}?",
        "what comes first, {first} or {second}?", "is {first} or {second} first?",
        "tell me what happens first, {first} or {second}", "which is first: {first} or {second}?",
        "{first} and {second}: which is first?", "{first} or {second}, which happens first?",
        "which object is first, {first} or {second}?", "which of {first} and {second} comes first?",
        "name what comes first, {first} or {second}", "what happens before: {first} or {second}?",
    ),
    "yes_no": (
        "{ask}?", "in this clip, {ask}?", "tell me, {ask}?", "{say}", "true or false: {say}",
        "is this true: {say}?", "{say}. yes or no?", "in this clip, {say}",
        "is it true that {say}?", "{say}, true or false?",
        "do you see that {say}?", "does the clip show that {say}?", "the clip shows that {say}",
        "true or false, {say}?", "{say}. true or false?", "in the video, {ask}?",
        "is it true: {say}?", "it is true that {say}", "{say}. is it true?", "true: {say}?",
        "{ask}, yes or no?", "{ask} in this clip?", "yes or no, {ask}?", "{say}?",
        "can you see that {say}?", "this is true: {say}",
    ),
}  # fmt: skip
# said before or after a question of training now and then; a mark at its end may be missing too
BEFORE = ("in this clip, ", "in the video, ", "tell me, ", "in this video, ")
AFTER = (" in this clip", " in the video", ", tell me")
HELD_OUT: dict[str, tuple[str, ...]] = {
    "colour": ("{ref} is what colour?", "the colour of {ref} is?"),
    "shape": ("{ref} is what shape?", "name the shape of {ref}"),
    "motion": ("tell me how {ref} moves", "what is the motion of {ref}?"),
    "speed": ("is {ref} moving fast or slow?", "tell me how fast {ref} is"),
    "background": ("which colour does the background have?", "name the colour of the background"),
    "count": ("how many objects can be seen in this clip?", "tell me how many objects there are"),
    "count_of": ("tell me how many {plural} there are", "what is the number of {plural}?"),
    "which": ("tell me what {does}", "name the object that {does}"),
    "objects": ("which objects can be seen?", "tell me what objects there are"),
    "describe": ("describe what happens in the clip", "tell me what the video does show"),
    "time": ("tell me the time when {ref} does first {doing}", "{ref} does {doing} at what time?"),
    "time_last": ("tell me when {ref} does last {doing}",),
    "order": ("{first} or {second}: which comes first?",),
    "yes_no": ("yes or no: {say}?", "tell me: {ask}?", "{say}, is this true?"),
}  # fmt: skip

# yes/no contents: a question and a statement of each
ASKS: dict[str, tuple[tuple[str, str], ...]] = {
    "exists": (
        ("is there {thing}", "there is {thing}"),
        ("does the clip show {thing}", "the clip shows {thing}"),
        ("can {thing} be seen", "{thing} can be seen"),
        ("do you see {thing}", "you see {thing}"),
    ),
    "is": (("is {ref} {what}", "{ref} is {what}"),),
    "does": (("does {ref} {base}", "{ref} {does}"), ("is {ref} {ing}", "{ref} is {ing}")),
    "speed": (
        ("does {ref} move {how}", "{ref} moves {how}"),
        ("is {ref} {speed}", "{ref} is {speed}"),
    ),
    "background": (
        ("is the background {ground}", "the background is {ground}"),
        ("is it on a {ground} background", "it is on a {ground} background"),
    ),
    "count": (("are there {number}", "there are {number}"),),
    "scene": (
        ("does {thing} {base}{how}{on}", "{thing} {does}{how}{on}"),
        ("is {thing} {ing}{how}{on}", "{thing} is {ing}{how}{on}"),
        ("is there {thing} that {does}{how}{on}", "there is {thing} that {does}{how}{on}"),
        ("is there {thing} {ing}{how}{on}", "there is {thing} {ing}{how}{on}"),
    ),
    "order": (
        ("does {first} come before {second}", "{first} comes before {second}"),
        ("does {second} come after {first}", "{second} comes after {first}"),
        ("is {first} first and {second} later", "{first} is first and {second} later"),
    ),
    "happens": (
        ("does {ref} {doing}", "{ref} does {doing}"),
        ("is {ref} ever {ing}", "{ref} is {ing}"),
    ),
}  # fmt: skip


def list_words() -> list[str]:
    """Every text that wordings are made of, held-out ones too: what the tokenizer is made from."""
    texts = [ABSENT, "at 0.8 s", "yes", "no", "nothing", "and", "a an the it in front of"]
    texts += [t for forms in (TRAIN, HELD_OUT) for group in forms.values() for t in group]
    texts += [t for group in ASKS.values() for pair in group for t in pair]
    texts += [t for group in DOINGS.values() for pair in group for t in pair]
    texts += [t for group in VERBS.values() for verb in group for t in verb]
    texts += [*BASE, *BASE.values(), *ING.values(), *THINGS, *NUMBERS]
    texts += [t for group in (*NOUNS.values(), *SPEED_WORDS.values()) for t in group]
    texts += [f"{t}s" for t in (*THINGS, "ball", "circle", "disc", "square", "box", "triangle")]
    texts += ["boxes", "crosses", "plus signs", "slow", "fast"]
    return texts
