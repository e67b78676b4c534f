from __future__ import annotations

from runner.planning.slices import AIM_SECONDS, LARGEST, SliceSize


def sizes(*seconds: float) -> list[int]:
    size = SliceSize()
    found = [size.batches]
    for took in seconds:
        size.took(took)
        found.append(size.batches)
    return found


def test_the_first_is_one_batch_and_quick_ones_grow_to_a_limit():
    assert sizes(0.1, 0.1, 0.1, 0.1, 0.1) == [1, 4, 16, 64, LARGEST, LARGEST]


def test_a_slow_provider_keeps_slices_small():
    assert sizes(30, 30) == [1, 1, 1]
    assert sizes(0.1, 0.1, 25, 25, 25) == [1, 4, 16, 8, 4, 2]


def test_near_the_aim_they_creep():
    assert sizes(AIM_SECONDS / 2, AIM_SECONDS / 2) == [1, 2, 3]
