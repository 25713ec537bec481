/** A program as a user runs it: makes attestations until Ctrl-C, then cleans up and says how it ended. */

import { openTpm } from "@rancheros/agent/tpm";

const [tcti = "", workFolder = ""] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const controller = new AbortController();
process.on("SIGINT", () => controller.abort());

const tpm = await openTpm({
  tcti,
  signal: controller.signal,
  timeoutMs: 30_000,
  workFolder,
  environment: process.env,
  onEvent: (event) => {
    if (event.kind === "left-behind") say(`left-behind ${event.error.message}`);
    else if (event.kind !== "ecc-instead") say(`${event.kind} ${event.program}`);
  },
});
try {
  for (;;) await tpm.createAttestationKey({ qualifyingData: new Uint8Array(0) });
} catch (error) {
  say(`outcome ${error instanceof Error && "code" in error ? String(error.code) : String(error)}`);
} finally {
  await tpm.close();
}
