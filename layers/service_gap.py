"""Service gap: what the rules of life circles say of each unit, as its newest examination found."""

from layers.layer import Field, Layer, Shade, Style
from layers.tables import service_gap

_NOT_MET = "(length(t.verdicts) - length(replace(t.verdicts, 'n', '')))"
_RESULTS = """(SELECT json_agg(json_build_object(
  'rule', e.rules[i],
  'verdict', CASE substr(t.verdicts, i, 1) WHEN 'm' THEN 'met' WHEN 'n' THEN 'not_met' ELSE 'unknown' END,
  'walk_m', round(t.walk_m[i]::numeric, 1), 'straight_m', round(t.straight_m[i]::numeric, 1),
  'facility', t.facilities[i], 'reason', t.reasons[i]) ORDER BY i)
  FROM examination e, generate_series(1, cardinality(e.rules)) i WHERE e.id = t.examination_id)"""

SERVICE_GAP = Layer(
    name="service_gap", title="服务缺口", title_en="Service gap", table=service_gap, geometry_type="point", scope="map",
    group="analysis",
    fields=(
        Field("code", "楼栋编码", "Unit code", in_tile=True),
        Field(
            "community", "所属社区", "Community",
            sql="(SELECT a.code FROM unit u JOIN area a ON a.id = u.area_id WHERE u.id = t.unit_id)",
        ),
        Field("examination", "体检编号", "Examination", type="integer", sql="t.examination_id", in_tile=True),
        Field(
            "rulebook", "规则集", "Rulebook",
            sql="(SELECT e.rulebook || '@' || e.version FROM examination e WHERE e.id = t.examination_id)",
        ),
        Field("households", "户数", "Households", type="integer", unit="households", in_tile=True),
        Field("residents_60", "60岁以上", "Residents 60+", type="integer"),
        Field("residents_80", "80岁以上", "Residents 80+", type="integer"),
        Field("verdicts", "逐条结论", "Verdicts by rule (m met, n not met, u unknown)", in_tile=True),
        Field("not_met_count", "未达标规则数", "Rules not met", type="integer", sql=_NOT_MET),
        Field(
            "state", "结论", "State", in_tile=True, choices=("met", "few", "many", "unknown"),
            sql=f"CASE WHEN {_NOT_MET} > 2 THEN 'many' WHEN {_NOT_MET} > 0 THEN 'few' "
            "WHEN strpos(t.verdicts, 'm') > 0 THEN 'met' ELSE 'unknown' END",
        ),
        Field("results", "逐条结果", "Results by rule", type="json", sql=_RESULTS),
        Field(
            "computed_at", "计算时间", "Computed at", type="datetime",
            sql="(SELECT e.made_at FROM examination e WHERE e.id = t.examination_id)",
        ),
    ),
    style=(
        Style(
            "circle",
            (
                Shade("many", "3条及以上规则未达标", "3 or more rules not met", "#b2182b", "#ff6f61"),
                Shade("few", "1-2条规则未达标", "1 or 2 rules not met", "#e08a5b", "#f4b183"),
                Shade("unknown", "无法判定", "Unknown", "#8c8c8c", "#9aa5b1"),
                Shade("met", "已测规则均达标", "All measured rules met", "#4393c3", "#3f7fae"),
            ),
            by="state", size=3.5,
        ),
    ),
    min_zoom=11, is_derived=True, order_by=f"{_NOT_MET} DESC, t.households DESC",
)  # fmt: skip
