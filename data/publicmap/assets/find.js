{% macro script(this, kwargs) %}
(function (map) {
    // Hours are looked up in spans of minutes since 1970; nothing is asked of any server.
    var data = JSON.parse(document.getElementById("data").textContent);
    var rows = Array.prototype.slice.call(document.querySelectorAll("#rows li"));
    var query = document.getElementById("q"), onlyOpen = document.getElementById("open");
    var count = document.getElementById("count"), late = document.getElementById("late");
    var mark = L.circleMarker([0, 0], {radius: 13, color: "#b3261e", weight: 4, fill: false, interactive: false});
    function inside(spans, minute) {
        return spans.some(function (span) { return span[0] <= minute && minute < span[1]; });
    }
    function state(row, minute) {
        var place = data.places[row.dataset.at], hours = data.hours[place.hours];
        if (place.status !== "open") { return [false, place.said, "info"]; }
        if (!hours || !hours.is_read || minute < data.covers[0] || minute >= data.covers[1]) { return [null, "请先电话询问", ""]; }
        if (inside(hours.unknown, minute)) { return [null, "节假日时间未注明，请先电话询问", "warn"]; }
        return inside(hours.spans, minute) ? [true, "正在开放", "good"] : [false, "未开放", "warn"];
    }
    function show() {
        var minute = Math.floor(Date.now() / 60000), found = 0, open = 0;
        var words = query.value.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
        rows.forEach(function (row) {
            var now = state(row, minute), said = row.querySelector(".state");
            said.textContent = now[1];
            said.className = "state " + now[2];
            var fits = words.every(function (word) { return data.places[row.dataset.at].keys.indexOf(word) >= 0; });
            row.hidden = !(fits && (now[0] === true || !onlyOpen.checked));
            if (!row.hidden) { found += 1; if (now[0] === true) { open += 1; } }
        });
        count.textContent = "找到 " + found + " 处，正在开放 " + open + " 处";
        late.hidden = minute < data.covers[1];
    }
    query.addEventListener("input", show);
    onlyOpen.addEventListener("change", show);
    document.getElementById("rows").addEventListener("click", function (event) {
        var button = event.target.closest("button[data-at]");
        if (!button) { return; }
        var place = data.places[button.dataset.at];
        map.setView([place.lat, place.lon], 16, {animate: false});
        mark.setLatLng([place.lat, place.lon]).addTo(map);
        map.getContainer().scrollIntoView({block: "nearest"});
    });
    document.documentElement.classList.add("alive");
    setInterval(show, 30000);
    show();
})({{ this._parent.get_name() }});
{% endmacro %}
