"""Plans of shots that are made from files, and from each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.catalogue.footprint import StageWork
from rushes.errors import ProjectError
from rushes.plan.build import build_plan
from rushes.plan.explain import record_graph
from rushes.plan.memory.quantities import describe_node
from rushes.plan.nodes import Plan
from rushes.plan.order import order_work
from rushes.spec.resolve import load_project
from rushes.stages.encode_condition import EncodeConditionParams
from tests.media_files import write_clip, write_picture, write_sound
from tests.plan.tools import LOCK, Verdicts

HEAD = '[project]\nname = "p"\nseed = 7\n'
ONE = '[shots.one]\nprompt = "a red ball"\nattempts = 2\n'
CHAIN = HEAD + ONE + '[shots.two]\nextend = "one"\n[shots.three]\nextend = "two"\nseconds = 4\n'


def plan(folder: Path, text: str, verdicts: Verdicts | None = None, *targets: str) -> Plan:
    (folder / "rushes.toml").write_text(text)
    return build_plan(load_project(folder), LOCK, verdicts or Verdicts(), targets)


def labels(plan: Plan, name: str) -> list[str]:
    return [row.label for row in plan.rows() if row.name == name]


def keys(plan: Plan) -> dict[tuple[str, str], object]:
    return {(row.name, row.label): row.node.key for row in plan.rows()}


def steps(plan: Plan, *, ahead: bool = False) -> list[tuple[str, str]]:
    return [(s.name, s.node.stage) for s in order_work(plan, lambda key: False, ahead=ahead)]


def test_what_goes_on_waits_for_the_verdict(tmp_path: Path) -> None:
    first = plan(tmp_path, CHAIN)
    assert {name for name, _ in steps(first)} == {"one"}
    assert {name for name, _ in steps(first, ahead=True)} == {"one", "two", "three"}
    verdicts = Verdicts()
    verdicts.judge(first.shots[0].kept.nodes["check"].key, passed=True)
    second = plan(tmp_path, CHAIN, verdicts)
    assert {name for name, _ in steps(second)} == {"one", "two"}
    assert [shot.ready for shot in second.shots] == [True, True, False]


def test_what_goes_on_follows_the_kept_take(tmp_path: Path) -> None:
    first = plan(tmp_path, CHAIN)
    verdicts = Verdicts()
    verdicts.judge(first.shots[0].kept.nodes["check"].key, passed=False)
    second = plan(tmp_path, CHAIN, verdicts)
    before, after = keys(first), keys(second)
    assert before[("two", "denoise")] != after[("two", "denoise")]
    assert before[("two", "encode_text")] == after[("two", "encode_text")]
    assert (
        dict(second.shots[1].kept.nodes["denoise"].inputs)["previous"]
        is (second.shots[0].kept.nodes["denoise"])
    )


def test_an_extension_reads_latents_and_not_the_clip(tmp_path: Path) -> None:
    before = keys(plan(tmp_path, CHAIN))
    after = keys(plan(tmp_path, CHAIN.replace("attempts = 2", "export = { crf = 30 }")))
    changed = {place for place in before if before[place] != after[place]}
    assert changed == {("one", "export"), ("one", "check")}


def test_a_long_shot_is_a_chain_with_seeds_of_its_own(tmp_path: Path) -> None:
    made = plan(tmp_path, HEAD + ONE + "seconds = 8\n")
    nodes = made.shots[0].kept.nodes
    chain = [nodes[label] for label in ("denoise", "denoise.2", "denoise.3")]
    assert [dict(node.inputs).get("previous") for node in chain] == [None, *chain[:2]]
    assert len({node.params.seed for node in chain}) == 3  # type: ignore[attr-defined]
    assert [name for name, _ in nodes["decode_video"].inputs] == [
        "latents.0", "latents.1", "latents.2",
    ]  # fmt: skip
    order = [stage for _, stage in steps(made)]
    assert order.count("denoise") == 3


def test_the_same_length_in_one_denoise_is_the_plain_shot(tmp_path: Path) -> None:
    plain = keys(plan(tmp_path, HEAD + ONE))
    said = keys(plan(tmp_path, HEAD + ONE + "seconds = 2\n"))
    assert plain == said


def test_a_chain_of_an_hour_is_planned(tmp_path: Path) -> None:
    made = plan(tmp_path, HEAD + ONE + "seconds = 3600\n")
    assert labels(made, "one").count("denoise.1799") == 1
    assert len(steps(made)) > 1800


def test_a_target_brings_what_it_is_made_from(tmp_path: Path) -> None:
    made = plan(tmp_path, CHAIN, None, "three")
    assert [shot.shot.name for shot in made.shots] == ["one", "two", "three"]


def test_the_bytes_of_a_file_count_and_its_name_does_not(tmp_path: Path) -> None:
    text = HEAD + ONE + 'image = "a.png"\n'
    write_picture(tmp_path / "a.png")
    before = keys(plan(tmp_path, text))
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    assert keys(plan(tmp_path, text.replace("a.png", "b.png"))) == before
    write_picture(tmp_path / "b.png", (225, 30, 35))
    after = keys(plan(tmp_path, text.replace("a.png", "b.png")))
    same = {place[1] for place in before if before[place] == after[place]}
    assert same == {"render_prompt", "encode_text"}


def test_one_file_given_twice_is_encoded_once(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    text = HEAD + ONE + 'image = "a.png"\nlast_image = "a.png"\n'
    assert labels(plan(tmp_path, text), "one").count("encode_condition") == 1
    assert "encode_condition.2" not in labels(plan(tmp_path, text), "one")


def test_the_graph_names_what_is_read(tmp_path: Path) -> None:
    graph = record_graph(plan(tmp_path, CHAIN)).nodes
    assert graph["two"]["denoise"].inputs["previous"] == "one:denoise"
    assert graph["three"]["denoise.2"].inputs["previous"] == "three:denoise"
    assert graph["three"]["denoise"].inputs["previous"] == "two:denoise"


@pytest.mark.parametrize(
    ("sound", "more", "kept"),
    [
        (True, "", [((0, 27),), ((0, 27),)]),
        (False, "", [(), ((0, 27),)]),
        (True, 'audio = "beeps.wav"\n', [((0, 77),), ((0, 77),)]),
        (False, 'audio = "beeps.wav"\n', [((27, 77),), ((0, 77),)]),
    ],
)
def test_a_file_without_sound_gives_none(
    sound: bool, more: str, kept: list[object], tmp_path: Path
) -> None:
    write_clip(tmp_path / "clip.mp4", 1.5, sound=sound)
    write_sound(tmp_path / "beeps.wav", 5.0)
    text = f'[shots.one]\nprompt = "x"\nextend = "clip.mp4"\nseconds = 4\n{more}'
    nodes = plan(tmp_path, HEAD + text).shots[0].kept.nodes
    params = [nodes[label].params for label in ("denoise", "denoise.2")]
    assert [p.kept_audio for p in params] == kept  # type: ignore[attr-defined]
    assert [p.kept_video for p in params] == [((0, 4),), ((0, 4),)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("what", "video", "audio"),
    [
        ("both", ((0, 2), (5, 9)), ((0, 12), (25, 52))),
        ("picture", ((0, 2), (5, 9)), ((0, 52),)),
        ("sound", ((0, 9),), ((0, 12), (25, 52))),
    ],
)
def test_a_retake_keeps_what_is_outside_its_span(
    what: str, video: object, audio: object, tmp_path: Path
) -> None:
    span = f'retake = {{ from = 0.5, to = 1.0, what = "{what}" }}\n'
    made = plan(tmp_path, HEAD + ONE + f'[shots.two]\nprompt = "x"\nvideo = "one"\n{span}')
    params = made.shots[1].kept.nodes["denoise"].params
    assert (params.kept_video, params.kept_audio) == (video, audio)  # type: ignore[attr-defined]


def test_a_text_encoder_that_sees_waits_for_the_picture(tmp_path: Path) -> None:
    """HunyuanVideo's image checkpoint reads the prompt with the picture before its eyes."""
    write_picture(tmp_path / "start.png")
    head = '[project]\nname = "p"\nmodel = "{}"\n'
    shots = (
        '[shots.plain]\nprompt = "a red ball"\n'
        '[shots.given]\nprompt = "a red ball"\nimage = "start.png"\n'
    )
    for model, seen in (("hunyuan-video", True), ("hunyuan-video-1.5", False)):
        rows = list(plan(tmp_path, head.format(model) + shots).rows())
        text = {row.name: row.node for row in rows if row.label == "encode_text"}
        assert [name for name, _ in text["plain"].inputs] == ["prompt"]
        assert ("given" in dict(text["given"].inputs)) is seen
        denoise = next(r.node for r in rows if (r.name, r.label) == ("given", "denoise"))
        assert dict(denoise.inputs)["given"].stage == "encode_given"


