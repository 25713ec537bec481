/** What is found out inside of a page. Each function is sent to the browser as text, so it stands alone. */

export interface Outline {
  readonly headings: readonly number[];
  readonly ids: readonly string[];
  readonly links: readonly string[];
}

export function outlineOf(): Outline {
  const all = (selector: string): Element[] => [...document.querySelectorAll(selector)];
  return {
    headings: all("#VPContent :is(h1, h2, h3, h4, h5, h6)").map((one) => Number(one.tagName.slice(1))),
    ids: all("[id]").map((one) => one.id),
    links: all("a[href]").map((one) => (one instanceof HTMLAnchorElement ? one.href : "")),
  };
}

/** Elements that stand out of the page at its right, where there is more of the page than of the window. */
export function tooWide(): readonly string[] {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const out = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > width + 1);
  return [
    `${document.documentElement.scrollWidth} px`,
    ...out.slice(0, 5).map((one) => `${one.tagName}.${one.className}`),
  ];
}

/** What paper cuts off, as nobody moves it there: commands and tables that are wider than the page. */
export function cutOff(): readonly string[] {
  const width = document.documentElement.clientWidth;
  const parts = [...document.querySelectorAll(".vp-doc pre, .vp-doc .table, .vp-doc table")];
  return parts
    .filter((one) => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().right > width + 1)
    .map((one) => `${one.tagName} ${one.scrollWidth} of ${one.clientWidth}: ${(one.textContent ?? "").slice(0, 40)}`);
}

/** Texts whose contrast is below the limit, each once. Source: WCAG 2.2, contrast ratio and relative luminance */
export function poorContrast({
  limit,
  canvas,
}: {
  readonly limit: number;
  readonly canvas?: string;
}): readonly string[] {
  type Colour = readonly [red: number, green: number, blue: number, alpha: number];
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map<string, Colour>();
  const parse = (css: string): Colour => {
    const found = known.get(css);
    if (found !== undefined || pen === null) return found ?? [0, 0, 0, 0];
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = css;
    pen.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0, alpha = 0] = pen.getImageData(0, 0, 1, 1).data;
    const colour: Colour = [red, green, blue, alpha / 255];
    known.set(css, colour);
    return colour;
  };
  const over = (top: Colour, below: Colour): Colour => {
    const mix = (index: 0 | 1 | 2): number => top[index] * top[3] + below[index] * (1 - top[3]);
    return [mix(0), mix(1), mix(2), 1];
  };
  const luminance = ([red, green, blue]: Colour): number => {
    const linear = (value: number): number =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  };
  const page = parse(canvas ?? getComputedStyle(document.body).backgroundColor);
  const behind = (element: Element): Colour => {
    const layers: Colour[] = [];
    for (let one: Element | null = element; one !== null; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour[3] > 0) layers.unshift(colour);
      if (colour[3] === 1) break;
    }
    return layers.reduce((below, top) => over(top, below), page);
  };
  /** Of a text in a drawing: the shape that it stands on. */
  const shapeBehind = (text: Element): Colour => {
    const box = text.getBoundingClientRect();
    const under = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    const shapes = under.filter((one) => ["rect", "polygon", "circle", "ellipse"].includes(one.tagName.toLowerCase()));
    const layers = shapes.map((one) => parse(getComputedStyle(one).fill)).toReversed();
    const html = text.closest("body");
    return layers.reduce((below, top) => over(top, below), html === null ? page : behind(text));
  };
  const poor = new Set<string>();
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    const words = node.textContent?.trim() ?? "";
    if (
      element === null ||
      words === "" ||
      !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    )
      continue;
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || ["STYLE", "SCRIPT", "TITLE"].includes(element.tagName.toUpperCase()))
      continue;
    const style = getComputedStyle(element);
    const isDrawn = element instanceof SVGElement;
    const below = isDrawn ? shapeBehind(element) : behind(element);
    const [one, other] = [luminance(over(parse(isDrawn ? style.fill : style.color), below)), luminance(below)];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < limit)
      poor.add(`${ratio.toFixed(2)} ${element.tagName}.${element.getAttribute("class") ?? ""}: ${words.slice(0, 40)}`);
  }
  return [...poor].slice(0, 10);
}
