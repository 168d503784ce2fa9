"""What the sampler's hooks must survive; by hand: `python -m benchmarks.sampler_survival [--seconds 60] [--only NAME]`.

Each part is a process of its own, since what is looked for are crashes: the standard library's allocation-heavy tests
with a sample every 512 bytes; a stress of threads, forks, starts and stops, tracemalloc over the hooks, under the
allocators' debug hooks; the same with the extension built for the address sanitizer, and under valgrind; and a count of
what is left after 10 000 samples. The tests run short forms of the same parts.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

LIBRARY_TESTS = ("test.test_tracemalloc", "test.test_gc", "test.test_dict", "test.test_asyncio")

UNDER_SAMPLING = """
import signal, sys, unittest
from profiling.samples import sampler
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells ignore it for what they run in the background
sampler.start(512, seed=1)
sampler.set_current_job("library")
program = unittest.main(module=None, argv=["unittest", *sys.argv[1:]], exit=False, verbosity=0)
taken = sampler.statistics().taken
assert sampler.is_on() and taken > 100, taken
print(program.result.testsRun, "tests,", len(program.result.skipped), "skipped,", taken, "samples taken")
sys.exit(not program.result.wasSuccessful())
"""

STRESS = """
import asyncio, bz2, gc, os, random, sys, threading, time, tracemalloc, types, zlib
import numpy as np
from profiling.samples import sampler
from profiling.samples.estimates import by_job

SECONDS, SEED = float(sys.argv[1]), int(sys.argv[2])
until, chance = time.monotonic() + SECONDS, random.Random(SEED)
quiet, working, at_work = threading.Event(), threading.Event(), threading.Semaphore(0)
working.set()
counts = dict.fromkeys(("rounds", "forks", "starts", "snapshots", "tracings", "taken"), 0)
failures = []
sys.setswitchinterval(0.0003)

def dicts(): return [{"a": i, "b": str(i)} for i in range(300)]

def grows():
    growing = bytearray()
    for _ in range(50): growing += bytes(300)
    return growing

def raises(depth=15):
    if depth: return raises(depth - 1)
    try: {}["missing"]
    except KeyError as error: return error.__traceback__.tb_frame.f_back.f_back

def frames():
    frame = sys._getframe()
    while frame is not None: frame = frame.f_back

def steps():
    def step():
        for i in range(100): yield [i] * 20
    return list(step())

def fresh(): return [bytes(i) for i in range(20)]

def made():
    # New code objects each time, so that stacks which no sample has any more are many, and are purged.
    codes = [fresh.__code__.replace(co_firstlineno=number) for number in range(1, 301)]
    return [types.FunctionType(code, globals())() for code in codes][::50]

def arrays():
    one = np.arange(20_000, dtype=float)
    two = np.sort(one * 1.5 + one)  # lets go of the interpreter
    two = np.resize(two, 30_000)
    try: np.empty(1 << 50)
    except MemoryError: pass
    return two

PACKED = bz2.compress(bytes(5_000))

def libraries(): # allocate raw blocks, bz2 also while it has let go of the interpreter
    bz2.decompress(PACKED)
    return zlib.compressobj()

async def tasks():
    async with asyncio.TaskGroup() as group:
        for _ in range(20): group.create_task(asyncio.sleep(0, dicts()))

def loop(): asyncio.run(tasks())

def objects():
    class Cycle:
        def __del__(self): self.last = dicts()
    one = Cycle()
    one.me = one

WORKS = (dicts, grows, raises, frames, steps, made, arrays, libraries, loop, objects)

def work(number):
    pick, kept = random.Random(SEED + number), []
    try:
        while time.monotonic() < until:
            if not working.is_set():
                kept.clear()
                at_work.release()
                working.wait()
            with sampler.labelled(f"thread {number}"):
                kept.append(pick.choice(WORKS)())
            if len(kept) > 20: del kept[: pick.randrange(20)]
            counts["rounds"] += 1
    except BaseException as error:
        failures.append(repr(error))
        raise
    finally:
        at_work.release()

def in_child():
    dicts(); arrays(); sampler.snapshot(); sampler.stop(); sampler.start(700); raises(); sampler.snapshot()
    sampler.remove_hooks(); dicts()

def fork():
    child = os.fork()
    if child == 0:
        status = 1
        try:
            in_child()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"a child ended with {status}"
    counts["forks"] += 1

def restart():
    counts["taken"] += sampler.statistics().taken
    sampler.stop()
    sampler.start(chance.choice((64, 512, 4_096, 65_536)), max_samples=chance.choice((50, 2_000, 65_536)))
    counts["starts"] += 1

