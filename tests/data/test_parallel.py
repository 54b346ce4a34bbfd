"""The executor of the file-to-file commands."""

import pytest

from data.errors import DataError
from data.parallel import open_executor


def test_one_worker_needs_no_executor():
    with open_executor(1) as executor:
        assert executor is None


def test_a_scheduler_that_cannot_be_reached_is_named():
    with pytest.raises(DataError, match="nonsense://nowhere"), open_executor(1, "nonsense://nowhere"):
        pass


def test_results_come_in_order():
    with open_executor(2) as executor:
        assert list(executor.map(abs, range(-9, 0))) == [9, 8, 7, 6, 5, 4, 3, 2, 1]
