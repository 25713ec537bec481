/** A drawing follows the reader's system by a media query; the site has a switch, so each becomes two files. */

const DARK = "@media (prefers-color-scheme: dark)";

/** Whether a drawing has its own colours for a dark page. */
export function hasDarkColours(svg: string): boolean {
  return svg.includes(DARK);
}

export function inTheme(svg: string, theme: "light" | "dark"): string {
  return svg.replaceAll(DARK, theme === "dark" ? "@media all" : "@media not all");
}

/** `overview.svg` as `overview.dark.svg`. */
export function themedName(name: string, theme: "light" | "dark"): string {
  return name.replace(/\.svg$/, `.${theme}.svg`);
}
