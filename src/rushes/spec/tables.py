"""The tables of rushes.toml as they are written: one frozen struct a table.

These structs are the single description of the file: the parser reads them, the published JSON
Schema is made from them. What a value means (which table wins, how many frames ``seconds`` are) is
decided in :mod:`rushes.spec.resolve`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from rushes.media.formats import PRESETS
from rushes.types import SIZE_OF_MEMORY

NAME = r"^[a-z0-9][a-z0-9_-]*$(?!\n)"
SIZE = r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$(?!\n)"
MAX_SECONDS = 3600
MAX_SEED = 2**53 - 1
MAX_PROMPT = 4000
MAX_USD = 1e15

Name = Annotated[str, Meta(pattern=NAME, max_length=64)]
ModelName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$(?!\n)", max_length=64)]
Prompt = Annotated[str, Meta(min_length=1, max_length=MAX_PROMPT, pattern=r"\S")]
Size = Annotated[str, Meta(pattern=SIZE, description="WIDTHxHEIGHT in pixels")]
Length = Annotated[float, Meta(gt=0, le=MAX_SECONDS)]
Frames = Annotated[int, Meta(ge=1, le=MAX_SECONDS * 120)]
Fps = Annotated[float, Meta(gt=0, le=120)]
Seed = Annotated[int, Meta(ge=0, le=MAX_SEED)]
Steps = Annotated[int, Meta(ge=1, le=1000)]
Guidance = Annotated[float, Meta(ge=1, le=100)]
Attempts = Annotated[int, Meta(ge=1, le=100)]
File = Annotated[str, Meta(min_length=1, max_length=4096, description="path of a file")]
Moment = Annotated[float, Meta(ge=0, le=MAX_SECONDS, description="seconds")]
Memory = Annotated[str, Meta(pattern=SIZE_OF_MEMORY, description="10GB: 10^9 bytes each")]
Territory = Annotated[str, Meta(pattern=r"^([A-Z]{2}|WORLD)$(?!\n)")]
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)"
ServerUrl = Annotated[str, Meta(pattern=r"^https?://[^\s/]\S*$(?!\n)", max_length=1024)]
Money = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,12})?$(?!\n)", description="USD")]
Usd = Annotated[float, Meta(ge=0, le=MAX_USD)]
TaskClass = Annotated[str, Meta(pattern=NAME, max_length=64)]
AnyServerUrl = Annotated[str, Meta(pattern=r"^(https?|rtsps?)://[^\s/]\S*$(?!\n)", max_length=1024)]
Quantisation = Literal["none", "fp8", "int8", "nvfp4"]
VarName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$(?!\n)", max_length=64)]


class ExportTable(Struct, frozen=True, forbid_unknown_fields=True):
    """How the finished clip is encoded."""

    format: Literal["mp4", "mov", "mkv", "webm"] | UnsetType = UNSET
    video: Literal["h264", "h265", "vp9", "av1"] | UnsetType = UNSET
    crf: Annotated[int, Meta(ge=0, le=63)] | UnsetType = UNSET
    preset: Literal[PRESETS] | UnsetType = UNSET  # type: ignore[valid-type]
    audio: Literal["aac", "opus"] | UnsetType = UNSET
    audio_kbps: Annotated[int, Meta(ge=8, le=510)] | UnsetType = UNSET


class LoraTable(Struct, frozen=True, forbid_unknown_fields=True):
    """An adapter of the denoiser's weights: a safetensors file, and how strongly it acts."""

    path: File
    scale: Annotated[float, Meta(ge=-10, le=10)] = 1.0


class QuantisationTable(Struct, frozen=True, forbid_unknown_fields=True):
    """How weights are kept, by kind of part: of the transformers, of the text encoders."""

    transformer: Quantisation = "none"
    text_encoder: Quantisation = "none"


class GateTable(Struct, frozen=True, forbid_unknown_fields=True):
    """``gate.CHECK``: what one check's score has to be, and what a failure means."""

    threshold: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    level: Literal["fail", "warn"] | UnsetType = UNSET
    worse_by: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET


Gate = dict[Annotated[str, Meta(min_length=1, max_length=4096)], GateTable]


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """What defaults, presets and shots may all say; the nearest table wins."""

    model: ModelName | UnsetType = UNSET
    negative: Annotated[str, Meta(max_length=MAX_PROMPT)] | UnsetType = UNSET
    seed: Seed | UnsetType = UNSET
    size: Size | UnsetType = UNSET
    seconds: Length | UnsetType = UNSET
    frames: Frames | UnsetType = UNSET
    fps: Fps | UnsetType = UNSET
    steps: Steps | UnsetType = UNSET
    guidance: Guidance | UnsetType = UNSET
    audio_guidance: Guidance | UnsetType = UNSET
    guidance_2: Guidance | UnsetType = UNSET
    stg: Annotated[float, Meta(ge=0, le=100)] | UnsetType = UNSET
    modality_guidance: Guidance | UnsetType = UNSET
    rescale: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    shift: Annotated[float, Meta(gt=0, le=100)] | UnsetType = UNSET
    schedule: Annotated[str, Meta(pattern=NAME, max_length=64)] | UnsetType = UNSET
    speed: Literal["exact", "balanced", "fast"] | UnsetType = UNSET
    dtype: Literal["float32", "bfloat16", "float16"] | UnsetType = UNSET
    quantisation: Quantisation | QuantisationTable | UnsetType = UNSET
    tiling: bool | UnsetType = UNSET
    loras: list[LoraTable] | UnsetType = UNSET
    upscale: Annotated[int, Meta(ge=1, le=16)] | UnsetType = UNSET
    attempts: Attempts | UnsetType = UNSET
    repair: bool | UnsetType = UNSET
    checks: list[str] | UnsetType = UNSET
    gate: Gate | UnsetType = UNSET
    export: ExportTable | UnsetType = UNSET


