"""A plot shows what the figures say."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.plot import bars, nice_top, svg


def test_bars_are_in_proportion_from_zero() -> None:
    full, half = bars([100.0, 50.0], "MB").splitlines()

    assert full == "   1   100.0 MB " + "█" * 60
    assert half == "   2    50.0 MB " + "█" * 30


def test_a_bar_ends_on_an_eighth_of_a_cell() -> None:
    _, line = bars([480.0, 13.0], "MB").splitlines()

    assert line.endswith("MB █▋")


@pytest.mark.parametrize(
    ("value", "top"),
    [(1.0, 1.0), (1.1, 2.0), (67.0, 100.0), (100.0, 100.0), (130.0, 200.0), (201.0, 250.0), (512.0, 1000.0)],
)
def test_the_scale_ends_on_a_round_figure_that_is_not_below_the_highest(value: float, top: float) -> None:
    assert nice_top(value) == top


def test_an_svg_has_a_point_for_each_figure_between_foot_and_top() -> None:
    picture = svg({"RSS": [0.0, 50.0, 100.0]}, title="a < b", unit="MB", until_h=24)

    document = ElementTree.fromstring(picture)
    line = next(document.iter("{http://www.w3.org/2000/svg}polyline"))
    assert line.attrib["points"] == "48.0,252.0 360.0,150.0 672.0,48.0"
