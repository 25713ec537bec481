/** The hostile client as a program: `node test/hostile/main.ts REGISTRATION-URL [WORD]` tries all, or what has the word. */
import { generateAttestationKey } from "../software-tpm/index.ts";
import { LEGACY_ATTACKS } from "./attacks.ts";

const [url, word = ""] = process.argv.slice(2);
if (url === undefined || !URL.canParse(url)) {
  process.stderr.write("usage: node test/hostile/main.ts REGISTRATION-URL [WORD]\n");
  process.exit(2);
}
const scene = { url, origin: new URL(url).origin, ak: generateAttestationKey("rsa") };
let letIn = 0;
for (const attack of LEGACY_ATTACKS.filter(({ what, reason }) => what.includes(word) || reason.includes(word))) {
  try {
    const { via, code, text } = await attack.run(scene);
    console.log(`${attack.reason.padEnd(34)} ${via} ${code} ${text}  <- ${attack.what}`);
  } catch (error) {
    letIn += 1;
    console.log(`NOT REFUSED ${attack.what}: ${String(error)}`);
  }
}
process.exitCode = letIn === 0 ? 0 : 1;
