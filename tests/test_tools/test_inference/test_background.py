"""Reading ahead and writing behind: order, bounds, errors, interrupts."""

import threading
import time

import pytest

from inference.background import WriteBehind, read_ahead
from mmseg_da.errors import InputError


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() <= before


def numbers(taken: list, error_at: int = -1):
    for number in range(10):
        if number == error_at:
            raise InputError(f'{number} is damaged.')
        taken.append(number)
        yield number


def test_items_keep_their_order_and_are_not_read_all_at_once():
    taken = []
    with read_ahead(numbers(taken), depth=2) as items:
        for expected, number in enumerate(items):
            time.sleep(0.01)
            assert number == expected
            # The one in use, and those that wait.
            assert len(taken) <= number + 1 + 2
    assert len(taken) == 10


def test_reading_is_done_in_advance():
    taken = []
    with read_ahead(numbers(taken), depth=3) as items:
        next(items)
        deadline = time.monotonic() + 10
        while len(taken) < 4 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert taken == [0, 1, 2, 3]


def test_error_of_the_reader_comes_after_the_items_before_it():
    seen = []
    with (
        pytest.raises(InputError, match=r'^3 is damaged\.$'),
        read_ahead(numbers([], error_at=3)) as items,
    ):
        for number in items:
            seen.append(number)
    assert seen == [0, 1, 2]


def test_calls_keep_their_order_and_are_all_done_at_the_end():
    done = []

    def write(number):
        time.sleep(0.01 if number % 2 else 0)
        done.append(number)

    with WriteBehind(write) as behind:
        for number in range(10):
            behind(number)
            assert number - len(done) <= 2
    assert done == list(range(10))


@pytest.mark.parametrize('error_at', [0, 5, 9])
def test_error_of_the_writer_stops_it(error_at):
    begun = []

    def write(number):
        begun.append(number)
        if number == error_at:
            raise InputError(f'{number} cannot be written.')

    with (
        pytest.raises(InputError, match=f'^{error_at} cannot be written'),
        WriteBehind(write, depth=1) as behind,
    ):
        for number in range(10):
            behind(number)
    # What waited meanwhile may be done; no more than that.
    assert begun == list(range(len(begun)))
    assert error_at < len(begun) <= error_at + 3


def test_interrupt_leaves_out_what_is_not_begun():
    may_go_on, done = threading.Event(), []

    def write(number):
        may_go_on.wait(10)
        done.append(number)

    with (
        pytest.raises(KeyboardInterrupt),
        WriteBehind(write, depth=5) as behind,
    ):
        for number in range(5):
            behind(number)
        threading.Timer(0.1, may_go_on.set).start()
        raise KeyboardInterrupt
    assert done == [0]
