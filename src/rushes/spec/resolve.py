"""From tables to a project: presets applied, nearest table first, lengths on the model's grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import UNSET

from rushes.catalogue.model import Model
from rushes.catalogue.remote import Remote, make_remote_model
from rushes.catalogue.territory import COUNTRIES
from rushes.errors import ProjectError
from rushes.media.formats import CONTAINERS, ExportFormat
from rushes.spec import tables
from rushes.spec.auto import AUTO, choose_auto, find_fallback, require_generator
from rushes.spec.choosing import (
    choose_model,
    resolve_loras,
    resolve_sampling,
    resolve_speed,
    resolve_upscale,
)
from rushes.spec.conditions import base_of, resolve_conditions, resolve_sound, used_controls
from rushes.spec.gate import resolve_gate
from rushes.spec.given import SourceFile
from rushes.spec.layers import Layers, suggest
from rushes.spec.licence import check_licence
from rushes.spec.numerics import state_numerics
from rushes.spec.project import Film, Golden, Project, Shot
from rushes.spec.prompts import resolve_prompt
from rushes.spec.read import Source, read_project_file, resolve_inside
from rushes.spec.remotes import make_remotes
from rushes.spec.servers import make_readers, make_texts
from rushes.store.files import digest_file
from rushes.types import VideoShape, parse_bytes

DEFAULT_CHECKS = ("default",)
REPAIR = False
"""Measured by ``bench.bench_repair``: on sprite a repair saves nothing; see docs/gate.md."""
DEFAULT_CRF = {"h264": 18, "h265": 20, "vp9": 24, "av1": 24}
"""Visually close to the source on each codec's own scale."""

EXPORT_FIELDS = {
    "format": "container",
    "video": "video_codec",
    "crf": "crf",
    "preset": "preset",
    "audio": "audio_codec",
    "audio_kbps": "audio_kbps",
}
"""Keys of ``[…export]`` and what they are called by the encoder."""


def load_project(folder: Path, *, needs_shots: bool = True) -> Project:
    """Read and resolve the project of a folder. Needs no torch and no network.

    Args:
        needs_shots: refuse a project without any; what reads video does without.

    Raises:
        ProjectError: the file is wrong; names file and line.
        LicenceRefused: a model's licence does not cover what the policy states.
    """
    file, source = read_project_file(folder)
    remotes = make_remotes(file, source)
    shots = _resolve_shots(file, source, folder, remotes)
    films = {name: _resolve_film(file, name, shots, source) for name in file.films}
    for name in films:
        if name in shots:
            raise source.error(f"{name!r} is both a shot and a film", ("films", name))
    if not shots and needs_shots:
        hint = '[shots.opening]\nprompt = "a red ball bounces on a grey background"'
        raise ProjectError("the project has no shots", where=source.name, hint=f"add one: {hint}")
    project = Project(
        name=file.project.name,
        folder=folder,
        source=source,
        policy=file.policy,
        checkpoint_seconds=file.project.checkpoint_seconds,
        shots=shots,
        films=films,
        vram=_read_vram(file, source),
        signing=None if file.signing is UNSET else file.signing,
        readers=make_readers(file, source),
        remotes=remotes,
        texts=make_texts(file, source),
    )
    for code in project.use.territories:
        if code not in COUNTRIES and code not in ("EU", "WORLD"):
            hint = "ISO 3166 codes such as DE, GB or US, EU for the union, WORLD for everywhere"
            raise source.error(f"there is no territory {code!r}", ("policy", "territory"), hint)
    for model in project.models:
        check_licence(project, model)
    return project


def _read_vram(file: tables.ProjectFile, source: Source) -> int | None:
    if file.project.vram is UNSET:
        return None
    nbytes = parse_bytes(file.project.vram)
    if nbytes is None:
        raise source.error("vram has to be more than nothing", ("project", "vram"))
    return nbytes


