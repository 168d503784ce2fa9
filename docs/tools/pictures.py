"""`make pictures`: draw docs/check.svg, a terminal in which `check` is run on the function of README.md.

What is drawn is what the command printed on this machine, just now.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "check.svg"
JOBS = re.compile(r"```py\n(# jobs\.py\n.*?)```", re.DOTALL)
COMMAND = ["python", "-m", "profiling", "check", "jobs.py:collect"]
LINE_PX, CHARACTER_PX, EDGE_PX, BAR_PX = 20, 8.43, 18, 34  # of a monospaced font of 14 px
COLOURS = {"prompt": "#8b98a5", "command": "#e6edf3", "verdict": "#ff7b72", "where": "#79c0ff", "text": "#c9d1d9"}


def run_check() -> list[str]:
    """Run the command in an empty folder. Return the lines that it printed."""
    with tempfile.TemporaryDirectory() as folder:
        (jobs,) = JOBS.findall((ROOT / "README.md").read_text())
        (Path(folder) / "jobs.py").write_text(jobs)
        done = subprocess.run(  # noqa: S603 - the command above
            [sys.executable, *COMMAND[1:]], cwd=folder, capture_output=True, text=True, check=False
        )
    if done.returncode != 1:
        raise SystemExit(f"check ended with {done.returncode}, and not with 1 for a leak:\n{done.stderr}")
    return done.stdout.splitlines()


def draw(lines: list[str]) -> str:
    """Return a picture of a terminal in which the command has printed these lines."""
    width = round(2 * EDGE_PX + CHARACTER_PX * max(map(len, lines)))
    height = BAR_PX + 2 * EDGE_PX + LINE_PX * len(lines) + LINE_PX
    drawn = [_line(0, [("prompt", "$ "), ("command", " ".join(COMMAND))])]
    drawn += [_line(number, _parts(line)) for number, line in enumerate(lines, 1)]
    lights = "".join(
        f'<circle cx="{20 + 20 * number}" cy="17" r="6" fill="{fill}"/>'
        for number, fill in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"'
        ' font-size="14">\n'
        "<title>python -m profiling check names the job, the line and the bytes per run of a leak</title>\n"
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n{lights}\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _parts(line: str) -> list[tuple[str, str]]:
    """Return a line in pieces, each with the name of its colour."""
    where = re.fullmatch(r"(.* )(\S+\.py:\d+ \w+)", line)
    verdict = re.fullmatch(r"(\S+: )(leaking)( .*)", line)
    if where is not None:
        return [("text", where[1]), ("where", where[2])]
    if verdict is not None:
        return [("text", verdict[1]), ("verdict", verdict[2]), ("text", verdict[3])]
    return [("text", line)]


def _line(number: int, parts: list[tuple[str, str]]) -> str:
    """Draw each piece at its column, so that every font gives the same picture."""
    y_px, column, drawn = BAR_PX + EDGE_PX + LINE_PX * number, 0, ""
    for colour, text in parts:
        x_px = EDGE_PX + CHARACTER_PX * column
        drawn += (
            f'<text x="{x_px:.1f}" y="{y_px}" fill="{COLOURS[colour]}" textLength="{CHARACTER_PX * len(text):.1f}"'
            f' xml:space="preserve">{escape(text)}</text>'
        )
        column += len(text)
    return drawn


if __name__ == "__main__":
    PICTURE.write_text(draw(run_check()))
