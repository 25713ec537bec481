/** Asks the server for what rancherd would ask it: the rest of its configuration, from the machine's inventory. */
import { textAt, type OriginMap } from "@rancheros/agent/rancherd";

import { CliError } from "./errors.ts";
import { registerMachine } from "./registration-run.ts";
import { registrationTarget } from "./registration-target.ts";
import type { Surroundings } from "./surroundings.ts";

/** Source: rancherd pkg/config/remote.go */
const INVENTORY_PATH = "/v1-rancheros/inventory";
const TPM_TOKEN = /^tpm:\/\//;

export interface InventoryQuestion {
  readonly caCert: string | undefined;
  readonly caSha256: string | undefined;
  readonly allowHttp: boolean;
  readonly timeoutMs: number;
  readonly tcti: string | undefined;
  readonly surroundings: Surroundings;
  readonly remark: (text: string) => void;
}

/** @throws CliError CLI_USAGE for a token that is none of a TPM; RegistrationError, TpmError */
export async function askInventory(
  config: OriginMap,
  question: InventoryQuestion,
): Promise<{ readonly origin: string; readonly answer: unknown }> {
  if (!TPM_TOKEN.test(textAt(config, "token"))) {
    throw new CliError("CLI_USAGE", "the token is not tpm://, and other tokens are asked with by rancherd alone", {
      mend: "Leave out --remote.",
    });
  }
  const server = URL.parse(textAt(config, "server"));
  if (server === null) throw new CliError("CLI_USAGE", "server is no address");
  // As rancherd has it, whatever path the address has is dropped.
  const url = new URL(INVENTORY_PATH, server.origin).href;
  const { caCert, caSha256, allowHttp, timeoutMs, tcti, surroundings, remark } = question;
  const target = await registrationTarget({
    url,
    config: undefined,
    caCert,
    caSha256,
    allowHttp,
    signal: surroundings.signal,
  });
  const { config: answer } = await registerMachine({
    protocol: "legacy",
    waitMs: 0,
    labels: {},
    annotations: {},
    endorsementKey: "rsa2048",
    server: { ...target, environment: surroundings.environment, signal: surroundings.signal, timeoutMs },
    withoutEkCertificate: false,
    tcti,
    smbios: "none",
    surroundings,
    remark,
  });
  return { origin: url, answer };
}
