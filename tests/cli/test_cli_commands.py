"""Single commands on real folders and real git repositories."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from rushes.cli.tables import print_build
from rushes.lock import Lock, write_lock
from rushes.run.result import ClipResult, ErrorInfo, RunResult
from rushes.spec.resolve import load_project
from tests.cli.conftest import Run
from tests.plan.tools import PROJECT, change_weights

Git = Callable[..., None]


def listing(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


@pytest.mark.parametrize(
    "args",
    [
        ("plan",),
        ("plan", "--json"),
        ("make", "--dry-run"),
        ("graph",),
        ("why", "one"),
        ("log",),
        ("doctor",),
        ("cache", "status"),
        ("cache", "verify"),
        ("cache", "gc", "--dry-run"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("locked", [False, True])
def test_what_only_looks_writes_nothing(
    args: tuple[str, ...], locked: bool, run: Run, project: Path, no_weights_check: Lock
) -> None:
    if locked:
        write_lock(project, no_weights_check)
    before = listing(project)
    assert run(*args, "-C", project).code in ((0, 1) if args[0] == "doctor" else (0,))
    assert listing(project) == before


def test_plan_says_lengths_order_and_loads(run: Run, project: Path, no_weights_check: Lock) -> None:
    text = PROJECT.replace("[shots.two]", "[shots.two]\nseconds = 1.0")
    (project / "rushes.toml").write_text(text)
    out = run("plan", "-C", project).out
    assert "two: sprite, 96x96, 1 s at 16 fps → 17 frames, 1.062 s, seed 7" in out
    assert "16 of 16 stages to run" in out
    assert "not locked yet" in out
    assert "denoise" in out
    assert "transformer" in out
    write_lock(project, no_weights_check)
    assert "not locked yet" not in run("plan", "-C", project).out
    stages = run("plan", "-C", project, "--json").json["stages"]
    assert all(stage["key"] and not stage["cached"] for stage in stages)


def test_the_seed_of_the_command_line(run: Run, project: Path, no_weights_check: Lock) -> None:
    write_lock(project, no_weights_check)
    plain = run("plan", "-C", project, "--json").json["stages"]
    same = run("plan", "-C", project, "--json", "--seed", "7").json["stages"]
    other = run("plan", "-C", project, "--json", "--seed", "8").json["stages"]
    assert plain == same
    differ = {a["stage"] for a, b in zip(plain, other, strict=True) if a["key"] != b["key"]}
    assert "denoise" in differ
    assert "encode_text" not in differ


def test_graph_in_its_forms(run: Run, project: Path, no_weights_check: Lock) -> None:
    write_lock(project, no_weights_check)
    assert run("graph", "-C", project).out.startswith("one\n  ○ render_prompt")
    assert run("graph", "-C", project, "--format", "mermaid").out.startswith("flowchart LR")
    graph = run("graph", "-C", project, "--format", "json").json
    assert graph == run("graph", "-C", project, "--json").json
    assert list(graph["nodes"]) == ["one", "two", "both"]
    assert graph["nodes"]["one"]["denoise"]["params"]["seed"] == 7
    assert list(run("graph", "-C", project, "two", "--json").json["nodes"]) == ["two"]


def test_init(run: Run, tmp_path: Path) -> None:
    done = run("init", "hello", "-C", tmp_path)
    assert done.code == 0
    assert "cd hello && rushes make" in done.out
    folder = tmp_path / "hello"
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "rushes.toml"]
    project = load_project(folder)
    assert (project.name, len(project.shots), len(project.films)) == ("hello", 2, 1)
    assert run("plan", "-C", folder).code == 0
    before = listing(folder)
    again = run("init", "hello", "-C", tmp_path)
    assert again.code == 2
    assert "there is a rushes.toml already" in again.err
    assert listing(folder) == before


@pytest.mark.parametrize(
    "name", ["My Clips", "Überraschung", "___", "9lives", "x" * 200, "a.b", "-a"]
)
def test_init_gives_any_folder_a_legal_name(name: str, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    assert run("init", "-C", folder).code == 0
    assert load_project(folder).name == tomllib.loads(
        (folder / "rushes.toml").read_text()
    )["project"]["name"]  # fmt: skip


def test_init_keeps_what_is_there_and_refuses_what_it_cannot_do(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    (tmp_path / "file").write_text("")
    assert run("init", "-C", tmp_path, "--json").json["files"] == ["rushes.toml"]
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    done = run("init", "file", "-C", tmp_path)
    assert done.code == 2
    assert "cannot be made" in done.err


def test_an_empty_folder(run: Run, tmp_path: Path) -> None:
    for args in (("plan",), ("make",), ("graph",), ("why", "a"), ("diff",), ("lock",), ("verify",)):
        done = run(*args, "-C", tmp_path)
        assert done.code == 2
        assert "rushes init" in done.err
    assert "nothing was built" in run("log", "-C", tmp_path).out
    assert run("log", "-C", tmp_path, "--json").json == {"runs": []}
    assert "0 objects" in run("cache", "status", "-C", tmp_path).out
    assert "sound" in run("cache", "verify", "-C", tmp_path).out
    assert run("doctor", "-C", tmp_path).code == 0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(run: Run, tmp_path: Path) -> None:
    for args in (("plan",), ("log",), ("doctor",), ("cache", "status"), ("check", "x")):
        done = run(*args, "-C", tmp_path / "gone")
        assert done.code == 2
        assert "is not a folder" in done.err


def test_c_is_as_if_started_there(start: Run, project: Path) -> None:
    cwd = os.getcwd()
    os.chdir(project)
    try:
        here = start("plan", "--json").json
    finally:
        os.chdir(cwd)
    assert here == start("plan", "--json", "-C", project).json


def test_doctor(run: Run, project: Path) -> None:
    done = run("doctor", "-C", project, "--json")
    assert done.code == 0
    assert done.json["ok"]
    names = [finding["name"] for finding in done.json["findings"]]
    assert {"packages", "media", "weights", "disk", "project", "lock"} <= set(names)
    assert os.uname().nodename not in done.out.replace("localhost", "")
    (project / "rushes.toml").write_text("[project]\n")
    done = run("doctor", "-C", project)
    assert done.code == 1
    assert "FAIL project" in done.out
    assert "rushes.toml:1" in done.out


@pytest.fixture
def git(project: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "t")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "t@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)

    def git(*args: str) -> None:
        subprocess.run(["git", *args], cwd=project, check=True, capture_output=True)

    git("init", "-q")
    return git


def commit(git: Git, text: str | None = None, project: Path | None = None) -> None:
    if text is not None and project is not None:
        (project / "rushes.toml").write_text(text)
    git("add", "-A")
    git("commit", "-q", "-m", "x")


def test_diff_of_two_commits(run: Run, project: Path, git: Git, no_weights_check: Lock) -> None:
    write_lock(project, no_weights_check)
    commit(git)
    commit(git, PROJECT.replace("a blue square", "a green square"), project)
    done = run("diff", "HEAD~1", "-C", project)
    assert done.code == 0
    assert done.out.count("\n") == 1
    assert done.out.startswith("two:render_prompt: template “a blue square slides")
    assert "8 stages after it follow" in done.out
    assert "nothing differs" in run("diff", "-C", project).out
    changes = run("diff", "HEAD~1", "-C", project, "--json").json
    assert changes["revision_has_lock"] is True
    places = {(change["name"], change["stage"]) for change in changes["changes"]}
    assert ("two", "denoise") in places
    assert ("both", "assemble") in places
    assert not [place for place in places if place[0] == "one"]


def test_diff_of_the_working_tree(
    run: Run, project: Path, git: Git, no_weights_check: Lock
) -> None:
    write_lock(project, no_weights_check)
    commit(git)
    (project / "rushes.toml").write_text(PROJECT.replace("seed = 7", "seed = 8"))
    lines = run("diff", "-C", project).out.splitlines()
    assert lines == [
        f"{name}:denoise: seed 7 → 8; 6 stages after it follow" for name in ("one", "two")
    ]


def test_diff_of_weights(run: Run, project: Path, git: Git, no_weights_check: Lock) -> None:
    write_lock(project, no_weights_check)
    commit(git)
    write_lock(project, change_weights("vae/model.safetensors"))
    lines = run("diff", "-C", project).out.splitlines()
    assert [line.partition(":")[2].partition(":")[0] for line in lines] == ["decode_video"] * 2


def test_diff_of_a_pack_in_a_folder_of_the_repository(
    run: Run, tmp_path: Path, project: Path, git: Git, no_weights_check: Lock
) -> None:
    inner = project / "deep" / "project"
    (inner / "packs").mkdir(parents=True)
    (inner / "packs" / "b.toml").write_text('[presets.b]\nprompt = "a red ball"\n')
    text = '[project]\nname = "p"\n[shots.one]\npreset = "b"\n'
    (inner / "rushes.toml").write_text('include = ["packs/b.toml"]\n' + text)
    write_lock(inner, no_weights_check)
    commit(git)
    (inner / "packs" / "b.toml").write_text('[presets.b]\nprompt = "a blue ball"\n')
    out = run("diff", "-C", inner).out
    assert out.startswith("one:render_prompt: template “a red ball” → “a blue ball”")


def test_diff_without_a_lock_in_the_revision(
    run: Run, project: Path, git: Git, no_weights_check: Lock
) -> None:
    commit(git)
    write_lock(project, no_weights_check)
    done = run("diff", "-C", project)
    assert "holds no rushes.lock" in done.err
    assert "nothing differs" in done.out


def test_diff_that_cannot_be(run: Run, project: Path, git: Git) -> None:
    assert run("diff", "-C", project).code == 2
    (project / "other").write_text("")
    (project / "rushes.toml").rename(project / "away")
    commit(git)
    (project / "away").rename(project / "rushes.toml")
    done = run("diff", "-C", project)
    assert done.code == 2
    assert "holds no rushes.toml" in done.err
    assert run("diff", "nosuch", "-C", project).code == 2
    assert run("diff", "-C", project, "--", "--output=x").code == 2
    assert not (project / "x").exists()


def test_why_of_a_project_that_was_not_built(
    run: Run, project: Path, no_weights_check: Lock
) -> None:
    write_lock(project, no_weights_check)
    done = run("why", "one:denoise", "-C", project)
    assert done.out == "one:denoise would run: it was not built before\n"
    assert len(run("why", "one", "-C", project, "--json").json["stages"]) == 7


def test_cache_verify_finds_what_was_changed(run: Run, project: Path) -> None:
    from rushes.store.store import Store
    from tests.store.tools import change_object, put

    store = Store(project / ".rushes")
    result = put(store, 1)
    assert run("cache", "verify", "-C", project).code == 0
    change_object(store, result, b"dat!")
    done = run("cache", "verify", "-C", project)
    assert done.code == 1
    assert "2 faults" in done.out
    assert run("cache", "verify", "-C", project, "--json").json["clean"] is False
    assert run("cache", "status", "-C", project, "--json").json["results"] == 1
    assert run("cache", "gc", "--days", "0", "-C", project, "--json").json["objects"] == 1
    assert run("cache", "verify", "-C", project).code == 0


def test_messages_with_brackets_are_shown_as_they_are(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """rich would take [/tmp] for markup of its own."""
    message = "[/tmp/x] is [bold]full[/bold] [Errno 28]"
    clip = ClipResult(
        name="one", status="error", path=None, seed=7, attempts=1, frames=33, fps=16.0,
        size="64x64", stages=[], checks=[{"check": "c", "passed": False, "message": "[red] [/x]",
        "score": 0, "threshold": 1}], error=ErrorInfo("StageFailed", message, None, "see [/doc]"),
    )  # fmt: skip
    print_build(RunResult("r", 1.0, 0.0, [clip], []), load_project(project), {"page": Path("[/b]")})
    out = capsys.readouterr().out
    for text in (message, "see [/doc]", "[red] [/x]", "[/b]"):
        assert text in out
