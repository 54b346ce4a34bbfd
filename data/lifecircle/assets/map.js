{% macro script(this, kwargs) %}
(function (map) {
    var drawn = {{ this.drawn | tojson }}, colours = {{ this.colours | tojson }};
    var canvas = L.canvas({padding: 0.2, tolerance: 3});
    var verdicts = ["达标", "未达标", "未知"];
    function metres(value) { return value === null ? "未知" : value.toLocaleString() + " 米"; }
    function tip(lines) {
        var box = document.createElement("div");
        lines.forEach(function (line, at) {
            var row = document.createElement(at ? "div" : "strong");
            row.textContent = line;
            box.appendChild(row);
        });
        return box;
    }
    function unitTip(rule, row) {
        var near = row[5] < 0 ? "—" : rule.facilities[row[5]][2];
        return tip([
            drawn.units[row[0]][2], rule.label + "：" + verdicts[row[1]],
            "实测步行 " + metres(row[2]) + "，直线 " + metres(row[3]), "最近设施 " + near,
            rule.whom + " " + (row[4] === null ? "未统计" : row[4] + " " + rule.counter),
            "依据 " + rule.basis, "数据日期 " + rule.date + "，可信度 " + rule.confidence,
        ]);
    }
    function dots(rule) {
        var group = L.layerGroup();
        // what is met lies below, what is not met on top
        [0, 2, 1].forEach(function (verdict) {
            rule.units.forEach(function (row) {
                if (row[1] !== verdict) { return; }
                var unit = drawn.units[row[0]];
                L.circleMarker([unit[0], unit[1]], {
                    renderer: canvas, radius: verdict === 1 ? 4 : 3, weight: verdict === 2 ? 1.5 : 0.5,
                    color: verdict === 2 ? colours[2] : "#ffffff", fillColor: colours[verdict], fillOpacity: verdict === 2 ? 0.05 : 0.9
                }).bindTooltip(function () { return unitTip(rule, row); }).addTo(group);
            });
        });
        return group;
    }
    function cells(rule) {
        var group = L.layerGroup();
        drawn.cells.forEach(function (ring, at) {
            var found = rule.cells[at], isKnown = found[0] !== null;
            L.polygon(ring, {
                renderer: canvas, color: isKnown ? colours[1] : colours[2], weight: 1, dashArray: isKnown ? null : "3 3",
                fillColor: colours[1], fillOpacity: isKnown ? 0.08 + 0.72 * found[0] : 0
            }).bindTooltip(function () {
                return tip([
                    "H3 单元格（分辨率 " + drawn.resolution + "）", rule.label,
                    isKnown ? "未达标 " + found[1] + " / " + found[2] + " " + rule.counter : "没有已知结果",
                    "依据 " + rule.basis, "数据日期 " + rule.date + "，可信度 " + rule.confidence,
                ]);
            }).addTo(group);
        });
        return group;
    }
    function facilities(rule) {
        var group = L.layerGroup();
        rule.facilities.forEach(function (one) {
            L.circleMarker([one[0], one[1]], {renderer: canvas, radius: 5, weight: 2, color: "#111111", fillColor: "#ffd166", fillOpacity: 1})
                .bindTooltip(function () { return tip([one[2], rule.label]); }).addTo(group);
        });
        return group;
    }
    function promises() {
        var group = L.layerGroup();
        drawn.promises.forEach(function (one) {
            L.circleMarker([one[0], one[1]], {
                renderer: canvas, radius: 6, weight: 2, color: "#5b2a86", fillColor: "#5b2a86", fillOpacity: one[3] ? 0.6 : 0,
                dashArray: one[3] ? null : "2 3"
            }).bindTooltip(function () {
                return tip([one[2], one[3] ? "已完成" : "计划中" + (one[4] ? "，" + one[4] : "")]);
            }).addTo(group);
        });
        return group;
    }
    var made = {}, shown = [], promised = null;
    var form = document.getElementById("map-choice");
    function layer(name, number) {
        var key = name + number, make = {dots: dots, cells: cells, facilities: facilities}[name];
        made[key] = made[key] || make(drawn.rules[number]);
        return made[key];
    }
    function show() {
        var number = Number(form.elements.rule.value), view = form.elements.view.value;
        shown.forEach(function (one) { map.removeLayer(one); });
        shown = [layer(view, number), layer("facilities", number)];
        if (form.elements.promises && form.elements.promises.checked) {
            promised = promised || promises();
            shown.push(promised);
        }
        shown.forEach(function (one) { one.addTo(map); });
        form.dataset.shown = view + number;
    }
    form.addEventListener("change", show);
    map.whenReady(show);
    L.control.scale({imperial: false}).addTo(map);
})({{ this._parent.get_name() }});
{% endmacro %}
