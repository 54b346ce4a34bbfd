"""The executor of the file-to-file commands."""

import pytest

from data.errors import DataError
from data.parallel import open_executor


def test_one_worker_needs_no_executor(monkeypatch):
    monkeypatch.delenv("YIWANGTU_DASK_SCHEDULER", raising=False)
    with open_executor(1) as executor:
        assert executor is None


def test_a_scheduler_that_cannot_be_reached_is_named(monkeypatch):
    monkeypatch.setenv("YIWANGTU_DASK_SCHEDULER", "nonsense://nowhere")
    with pytest.raises(DataError, match="nonsense://nowhere"), open_executor(1):
        pass


def test_results_come_in_order(monkeypatch):
    monkeypatch.delenv("YIWANGTU_DASK_SCHEDULER", raising=False)
    with open_executor(2) as executor:
        assert list(executor.map(abs, range(-9, 0))) == [9, 8, 7, 6, 5, 4, 3, 2, 1]
