from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rushes.plan.seeds import attempt_seed
from tests.run.projects import clips, make, ran, run_rushes, sums, write_project

SHOT_STAGES = [
    "render_prompt", "encode_text", "denoise", "decode_video", "decode_audio", "export", "check",
]  # fmt: skip


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "rushes.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_build_says_what_the_contract_promises(built: Path) -> None:
    shutil.rmtree(built / "out")
    document = make(built)
    assert set(document) >= {"run", "seconds", "usd", "shots", "films"}
    assert [shot["name"] for shot in document["shots"]] == ["one", "two"]
    for shot in document["shots"]:
        assert set(shot) >= {"name", "status", "path", "seed", "attempts", "stages", "checks"}
        assert shot["status"] in ("passed", "failed")
        assert [stage["stage"] for stage in shot["stages"]] == SHOT_STAGES
        for check in shot["checks"]:
            assert set(check) >= {"check", "passed", "score", "threshold", "spans"}
    assert [stage["stage"] for stage in document["films"][0]["stages"]] == ["assemble", "check"]
    for clip in clips(document):
        assert (built / clip["path"]).is_file()
    assert ran(document) == set()


def test_two_folders_and_stores_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    other = write_project(tmp_path / "other")
    assert sums(other, make(other)) == sums(built, make(built))


def test_a_comment_and_the_order_of_keys_run_nothing(built: Path) -> None:
    change(built, "[shots.one]", "# a remark\n[shots.one]")
    change(built, 'name = "small"\nseed = 7', 'seed = 7\nname = "small"')
    assert ran(make(built)) == set()


def test_the_export_format_runs_export_check_and_assemble(built: Path) -> None:
    change(built, "steps = 2", 'steps = 2\nexport = { format = "mkv", crf = 30 }')
    document = make(built)
    assert {stage for _, stage in ran(document)} == {"export", "check", "assemble"}
    assert all(clip["path"].endswith(".mkv") for clip in clips(document))


def test_a_prompt_runs_no_other_shot(built: Path) -> None:
    change(built, "a blue square", "a green square")
    names = {name for name, _ in ran(make(built))}
    assert names == {"two", "both"}


def test_the_seed_keeps_the_encoded_text(built: Path) -> None:
    change(built, "seed = 7", "seed = 8")
    stages = {stage for _, stage in ran(make(built))}
    assert "denoise" in stages
    assert "encode_text" not in stages


def test_one_target_builds_only_what_it_needs(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "p")
    document = make(folder, "one")
    assert [clip["name"] for clip in clips(document)] == ["one"]
    assert not (folder / "out/two.mp4").exists()


def test_a_clip_that_was_changed_in_out_is_put_back(built: Path) -> None:
    before = sums(built, make(built))
    (built / "out/one.mp4").write_bytes(b"something else")
    assert sums(built, make(built)) == before


def test_an_export_only_build_never_imports_torch(built: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "torch.py").write_text("raise ImportError('torch is blocked')\n")
    change(built, "steps = 2", "steps = 2\nexport = { crf = 40 }")
    done = run_rushes(built, "make", "--json", env={"PYTHONPATH": str(blocked)})
    assert done.returncode in (0, 1), done.stderr
    assert {stage for _, stage in ran(json.loads(done.stdout))} == {"export", "check", "assemble"}


def test_failed_takes_are_rolled_again_and_the_best_is_kept(tmp_path: Path) -> None:
    text = """
[project]
name = "hopeless"
seed = 7
[shots.one]
prompt = "a red ball bounces on a grey background"
steps = 1
attempts = 3
checks = ["no-such-sound"]
"""
    folder = write_project(tmp_path / "p", text)
    assert run_rushes(folder, "make").returncode == 2
    install_check(tmp_path / "site")
    done = run_rushes(folder, "make", "--json", env={"PYTHONPATH": str(tmp_path / "site")})
    assert done.returncode == 1, done.stderr
    shot = json.loads(done.stdout)["shots"][0]
    assert shot["status"] == "failed"
    assert shot["attempts"] == 3
    assert (folder / shot["path"]).is_file()
    attempt = shot["stages"][-1]["attempt"]
    assert shot["seed"] == attempt_seed(7, attempt)
    log = json.loads(run_rushes(folder, "log", "--json").stdout)["runs"][0]
    nodes = json.loads(run_rushes(folder, "log", log["id"], "--json").stdout)["nodes"]
    assert sum(node["stage"] == "denoise" for node in nodes) == 3
    assert {node["seed"] for node in nodes if node["stage"] == "denoise"} == {
        attempt_seed(7, number) for number in range(3)
    }


STRICT_CHECK = '''
"""A check that nothing passes; darker clips are nearer to it."""
from rushes.checks.base import Verdict


class Never:
    name, version, about = "no-such-sound", 1, "never satisfied"

    def judge(self, info, expect):
        return Judge()


class Judge:
    total = 0.0

    def see_frame(self, seconds, frame):
        self.total += float(frame.mean())

    def hear_samples(self, seconds, samples, rate):
        pass

    def give_verdict(self):
        return Verdict("no-such-sound", score=-1 - self.total, threshold=0.0)
'''


def install_check(site: Path) -> None:
    """A plug-in distribution as pip would leave it: a module and its entry point."""
    info = site / "strict-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "strict.py").write_text(STRICT_CHECK)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strict\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rushes.checks]\nno-such-sound = strict:Never\n")


def test_verify_says_that_the_bytes_are_equal(built: Path) -> None:
    make(built)
    done = run_rushes(built, "verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["same"]
    assert len(document["stages"]) >= 16
    assert not list((built / ".rushes").glob("verify-*"))


def test_verify_measures_a_difference(built: Path) -> None:
    make(built)
    text = (built / "rushes.lock").read_text()
    assert 'av = "' in text
    index = built / ".rushes/index.sqlite"
    swap_outputs(index, "decode_video")
    done = run_rushes(built, "verify", "--json")
    assert done.returncode == 1
    odd = [row for row in json.loads(done.stdout)["stages"] if not row["same"]]
    assert {row["stage"] for row in odd} == {"decode_video"}
    assert all("PSNR" in row["distance"] for row in odd)


def swap_outputs(path: Path, stage: str) -> None:
    """Give the two results of a stage each other's outputs."""
    from rushes.store.index import Index, Result

    index = Index(path)
    pair = [result for result, _, _ in index.all() if result and result.stage == stage]
    assert len(pair) == 2
    one, two = pair
    index.put(
        [
            Result(a.key, a.stage, b.outputs, a.facts, a.seconds, a.peak_bytes)
            for a, b in ((one, two), (two, one))
        ]
    )
    index.close()


@pytest.mark.parametrize("args", [["why", "one:denoise"], ["plan"], ["graph"], ["diff", "--help"]])
def test_commands_that_need_no_model_never_import_torch(
    built: Path, tmp_path: Path, args: list[str]
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('torch is blocked')\n")
    done = run_rushes(built, *args, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0, done.stderr


def test_why_still_knows_the_shots_that_a_partial_build_left_alone(built: Path) -> None:
    make(built)
    change(built, "a blue square", "a green square")
    make(built, "one")
    done = run_rushes(built, "why", "two:render_prompt", "--json")
    text = json.loads(done.stdout)["stages"][0]["text"]
    assert "a blue square" in text
    assert "a green square" in text