def look():
    job = f"thread {chance.randrange(4)}"
    number = sampler.watch(sampler.next_birth())
    sampler.mark()
    table = sampler.snapshot(chance.choice((None, job)))
    assert all(entry.size_bytes >= 0 for entry in by_job(table).values())
    time.sleep(0.002)
    if chance.random() < 0.1: sampler.double_interval()
    if number is not None: sampler.take_peak(number)
    counts["snapshots"] += 1

def trace():
    # Stopped at a quiet point: CPython itself has crashed where another thread allocated (python/cpython#128679).
    if not tracemalloc.is_tracing():
        tracemalloc.start(chance.choice((1, 25)))
        counts["tracings"] += 1
        return
    working.clear()
    for _ in threads: at_work.acquire()
    tracemalloc.stop()
    working.set()

sampler.start(512)
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
while time.monotonic() < until and not failures:
    chance.choice((fork, restart, look, look, trace, gc.collect))()
    time.sleep(chance.random() * 0.003)
working.set()
for thread in threads: thread.join()
tracemalloc.stop()
counts["taken"] += sampler.statistics().taken
sampler.stop()
assert not failures, failures
assert counts["rounds"] > 4 and counts["taken"] > 1_000, counts
assert sampler.statistics().alive == sampler.statistics().table_bytes == 0
print(", ".join(f"{count:,} {name}" for name, count in counts.items()))
"""

REFERENCES = """
import gc, sys
from profiling.samples import sampler

def raises():
    try: raise ValueError
    except ValueError: return sys._getframe().f_back

def make(label):
    with sampler.labelled(label):
        number = sampler.watch(sampler.job_label.get().birth)
        kept = [raises() and [bytes(100) for _ in range(20)] for _ in range(30)]
        sampler.snapshot(label); sampler.take_peak(number)
        return kept

def round():
    sampler.start(256, seed=1)
    for _ in range(200): make("some label")
    statistics = sampler.statistics()
    sampler.stop()
    gc.collect()
    return statistics.taken

codes = [function.__code__ for function in (raises, make, round)]
round()
blocks, before = sys.getallocatedblocks(), [sys.getrefcount(code) for code in codes]
total = getattr(sys, "gettotalrefcount", int)()
taken = round()
after = [sys.getrefcount(code) for code in codes]
blocks_left = sys.getallocatedblocks() - blocks
assert taken > 10_000, taken
assert before == after, (before, after)
assert blocks_left < 20, blocks_left
assert getattr(sys, "gettotalrefcount", int)() - total < 50
print(f"{taken:,} samples, references to code before {before} and after {after}, {blocks_left} blocks left")
"""

LOAD = """
import importlib.machinery, importlib.util, os, sys
loader = importlib.machinery.ExtensionFileLoader("profiling.samples._sampler", os.environ["SAMPLER_BUILT"])
specification = importlib.util.spec_from_loader("profiling.samples._sampler", loader)
module = importlib.util.module_from_spec(specification)
loader.exec_module(module)
sys.modules["profiling.samples._sampler"] = module
from profiling.samples import sampler
assert sampler._sampler is module
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How one process ended."""

    status: int
    output: str  # its last lines
    duration_s: float


def run(
    program: str,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
    timeout_s: float = 1_200,
) -> Part:
    """Run one process with this program; `under` is a command that comes before the interpreter."""
    began_s = time.monotonic()
    done = subprocess.run(
        [*under, sys.executable, "-W", "ignore", "-c", program, *arguments],
        cwd=ROOT,
        timeout=timeout_s,
        check=False,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Part(status=done.returncode, output=done.stdout[-20_000:], duration_s=time.monotonic() - began_s)


def is_there(test: str) -> bool:
    """Return whether this interpreter came with that part of its test package."""
    try:
        return importlib.util.find_spec(test) is not None
    except ModuleNotFoundError:
        return False


def library(*tests: str, timeout_s: float = 1_200) -> Part:
    """Run the standard library's own tests with a sample every 512 bytes."""
    return run(UNDER_SAMPLING, tests, timeout_s=timeout_s)


def stress(
    seconds: float,
    seed: int = 1,
    environment: Mapping[str, str] | None = None,
    program: str = STRESS,
    under: Sequence[str] = (),
) -> Part:
    """Stress threads, forks, starts and stops, and tracemalloc, by default under Python's debug hooks."""
    environment = environment or {"PYTHONMALLOC": "debug"}
    return run(program, [str(seconds), str(seed)], environment, under, timeout_s=seconds * 10 + 300)


