"""What a shot is given besides its prompt: pictures, sound, footage, or another shot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from msgspec import UNSET

from rushes.catalogue.load import find_model, model_names
from rushes.catalogue.model import Control as ControlKey
from rushes.catalogue.model import ControlKind, Model
from rushes.errors import MediaError, ProjectError
from rushes.spec import tables
from rushes.spec.given import (
    NO_SOUND,
    Conditions,
    Control,
    Lora,
    Picture,
    Retake,
    Sound,
    SourceFile,
)
from rushes.spec.read import Source, resolve_inside
from rushes.spec.reference_loras import read_scale
from rushes.store.files import digest_file
from rushes.types import VideoShape

if TYPE_CHECKING:
    from rushes.media import MediaInfo


def base_of(shot: tables.ShotTable) -> str | None:
    """What ``extend`` or ``video`` says, where it may be the name of a shot."""
    for value in (shot.extend, shot.video):
        if value is not UNSET:
            return value
    return None


def resolve_conditions(
    shot: tables.ShotTable, name: str, shape: VideoShape, model: Model, folder: Path,
    source: Source, shots: dict[str, VideoShape], loras: Iterable[Lora] = (), upscale: int = 1,
) -> Conditions:  # fmt: skip
    """Read and check what a shot is given.

    Args:
        folder: of the project; paths start there and stay in it.
        shots: shapes of the shots that this one may refer to.
        upscale: how many times larger the clip is made after it is denoised.

    Raises:
        ProjectError: the model cannot do it, keys contradict each other, or a file is not there or
            not what is asked for.
    """
    reader = _Reader(shot, name, shape, model, folder, source, shots)
    reader.refuse_unable(model)
    reader.refuse_pairs()
    reader.refuse_kind(model)
    loras = tuple(loras)
    return Conditions(
        pictures=reader.read_pictures(),
        audio=None if reader.sounds is not None else reader.read_audio(),
        extend=reader.read_clip("extend"),
        video=reader.read_clip("video"),
        retake=reader.read_retake(),
        mask=reader.read_mask(),
        references=reader.read_references(),
        control=reader.read_control(model, loras, upscale),
        loras=loras,
    )


_PAIRS = (
    ("extend", "image", "the end of what is extended is the first picture"),
    ("extend", "video", "a clip goes on, or is made again"),
    ("video", "image", "the video is given whole"),
    ("video", "last_image", "the video is given whole"),
    ("video", "keyframes", "the video is given whole"),
    ("video", "control", "both fill every frame"),
    ("extend", "control", "a control is laid over a clip from its beginning"),
)


def resolve_sound(
    shot: tables.ShotTable, name: str, shape: VideoShape, model: Model, folder: Path, source: Source
) -> Sound:
    """Where the clip's sound comes from; a file given to a model that hears it is a condition."""
    return _Reader(shot, name, shape, model, folder, source, {}).read_sound()


def used_controls(shot: tables.ShotTable) -> list[str]:
    """The conditioning keys that a shot says."""
    return [key for key in get_args(ControlKey) if getattr(shot, key) is not UNSET]


