/** The report of `register --check` for people. */
import type { CheckOutcome, CheckReport, CheckStep } from "@rancheros/agent/registration";

const MARKS: Readonly<Record<CheckOutcome, string>> = {
  ok: "ok",
  warning: "warning",
  failed: "FAILED",
  "not-tried": "not tried",
};

const TITLES: Readonly<Record<CheckStep["step"], string>> = {
  smbios: "SMBIOS",
  tpm: "TPM",
  "endorsement-key": "endorsement key",
  "ek-certificate": "EK certificate",
  "attestation-key": "attestation key",
  url: "registration URL",
  trust: "server's identity",
  page: "registration page",
  protocol: "protocol",
  challenge: "challenge",
  activation: "answer",
};

const TITLE_WIDTH = 18;
const MARK_WIDTH = 10;

export function describeCheck(report: CheckReport): string {
  const lines = report.steps.flatMap(({ step, outcome, sentence, mend }) => {
    const left = `${TITLES[step].padEnd(TITLE_WIDTH)}${MARKS[outcome].padEnd(MARK_WIDTH)}`;
    const line = outcome === "not-tried" ? left.trimEnd() : `${left}${sentence}`;
    return mend === undefined ? [line] : [line, `${" ".repeat(TITLE_WIDTH + MARK_WIDTH)}${mend}`];
  });
  const last = report.ok ? "This machine can register; nothing was created." : "This machine cannot register yet.";
  return `${[...lines, last].join("\n")}\n`;
}