def built_for_sanitizer(folder: Path) -> Path | None:
    """Build the extension for the address sanitizer; return None if the compiler or the sanitizer is missing."""
    compiler = shutil.which("gcc")
    if compiler is None or not sanitizer_library():
        return None
    built = folder / "_sampler_asan.so"
    subprocess.run(
        [
            compiler,
            "-shared",
            "-fPIC",
            "-g",
            "-O1",
            "-fno-omit-frame-pointer",
            "-fsanitize=address,undefined",
            "-fno-sanitize-recover=undefined",
            "-fvisibility=hidden",
            f"-I{sysconfig.get_path('include')}",
            *map(str, sorted((ROOT / "profiling" / "samples").glob("_sampler*.c"))),
            "-lm",
            "-o",
            str(built),
        ],
        check=True,
    )
    return built


def sanitizer_library() -> str:
    """Return the sanitizer library that has to be loaded before anything else, or "" if the library is missing."""
    found = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    path = Path(found.stdout.strip())
    return str(path) if path.is_absolute() else ""


def sanitized(seconds: float, built: Path) -> Part:
    """Run the stress with every block of Python's from malloc, where the address sanitizer watches the block."""
    environment = {
        "SAMPLER_BUILT": str(built),
        "LD_PRELOAD": sanitizer_library(),
        # Python keeps memory to its end, and looks at how much stack is left by addresses.
        "ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=0:allocator_may_return_null=1",
        "PYTHONMALLOC": "malloc",
    }
    return stress(seconds, environment=environment, program=LOAD + STRESS)


# The C library's loader compares a run path eight bytes at a time, past its end; it does so without the sampler too.
OF_THE_LOADER = """
{
   word-wise-strncmp-of-the-loader
   Memcheck:Addr8
   fun:strncmp
   fun:is_dst
}
"""


def under_valgrind(seconds: float) -> Part:
    """Run the stress under memcheck, which sees the interpreter's own reads too. Everything is some 50 times slower."""
    with tempfile.NamedTemporaryFile("w", suffix=".supp") as suppressions:
        suppressions.write(OF_THE_LOADER)
        suppressions.flush()
        return stress(seconds, environment={"PYTHONMALLOC": "malloc"}, under=memcheck(suppressions.name))


def memcheck(suppressions: str) -> list[str]:
    """Return the memcheck command that comes before the interpreter."""
    return [
        "valgrind",
        f"--suppressions={suppressions}",
        "--error-exitcode=99",
        "--leak-check=no",
        "--undef-value-errors=no",
        "--quiet",
        "--child-silent-after-fork=yes",
        "--fair-sched=yes",
    ]


def references() -> Part:
    """Check which references and blocks are left after more than 10 000 samples."""
    return run(REFERENCES)


def main() -> int:
    """Run the parts and say how each ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each stress")
    parser.add_argument("--only", choices=["library", "stress", "sanitizer", "valgrind", "references"])
    wanted = parser.parse_args()
    failed = 0
    for name, part in parts(wanted.seconds, wanted.only):
        failed += part is not None and part.status != 0
        print(f"{name}: {told(part)}", flush=True)
    print(f"Python {sys.version.split()[0]}: {'all passed' if not failed else f'{failed} failed'}")
    return int(failed > 0)


def told(part: Part | None) -> str:
    """Return one line for a part that passed or was skipped, and all the output of a part that failed."""
    if part is None:
        return "skipped: not installed here"
    last = part.output.strip().splitlines()[-1:] or [""]
    return (
        f"passed in {part.duration_s:.0f} s; {last[0]}" if part.status == 0 else f"FAILED {part.status}\n{part.output}"
    )


def parts(seconds: float, only: str | None) -> Iterator[tuple[str, Part | None]]:
    """Yield each part as it ends, with None for a part that cannot run here."""
    if only in (None, "library"):
        for test in LIBRARY_TESTS:
            yield f"{test}, a sample every 512 bytes", library(test) if is_there(test) else None
    if only in (None, "stress"):
        yield f"stress of {seconds:.0f} s, PYTHONMALLOC=debug", stress(seconds)
    if only in (None, "sanitizer"):
        with tempfile.TemporaryDirectory() as folder:
            built = built_for_sanitizer(Path(folder))
            yield f"stress of {seconds:.0f} s, address sanitizer", sanitized(seconds, built) if built else None
    if only in (None, "valgrind"):
        found = shutil.which("valgrind")
        yield f"stress of {seconds:.0f} s, valgrind", under_valgrind(seconds) if found else None
    if only in (None, "references"):
        yield "references", references()


if __name__ == "__main__":
    sys.exit(main())
