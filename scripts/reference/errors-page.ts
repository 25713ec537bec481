/** All error codes, one heading each, so that a code leads to its paragraph: by a link, by the search, on a telephone. */
import { EXIT_CODES } from "../../packages/cli/src/exit-codes.ts";
import type { ErrorKind } from "@rancheros/protocol/errors";
import { alignedTable, cell } from "./markdown-table.ts";

type ErrorTable = readonly [title: string, table: Readonly<Record<string, ErrorKind>>];

/**
 * @param reasons  reasons that are no errors, and what they mean
 * @param note     the line that says where the page comes from
 */
export function errorsPage(tables: readonly ErrorTable[], reasons: Readonly<Record<string, string>>, note: string) {
  const kinds = Object.entries(EXIT_CODES).map(([kind, { code, meaning }]) => [kind, cell(meaning), String(code)]);
  const sections = tables.map(([title, table]) => {
    const codes = Object.entries(table).map(([code, kind]) => codeText(code, kind));
    return `## ${title}\n\n${codes.join("\n\n")}`;
  });
  const decisions = Object.entries(reasons).map(([reason, meaning]) => `### ${reason}\n\n${text(meaning)}`);
  const parts = [
    "# Errors",
    note,
    "A failure has a code: behind the error that a command prints, in the log, in conditions and Events. Search for it, or begin with [what you see](troubleshooting.md). The kind tells who failed: *unreachable*, *refused*, *nonsense* and *timeout* are the other side's, and never mixed.",
    alignedTable(["kind", "meaning", "exit code of ros-agent"], kinds),
    ...sections,
    "## Operator: decisions that are no errors",
    "Reasons in the audit log, in Events and in metrics, beside the codes above.",
    ...decisions,
  ];
  return `${parts.join("\n\n")}\n`;
}

function codeText(code: string, kind: ErrorKind): string {
  return `### ${code}\n\n${text(kind.meaning)}\n\n**What to do:** ${text(kind.mend)}\n\n*${kind.failure}; ${retryText(kind)}*`;
}

function retryText({ retry }: ErrorKind): string {
  if (retry === "never") return "trying again does not help";
  return typeof retry === "string" ? "it is tried again" : `it is tried again after ${retry.afterMs} ms`;
}

/** Where it is not code, what looks like HTML is none. */
function text(sentence: string): string {
  return sentence.replaceAll(
    /(`[^`]*`)|</g,
    (found, code: string | undefined) => code ?? (found === "<" ? "&lt;" : found),
  );
}
