/** The reference of the operator's executable, made of the tables that its --help is made of. */
import {
  OPERATOR_COMMANDS,
  OPERATOR_EXAMPLES,
  OPERATOR_EXIT_CODES,
  OPERATOR_SUMMARY,
} from "../../packages/operator/src/help.ts";
import { alignedTable, cell } from "./markdown-table.ts";

/** @param note  the line that says where the page comes from */
export function operatorPage(note: string): string {
  const usages = OPERATOR_COMMANDS.map(([usage, meaning]) => [`\`${usage}\``, cell(meaning)]);
  const exits = OPERATOR_EXIT_CODES.map(([code, meaning]) => [String(code), cell(meaning)]);
  const parts = [
    "# rancheros-operator",
    note,
    `The program in the cluster: ${OPERATOR_SUMMARY}. The [chart](../install-operator.md) runs it; by hand it is for development and for clusters without helm.`,
    alignedTable(["command", "what it does"], usages),
    `\`\`\`sh\n${OPERATOR_EXAMPLES.join("\n")}\n\`\`\``,
    "`run` takes its [settings](../settings.md#the-operator) as flags or from the environment.",
    "## Exit codes",
    alignedTable(["code", "meaning"], exits),
  ];
  return `${parts.join("\n\n")}\n`;
}
