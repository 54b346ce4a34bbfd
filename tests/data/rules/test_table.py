"""Rule files: what comes with the product, what is read, and what is refused in which words."""

import csv
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import BadInputError
from data.lifecircle.promises import load_targets
from data.rules.table import BUILTIN_FILE, MOST_RULES, RULE_COLUMNS, RuleFileError, digest, read_rules, rules_csv
from geo.verdicts import BINDINGS, CONFIDENCES, DEMANDS, LEVELS, METRICS, Rule
from layers.tables import FACILITY_KINDS

GOOD = {
    "code": "a1", "facility_kind": "canteen", "facility_name": "食堂", "demand": "residents_60", "metric": "walk",
    "threshold_m": "500", "level": "5", "binding": "may", "standard": "示例标准", "edition": "2018", "clause": "1.2",
    "confidence": "L",
}  # fmt: skip


def write(path, rows, columns=RULE_COLUMNS, encoding="utf-8"):
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_rules_that_come_with_the_product():
    """Every distance of the dossier with its confidence; a clause that was not seen says that it is unverified."""
    rules = {rule.code: rule for rule in read_rules(BUILTIN_FILE)}
    distance_m = {
        "service_station_300": 300, "elder_day_care_300": 300, "canteen_500": 500, "kindergarten_300": 300,
        "health_station_300": 300, "health_center_1000": 1000, "culture_station_500": 500, "culture_center_1000": 1000,
        "primary_school_500": 500, "junior_school_1000": 1000, "market_500": 500, "bus_stop_500": 500,
        "small_sports_300": 300, "elder_ground_300": 300, "refuse_collection_70": 70, "refuse_sorting_300": 300,
        "refuse_station_1000": 1000, "parking_150": 150,
    }  # fmt: skip
    assert {code: rule.threshold_m for code, rule in rules.items()} == distance_m
    assert [rules[code].confidence for code in ("primary_school_500", "canteen_500", "market_500")] == ["H", "L", "M"]
    assert all("待核" in rule.clause for rule in rules.values())
    assert set(FACILITY_KINDS) - {"exchange_point"} <= {rule.facility_kind for rule in rules.values()}
    assert rules_csv(tuple(rules.values())).decode("utf-8-sig") == BUILTIN_FILE.read_text("utf-8")


def test_a_row_by_column_names_in_any_order_and_as_excel_writes_it(tmp_path):
    columns = [*reversed(GOOD)]
    (rule,) = read_rules(write(tmp_path / "gbk.csv", [GOOD], columns, encoding="gb18030"))
    assert rule == Rule(
        "a1", "canteen", "食堂", "residents_60", "walk", 500.0, "示例标准", "may", "L", 5, "2018", "1.2"
    )  # fmt: skip
    marked = write(tmp_path / "bom.csv", [GOOD, dict.fromkeys(GOOD, "")], columns, encoding="utf-8-sig")
    assert read_rules(marked) == (rule,)


def test_the_digest_is_of_what_is_said():
    (rule,) = read_rules(BUILTIN_FILE)[:1]
    assert digest([rule]) == digest([replace(rule)])
    assert digest([rule]) != digest([replace(rule, threshold_m=301.0)])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"threshold_m": "0"}, "row 3, threshold_m: 0 must be a number above 0 and at most 20000"),
        ({"threshold_m": "-5"}, "row 3, threshold_m: -5 must be a number above 0"),
        ({"threshold_m": "nan"}, "row 3, threshold_m: nan must be a number above 0"),
        ({"threshold_m": "far"}, "row 3, threshold_m: far must be a number above 0"),
        ({"threshold_m": "20000.5"}, "row 3, threshold_m: 20000.5 must be a number above 0 and at most 20000"),
        ({"threshold_m": ""}, "row 3, threshold_m: it is empty and must not be"),
        ({"metric": "drive"}, "row 3, metric: drive must be one of walk, line"),
        ({"demand": "cars"}, "row 3, demand: cars must be one of households, residents_60, residents_80"),
        ({"level": "20"}, "row 3, level: 20 must be one of 5, 10, 15"),
        ({"binding": "shall"}, "row 3, binding: shall must be one of must, should, may"),
        ({"confidence": "高"}, "row 3, confidence: 高 must be one of H, M, L"),
        ({"standard": ""}, "row 3, standard: it is empty and must not be"),
        ({"code": "a1"}, "row 3, code: a1 names the rule of row 2 too"),
        ({"code": "a b"}, "row 3, code: a b must be 1 to 60 letters, digits, dots, dashes and underscores"),
        ({"note": "长" * 501}, "row 3, note: it has 501 characters; at most 500 are kept"),
    ],
)
def test_a_faulty_row_is_named_with_field_value_and_limit(tmp_path, change, sentence):
    path = write(tmp_path / "rules.csv", [GOOD, GOOD | {"code": "a2"} | change])
    with pytest.raises(RuleFileError) as caught:
        read_rules(path)
    assert len(caught.value.faults) == 1
    assert sentence in caught.value.faults[0]
    assert str(path) in str(caught.value)


