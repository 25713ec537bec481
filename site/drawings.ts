/** A drawing follows the reader's system by a media query; the site has a switch, so each becomes two files. */

const DARK = "@media (prefers-color-scheme: dark)";

export function inTheme(svg: string, theme: "light" | "dark"): string {
  return svg.replaceAll(DARK, theme === "dark" ? "@media all" : "@media not all");
}

/** `overview.svg` as `overview.dark.svg`. */
export function themedName(name: string, theme: "light" | "dark"): string {
  return name.replace(/\.svg$/, `.${theme}.svg`);
}