def write_lora(path: Path, scale: int) -> None:
    header = f'{{"__metadata__":{{"reference_downscale_factor":"{scale}"}}}}'.encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)


GUIDED = """\
[project]
name = "p"
model = "ltx-2"
[shots.one]
prompt = "a red ball"
size = "1536x1024"
frames = 9
upscale = 2
control = { depth = "depth.mp4" }
loras = [{ path = "reads.safetensors", scale = 0.5 }]
"""


def test_a_control_lies_beside_the_first_size_alone(tmp_path: Path) -> None:
    write_clip(tmp_path / "depth.mp4", 1.0)
    write_lora(tmp_path / "reads.safetensors", 2)
    made = plan(tmp_path, GUIDED)
    nodes = made.shots[0].kept.nodes
    control = dict(nodes["denoise"].inputs)["control"]
    params = control.params
    assert isinstance(params, EncodeConditionParams)
    assert (params.kind, params.frames, params.height, params.width) == ("clip", 9, 256, 384)
    assert [name for name, _ in nodes["denoise"].files] == ["lora.0"]
    assert "control" not in dict(nodes["refine"].inputs)
    assert nodes["refine"].files == ()
    assert nodes["refine"].params.lora_scales == ()  # type: ignore[attr-defined]
    (model,) = (shot.shot.model for shot in made.shots)
    work = StageWork({})
    (cells,) = (shape["cells"] for shape in describe_node(nodes["denoise"], model, work)[0])
    assert cells == 2 * (16 * 24 + 8 * 12)
    (plain,) = describe_node(nodes["refine"], model, work)[0]
    assert plain["cells"] == 2 * 32 * 48