def _resolve_shots(
    file: tables.ProjectFile, source: Source, folder: Path, remotes: Mapping[str, Remote]
) -> dict[str, Shot]:
    """All shots in file order; one that is made from another is resolved after it."""
    done: dict[str, Shot] = {}
    for name in file.shots:
        chain: list[str] = []
        following: str | None = name
        while following in file.shots and following not in done:
            if following in chain:
                path = " → ".join([*chain[chain.index(following) :], following])
                key = "extend" if file.shots[following].extend is not UNSET else "video"
                message = f"shots are made from each other in a circle: {path}"
                raise source.error(message, ("shots", following, key))
            chain.append(following)
            following = base_of(file.shots[following])
        for link in reversed(chain):
            done[link] = _find_maker(file, link, source, folder, done, remotes)
    bases = {name for shot in done.values() for name in shot.conditions.shots}
    return {
        # latents of a paid model's clip are nobody's to go on from
        name: replace(done[name], fallback=None) if name in bases else done[name]
        for name in file.shots
    }


def _find_maker(
    file: tables.ProjectFile,
    name: str,
    source: Source,
    folder: Path,
    done: Mapping[str, Shot],
    remotes: Mapping[str, Remote],
) -> Shot:
    """The shot by the model that it names, or by the one that is chosen for it; and, where the
    policy lets that be paid after failures, by a paid one."""
    layers = Layers(file, name, source)
    said = layers.pick("model", file.project.model)
    policy = file.policy

    def resolve(model: str) -> Shot:
        shot = _resolve_shot(file, name, source, folder, done, model, remotes.get(model))
        return replace(shot, auto=said == AUTO)

    if said != AUTO and said in remotes:
        require_generator(remotes[said], layers, source)
    shot = choose_auto(file, name, folder, remotes, resolve) if said == AUTO else resolve(said)
    if policy.paid != "never" and policy.paid_after.qa_failures and shot.remote is None:
        fallback = find_fallback(file, shot, remotes, resolve)
        return replace(shot, fallback=fallback)
    return shot


def _resolve_shot(
    file: tables.ProjectFile,
    name: str,
    source: Source,
    folder: Path,
    done: Mapping[str, Shot],
    said: str,
    remote: Remote | None,
) -> Shot:
    layers = Layers(file, name, source)
    if remote is not None:
        model = make_remote_model(remote)
    else:
        model = choose_model(said, file, folder, layers, source)
    model = model.variant_for(used_controls(layers.shot))
    model = state_numerics(layers, model, name, source)
    base = done.get(base_of(layers.shot) or "")
    if base is not None and base.model.name != model.name:
        raise source.error(
            f"shot {name!r} is made by {model.name}, and {base.name!r}, which it is made from, by "
            f"{base.model.name}",
            layers.where("model"),
            "use one model for both, or give the finished clip as a file",
        )
    if base is not None and layers.pick("prompt", None) is None:
        template, variables = base.template, base.variables
    else:
        template, variables = resolve_prompt(layers, name, source)
    upscale = resolve_upscale(layers, model, name, source, base)
    shape, asked = _resolve_shape(layers, model, name, source, base)
    shapes = {} if base is None else {base.name: base.shape}
    return Shot(
        name=name,
        model=model,
        template=template,
        negative=layers.pick("negative", ""),
        variables=variables,
        seed=layers.pick("seed", file.project.seed),
        shape=shape,
        asked_seconds=asked,
        sampling=resolve_sampling(layers, model, name, source),
        attempts=layers.pick("attempts", 1),
        checks=tuple(layers.pick("checks", DEFAULT_CHECKS)),
        export=_resolve_export(layers.tables, source, layers.where("export")),
        conditions=resolve_conditions(
            layers.shot,
            name,
            shape,
            model,
            folder,
            source,
            shapes,
            resolve_loras(layers, model, name, folder, source),
            upscale,
        ),
        sound=resolve_sound(layers.shot, name, shape, model, folder, source),
        upscale=upscale,
        speed=resolve_speed(layers, model, name, source),
        gate=resolve_gate(layers.tables),
        repair=layers.pick("repair", REPAIR),
        golden=_resolve_golden(layers.shot, name, source, folder),
        remote=remote,
    )


def _resolve_golden(
    shot: tables.ShotTable, name: str, source: Source, folder: Path
) -> Golden | None:
    """The golden take; its file may be missing until a take is accepted."""
    if shot.golden is UNSET:
        return None
    path = resolve_inside(folder, shot.golden, source, ("shots", name, "golden"))
    if path.is_dir():
        raise source.error(f"{shot.golden!r} is a folder", ("shots", name, "golden"))
    return Golden(shot.golden, SourceFile(path, digest_file(path)) if path.is_file() else None)


