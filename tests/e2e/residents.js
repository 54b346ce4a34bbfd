/* Measures a page as it is rendered: sizes and contrasts of the texts in sight, and sizes of what can be pressed. */
() => {
  const small = ".maplibregl-ctrl-attrib, .skip-link, .visually-hidden, script, option";
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const groundOf = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if (colour[3] > 230) return colour;
    }
    return [255, 255, 255];
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrastOf = (element) => {
    const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(groundOf(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const isInSight = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = node.data.trim();
    if (!text || element.closest(small) || !isInSight(element) || element.closest(":disabled")) continue;
    texts.push({ text, px: parseFloat(getComputedStyle(element).fontSize), contrast: contrastOf(element) });
  }
  const targets = [...document.querySelectorAll("a, button, input, select, summary")]
    .filter((element) => isInSight(element) && !element.closest(small))
    .map((element) => element.closest("label") ?? element) // a box to tick is as large as its label
    .map((element) => ({ element, box: element.getBoundingClientRect() }))
    .map(({ element, box }) => ({ name: element.textContent.trim() || element.id, px: Math.min(box.width, box.height) }));
  return { texts, targets };
}