VACE = '[project]\nname = "p"\nmodel = "wan-2.1-vace-1.3b"\n'
BASE = '[shots.one]\nprompt = "a red ball"\n'


def test_vace_goes_on_from_the_last_pictures(tmp_path: Path) -> None:
    made = plan(tmp_path, VACE + BASE + '[shots.two]\nextend = "one"\n')
    one, two = made.shots[0].kept.nodes, made.shots[1].kept.nodes
    given, decoded = two["encode_given"], two["decode_video"].params
    assert given.inputs == (("extend", one["decode_video"]),)
    assert (given.params.roles, given.params.tail) == ((("extend", "tail"),), 17)
    assert (given.params.frames, decoded.frames, decoded.drop) == (81, 64, 17)
    assert two["denoise"].params.latents == 21
    assert made.shots[1].shot.shape.frames == 64


def test_vace_keeps_pictures_at_their_frames_and_makes_a_span_again(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    write_clip(tmp_path / "clip.mp4", 6.0)
    text = VACE + BASE + 'keyframes = [{ image = "a.png", frame = 40 }]\nlast_image = "a.png"\n'
    given = plan(tmp_path, text).shots[0].kept.nodes["encode_given"].params
    assert given.roles == (("keyframe.40", "picture"), ("last_image", "picture"))
    text = VACE + BASE + 'extend = "clip.mp4"\nkeyframes = [{ image = "a.png", frame = 40 }]\n'
    given = plan(tmp_path, text).shots[0].kept.nodes["encode_given"].params
    assert given.roles == (("keyframe.57", "picture"), ("extend", "tail"))
    text = VACE + BASE + 'video = "clip.mp4"\nretake = { from = 1.0, to = 2.0 }\n'
    given = plan(tmp_path, text).shots[0].kept.nodes["encode_given"].params
    assert given.again == (16, 32)


VACE_WRONG = {
    "too long": ('extend = "clip.mp4"\nseconds = 5.0\n', "at most 64"),
    "not whole latents": ('extend = "clip.mp4"\nframes = 63\n', "60 or 64"),
    "too short a file": ('extend = "short.mp4"\n', "1.062 s of it are needed"),
    "a sound": (
        'video = "clip.mp4"\nretake = { from = 1, to = 2, what = "sound" }\n', "makes no sound",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VACE_WRONG)
def test_what_vace_cannot_is_refused(name: str, tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", 6.0)
    write_clip(tmp_path / "short.mp4", 0.5)
    text, words = VACE_WRONG[name]
    with pytest.raises(ProjectError, match=words):
        plan(tmp_path, VACE + BASE + text)


def test_a_shot_that_is_shorter_than_what_is_seen_of_it(tmp_path: Path) -> None:
    text = VACE + BASE + 'frames = 13\n[shots.two]\nextend = "one"\n'
    with pytest.raises(ProjectError, match="its last 17 are needed"):
        plan(tmp_path, text)


@pytest.mark.parametrize("key", ["keyframes", "extend", "retake"])
@pytest.mark.parametrize(
    "name", ["wan-2.1-14b", "wan-2.2-ti2v-5b", "hunyuan-video", "hunyuan-video-1.5", "cogvideox-5b"]
)
def test_who_cannot_names_those_who_can(name: str, key: str, tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    write_clip(tmp_path / "clip.mp4", 6.0)
    said = {
        "keyframes": 'keyframes = [{ image = "a.png", frame = 4 }]\n',
        "extend": 'extend = "clip.mp4"\n',
        "retake": "retake = { from = 1, to = 2 }\n",
    }
    head = f'[project]\nname = "p"\nmodel = "{name}"\n'
    with pytest.raises(ProjectError) as caught:
        plan(tmp_path, head + BASE + said[key])
    assert f"cannot be given {key!r}" in caught.value.message
    assert caught.value.hint is not None
    assert {"ltx-2", "wan-2.1-vace-1.3b", "wan-2.1-vace-14b"} <= set(
        caught.value.hint.removeprefix("models that can: ").split(", ")
    )
