"""What answers add up to: a model's figures, by group, and pairs of models compared."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rushes.canon import encode_value
from rushes.evals.scoring import Score
from rushes.evals.statistics import Comparison, Share, compare, find_quantile
from rushes.evals.suite import Suite

OVERLAPS = (0.3, 0.5, 0.7)
"""At which recall is told, as Charades-STA's owners and most after them do."""
THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question to one model.

    Args:
        score: of the answer; None where there is none.
        seconds: that the answer took, with the clip's reading, and ``peak_bytes`` the most memory;
            as measured when it was computed. None where they are not known.
        fault: why there is no answer; "" where there is one.
    """

    case: str
    answer: str
    score: Score | None
    tokens: int = 0
    seconds: float | None = None
    peak_bytes: int | None = None
    fault: str = ""

    @property
    def right(self) -> bool:
        """No answer is not right."""
        return self.score is not None and self.score.right


@dataclass(frozen=True, slots=True)
class Trial:
    """A model and all its outcomes, in the suite's order.

    Args:
        licence: what it may be used under.
        where: what ran it: this machine's device, or a server's address.
        usd_per_hour: of what ran it; None where nobody said.
    """

    model: str
    licence: str
    where: str
    outcomes: tuple[Outcome, ...]
    usd_per_hour: float | None = None

    @property
    def accuracy(self) -> Share:
        """Of all questions; one without an answer counts as wrong."""
        return Share(sum(o.right for o in self.outcomes), len(self.outcomes))

    @property
    def false_yes(self) -> Share:
        """Yes to what is not so or cannot be told, of the questions that a yes would answer
        wrongly."""
        said = [o.score.false_yes for o in self.outcomes if o.score is not None]
        asked = [yes for yes in said if yes is not None]
        return Share(sum(asked), len(asked))

    @property
    def overlaps(self) -> list[float]:
        """IoU of every question about an interval; 0 where there is no answer to it."""
        found = [o.score.overlap for o in self.outcomes if o.score is not None]
        return [overlap for overlap in found if overlap is not None]

    def count(self, what: str) -> int:
        """How often a field of scores is true."""
        return sum(o.score is not None and bool(getattr(o.score, what)) for o in self.outcomes)

    def list_known(self, what: str) -> list[float]:
        """A measured figure of every outcome that has it."""
        values = [getattr(o, what) for o in self.outcomes if not o.fault]
        return [float(value) for value in values if value is not None]

    @property
    def usd_per_thousand(self) -> float | None:
        """What a thousand such questions cost, one after the other."""
        seconds = self.list_known("seconds")
        if self.usd_per_hour is None or not seconds:
            return None
        return sum(seconds) / len(seconds) * THOUSAND * self.usd_per_hour / 3600

    @property
    def digest(self) -> str:
        """SHA-256 of all answers: equal where two runs answered alike."""
        rows = [[o.case, o.answer, o.fault] for o in self.outcomes]
        return hashlib.sha256(encode_value(rows)).hexdigest()

    def to_dict(self) -> dict[str, object]:
        """For the JSON document."""
        seconds, tokens = self.list_known("seconds"), self.list_known("tokens")
        peak = self.list_known("peak_bytes")
        return {
            "model": self.model,
            "licence": self.licence,
            "where": self.where,
            "accuracy": self.accuracy.to_dict(),
            "unknown": self.count("unknown"),
            "unreadable": self.count("unreadable"),
            "failed": sum(bool(o.fault) for o in self.outcomes),
            "false_yes": self.false_yes.to_dict(),
            "intervals": tell_intervals(self.overlaps),
            "seconds": {"median": find_quantile(seconds, 0.5), "p95": find_quantile(seconds, 0.95)},
            "tokens": sum(tokens) / len(tokens) if tokens else None,
            "peak_bytes": int(max(peak)) if peak else None,
            "usd_per_thousand": self.usd_per_thousand,
            "answers_sha256": self.digest,
        }


def tell_intervals(overlaps: Sequence[float]) -> dict[str, object] | None:
    """Recall of the first interval at three overlaps, and their mean; None where none is asked."""
    if not overlaps:
        return None
    recalls = {
        f"R@1,IoU={least}": Share(sum(o >= least for o in overlaps), len(overlaps)).to_dict()
        for least in OVERLAPS
    }
    return {**recalls, "mIoU": sum(overlaps) / len(overlaps), "questions": len(overlaps)}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A suite that was asked.

    Args:
        skipped: questions that were not, by reason.
    """

    suite: Suite
    trials: tuple[Trial, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)

    @property
    def comparisons(self) -> list[Comparison]:
        """Every pair of models, in their order."""
        pairs = itertools.combinations(self.trials, 2)
        return [compare(a.model, b.model, _list_right(a), _list_right(b)) for a, b in pairs]

    @property
    def groups(self) -> dict[str, dict[str, Share]]:
        """Accuracy by group and model; empty where cases name no group."""
        names = {case.id: case.group for case in self.suite.cases if case.group}
        found: dict[str, dict[str, Share]] = {}
        for group in dict.fromkeys(names.values()):
            for trial in self.trials:
                rows = [o.right for o in trial.outcomes if names.get(o.case) == group]
                found.setdefault(group, {})[trial.model] = Share(sum(rows), len(rows))
        return found

    def to_dict(self) -> dict[str, object]:
        """The JSON document of ``rushes eval``."""
        groups = {
            group: {model: share.to_dict() for model, share in shares.items()}
            for group, shares in self.groups.items()
        }
        return {
            "suite": self.suite.name,
            "source": self.suite.source,
            "questions": len(self.suite.cases),
            "skipped": dict(self.skipped),
            "models": [trial.to_dict() for trial in self.trials],
            "comparisons": [pair.to_dict() for pair in self.comparisons],
            "groups": groups,
            "answers": list(_tell_answers(self)),
        }


def _list_right(trial: Trial) -> list[bool]:
    return [outcome.right for outcome in trial.outcomes]


def _tell_answers(evaluation: Evaluation) -> Iterator[dict[str, object]]:
    """Every question with all answers to it."""
    columns = zip(*(trial.outcomes for trial in evaluation.trials), strict=True)
    for case, outcomes in zip(evaluation.suite.cases, columns, strict=True):
        answers = {}
        for trial, outcome in zip(evaluation.trials, outcomes, strict=True):
            fault = {"error": outcome.fault} if outcome.fault else {}
            answers[trial.model] = {"answer": outcome.answer, "right": outcome.right, **fault}
        yield {"case": case.id, "answers": answers}
