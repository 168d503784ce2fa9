"""What malloc and pymalloc hold."""

from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling import child
from profiling.process.allocator import Arenas, CHeap, arenas_text, c_heap, find_mallinfo2, parse_arenas
from profiling.samples import sampler

# As CPython 3.11.7, 3.12.1 and 3.13.0 print it, the table of size classes and the free lists cut short.
PRINTED = {
    "3.11": """\
Small block threshold = 512, in 32 size classes.

class   size   num pools   blocks in use  avail blocks
-----   ----   ---------   -------------  ------------
    0     16           1              43           978
   31    512           2              31            31

# arenas allocated total           =                    3
# arenas reclaimed                 =                    0
# arenas highwater mark            =                    3
# arenas allocated current         =                    3
3 arenas * 1048576 bytes/arena     =            3,145,728

# bytes in allocated blocks        =            2,188,624
# bytes in available blocks        =              316,496
35 unused pools * 16384 bytes      =              573,440
# bytes lost to pool headers       =                7,392
# bytes lost to quantization       =               10,624
# bytes lost to arena alignment    =               49,152
Total                              =            3,145,728

arena map counts
# arena map mid nodes              =                    1
# arena map bot nodes              =                    1

# bytes lost to arena map root     =              262,144
# bytes lost to arena map mid      =              262,144
# bytes lost to arena map bot      =              131,072
Total                              =              655,360

           11 free PyDictObjects * 48 bytes each =                  528
   7 free 1-sized PyTupleObjects * 32 bytes each =                  224
""",
    "3.12": """\
Small block threshold = 512, in 32 size classes.

class   size   num pools   blocks in use  avail blocks
-----   ----   ---------   -------------  ------------
    0     16           1              52           969

# arenas allocated total           =                    3
# arenas reclaimed                 =                    0
# arenas highwater mark            =                    3
# arenas allocated current         =                    3
3 arenas * 1048576 bytes/arena     =            3,145,728

# bytes in allocated blocks        =            2,077,552
# bytes in available blocks        =              297,328
44 unused pools * 16384 bytes      =              720,896
# bytes lost to pool headers       =                7,008
# bytes lost to quantization       =               10,176
# bytes lost to arena alignment    =               32,768
Total                              =            3,145,728
""",
    "3.13": """\
Small block threshold = 512, in 32 size classes.

class   size   num pools   blocks in use  avail blocks
-----   ----   ---------   -------------  ------------
    0     16           1              56           965

# arenas allocated total           =                    3
# arenas reclaimed                 =                    0
# arenas highwater mark            =                    3
# arenas allocated current         =                    3
3 arenas * 1048576 bytes/arena     =            3,145,728

# bytes in allocated blocks        =            2,568,816
# bytes in available blocks        =              276,976
16 unused pools * 16384 bytes      =              262,144
# bytes lost to pool headers       =                8,400
# bytes lost to quantization       =               13,008
# bytes lost to arena alignment    =               16,384
Total                              =            3,145,728

        5 free PyDictKeysObjects * 32 bytes each =                  160
""",
}


@pytest.mark.parametrize(
    ("version", "used_bytes", "free_bytes"),
    [
        ("3.11", 2_188_624, 316_496 + 573_440),
        ("3.12", 2_077_552, 297_328 + 720_896),
        ("3.13", 2_568_816, 276_976 + 262_144),
    ],
)
def test_the_arenas_are_read_from_what_each_python_prints(version: str, used_bytes: int, free_bytes: int) -> None:
    assert parse_arenas(PRINTED[version]) == Arenas(size_bytes=3_145_728, used_bytes=used_bytes, free_bytes=free_bytes)


@pytest.mark.parametrize("line", ["bytes/arena", "in allocated", "in available", "unused pools"])
def test_without_one_of_the_figures_the_arenas_are_not_known(line: str) -> None:
    text = "\n".join(kept for kept in PRINTED["3.11"].splitlines() if line not in kept)
    assert parse_arenas(text) is None


def test_without_pymalloc_the_arenas_are_not_known() -> None:
    assert parse_arenas("           11 free PyDictObjects * 48 bytes each =                  528\n") is None


def test_a_figure_without_digits_is_not_known() -> None:
    assert parse_arenas(PRINTED["3.11"].replace("2,188,624", ",,")) is None


@given(st.text() | st.lists(st.sampled_from(PRINTED["3.12"].splitlines())).map("\n".join))
def test_any_text_is_arenas_or_nothing(text: str) -> None:
    arenas = parse_arenas(text)
    assert arenas is None or arenas.used_bytes == 2_077_552


@pytest.mark.skipif(not child.available(), reason="no safe fork here")
def test_this_pythons_arenas_add_up() -> None:
    def text() -> bytes:
        sampler.remove_hooks()  # an earlier test may have put its hooks in place, where they stay
        return arenas_text()

    arenas = parse_arenas(child.run_in_child(text, what="arenas", timeout_s=60).data.decode())
    assert arenas is not None
    assert arenas.size_bytes % (1 << 18) == 0
    assert 0 < arenas.used_bytes < arenas.used_bytes + arenas.free_bytes < arenas.size_bytes
    # All but headers and rounding: the three groups are the whole.
    assert arenas.used_bytes + arenas.free_bytes > 0.9 * arenas.size_bytes


def test_the_text_of_the_arenas_leaves_the_callers_standard_error_alone(capfd: pytest.CaptureFixture[str]) -> None:
    if not child.available():
        pytest.skip("no safe fork here")
    child.run_in_child(arenas_text, what="arenas", timeout_s=60)
    assert capfd.readouterr().err == ""


def test_glibc_tells_used_mapped_and_free_bytes() -> None:
    info = SimpleNamespace(arena=1_030, uordblks=1_000, hblkhd=200, fordblks=30)
    assert c_heap(mallinfo2=lambda: info) == CHeap(used_bytes=1_200, free_bytes=30, mapped_bytes=1_230)


def test_another_c_library_is_asked_through_psutil_which_does_not_know_the_free_bytes() -> None:
    info = SimpleNamespace(heap_used=1_000, mmap_used=200)
    assert c_heap(mallinfo2=None, heap_info=lambda: info) == CHeap(used_bytes=1_200, free_bytes=None)


def test_where_neither_tells_the_c_heap_is_not_known() -> None:
    assert c_heap(mallinfo2=None, heap_info=None) is None


def test_a_c_library_without_mallinfo2_has_none() -> None:
    assert find_mallinfo2(SimpleNamespace()) is None


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="needs glibc 2.33 or newer",
)
def test_blocks_of_malloc_are_used_and_then_free() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
    before = c_heap()
    blocks = [libc.malloc(10_000) for _ in range(2_000)]
    held = c_heap()
    for block in blocks[::2]:  # the others keep malloc from giving the memory back
        libc.free(block)
    freed = c_heap()
    for block in blocks[1::2]:
        libc.free(block)
    assert before is not None
    assert held is not None
    assert freed is not None
    assert 20_000_000 <= held.used_bytes - before.used_bytes < 21_000_000
    assert 10_000_000 <= held.used_bytes - freed.used_bytes < 11_000_000
    assert held.free_bytes is not None
    assert freed.free_bytes is not None
    assert 9_500_000 <= freed.free_bytes - held.free_bytes < 11_000_000
