/** The legacy protocol from the TPM's side; what goes over the wire is tested with real programs. */
import { createServer } from "node:net";
import { once } from "node:events";

import { register } from "@rancheros/agent/registration";
import { expect, it } from "vitest";

import { createAuthority } from "../../../../../test/registration/authority.ts";
import { createSoftwareMachine } from "./software-machine.ts";

it("holds nothing in the TPM after each attempt that failed, while it waits for the next", async () => {
  const hangingUp = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(hangingUp, "listening");
  const address = hangingUp.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const { tpm, calls } = createSoftwareMachine();
  let retries = 0;
  const ended = new AbortController();
  const attempts = register({
    url: `https://127.0.0.1:${address.port}/v1-rancheros/registration/token`,
    allowHttp: false,
    trust: { kind: "ca", pem: createAuthority("legacy test").certificatePem },
    environment: {},
    timeoutMs: 10_000,
    signal: ended.signal,
    tpm,
    withoutEkCertificate: false,
    smbios: undefined,
    waitMs: 60_000,
    onEvent: ({ kind }) => {
      if (kind !== "retry") return;
      expect(calls.at(-1)).toBe("endAttestation");
      if (++retries === 2) ended.abort();
    },
  });
  await expect(attempts).rejects.toMatchObject({ code: "REGISTRATION_INTERRUPTED" });
  expect(retries).toBe(2);
  hangingUp.close();
});
