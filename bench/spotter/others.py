"""Wordings of another author, who saw neither those of training nor those held out from it.

Written from a list of the words that the reader knows. Some agree with what training asks, as what
people type does; nothing was trained or chosen by them.
"""

OTHERS: dict[str, tuple[str, ...]] = {
    "colour": (
        "tell me the colour of {ref}",
        "{ref} is what color?",
        "what colour does {ref} have?",
        "can you name the color of {ref} in this clip",
    ),
    "shape": (
        "what is the shape of {ref}?",
        "can you tell me what shape {ref} is",
        "{ref} has which shape?",
        "name the shape of {ref}",
    ),
    "motion": (
        "how does {ref} move?",
        "describe the motion of {ref}",
        "what is {ref} doing in the video",
        "tell me what {ref} does in this clip",
    ),
    "speed": (
        "does {ref} move slowly or quickly?",
        "tell me the speed of {ref}",
        "how fast does {ref} go",
        "{ref} is moving fast or slow?",
    ),
    "background": (
        "what colour is behind the shapes?",
        "background color",
        "name the colour of the background",
        "the background in this video is what color?",
    ),
    "count": (
        "how many things can you see?",
        "number of objects in the clip",
        "count the shapes in this video",
        "tell me how many objects there are",
    ),
    "count_of": (
        "how many {plural} does the clip show?",
        "count the {plural}",
        "number of {plural}?",
        "tell me how many {plural} you can see",
    ),
    "which": (
        "which one {does}?",
        "name the object that {does}",
        "what is the thing {ing} in this video?",
        "can you tell me which shape is {ing}",
    ),
    "objects": (
        "list the things in the clip",
        "what objects can you see?",
        "tell me which shapes appear",
        "name the objects in this video",
    ),
    "describe": (
        "what happens in this clip?",
        "describe the video for me",
        "tell me what you see happens",
        "can you tell what the things in the video do?",
    ),
    "time": (
        "at what time does {ref} first {doing}?",
        "tell me when you first see {ref} {ing}",
        "first time of {ref} {ing}",
        "when is the first time that you can see {ref} {doing}?",
    ),
    "time_last": (
        "when does {ref} {doing} for the last time?",
        "tell me the last time you see {ref} {ing}",
        "last time of {ref} {ing}",
        "at what time is {ref} last {ing}?",
    ),
    "order": (
        "what happens first: {first} or {second}?",
        "tell me which one comes first, {first} or {second}",
        "{first} and {second}, which is first",
    ),
    "yes_no": (
        "{ask}, yes or no?",
        "is it true that {say}?",
        "true or false: {say}",
        "can you tell me, {ask}?",
    ),
}
