"""Settings of storage and walking: the usual values with their source, and what the environment changes."""

from data.settings import DataSettings
from geo.pace import ADULT, ELDER


def test_walking_paces_are_the_standards_unless_set(monkeypatch):
    """An adult walks 60 m a minute and an elder 48; a pace that was set names the setting as its source."""
    monkeypatch.delenv("YIWANGTU_WALK_ELDER_M_MIN", raising=False)
    assert DataSettings(_env_file=None).paces == {"adult": ADULT, "elder": ELDER}
    monkeypatch.setenv("YIWANGTU_WALK_ELDER_M_MIN", "42")
    paces = DataSettings(_env_file=None).paces
    assert paces["adult"] == ADULT
    assert (paces["elder"].metres_a_minute, paces["elder"].source) == (42, "YIWANGTU_WALK_ELDER_M_MIN")
