/** For people: what templates make of a machine. */
import type { DescribedText, Description } from "@rancheros/protocol/templates";

const KIND_WIDTH = 12;

export function formatDescription({ name, labels, annotations, hostname }: Description): string {
  const lines = [
    nameLine("name", name),
    ...(hostname === undefined ? [] : [nameLine("hostname", hostname)]),
    ...Object.entries(labels).map(([key, text]) => line("label", key, text)),
    ...Object.entries(annotations).map(([key, text]) => line("annotation", key, text)),
  ];
  return `${lines.join("\n")}\n`;
}

function nameLine(kind: string, { value, empty }: Description["name"]): string {
  const hint = empty.length === 0 ? "" : `   (${emptyOnes(empty)})`;
  return `${kind.padEnd(KIND_WIDTH)}${printable(value)}${hint}`;
}

function line(kind: string, key: string, { value, empty }: DescribedText): string {
  const told = value === undefined ? `left out: ${emptyOnes(empty)}` : JSON.stringify(printable(value));
  return `${kind.padEnd(KIND_WIDTH)}${printable(key)}: ${told}`;
}

function emptyOnes(empty: readonly string[]): string {
  const names = empty.map((one) => `\${${printable(one)}}`).join(", ");
  return `${names} ${empty.length === 1 ? "is" : "are"} empty`;
}

/** Firmware may hold anything, also what moves a terminal's cursor. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ".");
}