class DefaultsTable(Settings, frozen=True, forbid_unknown_fields=True):
    """``[defaults]``: for every shot and film."""


class PresetTable(Settings, frozen=True, forbid_unknown_fields=True):
    """``[presets.NAME]``: a prompt template with ``{variables}`` and settings."""

    prompt: Prompt | UnsetType = UNSET
    vars: dict[VarName, str] | UnsetType = UNSET


class KeyframeTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A picture that the clip shows at a moment: ``at`` in seconds, or ``frame`` counted from 0."""

    image: File
    at: Moment | UnsetType = UNSET
    frame: Annotated[int, Meta(ge=0, le=MAX_SECONDS * 120)] | UnsetType = UNSET


class RetakeTable(Struct, frozen=True, forbid_unknown_fields=True):
    """The span of ``video`` that is made again, in seconds; the rest of it is kept."""

    start: Moment = field(name="from")
    end: Moment = field(name="to")
    what: Literal["both", "picture", "sound"] = "both"


class ControlTable(Struct, frozen=True, forbid_unknown_fields=True):
    """Footage that guides the clip frame by frame; one of them."""

    depth: File | UnsetType = UNSET
    pose: File | UnsetType = UNSET
    edges: File | UnsetType = UNSET
    reference: File | UnsetType = UNSET


class ModelTable(Struct, frozen=True, forbid_unknown_fields=True):
    """``[models.NAME]``: weights of one's own for an architecture of the catalogue."""

    like: str
    path: File
    path_2: File | UnsetType = UNSET


class ReaderTable(Struct, frozen=True, forbid_unknown_fields=True):
    """``[readers.NAME]``: a server, spoken to as OpenAI's are, that runs a reader like one of the
    catalogue."""

    server: ServerUrl
    served: Annotated[str, Meta(min_length=1, max_length=256, description="its name there")]
    like: str
    frames: Literal["images", "video"] = "images"
    key_env: Annotated[str, Meta(pattern=VARIABLE, max_length=128)] | UnsetType = UNSET
    context: Annotated[int, Meta(ge=1024, le=10**8, description="tokens")] | UnsetType = UNSET
    timeout_seconds: Annotated[float, Meta(gt=0, le=86400)] = 300.0
    retries: Annotated[int, Meta(ge=0, le=20)] = 4


class RemoteTable(Struct, frozen=True, forbid_unknown_fields=True):
    """``[remotes.NAME]``: a model that others run for money (``provider``), or a server of one's
    own that runs an open one (``like``)."""

    server: ServerUrl
    model: Annotated[str, Meta(min_length=1, max_length=256, description="its name there")]
    tasks: Annotated[list[Literal["generate", "understand", "reason", "code"]], Meta(min_length=1)]
    provider: Name | UnsetType = UNSET
    like: str | UnsetType = UNSET
    protocol: Annotated[str, Meta(pattern=r"^[a-z0-9_]+$(?!\n)", max_length=64)] = "openai"
    key_env: Annotated[str, Meta(pattern=VARIABLE, max_length=128)] | UnsetType = UNSET
    usd_per_second: Money | UnsetType = UNSET
    usd_per_item: Money | UnsetType = UNSET
    usd_per_million_in: Money | UnsetType = UNSET
    usd_per_million_out: Money | UnsetType = UNSET
    tokens_per_image: Annotated[int, Meta(ge=1, le=10**6)] = 2000
    max_tokens: Annotated[int, Meta(ge=1, le=10**6)] = 1024
    sound: bool = False
    image: bool = False
    sizes: list[Size] = []
    seconds: list[Annotated[int, Meta(ge=1, le=MAX_SECONDS)]] = []
    fps: Fps = 24.0
    classes: list[TaskClass] = []
    timeout_seconds: Annotated[float, Meta(gt=0, le=86400)] | UnsetType = UNSET
    retries: Annotated[int, Meta(ge=0, le=20)] = 4
    hedge_seconds: Annotated[float, Meta(ge=0, le=86400)] = 0.0


