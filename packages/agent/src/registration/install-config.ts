/** The last message of a registration: what the machine shall become. Looked at no further here, but bounded. */
import { MESSAGE_MAX_BYTES } from "@rancheros/protocol/messages";

import { RegistrationError } from "./errors.ts";

/** A cloud-config as JSON: `rancherd`, `rancheros.install`, and whatever else the registration holds. */
export type InstallConfig = Readonly<Record<string, unknown>>;

/** @throws RegistrationError REGISTRATION_NONSENSE, without any of the message's content: it may hold secrets */
export function parseInstallConfig(message: Uint8Array): InstallConfig {
  if (message.byteLength > MESSAGE_MAX_BYTES) throw nonsense(`has more than ${MESSAGE_MAX_BYTES} bytes`);
  const value = parseJson(message);
  if (!isMap(value)) throw nonsense("is not a JSON object");
  return value;
}

function parseJson(message: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(message));
  } catch {
    // The cause is left out: V8 quotes the input in it.
    throw nonsense("is not JSON");
  }
}

function isMap(value: unknown): value is InstallConfig {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nonsense(what: string): RegistrationError {
  return new RegistrationError("REGISTRATION_NONSENSE", `the configuration that the server sent ${what}`, {
    details: { step: "config" },
  });
}
