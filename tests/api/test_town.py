"""The drawn town is what its picture says."""


def test_counts(fetch) -> None:
    tables = ("area", "grid", "unit", "facility", "incident", "service_gap", "plan_assignment", "compound")
    assert {name: fetch(f"SELECT count(*) FROM {name}")[0][0] for name in tables} == {
        "area": 14, "grid": 17, "unit": 32, "facility": 12, "incident": 16, "service_gap": 32, "plan_assignment": 36,
        "compound": 8,
    }  # fmt: skip
    assert fetch("SELECT code, households FROM grid WHERE code LIKE 'D_S1C1G_' ORDER BY code") == [
        ("D1S1C1G1", 600), ("D1S1C1G2", 200), ("D1S1C1G9", 800), ("D2S1C1G1", 600), ("D2S1C1G2", 900),
    ]  # fmt: skip
    assert (
        fetch("SELECT code FROM incident WHERE grid_code || '-1' <> code OR path::text NOT LIKE '%' || grid_code") == []
    )


def test_the_pyramid_counts_every_incident_at_every_zoom(fetch) -> None:
    assert {count for _, count in fetch("SELECT z, sum(count) FROM incident_cell GROUP BY z")} == {16}
