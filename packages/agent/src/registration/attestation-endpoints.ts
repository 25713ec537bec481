/** Where the attestation protocol is spoken, derived from the registration URL that people copy. */
import { PROTOCOL_PATH } from "@rancheros/protocol/attestation";

import { RegistrationError } from "./errors.ts";

/** Those of an attestation. */
export interface AttestationEndpoints {
  readonly nonce: URL;
  readonly attest: URL;
  readonly answer: URL;
}

const LEGACY_PATH = "/v1-rancheros";
const REGISTRATION = /\/v1-rancheros\/registration\/([^/]+)\/?$/;

/**
 * @param url   a registration URL; without `/v1-rancheros` its whole path stands in front of ours
 * @param name  of the endpoint, as docs/protocol.md lists them
 */
export function protocolEndpoint(url: URL, name: string): URL {
  const end = url.pathname.indexOf(LEGACY_PATH);
  const prefix = end === -1 ? url.pathname.replace(/\/+$/, "") : url.pathname.slice(0, end);
  return new URL(`${prefix}${PROTOCOL_PATH}/${name}`, url.origin);
}

/** @param url  see protocolEndpoint */
export function attestationEndpoints(url: URL): AttestationEndpoints {
  const at = (name: string): URL => protocolEndpoint(url, name);
  return {
    nonce: at("nonce"),
    attest: at("attest"),
    answer: at("answer"),
  };
}

/** Whether the URL has a registration's token, and not only the server's address. */
export function isRegistrationPath(url: URL): boolean {
  return REGISTRATION.test(url.pathname);
}

/** @throws RegistrationError REGISTRATION_URL_INVALID where the URL has no token */
export function registrationToken(url: URL): string {
  const token = REGISTRATION.exec(url.pathname)?.[1];
  if (token !== undefined) return decodeURIComponent(token);
  throw new RegistrationError(
    "REGISTRATION_URL_INVALID",
    "the registration URL does not end in /v1-rancheros/registration/TOKEN",
  );
}
