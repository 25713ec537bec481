/** Questions to whoever installs a machine at its terminal. */
import { InstallError, type InstallSettings } from "@rancheros/agent/install";

import { askTerminal } from "./ask-terminal.ts";
import type { InstallRun } from "./install-flags.ts";

/** @returns what was answered; nothing where nobody is to be asked. @throws InstallError INSTALL_INTERRUPTED, INSTALL_NOT_ASKED */
export async function askInstall(
  { automatic, registrationUrl, configUrls }: InstallSettings,
  { flags, surroundings: { signal }, remark }: InstallRun,
): Promise<Partial<Pick<InstallSettings, "registrationUrl" | "registrationCaSha256">>> {
  const isTold =
    automatic ||
    flags["dry-run"] ||
    registrationUrl !== undefined ||
    configUrls.length > 0 ||
    flags.config !== undefined;
  if (isTold || !process.stdin.isTTY) return {};
  remark("The registration URL is in the status of a MachineRegistration: kubectl get machineregistrations -A -o wide");
  const url = (await askTerminal("Registration URL (empty for a machine without an operator): ", signal)).trim();
  if (url === "") return {};
  if (!url.startsWith("https:")) return { registrationUrl: url };
  remark("The fingerprint of its CA is what `openssl x509 -in ca.pem -noout -fingerprint -sha256` prints");
  const pin = (await askTerminal("Fingerprint of the CA (empty for a public one): ", signal)).trim();
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

/** @throws InstallError INSTALL_NOT_ASKED without a terminal, INSTALL_INTERRUPTED */
export async function askYesNo(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) throw new InstallError("INSTALL_NOT_ASKED", "there is no terminal to ask on");
  return /^(y|yes)$/i.test((await askTerminal(`${question} [y/N] `, signal)).trim());
}