class _Reader:
    """The condition keys of one shot.

    ``sounds``: "none", or "track" where ``audio`` is a file that is laid under the picture; None
    where the model makes the sound, or is given it.
    """

    def __init__(
        self,
        shot: tables.ShotTable,
        name: str,
        shape: VideoShape,
        model: Model,
        folder: Path,
        source: Source,
        shots: dict[str, VideoShape],
    ) -> None:
        self.shot, self.name, self.shape = shot, name, shape
        self.folder, self.source, self.shots = folder, source, shots
        reach, step = model.reach, model.latents.video_frames
        self.least_frames = reach.overlap * step + 1 if reach is not None else model.tail
        self.tail, self.silent = model.tail, model.latents.audio is None
        self.most_frames = model.grid.frames_max
        self.sounds: Literal["none", "track"] | None = None
        if shot.audio == NO_SOUND:
            self.sounds = "none"
        elif model.latents.audio is None:
            self.sounds = "none" if shot.audio is UNSET else "track"

    def says(self, key: str) -> bool:
        return getattr(self.shot, key) is not UNSET

    def error(self, key: str, message: str, hint: str | None = None) -> ProjectError:
        return self.source.error(f"shot {self.name!r}: {message}", ("shots", self.name, key), hint)

    def refuse_unable(self, model: Model) -> None:
        for key in get_args(ControlKey):
            if key == "audio" and self.sounds is not None:
                continue
            if self.says(key) and key not in model.controls:
                able = [other for other in model_names() if key in find_model(other).controls]
                hint = f"models that can: {', '.join(able)}" if able else None
                raise self.error(key, f"{model.name} cannot be given {key!r}", hint)

    def refuse_pairs(self) -> None:
        for one, other, why in _PAIRS:
            if self.says(one) and self.says(other):
                raise self.error(other, f"{one!r} and {other!r} exclude each other: {why}")
        for key, what in (("video", "a given video"), ("control", "a clip with a control")):
            if self.says(key) and self.shape.frames > self.most_frames:
                message = f"{what} has at most {self.most_frames} frames, not {self.shape.frames}"
                raise self.error(key, message, f"frames = {self.most_frames}")
        if self.says("retake") and not self.says("video"):
            raise self.error("retake", "'retake' needs a 'video' to be taken from")
        if self.says("mask") and not self.says("video"):
            raise self.error("mask", "'mask' needs a 'video' whose white part is made again")
        if self.sounds is None and self.says("audio") and self.says("video"):
            hint = "to hear another sound over a finished video, mux it outside"
            raise self.error("audio", "with sound and video given nothing is left to make", hint)

    def read_pictures(self) -> tuple[Picture, ...]:
        found: list[Picture] = []
        shot = self.shot
        if shot.image is not UNSET:
            found.append(Picture(0, self._picture(shot.image, "image"), "image"))
        for keyframe in [] if shot.keyframes is UNSET else shot.keyframes:
            frame = self._frame_of(keyframe)
            found.append(Picture(frame, self._picture(keyframe.image, "keyframes"), "keyframes"))
        if shot.last_image is not UNSET:
            file = self._picture(shot.last_image, "last_image")
            found.append(Picture(self.shape.frames - 1, file, "last_image"))
        frames = [picture.frame for picture in found]
        for picture in found:
            if frames.count(picture.frame) > 1:
                raise self.error(picture.key, f"frame {picture.frame} is given two pictures")
        return tuple(sorted(found, key=lambda picture: picture.frame))

    def _frame_of(self, keyframe: tables.KeyframeTable) -> int:
        if (keyframe.at is UNSET) == (keyframe.frame is UNSET):
            raise self.error("keyframes", "a keyframe says either 'at' (seconds) or 'frame'")
        last = self.shape.frames - 1
        if keyframe.frame is not UNSET:
            frame, said = keyframe.frame, f"frame {keyframe.frame}"
        else:
            assert keyframe.at is not UNSET
            exact = keyframe.at * self.shape.fps
            frame, said = round(exact), f"{keyframe.at:g} s"
            if abs(exact - frame) > 1e-3:
                near = [(n, n / self.shape.fps) for n in (int(exact), int(exact) + 1)]
                hint = "nearest: " + " or ".join(f"frame {n}, {s:.5g} s" for n, s in near)
                raise self.error("keyframes", f"no frame starts at {said}", hint)
        if frame > last:
            hint = f"the last is frame {last} ({last / self.shape.fps:.4g} s)"
            raise self.error("keyframes", f"{said} is after the clip's end", hint)
        return frame

    def refuse_kind(self, model: Model) -> None:
        for kind in self._control_kinds():
            if kind not in model.control_kinds:
                able = [n for n in model_names() if kind in find_model(n).control_kinds]
                hint = f"it can by {', '.join(model.control_kinds)}"
                hint += f"; by {kind}: {', '.join(able)}" if able else ""
                raise self.error("control", f"{model.name} cannot be guided by {kind}", hint)

    def _control_kinds(self) -> list[ControlKind]:
        said = self.shot.control
        if said is UNSET:
            return []
        kinds = [kind for kind in get_args(ControlKind) if getattr(said, kind) is not UNSET]
        if len(kinds) != 1:
            known = ", ".join(get_args(ControlKind))
            raise self.error("control", f"'control' names exactly one of {known}")
        return kinds

    def read_sound(self) -> Sound:
        if self.sounds is None:
            return "model"
        if self.sounds == "none":
            return "none"
        track = self.read_audio()
        assert track is not None
        return track

    def read_mask(self) -> SourceFile | None:
        if self.shot.mask is UNSET:
            return None
        file = self._file(self.shot.mask, "mask")
        info = self._probe(file, "mask")
        if info.video is None:
            raise self.error("mask", f"{self.shot.mask!r} has no picture")
        return file

    def read_references(self) -> tuple[SourceFile, ...]:
        said = [] if self.shot.references is UNSET else self.shot.references
        return tuple(self._picture(path, "references") for path in said)

    def read_control(self, model: Model, loras: tuple[Lora, ...], upscale: int) -> Control | None:
        for kind in self._control_kinds():
            said = getattr(self.shot.control, kind)
            file = self._file(said, "control")
            info = self._probe(file, "control")
            if info.video is None:
                raise self.error("control", f"{said!r} has no picture")
            seconds = info.video.duration_seconds or info.duration_seconds
            self._refuse_short("control", seconds, self.shape.frames)
            scale = self._control_scale(model, kind, loras) if model.control_loras else 1
            step = model.latents.video_size * scale * upscale
            if self.shape.width % step or self.shape.height % step:
                message = f"with this control and these LoRAs sides are multiples of {step}"
                raise self.error("control", f"{message}, and {self.shape.size} is not")
            most = model.upscale.pixels_max if model.upscale is not None else None
            if upscale > 1 and most is not None and self.shape.width * self.shape.height > most:
                message = f"with a control a clip is refined whole, up to {most:,} pixels"
                raise self.error("control", message, "make it smaller, or leave out 'upscale'")
            return Control(kind, file, scale)
        return None

    def _control_scale(self, model: Model, kind: ControlKind, loras: tuple[Lora, ...]) -> int:
        """What the LoRAs say that read the control, for models that need one for it."""
        if not loras:
            known = model.control_loras.get(kind, "")
            hint = 'loras = [{ path = "….safetensors" }], with an IC-LoRA trained for this model'
            hint += f"; {known} is one" if known else ""
            message = f"{model.name} reads a control by a LoRA, and the shot has none"
            raise self.error("control", message, hint)
        scales = set()
        for lora in loras:
            try:
                scales.add(read_scale(lora.file.path))
            except (OSError, ValueError) as exc:
                message = f"{lora.file.path.name} cannot read a control: {exc}"
                raise self.error("control", message, "give another LoRA") from exc
        if len(scales - {1}) > 1:
            said = " and ".join(str(scale) for scale in sorted(scales))
            message = f"the LoRAs want the control {said} times smaller than the clip"
            raise self.error("control", message, "give LoRAs that agree")
        return max(scales)

    def read_audio(self) -> SourceFile | None:
        if self.shot.audio is UNSET:
            return None
        file = self._file(self.shot.audio, "audio")
        info = self._probe(file, "audio")
        if info.audio is None:
            raise self.error("audio", f"{self.shot.audio!r} has no sound")
        seconds = info.audio.duration_seconds or info.duration_seconds
        self._refuse_short("audio", seconds, self.shape.frames)
        return replace(file, sound=True)

    def read_clip(self, key: Literal["extend", "video"]) -> SourceFile | str | None:
        """A shot's name, or a file with a picture of which there is enough."""
        said = getattr(self.shot, key)
        if said is UNSET:
            return None
        if said in self.shots:
            self._refuse_other_shape(key, said)
            return str(said)
        file = self._file(said, key, "no shot of this name, and no file")
        info = self._probe(file, key)
        if info.video is None:
            raise self.error(key, f"{said!r} has no picture")
        frames = self.shape.frames if key == "video" else self.least_frames
        self._refuse_short(key, info.video.duration_seconds or info.duration_seconds, frames)
        return replace(file, sound=info.audio is not None)

    def _refuse_other_shape(self, key: str, other: str) -> None:
        mine, theirs = self.shape, self.shots[other]
        if (mine.size, mine.fps) != (theirs.size, theirs.fps):
            raise self.error(
                key,
                f"{other!r} is {theirs.size} at {theirs.fps:g} fps, this is {mine.size} at "
                f"{mine.fps:g} fps",
                "give both the same size and fps",
            )
        if key == "extend" and theirs.frames < self.tail:
            message = f"{other!r} has {theirs.frames} frames, and its last {self.tail} are needed"
            raise self.error(key, message, f"give {other!r} at least {self.tail} frames")
        if key == "video" and mine.frames != theirs.frames:
            hint = f"frames = {theirs.frames}"
            raise self.error(
                key, f"{other!r} has {theirs.frames} frames, this has {mine.frames}", hint
            )

    def read_retake(self) -> Retake | None:
        said = self.shot.retake
        if said is UNSET:
            return None
        fps = self.shape.fps
        start, end = round(said.start * fps), round(said.end * fps)
        if not start < end:
            raise self.error("retake", f"the span from {said.start:g} to {said.end:g} s is empty")
        if end > self.shape.frames:
            raise self.error("retake", f"the clip ends at {self.shape.seconds:.4g} s")
        if self.silent and said.what == "sound":
            raise self.error("retake", "the model makes no sound", 'what = "picture"')
        return Retake(start, end, said.what)

    def _picture(self, said: str, key: str) -> SourceFile:
        file = self._file(said, key)
        if self._probe(file, key).video is None:
            raise self.error(key, f"{said!r} is not a picture")
        return file

    def _file(self, said: str, key: str, missing: str = "there is no file") -> SourceFile:
        path = resolve_inside(self.folder, said, self.source, ("shots", self.name, key))
        try:
            if not path.is_file():
                raise self.error(key, f"{missing} {said!r}")
            return SourceFile(path, digest_file(path))
        except OSError as exc:
            raise self.error(key, f"{said!r} cannot be read: {exc.strerror}") from exc

    def _probe(self, file: SourceFile, key: str) -> MediaInfo:
        from rushes.media import probe

        try:
            return probe(file.path)
        except MediaError as exc:
            raise self.error(key, exc.message, exc.hint) from exc

    def _refuse_short(self, key: str, seconds: float | None, frames: int) -> None:
        """A container's declared end may lie a little before the last frame's."""
        needed = frames / self.shape.fps
        if seconds is not None and seconds < needed - 0.05:
            message = f"the file lasts {seconds:.4g} s, and {needed:.4g} s of it are needed"
            raise self.error(key, message, "give a longer file, or make a shorter clip")
