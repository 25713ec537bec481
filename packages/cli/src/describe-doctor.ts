/** The report of `doctor` for people: a line for each check, and below it what to do. */
import { CHECKS, type Finding, type Outcome } from "@rancheros/agent/doctor";

import { hideTokens } from "./hide-tokens.ts";

const MARKS: Readonly<Record<Outcome, string>> = { ok: "ok", warn: "warn", fail: "FAIL", skipped: "skipped" };
const TITLE_WIDTH = 20;
const MARK_WIDTH = 9;

export function describeDoctor(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ check, outcome, sentence, code, mend }) => {
    const left = `${CHECKS[check].title.padEnd(TITLE_WIDTH)}${MARKS[outcome].padEnd(MARK_WIDTH)}`;
    const line = `${left}${plain(sentence)}${code === undefined ? "" : ` (${code})`}`;
    return mend === undefined ? [line] : [line, `${" ".repeat(TITLE_WIDTH + MARK_WIDTH)}${mend}`];
  });
  return hideTokens(`${[...lines, summary(findings)].join("\n")}\n`);
}

/** Containers and servers print what they like, and a terminal believes it. */
function plain(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " | ").replaceAll(/[\p{Cc}\p{Cf}]/gu, ".");
}

function summary(findings: readonly Finding[]): string {
  const count = (outcome: Outcome): number => findings.filter((one) => one.outcome === outcome).length;
  const failed = count("fail");
  const warnings = count("warn");
  const ok = count("ok");
  const left = count("skipped");
  const skipped = left > 0 ? `, ${left} skipped` : "";
  if (failed > 0) return `${failed} failed, ${warnings} to look at, ${ok} ok${skipped}.`;
  if (warnings > 0) return `Nothing failed; ${warnings} to look at${skipped}.`;
  // What was not looked at is not well.
  if (ok === 0) return `Nothing was looked at${skipped}.`;
  return left > 0 ? `Nothing failed; ${ok} ok${skipped}.` : "All is well.";
}
