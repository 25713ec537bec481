/** A program that is killed between its attestation and the answer: session and folder stay behind. */
import { openTpm } from "@rancheros/agent/tpm";

const [tcti = "", workFolder = ""] = process.argv.slice(2);
const tpm = await openTpm({
  tcti,
  signal: new AbortController().signal,
  timeoutMs: 30_000,
  workFolder,
  environment: process.env,
});
await tpm.createAttestationKey({ qualifyingData: new Uint8Array(0) });
process.kill(process.pid, "SIGKILL");
