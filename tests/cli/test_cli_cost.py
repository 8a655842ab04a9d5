"""rushes cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_the_worked_examples(run: Run) -> None:
    ran = run("cost", "--gpu-per-hour", "2", "--hours", "720", "--api-per-item", "0.05", "--json")
    assert ran.code == 0
    assert ran.json["break_even"]["items_per_month"] == 28800
    assert ran.json["break_even"]["seconds_between_items"] == 90
    ran = run(
        "cost", "--gpu-price", "1600", "--api-per-item", "0.20", "--items-per-day", "8", "--json"
    )
    assert ran.json["break_even"]["days"] == 1000
    assert ran.json["break_even"]["items_per_month"] is None
    text = run("cost", "--gpu-per-hour", "2", "--hours", "720", "--api-per-item", "0.05").out
    assert "28,800 items a month" in text
    assert "one every 90 s" in text


def test_everything_at_once(run: Run, tmp_path: Path) -> None:
    words = (
        "--gpu-per-hour 0.5 --gpu-price 1500..1700 --months 36 --watts 350 --idle-watts 20"
        " --power 0.3 --seconds-per-item 50..70 --api veo-3.1 --item-seconds 5 --people-hours 4"
        " --people-per-hour 60 --items-per-month 3000 --utilisation 60% --svg cost.svg"
    )
    args = words.split()
    ran = run("cost", *args, "-C", tmp_path, "--json")
    assert ran.code == 0
    names = [option["name"] for option in ran.json["options"]]
    assert names == ["api", "rented", "owned"]
    assert ran.json["options"][0]["usd_per_month"] == 6000
    assert ran.json["prices"][0]["source"]
    assert ran.json["prices"][0]["age_days"] >= 0
    assert ran.json["assumptions"]["idle_share"] == 0.4
    assert (tmp_path / "cost.svg").read_text().startswith("<svg")
    text = run("cost", *args, "-C", tmp_path)
    assert text.code == 0
    assert "days ago, second-hand" in text.out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("--gpu-per-hour 2", "nothing to compare"),
        ("--api-per-item 1", "no card"),
        ("--gpu-price 1600 --api-per-item 1", "needs a volume"),
        ("--gpu-per-hour 2 --api-per-second 1", "length of an item"),
        ("--gpu-per-hour 2 --api-per-item 1 --api veo-3.1", "both say"),
        ("--gpu-per-hour 2 --api nothing", "price list has no"),
        ("--gpu-per-hour 2 --api-per-item 1 --watts 300 --power 1", "power is in the rent"),
        (
            "--gpu-price 2 --months 3 --api-per-item 1 --watts 300 --power 1",
            "how long a card works",
        ),
        ("--gpu-per-hour 2 --api-per-item 1 --people-hours 3", "--people-per-hour"),
        ("--gpu-per-hour 2 --api-per-item 1 --hours 0", "above 0"),
        ("--gpu-per-hour two --api-per-item 1", "no figure"),
        ("--gpu-per-hour 2 --api-per-item 1 --utilisation 120%", "no share"),
        ("--gpu-per-hour 2 --api-per-item 1 --model nothing", "no finished take"),
        ("--gpu-price 2 --items-per-day 3 --api-per-item 1 --svg x.svg", "needs --months"),
    ],
)
def test_one_clear_error(args: str, words: str, run: Run, tmp_path: Path) -> None:
    ran = run("cost", *args.split(), "-C", tmp_path)
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
