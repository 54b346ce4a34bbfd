// What is cut, overlaps, or lies outside the wall: a sentence each.
() => {
  const box = (e) => {
    const r = e.getBoundingClientRect();
    return [r.left, r.top, r.right, r.bottom].map(Math.round);
  };
  const name = (e) => `${e.className.toString() || e.tagName} ${e.textContent.trim().slice(0, 40)}`;
  const all = (...selectors) => [...document.querySelectorAll(selectors.join(", "))];
  const faults = [];

  const parts = all(".top", ".panel", ".map-frame", ".rotation");
  for (const e of parts) {
    const [l, t, r, b] = box(e);
    if (l < 0 || t < 0 || r > innerWidth || b > innerHeight) faults.push(`outside: ${name(e)}`);
    if (r - l < 40 || b - t < 20) faults.push(`too small: ${name(e)}`);
  }
  parts.forEach((a, i) =>
    parts.slice(i + 1).forEach((b) => {
      const [p, q] = [box(a), box(b)];
      if (p[0] < q[2] && q[0] < p[2] && p[1] < q[3] && q[1] < p[3]) faults.push(`overlap: ${name(a)} and ${name(b)}`);
    }),
  );

  const words = all(
    ".figures dt", ".figures .value", ".figures .note", ".trail h1", ".clock b", ".clock span", ".health span", ".rating-mark",
    ".areas h2", ".areas th", ".areas td", ".feed h2", ".feed time", ".badge", ".map-legend li", ".rotation button", ".rotation label",
  );
  for (const e of words) {
    const [l, t, r, b] = box(e);
    const isCut = getComputedStyle(e).display !== "inline" && e.scrollWidth > e.clientWidth + 1;
    if (isCut) faults.push(`cut: ${name(e)}`);
    const isOut = l < 0 || t < 0 || r > innerWidth + 1 || b > innerHeight + 1;
    if (isOut && !e.closest(".scroll")) faults.push(`out: ${name(e)}`);
  }
  for (const e of all(".rotation > *", ".top > *", ".figures dl > div", ".areas table")) {
    const [p, q] = [box(e), box(e.parentElement)];
    if (p[0] < q[0] - 1 || p[2] > q[2] + 1) faults.push(`wider than its frame: ${name(e)}`);
  }
  for (const e of all(".maplibregl-ctrl-attrib")) if (e.scrollHeight > e.clientHeight + 1) faults.push(`cut: ${name(e)}`);
  const { scrollHeight, scrollWidth } = document.documentElement;
  if (scrollHeight > innerHeight || scrollWidth > innerWidth) faults.push("the page scrolls");
  return faults;
}
