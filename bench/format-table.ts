/** Tables for people: aligned with blanks, and valid Markdown at the same time. */

export type Cell = string | number;

/** @param rows  as many cells as the heading; numbers stand to the right */
export function formatTable(heading: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const widths = heading.map((title, column) =>
    Math.max(title.length, 3, ...rows.map((row) => String(row[column] ?? "").length)),
  );
  const isNumeric = heading.map((_, column) => rows.every((row) => /^[\d<–-]/u.test(String(row[column] ?? ""))));
  const line = (cells: readonly Cell[]): string =>
    `| ${widths
      .map((width, column) => {
        const text = String(cells[column] ?? "");
        return isNumeric[column] === true ? text.padStart(width) : text.padEnd(width);
      })
      .join(" | ")} |`;
  const rule = widths.map((width, column) =>
    isNumeric[column] === true ? `${"-".repeat(width - 1)}:` : "-".repeat(width),
  );
  return [line(heading), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

/** With so many decimals that about three digits are shown: 0.123, 1.23, 12.3, 123. */
export function short(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0);
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
