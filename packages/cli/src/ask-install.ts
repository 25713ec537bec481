/** Questions to whoever installs a machine at its terminal. */
import { createInterface } from "node:readline/promises";
import { InstallError, type InstallSettings } from "@rancheros/agent/install";

import type { InstallFlagValues } from "./install-flags.ts";

/** @returns what was answered; nothing where nobody is to be asked */
export async function askInstall(
  { automatic, registrationUrl, configUrls }: InstallSettings,
  flags: InstallFlagValues,
  remark: (text: string) => void,
): Promise<Partial<Pick<InstallSettings, "registrationUrl" | "registrationCaSha256">>> {
  const isTold =
    automatic ||
    flags["dry-run"] ||
    registrationUrl !== undefined ||
    configUrls.length > 0 ||
    flags.config !== undefined;
  if (isTold || !process.stdin.isTTY) return {};
  remark("The registration URL is in the status of a MachineRegistration: kubectl get machineregistrations -A -o wide");
  const url = (await ask("Registration URL (empty for a machine without an operator): ")).trim();
  if (url === "") return {};
  if (!url.startsWith("https:")) return { registrationUrl: url };
  remark("The fingerprint of its CA is what `openssl x509 -in ca.pem -noout -fingerprint -sha256` prints");
  const pin = (await ask("Fingerprint of the CA (empty for a public one): ")).trim();
  return { registrationUrl: url, ...(pin === "" ? {} : { registrationCaSha256: pin }) };
}

/**
 * Each operator answers that nobody is to be asked, for machines that stand alone: whoever sits at a terminal and has not said
 * so himself is asked all the same.
 * @param asks      whoever began it was promised a question
 * @param told      by medium, kernel, configUrl and flags
 * @param answered  with the operator's answer
 */
export function isErasedUnasked(
  told: Pick<InstallSettings, "automatic">,
  answered: Pick<InstallSettings, "automatic">,
  { hasTerminal, asks }: { readonly hasTerminal: boolean; readonly asks: boolean },
): boolean {
  if (asks) return false;
  return told.automatic || (answered.automatic && !hasTerminal);
}

/** @throws InstallError INSTALL_NOT_ASKED, INSTALL_DECLINED */
export async function confirmOrDecline(question: string): Promise<void> {
  if (!(await askYesNo(question))) throw new InstallError("INSTALL_DECLINED", "nothing was done");
}

/** @throws InstallError INSTALL_NOT_ASKED without a terminal */
export async function askYesNo(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new InstallError("INSTALL_NOT_ASKED", "there is no terminal to ask on whether the disk may be erased");
  return /^(y|yes)$/i.test((await ask(`${question} [y/N] `)).trim());
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}
