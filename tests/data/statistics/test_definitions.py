"""The files that say what the figures are: read as they come, and refused with a sentence for each fault."""

from collections import Counter

import pytest

from data.rules.table import RuleFileError
from data.statistics.counting import Group, Hours, quantiles
from data.statistics.definitions import (
    INDICATOR_FILE,
    LABEL_FILE,
    PART_FILE,
    city_indicators,
    read_indicators,
    read_label_sets,
    read_parts,
)
from data.statistics.parts import PART_SQL
from layers.tables import INCIDENT_STATUSES


def changed(tmp_path, file, old, new):
    """Write a file with one thing changed."""
    text = file.read_text("utf-8")
    assert old in text
    path = tmp_path / file.name
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path


def test_every_part_and_every_status_has_its_place():
    assert [part.code for part in read_parts()] == list(PART_SQL)
    for one in read_label_sets():
        assert [one.step_of(status).place for status in ("reported", "rated")] == [1, len(one.steps)]
        assert {status for step in one.steps for status in step.statuses} == set(INCIDENT_STATUSES)
    assert [len(one.steps) for one in read_label_sets()] == [7, 4, 5]


@pytest.mark.parametrize(
    ("code", "value", "grade"),
    [
        ("on_time_ratio", 0.9, "good"), ("on_time_ratio", 0.8, "watch"), ("on_time_ratio", 0.79, "poor"),
        ("rework_ratio", 0.05, "good"), ("rework_ratio", 0.1, "watch"), ("rework_ratio", 0.11, "poor"),
        ("rework_ratio", None, None),
    ],
)  # fmt: skip
def test_grades_end_where_the_file_says(code, value, grade):
    assert next(one for one in read_indicators() if one.code == code).grade(value) == grade


INDICATORS, LABELS, WORDS = (read_indicators, INDICATOR_FILE), (read_label_sets, LABEL_FILE), (read_parts, PART_FILE)


@pytest.mark.parametrize(
    ("read", "file", "old", "new", "says"),
    [
        (*INDICATORS, "filed,reported,high", "filed,told,high", "row 2, denominator: told must be one of"),
        (*INDICATORS, "high,0.85,0.7", "high,0.5,0.7", "row 2, watch: 0.7 must be at most 0.5"),
        (*INDICATORS, "high,0.85,0.7", "up,85,0.7", "row 2, direction: up must be one of high, low"),
        (*LABELS, "accepted rejected merged", "accepted rejected", "the status merged is in no step"),
        (*LABELS, "Collected,reported", "Collected,reported merged", "the status merged is in 2 steps"),
        (*LABELS, "Seven standard steps,2", "Seven standard steps,3", "standard: its places must be 1 to 7, in order"),
        (*WORDS, "open,未办结", "opened,未办结", "open is in 0 rows"),
        (*WORDS, "尚未结案", "", "definition: it is empty and must not be"),
    ],
)  # fmt: skip
def test_faults_are_named(tmp_path, read, file, old, new, says):
    with pytest.raises(RuleFileError) as refused:
        read(changed(tmp_path, file, old, new))
    assert any(says in fault for fault in refused.value.faults), refused.value.faults


def test_a_city_grades_by_its_own_file(tmp_path):
    """17 of 20 in time are 0.85: not good where good begins at 0.9, and good where the city says 0.85."""
    strict = city_indicators(None)
    assert next(one for one in strict if one.code == "on_time_ratio").good == 0.9
    own = city_indicators(
        changed(tmp_path, INDICATOR_FILE, "on_time,due_timed,high,0.9", "on_time,due_timed,high,0.85")
    )
    counts = Counter(dict.fromkeys(PART_SQL, 0)) | {"on_time": 17, "due_timed": 20}
    grades = [Group("", "", None, counts, Hours(), known).ratios["on_time_ratio"].grade for known in (strict, own)]
    assert grades == ["watch", "good"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("\nfiled_ratio,", "\nmissed_ratio,", "filed_ratio must be in one row, as filed by reported, direction high"),
        ("\nfiled_ratio,", "\nmissed_ratio,", "missed_ratio is no indicator"),
        ("on_time,due_timed,high", "on_time,due,high", "on_time_ratio must be in one row, as on_time by due_timed"),
    ],
)
def test_a_city_changes_thresholds_not_what_is_divided(tmp_path, old, new, says):
    with pytest.raises(RuleFileError) as refused:
        city_indicators(changed(tmp_path, INDICATOR_FILE, old, new))
    assert any(says in fault for fault in refused.value.faults), refused.value.faults


def test_quantiles_of_counted_tenths():
    """Ten cases: one of 0.1 h, four of 0.5 h, four of 2 h, one of 9 h. Five are within 0.5 h, nine within 2 h."""
    found = quantiles({1: 1, 5: 4, 20: 4, 90: 1})
    assert (found.n, found.median, found.p90) == (10, 0.5, 2.0)
    assert quantiles({}).median is None
    assert (quantiles({7: 1}).median, quantiles({7: 1}).p90) == (0.7, 0.7)