def test_every_fault_has_its_sentence(tmp_path):
    bad = GOOD | {"code": "", "metric": "x", "threshold_m": "y", "binding": "z", "level": "1", "demand": "q"}
    with pytest.raises(RuleFileError, match="; and 1 more faults") as caught:
        read_rules(write(tmp_path / "rules.csv", [bad]))
    assert len(caught.value.faults) == 6


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "row 1: there is no column"),
        ("code,colour\n", "the column colour is unknown"),
        ("code,code\n", "row 1: the column code is there twice"),
        (",".join(RULE_COLUMNS) + "\n", "there is no rule below the column names"),
        (",".join(RULE_COLUMNS) + "\n" + "a," * 15 + "b\n", "row 2: it has more cells than row 1 has names"),
        (",".join(RULE_COLUMNS) + '\n"a,b\n', "it is no CSV table"),
    ],
)
def test_a_file_that_is_no_rule_file(tmp_path, text, sentence):
    path = tmp_path / "rules.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(RuleFileError) as caught:
        read_rules(path)
    assert any(sentence in fault for fault in caught.value.faults)


def test_what_cannot_be_read_at_all(tmp_path):
    with pytest.raises(BadInputError, match=r"gone.csv cannot be read: No such file"):
        read_rules(tmp_path / "gone.csv")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\x00\xff\xff\x00")
    with pytest.raises(BadInputError, match="is no text in UTF-8 or GB 18030"):
        read_rules(tmp_path / "picture.csv")
    many = [GOOD | {"code": f"r{n}"} for n in range(MOST_RULES + 1)]
    with pytest.raises(RuleFileError, match="there are 1001 rules; at most 1000 are read"):
        read_rules(write(tmp_path / "many.csv", many))


words = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters=";"), min_size=1, max_size=20)


@given(
    rule=st.builds(
        Rule, code=st.from_regex(r"[a-z][a-z0-9_.-]{0,20}", fullmatch=True), facility_kind=st.just("canteen"),
        facility_name=words, demand=st.sampled_from(DEMANDS), metric=st.sampled_from(METRICS),
        threshold_m=st.integers(1, 200_000).map(lambda n: n / 10), standard=words, binding=st.sampled_from(BINDINGS),
        confidence=st.sampled_from(CONFIDENCES), level=st.sampled_from((None, *LEVELS)), edition=words, clause=words,
        facility_types=st.lists(words, max_size=3).map(tuple), note=words, note_en=words,
    )
)  # fmt: skip
def test_what_is_written_reads_the_same(tmp_path_factory, rule):
    path = tmp_path_factory.mktemp("rules") / "rules.csv"
    path.write_bytes(rules_csv([rule]))
    assert read_rules(path) == (rule,)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"amount": "0"}, "row 2, amount: 0 must be a whole number of 1 to 1000000"),
        ({"due_on": "2024-13-01"}, "row 2, due_on: 2024-13-01 must be a day such as 2024-08-31"),
        ({"since_on": "2025-01-01"}, "row 2, due_on: 2024-08-31 lies before since_on 2025-01-01"),
        ({"measure": "wish"}, "row 2, measure: wish must be one of facility_count, capacity_added, sorting_streets"),
        ({"is_yearly": "1"}, "row 2, is_yearly: 1 must be one of yes, no"),
        ({"title": ""}, "row 2, title: it is empty and must not be"),
    ],
)
def test_a_faulty_target_is_named(clean, tmp_path, change, sentence):
    good = {
        "code": "t", "area_code": "D", "title": "驿站", "kind": "target", "measure": "facility_count", "amount": "3",
        "due_on": "2024-08-31", "since_on": "", "is_yearly": "no", "source": "方案",
    }  # fmt: skip
    path = write(tmp_path / "target.csv", [good | change], list(good))
    with pytest.raises(RuleFileError) as caught, clean.begin() as connection:
        load_targets(connection, path)
    assert any(sentence in fault for fault in caught.value.faults)
