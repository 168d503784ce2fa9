"""Answers of the service as tables."""

from __future__ import annotations

from volaris.cli.tables import iv_table


def test_symbol_without_figures_is_told_which_jobs_make_them() -> None:
    answer: dict[str, object] = {"symbol": "AAPL", "latest": None, "history": []}
    assert iv_table(answer) == ("AAPL: no figures yet; the job iv_metrics computes them from stored chains")
