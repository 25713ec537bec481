/** What a TPM says of itself and of its state: who made it, whether it is locked, which of its hierarchies can be used. */
import { TpmError } from "./errors.ts";
import { requireDevice, type OpenTpmOptions, type TpmOutside } from "./open-tpm.ts";
import { parseTcti } from "./tcti.ts";
import { createTpm2 } from "./tpm2.ts";

/** Source: TPM 2.0 Library part 2: TPM_PT, TPMA_PERMANENT, TPMA_STARTUP_CLEAR */
export interface TpmState {
  /** As `IBM SW`; empty where it does not tell. */
  readonly maker: string;
  /** In dictionary attack lockout. */
  readonly isLockedOut: boolean;
  /** Wrong passwords that it remembers, and how many bring the lockout. */
  readonly failedLogins: number;
  readonly maxFailedLogins: number;
  /** After which one wrong password is forgotten; 0 for never. */
  readonly lockoutIntervalSeconds: number;
  readonly isEndorsementEnabled: boolean;
  readonly hasEndorsementPassword: boolean;
  readonly hasOwnerPassword: boolean;
}

/**
 * Asks the TPM; makes nothing in it and needs no password.
 * @throws TpmError
 */
export async function readTpmStateThrough(
  outside: Pick<TpmOutside, "runTool" | "inspectDeviceNode">,
  options: OpenTpmOptions,
): Promise<TpmState> {
  const tcti = parseTcti(options.tcti);
  if (tcti.devicePath !== undefined) requireDevice(tcti, await outside.inspectDeviceNode(tcti.devicePath));
  const { environment, timeoutMs, signal, onEvent } = options;
  const tpm2 = createTpm2(outside.runTool, { tcti, environment, timeoutMs, signal, onEvent });
  const ask = async (what: string): Promise<string> => Buffer.from(await tpm2.run("getcap", what)).toString("utf8");
  const variable = await ask("properties-variable");
  return parseTpmState(await ask("properties-fixed"), variable);
}

/**
 * @param fixed     what `tpm2_getcap properties-fixed` prints
 * @param variable  what `tpm2_getcap properties-variable` prints
 * @throws TpmError TPM_NONSENSE
 */
export function parseTpmState(fixed: string, variable: string): TpmState {
  return {
    maker: makerOf(fixed),
    isLockedOut: flag(variable, "inLockout"),
    failedLogins: property(variable, "LOCKOUT_COUNTER"),
    maxFailedLogins: property(variable, "MAX_AUTH_FAIL"),
    lockoutIntervalSeconds: property(variable, "LOCKOUT_INTERVAL"),
    isEndorsementEnabled: flag(variable, "ehEnable"),
    hasEndorsementPassword: flag(variable, "endorsementAuthSet"),
    hasOwnerPassword: flag(variable, "ownerAuthSet"),
  };
}

function flag(text: string, name: string): boolean {
  const value = new RegExp(`^\\s+${name}:\\s*([01])\\s*$`, "m").exec(text)?.[1];
  if (value === undefined) throw nonsense(name);
  return value === "1";
}

/** Older tools write TPM_PT_, newer TPM2_PT_. */
function property(text: string, name: string): number {
  const value = new RegExp(`^TPM2?_PT_${name}:\\s*(0x[0-9A-Fa-f]{1,8}|\\d{1,10})\\s*$`, "m").exec(text)?.[1];
  if (value === undefined) throw nonsense(name);
  return Number(value);
}

/** Text that a chip made: shown to people. */
function makerOf(fixed: string): string {
  const texts = [
    ...fixed.matchAll(/^TPM2?_PT_(?:MANUFACTURER|VENDOR_STRING_[1-4]):\n(?:\s+raw:.*\n)?\s+value:\s*"(.*)"/gm),
  ];
  const words = texts.map(([, text = ""]) => text.replaceAll(/[^\x20-\x7e]/g, "").trim());
  return words
    .filter((word) => word !== "")
    .join(" ")
    .slice(0, 80);
}

function nonsense(name: string): TpmError {
  return new TpmError("TPM_NONSENSE", `tpm2_getcap says nothing of ${name}`);
}
