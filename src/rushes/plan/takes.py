"""The nodes of one attempt at a shot, from its prompt to its latents, picture and sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from rushes.catalogue.remote import Remote
from rushes.models.base import find_family
from rushes.plan.kept import find_kept
from rushes.plan.mending import repair_params
from rushes.plan.nodes import Node, Take
from rushes.plan.seeds import stage_seed
from rushes.plan.settings import refine_params, sampling_params
from rushes.plan.windows import Timeline, Window
from rushes.spec.given import Picture, SourceFile
from rushes.spec.project import Mend, Shot
from rushes.stages.base import Params
from rushes.stages.cut_track import CutTrackParams
from rushes.stages.decode_audio import DecodeAudioParams
from rushes.stages.decode_video import DecodeVideoParams
from rushes.stages.denoise import DenoiseParams
from rushes.stages.encode_condition import ConditionKind, EncodeConditionParams
from rushes.stages.encode_given import EncodeGivenParams, Role, encodes_together
from rushes.stages.encode_text import EncodeTextParams
from rushes.stages.generate import GenerateParams
from rushes.stages.render_prompt import RenderPromptParams
from rushes.stages.upsample import UpsampleParams

Inputs = list[tuple[str, Node]]
Files = tuple[tuple[str, SourceFile], ...]


class MakeNode(Protocol):
    """Makes nodes; equal work is one node."""

    def __call__(
        self,
        stage: str,
        params: Params,
        inputs: Inputs = ...,
        model: str | None = None,
        files: Files = ...,
    ) -> Node: ...


class TakePlanner:
    """Plans one attempt.

    Args:
        bases: the kept takes of the shots that this one is made from.
        seed: of the attempt.
        mends: what is made again of what the seed gives, one after the other.
    """

    def __init__(
        self,
        make: MakeNode,
        shot: Shot,
        seed: int,
        bases: Mapping[str, Take],
        mends: tuple[Mend, ...] = (),
    ) -> None:
        self.make, self.shot, self.bases = make, shot, bases
        self.seed, self.mends = seed, mends
        self.time = Timeline(shot.model, shot.shape.fps)
        extends = shot.conditions.extend is not None
        self.tail = shot.model.tail if extends else 0  # frames before the clip's own
        self.nodes: dict[str, Node] = {}
        self.seams: list[float] = []

    def plan(self) -> Window:
        """Fill ``nodes`` up to the decoders, and ``seams``; gives the last window."""
        shot = self.shot
        prompt = self._add(
            "render_prompt", RenderPromptParams(shot.template, shot.variables, shot.negative)
        )
        if shot.remote is not None:
            return self._generate(shot.remote, prompt)
        together = self._encode_together()
        text = self._encode_text(prompt, together)
        before, tail = self._find_beginning()
        start = self.time.frames_of(before.end) if before is not None else 0
        windows = self.time.windows(start + self.tail + shot.shape.frames, before)
        ends = [self.time.frames_of(window.end) - start for window in windows[:-1]]
        self.seams = [frame / shot.shape.fps for frame in ends]
        apart = together is None
        given = shot.conditions.pictures if apart else ()
        pictures = [(start + p.frame, self._encode_picture(p)) for p in given]
        sound = self._encode_sound(windows)
        video = self._find_video() if apart else None
        control = self._encode_control() if apart else None
        made: list[Node] = []
        for window in windows:
            inputs: Inputs = [("embeds", text)]
            if window.given and tail is not None:
                inputs.append(("previous", tail))
            inside = self._pictures_in(window, pictures)
            inputs += [(f"picture.{n}", node) for n, (_, node) in enumerate(inside)]
            if sound is not None:
                inputs.append(("sound", sound))
            if video is not None:
                inputs.append(("video", video))
            if control is not None:
                inputs.append(("control", control))
            frames = tuple(frame for frame, _ in inside)
            if together is not None:
                inputs.append(("given", together))
            params = self._denoise_params(window, windows[0], frames)
            tail = self._add("denoise", params, inputs, self._lora_files(), load=True)
            made.append(tail)
        for mend in self.mends:
            made = [self._mend(made[0], text, windows[0], mend)]
        if shot.upscale > 1:
            made = [self._enlarge(made[0], text, windows[0], sound)]
        self._decode(windows, made, start)
        return windows[-1]

    def _generate(self, remote: Remote, prompt: Node) -> Window:
        """A clip that others make, whole."""
        shot, shape = self.shot, self.shot.shape
        params = GenerateParams(
            provider=remote.provider,
            like=remote.like,
            protocol=remote.protocol,
            model=remote.model,
            seed=self.seed,
            frames=shape.frames,
            height=shape.height,
            width=shape.width,
            fps=shape.fps,
            sound=shot.sound == "model",
        )
        files = tuple(("image", picture.file) for picture in shot.conditions.pictures)
        node = self.make("generate", params, [("prompt", prompt)], remote.name, files)
        self.nodes["generate"] = node
        if isinstance(shot.sound, SourceFile):
            track: Files = (("track", shot.sound),)
            self._add("cut_track", CutTrackParams(shape.seconds), files=track)
        return Window(0, 0, 0, 0, 0, 0)

    def _add(
        self,
        stage: str,
        params: Params,
        inputs: Inputs | None = None,
        files: Files = (),
        *,
        load: bool = False,
    ) -> Node:
        """A node under its stage's name, or the next number of it."""
        model = self.shot.model.instance if load else None
        node = self.make(stage, params, inputs or [], model, files)
        if node in self.nodes.values():
            return node
        count = sum(other.stage == stage for other in self.nodes.values())
        self.nodes[f"{stage}.{count + 1}" if count else stage] = node
        return node

    def _encode_text(self, prompt: Node, together: Node | None) -> Node:
        """The prompt, read with what is given where the model's text encoder sees it."""
        inputs: Inputs = [("prompt", prompt)]
        if together is not None and find_family(self.shot.model.family).reads_given == "first":
            inputs.append(("given", together))
        return self._add("encode_text", EncodeTextParams(), inputs, load=True)

    def _encode(self, file: SourceFile, params: EncodeConditionParams) -> Node:
        return self._add("encode_condition", params, files=(("file", file),), load=True)

    def _size(self, factor: int) -> tuple[int, int]:
        """Height and width once the clip is ``factor`` times as large as it is denoised."""
        shape, upscale = self.shot.shape, self.shot.upscale
        return shape.height * factor // upscale, shape.width * factor // upscale

    def _condition_params(
        self,
        kind: ConditionKind,
        frames: int,
        audio_latents: int = 0,
        *,
        tail: bool = False,
        factor: int = 1,
    ) -> EncodeConditionParams:
        height, width = self._size(factor)
        fps = self.shot.shape.fps
        return EncodeConditionParams(kind, frames, height, width, fps, tail, audio_latents)

    def _find_beginning(self) -> tuple[Window | None, Node | None]:
        """What an extension goes on from: the last window there is, and its latents."""
        extend, reach = self.shot.conditions.extend, self.shot.model.reach
        if extend is None or self.tail:
            return None, None
        if isinstance(extend, str):
            return self.bases[extend].last, self.bases[extend].latents
        assert reach is not None
        latents = reach.overlap + 1
        frames = self.time.frames_of(latents)
        audio = self.time.audio_at(frames)
        heard = audio if extend.sound else 0
        node = self._encode(extend, self._condition_params("clip", frames, heard, tail=True))
        return Window(0, latents, latents, 0, audio, 0), node

    def _encode_together(self) -> Node | None:
        """What is given, as one node; None where nothing has to be, or it is read apart."""
        given, shape = self.shot.conditions, self.shot.shape
        if not encodes_together(find_family(self.shot.model.family), given):
            return None
        files = [(self._name_picture(picture), picture.file) for picture in given.pictures]
        files += [(f"reference.{n}", file) for n, file in enumerate(given.references)]
        pictures = len(files)
        control = None if given.control is None else given.control.file
        clips = {"video": given.video, "mask": given.mask, "control": control}
        files += [(name, file) for name, file in clips.items() if isinstance(file, SourceFile)]
        files += [("extend", given.extend)] if isinstance(given.extend, SourceFile) else []
        others = {"video": given.video, "extend": given.extend}
        made: Inputs = [
            (name, self.bases[shot].frames)
            for name, shot in others.items()
            if isinstance(shot, str)
        ]
        kinds: dict[str, Literal["tail"]] = {"extend": "tail"}
        roles: tuple[Role, ...] = tuple(
            (name, "picture" if n < pictures else kinds.get(name, "clip"))
            for n, (name, _) in enumerate([*files, *made])
        )
        params = EncodeGivenParams(
            self.tail + shape.frames,
            shape.height,
            shape.width,
            shape.fps,
            roles,
            "" if given.control is None else given.control.kind,
            self.tail,
            (0, 0) if given.retake is None else (given.retake.start, given.retake.end),
        )
        return self._add("encode_given", params, made, tuple(files), load=True)

    def _name_picture(self, picture: Picture) -> str:
        """The role of a picture, and for one that is neither the first nor the last its frame."""
        frame = self.tail + picture.frame
        return f"keyframe.{frame}" if picture.key == "keyframes" else picture.key

    def _lora_files(self) -> Files:
        loras = self.shot.conditions.loras
        return tuple((f"lora.{n}", lora.file) for n, lora in enumerate(loras))

    def _encode_picture(self, picture: Picture, factor: int = 1) -> Node:
        return self._encode(picture.file, self._condition_params("picture", 1, factor=factor))

    def _enlarge(self, made: Node, text: Node, window: Window, sound: Node | None) -> Node:
        """Upsample and refine until the clip has its size; pictures are given again, larger. A
        control guides the first size alone, and so do the adapters that read it."""
        upscale, guided = self.shot.model.upscale, self.shot.conditions.control is not None
        assert upscale is not None
        factor = 1
        while factor < self.shot.upscale:
            factor *= 2
            start = self._add("upsample", UpsampleParams(), [("latents", made)], load=True)
            pictures = self.shot.conditions.pictures
            inputs: Inputs = [("embeds", text), ("start", start)]
            inputs += [
                (f"picture.{n}", self._encode_picture(picture, factor))
                for n, picture in enumerate(pictures)
            ]
            inputs += [("sound", sound)] if sound is not None else []
            frames = tuple(picture.frame for picture in pictures)
            base = self._denoise_params(window, window, frames)
            base = msgspec.structs.replace(base, lora_scales=()) if guided else base
            made = self._add(
                "refine",
                refine_params(base, self.shot, self._size(factor), f"refine.{factor}", self.seed),
                inputs,
                () if guided else self._lora_files(),
                load=True,
            )
        return made

    def _encode_sound(self, windows: list[Window]) -> Node | None:
        file = self.shot.conditions.audio
        if file is None:
            return None
        length = windows[-1].audio_end - windows[0].audio_new
        frames = self.shot.shape.frames
        return self._encode(file, self._condition_params("sound", frames, length))

    def _find_video(self) -> Node | None:
        video = self.shot.conditions.video
        if isinstance(video, str):
            return self.bases[video].latents
        if video is None:
            return None
        frames = self.shot.shape.frames
        heard = video.sound and self.shot.conditions.retake is not None
        audio = self.time.audio_at(frames) if heard else 0
        return self._encode(video, self._condition_params("clip", frames, audio))

    def _encode_control(self) -> Node | None:
        control, shape = self.shot.conditions.control, self.shot.shape
        if control is None:
            return None
        height, width = (side // control.scale for side in self._size(1))
        params = EncodeConditionParams("clip", shape.frames, height, width, shape.fps)
        return self._encode(control.file, params)

    def _pictures_in(
        self, window: Window, pictures: list[tuple[int, Node]]
    ) -> list[tuple[int, Node]]:
        """Those that show in the new frames of a window, by frame of the window."""
        low = self.time.frames_of(window.first + window.given) if window.given else 0
        high = self.time.frames_of(window.end)
        shift = self.time.shift_of(window)
        return [(frame - shift, node) for frame, node in pictures if low <= frame < high]

    def _denoise_params(
        self, window: Window, first: Window, keyframes: tuple[int, ...]
    ) -> DenoiseParams:
        shot = self.shot
        label = f"denoise.{window.first}" if window.first else "denoise"
        video, audio = find_kept(shot, self.time, window, first)
        if 0 in keyframes and window.first == 0:
            video = ((0, 1),)
        return DenoiseParams(
            seed=stage_seed(self.seed, label),
            first=min(window.first, 1),
            latents=window.latents,
            audio_offset=self.time.audio_offset(window),
            audio_latents=window.audio_latents,
            height=self._size(1)[0],
            width=self._size(1)[1],
            fps=shot.shape.fps,
            **sampling_params(shot.sampling),
            kept_video=video,
            kept_audio=audio,
            previous=(window.given, window.audio_given),
            sound_from=window.audio_new - first.audio_new,
            keyframes=keyframes,
            lora_scales=tuple(lora.scale for lora in shot.conditions.loras),
            speed=None if shot.speed is None else msgspec.structs.replace(shot.speed, about=""),
        )

    def _mend(self, take: Node, text: Node, whole: Window, mend: Mend) -> Node:
        """The take with some of it made again; the cuts are seams."""
        params = repair_params(self._denoise_params(whole, whole, ()), self.time, whole, mend)
        if mend.part != "sound":
            ends = {frame for span in mend.spans for frame in span}
            inside = (f for f in ends if 0 < f < self.shot.shape.frames)
            self.seams = sorted({*self.seams, *(f / self.shot.shape.fps for f in inside)})
        inputs: Inputs = [("embeds", text), ("take", take)]
        return self._add("repair", params, inputs, self._lora_files(), load=True)

    def _decode(self, windows: list[Window], made: list[Node], start: int) -> None:
        """Picture and sound of the new material: what was given is decoded with it and cut."""
        shape, first = self.shot.shape, windows[0]
        inputs = [(f"latents.{n}", node) for n, node in enumerate(made)]
        inputs = [("latents", made[0])] if len(made) == 1 else inputs
        skips = (0, *(window.given for window in windows[1:]))
        self._add(
            "decode_video",
            DecodeVideoParams(
                frames=shape.frames,
                height=shape.height,
                width=shape.width,
                fps=shape.fps,
                skips=skips,
                drop=self.time.frames_of(first.given) + self.tail,
            ),
            inputs,
            load=True,
        )
        if isinstance(self.shot.sound, SourceFile):
            track: Files = (("track", self.shot.sound),)
            self._add("cut_track", CutTrackParams(shape.seconds), files=track)
        if self.shot.sound != "model":
            return
        extends = self.shot.conditions.extend is not None
        begun = first.audio_first / self.time.audio_rate
        self._add(
            "decode_audio",
            DecodeAudioParams(
                skips=(0, *(window.audio_given for window in windows[1:])),
                drop_seconds=start / shape.fps - begun if extends else 0.0,
                seconds=shape.frames / shape.fps if extends else None,
            ),
            inputs,
            load=True,
        )