def _resolve_shape(
    layers: Layers, model: Model, name: str, source: Source, base: Shot | None
) -> tuple[VideoShape, float | None]:
    """Its pixels, and the seconds that were asked for. ``base``: what it is made from."""
    extends = layers.shot.extend is not UNSET
    upscale = layers.pick("upscale", 1)
    grid = model.grid_of(extends=extends, upscale=upscale)
    width, height = map(int, model.defaults.size.split("x"))
    width, height = width * upscale, height * upscale
    if (size := layers.pick("size", None)) is not None:
        width, height = map(int, size.split("x"))
    fps = float(layers.pick("fps", model.defaults.fps))
    usual = grid.fewest_frames(model.defaults.frames - extends)
    frames, asked = min(usual, grid.frames_max), None
    if base is not None and not extends:
        frames = base.shape.frames
    for table, path in zip(layers.tables, layers.paths, strict=True):
        if table.seconds is not UNSET and table.frames is not UNSET:
            raise source.error(
                f"[{'.'.join(path)}] says both seconds and frames",
                (*path, "frames"),
                "keep one of them",
            )
        if table.frames is not UNSET:
            frames = table.frames
            break
        if table.seconds is not UNSET:
            asked = float(table.seconds)
            frames = grid.fewest_frames(round(asked * fps, 6))
            break
    shape = VideoShape(frames=frames, height=height, width=width, fps=fps)
    if asked is not None and frames > grid.frames_max:
        longest = grid.frames_max / fps
        raise source.error(
            f"shot {name!r}: {asked:g} s is {frames} frames, and {model.name} makes at most "
            f"{grid.frames_max} ({longest:.4g} s)",
            layers.where("seconds"),
            "make several shots and join them in a film",
        )
    if problem := model.check_shape(shape, extends=extends, upscale=upscale):
        key, message = problem
        raise source.error(f"shot {name!r}: {message}", layers.where(key))
    return shape, asked


def _resolve_export(layers: list[Any], source: Source, path: tuple[str, ...]) -> ExportFormat:
    """Merge export tables key by key, nearest first; codecs follow the container."""
    said: dict[str, Any] = {}
    for table in reversed(layers):
        if table.export is not UNSET:
            for key, field in EXPORT_FIELDS.items():
                if (value := getattr(table.export, key)) is not UNSET:
                    said[field] = value
    videos, audios = CONTAINERS[said.get("container", "mp4")]
    said.setdefault("video_codec", videos[0])
    said.setdefault("audio_codec", audios[0])
    said.setdefault("crf", DEFAULT_CRF[said["video_codec"]])
    try:
        return ExportFormat(**said)
    except ProjectError as exc:
        raise source.error(exc.message, path, exc.hint) from exc


def _resolve_film(
    file: tables.ProjectFile, name: str, shots: dict[str, Shot], source: Source
) -> Film:
    film = file.films[name]
    path = ("films", name)
    for shot in film.shots:
        if shot not in shots:
            hint = suggest(shot, list(shots))
            raise source.error(f"film {name!r}: no shot {shot!r}", (*path, "shots"), hint)
    shapes = {shots[shot].shape.size: shot for shot in film.shots}
    rates = {shots[shot].shape.fps: shot for shot in film.shots}
    if len(shapes) > 1 or len(rates) > 1:
        odd = list((shapes if len(shapes) > 1 else rates).values())
        raise source.error(
            f"film {name!r}: shots {odd[0]!r} and {odd[1]!r} differ in size or fps",
            (*path, "shots"),
        )
    shortest = min(shots[shot].shape.seconds for shot in film.shots)
    if film.crossfade and 2 * film.crossfade > shortest:
        raise source.error(
            f"film {name!r}: a cross-fade of {film.crossfade:g} s needs shots of at least "
            f"{2 * film.crossfade:g} s, and one lasts {shortest:.4g} s",
            (*path, "crossfade"),
        )
    checks: list[str] = list(DEFAULT_CHECKS)
    for table in (file.defaults, film):
        if table.checks is not UNSET:
            checks = table.checks
    return Film(
        name=name,
        shots=tuple(film.shots),
        crossfade=float(film.crossfade),
        checks=tuple(checks),
        export=_resolve_export([film, file.defaults], source, (*path, "export")),
        gate=resolve_gate([film, file.defaults]),
    )