class PaidAfterTable(Struct, frozen=True, forbid_unknown_fields=True):
    """``[policy.paid_after]``: reasons for which a paid model is asked after the open ones."""

    capability: bool = True
    qa_failures: Annotated[int, Meta(ge=0, le=100, description="takes; 0: never for that")] = 0
    queue_seconds: Annotated[float, Meta(ge=0, le=86400, description="0: never for that")] = 0.0
    classes: list[TaskClass] = []


class TextTable(Struct, frozen=True, forbid_unknown_fields=True):
    """``[texts.NAME]``: a text model like one of the catalogue, in a folder or behind a server."""

    like: str
    path: File | UnsetType = UNSET
    server: ServerUrl | UnsetType = UNSET
    served: Annotated[str, Meta(min_length=1, max_length=256, description="its name there")] = ""
    key_env: Annotated[str, Meta(pattern=VARIABLE, max_length=128)] | UnsetType = UNSET
    context: Annotated[int, Meta(ge=1024, le=10**8, description="tokens")] | UnsetType = UNSET
    timeout_seconds: Annotated[float, Meta(gt=0, le=86400)] = 300.0
    retries: Annotated[int, Meta(ge=0, le=20)] = 4


class ShotTable(Settings, frozen=True, forbid_unknown_fields=True):
    """``[shots.NAME]``: one clip."""

    preset: Name | UnsetType = UNSET
    prompt: Prompt | UnsetType = UNSET
    vars: dict[VarName, str] | UnsetType = UNSET
    image: File | UnsetType = UNSET
    last_image: File | UnsetType = UNSET
    keyframes: Annotated[list[KeyframeTable], Meta(min_length=1)] | UnsetType = UNSET
    extend: File | UnsetType = UNSET
    audio: File | UnsetType = UNSET
    video: File | UnsetType = UNSET
    retake: RetakeTable | UnsetType = UNSET
    mask: File | UnsetType = UNSET
    references: Annotated[list[File], Meta(min_length=1, max_length=16)] | UnsetType = UNSET
    control: ControlTable | UnsetType = UNSET
    golden: File | UnsetType = UNSET


class FilmTable(Struct, frozen=True, forbid_unknown_fields=True):
    """``[films.NAME]``: shots one after the other."""

    shots: Annotated[list[Name], Meta(min_length=1)]
    crossfade: Annotated[float, Meta(ge=0, le=10, description="seconds")] = 0.0
    checks: list[str] | UnsetType = UNSET
    gate: Gate | UnsetType = UNSET
    export: ExportTable | UnsetType = UNSET


class PolicyTable(Struct, frozen=True, forbid_unknown_fields=True):
    """``[policy]``: what is allowed."""

    licences: list[str] | UnsetType = UNSET
    revenue_usd: Annotated[float, Meta(ge=0, le=MAX_USD)] | UnsetType = UNSET
    users: Annotated[int, Meta(ge=0, le=10**10, description="a month")] | UnsetType = UNSET
    territory: Annotated[list[Territory], Meta(min_length=1)] | UnsetType = UNSET
    purpose: Literal["commercial", "research"] | UnsetType = UNSET
    granted: list[str] = []
    paid: Literal["never", "ask", "fallback"] = "never"
    providers: list[str] = []
    budget_usd: Usd = 0.0
    budget_day_usd: Usd | UnsetType = UNSET
    budget_project_usd: Usd | UnsetType = UNSET
    budget_key_usd: Usd | UnsetType = UNSET
    send: list[Literal["prompt", "frames", "audio"]] = []
    paid_after: PaidAfterTable = PaidAfterTable()
    provenance: Literal["signed", "none"] = "signed"
    network: Literal["none", "listed"] = "listed"
    servers: list[AnyServerUrl] = []
    keep_days: Annotated[float, Meta(ge=0, le=36500)] | UnsetType = UNSET


class SigningTable(Struct, frozen=True, forbid_unknown_fields=True):
    """``[signing]``: whose name clips are signed in; PEM files, which may lie outside."""

    certificate: File
    key: File


class ProjectTable(Struct, frozen=True, forbid_unknown_fields=True):
    """``[project]``."""

    name: Name
    model: ModelName = "sprite"
    seed: Seed = 0
    checkpoint_seconds: Annotated[float, Meta(gt=0, le=86400)] = 30.0
    vram: Memory | UnsetType = UNSET


class ProjectFile(Struct, frozen=True, forbid_unknown_fields=True):
    """rushes.toml."""

    project: ProjectTable
    include: list[str] = []
    defaults: DefaultsTable = DefaultsTable()
    policy: PolicyTable = PolicyTable()
    signing: SigningTable | UnsetType = UNSET
    presets: dict[Name, PresetTable] = {}
    shots: dict[Name, ShotTable] = {}
    films: dict[Name, FilmTable] = {}
    models: dict[Name, ModelTable] = {}
    readers: dict[Name, ReaderTable] = {}
    remotes: dict[Name, RemoteTable] = {}
    texts: dict[Name, TextTable] = {}


class PackFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt pack: a file of presets that a project includes."""

    presets: dict[Name, PresetTable] = {}
