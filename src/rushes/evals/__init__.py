"""Evaluation as data: suites of questions with known answers, scores of answers, statistics."""
