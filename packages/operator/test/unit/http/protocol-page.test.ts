/** docs/protocol.md says the numbers and statuses that the code has. */
import { readFileSync } from "node:fs";
import * as limits from "@rancheros/protocol/attestation";
import { HANDSHAKE_TIMEOUT_MS, HEADER_MAX_BYTES } from "@rancheros/protocol/messages";
import { describe, expect, it } from "vitest";
import { SESSION_ERRORS, SessionError, type SessionErrorCode } from "../../../src/http/errors.ts";
import { BODY_PARTS_MAX } from "../../../src/http/limits.ts";
import { protocolRefusal } from "../../../src/http/protocol-refusal.ts";
import { INVENTORY_ERRORS, InventoryError, type InventoryErrorCode } from "../../../src/inventory/errors.ts";
import { LAST_SEEN_INTERVAL_MS } from "../../../src/inventory/machine-status.ts";
import { CLOCK_SKEW_MS } from "../../../src/session/clock-skew.ts";
import { SEAL_ERRORS, SealError, type SealErrorCode } from "../../../src/session/errors.ts";
import { KEY_LIFETIME_MS, KEY_OVERLAP_MS } from "../../../src/session/session-keys.ts";

const page = readFileSync(new URL("../../../../../docs/protocol.md", import.meta.url), "utf8");
const NUMBERS: Readonly<Record<string, unknown>> = {
  ...limits,
  HANDSHAKE_TIMEOUT_MS,
  HEADER_MAX_BYTES,
  BODY_PARTS_MAX,
  LAST_SEEN_INTERVAL_MS,
  CLOCK_SKEW_MS,
  KEY_LIFETIME_MS,
  KEY_OVERLAP_MS,
};

function isSessionCode(code: string): code is SessionErrorCode {
  return Object.hasOwn(SESSION_ERRORS, code);
}
function isSealCode(code: string): code is SealErrorCode {
  return Object.hasOwn(SEAL_ERRORS, code);
}
function isInventoryCode(code: string): code is InventoryErrorCode {
  return Object.hasOwn(INVENTORY_ERRORS, code);
}
function errorOf(code: string): Error | undefined {
  if (isSessionCode(code)) return new SessionError(code, "said");
  if (isSealCode(code)) return new SealError(code, "said");
  return isInventoryCode(code) ? new InventoryError(code, "said") : undefined;
}

describe("docs/protocol.md", () => {
  it("has the limits of the code", () => {
    const rows = [...page.matchAll(/^\|[^|]+\| (\d+) (?:bytes|ms|pieces) *\| `([A-Z_]+)`/gm)];
    expect(rows.length).toBe(17);
    for (const [, number, name = ""] of rows) expect([name, NUMBERS[name]]).toEqual([name, Number(number)]);
  });

  it("has the status of each refusal", () => {
    const table = page.slice(page.indexOf("## Refusals"));
    const rows = [...table.matchAll(/^\| (\d{3}) +\| (.+) \|$/gm)];
    let tried = 0;
    for (const [, status, cell = ""] of rows) {
      for (const [, code = ""] of cell.matchAll(/`([A-Z_]+)`/g)) {
        const error = errorOf(code);
        if (error === undefined) continue;
        tried += 1;
        const answer = protocolRefusal(error);
        expect([code, answer.status]).toEqual([code, Number(status)]);
        expect(limits.readProtocolRefusal(Buffer.from(answer.body)).code).toBe(code);
      }
    }
    expect(tried).toBeGreaterThan(20);
  });
});
