/** What a server of the attestation protocol can do wrong, one thing at a time, and what the machine says to that. */
import { writeNonceAnswer } from "@rancheros/protocol/attestation";
import { isJsonObject } from "@rancheros/protocol/messages";

import {
  MACHINE,
  refusal,
  type Reply,
  type Script,
  type Step,
} from "../../../../../test/registration/attestation-server.ts";

export const APPROVE = `kubectl -n fleet patch machineinventory m-one-ab12c --type merge -p '{"spec":{"approval":"Approved"}}'`;

/** One step's reply changed, once or always. */
export function at(wanted: Step, change: (honest: Reply) => Reply | Promise<Reply>): Script {
  return { alter: (step, honest) => (step === wanted ? change(honest) : honest) };
}

function json(value: unknown, status = 200): Reply {
  return { status, body: Buffer.from(JSON.stringify(value)) };
}

function messageOf(body: Buffer): Readonly<Record<string, unknown>> {
  const message: unknown = JSON.parse(body.toString());
  if (!isJsonObject(message)) throw new TypeError("an honest reply is an object");
  return message;
}

/** A field of an honest reply replaced. */
function field(wanted: Step, name: string, value: unknown): Script {
  return at(wanted, ({ body }) => {
    const message = messageOf(body);
    return json({ ...message, [name]: value });
  });
}

export interface Wrong {
  readonly what: string;
  readonly script: Script;
  readonly code: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retry?: unknown;
  /** The last step that the machine took. */
  readonly last: Step;
}

export const WRONG: readonly Wrong[] = [
  ...[404, 405, 426].map((status): Wrong => ({
    what: `a server that answers ${status}`,
    script: at("nonce", () => ({ status, body: Buffer.from("404 page not found\n") })),
    code: "REGISTRATION_PROTOCOL_UNKNOWN",
    details: { status },
    retry: "never",
    last: "nonce",
  })),
  {
    what: "a server that shows a page",
    script: at("nonce", () => ({ status: 200, body: Buffer.from("<html>hello</html>") })),
    code: "REGISTRATION_PROTOCOL_UNKNOWN",
    last: "nonce",
  },
  {
    what: "a nonce that is too long",
    script: field("nonce", "nonce", Buffer.alloc(65).toString("base64")),
    code: "REGISTRATION_NONSENSE",
    details: { step: "connect" },
    last: "nonce",
  },
  { what: "a nonce that is none", script: field("nonce", "nonce", 7), code: "REGISTRATION_NONSENSE", last: "nonce" },
  {
    what: "a version that is not ours",
    script: at("nonce", () => ({
      status: 200,
      body: writeNonceAnswer({ protocol: 3, nonce: Buffer.alloc(60), expiresInSeconds: 60 }),
    })),
    code: "PROTOCOL_VERSION",
    last: "nonce",
  },
  {
    what: "another nonce than the server has given",
    script: field("nonce", "nonce", Buffer.alloc(60, 7).toString("base64")),
    code: "REGISTRATION_REFUSED",
    details: { status: 403, serverCode: "CHANNEL_MISMATCH", step: "challenge" },
    retry: "never",
    last: "attest",
  },
  {
    what: "a server that is busy",
    script: at("attest", () => refusal(503, "SERVER_BUSY", "too many visits", 7)),
    code: "REGISTRATION_TRY_LATER",
    details: { status: 503, serverCode: "SERVER_BUSY" },
    retry: { afterMs: 7_000 },
    last: "attest",
  },
  {
    what: "a proxy that has no server behind it",
    script: at("nonce", () => ({ status: 502, body: Buffer.from("<html>bad gateway</html>") })),
    code: "REGISTRATION_TRY_LATER",
    retry: "backoff",
    last: "nonce",
  },
  {
    what: "a redirect",
    script: at("nonce", () => ({ status: 307, body: Buffer.alloc(0), headers: { location: "https://other.test/" } })),
    code: "REGISTRATION_REDIRECTED",
    last: "nonce",
  },
  {
    what: "a challenge with a byte changed",
    script: at("attest", ({ body }) => {
      const message = messageOf(body);
      const blob = Buffer.from(String(message["credentialBlob"]), "base64");
      blob.writeUInt8((blob.at(-1) ?? 0) ^ 1, blob.length - 1);
      return json({ ...message, credentialBlob: blob.toString("base64") });
    }),
    code: "REGISTRATION_CHALLENGE_NOT_OURS",
    last: "attest",
  },
  {
    what: "a challenge in garbage",
    script: at("attest", () => ({ status: 200, body: Buffer.from("\0\x01\x02") })),
    code: "REGISTRATION_NONSENSE",
    last: "attest",
  },
  {
    what: "an answer that is cut off",
    script: at("answer", (honest) => ({ ...honest, cutAfterBytes: 40 })),
    code: "REGISTRATION_UNREACHABLE",
    last: "answer",
  },
  {
    what: "an answer without end",
    script: at("answer", () => ({ status: 200, body: Buffer.alloc(1024 * 1024, 0x20) })),
    code: "REGISTRATION_NONSENSE",
    last: "answer",
  },
  {
    what: "an answer that was sealed for another machine",
    script: at("answer", ({ body }) => {
      const bytes = Buffer.from(String(messageOf(body)["sealed"]), "base64");
      return json({ protocol: 2, sealed: Buffer.concat([bytes.subarray(0, -1), Buffer.from([1])]).toString("base64") });
    }),
    code: "SEAL_BROKEN",
    last: "answer",
  },
  {
    what: "a machine that is denied",
    script: { admission: () => ({ approval: "Denied" }) },
    code: "REGISTRATION_DENIED",
    details: { machine: "fleet/m-one-ab12c" },
    retry: "never",
    last: "answer",
  },
  {
    what: "a server that says so by a refusal",
    script: at("answer", () => refusal(403, "MACHINE_DENIED", "this machine was denied")),
    code: "REGISTRATION_DENIED",
    details: { status: 403, serverCode: "MACHINE_DENIED" },
    last: "answer",
  },
  {
    what: "a machine that waits for approval, without --wait",
    script: { admission: () => ({ approval: "Pending" }) },
    code: "REGISTRATION_PENDING",
    details: { approve: APPROVE },
    retry: "backoff",
    last: "answer",
  },
  {
    what: "a name that would do harm in a command line",
    script: { admission: () => ({ approval: "Pending", machine: { ...MACHINE, name: "a; rm -rf /" } }) },
    code: "REGISTRATION_NONSENSE",
    last: "answer",
  },
];
