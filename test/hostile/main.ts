/** The hostile client as a program; `--help` tells what it tries. */
import { parseArgs } from "node:util";
import { findControlPlaneBinaries } from "../control-plane/binaries.ts";
import { channelAt } from "../machine/attested-visit.ts";
import { attacksOf, clearDoors, GROUPS, kubectlAt, type Ground, type Group, type ReadyAttack } from "./groups.ts";

const USAGE = `usage: node test/hostile/main.ts [OPTIONS] REGISTRATION-URL [WORD]

Tries what an operator must refuse, and prints how it was refused. REGISTRATION-URL is of an open door of any class.
With WORD only attacks are tried that have it in their name or their code.

  --only GROUP[,GROUP...]   legacy    rancherd's protocol, one field wrong at a time
                            attested  the same in the attestation protocol
                            doors     doors that are closed, full, demanding, slow, or close meanwhile; needs --namespace
                            late      answers that come too late: takes a minute
                            later     sessions that have ended: takes a quarter of an hour
                            default: all but later
  --tls URL                 where TLS ends in front of the operator; default REGISTRATION-URL's address
  --namespace NAME          a namespace that the operator serves and that is empty: doors are made there by kubectl, with
                            KUBECONFIG, and all registrations, machines and ConfigMaps in it are removed at the end

Exit status 0 when all was refused as it should be, 1 when something was not, 2 for a wrong command line.
`;

function fail(text: string): never {
  process.stderr.write(`hostile: ${text}\n\n${USAGE}`);
  process.exit(2);
}

function isGroup(text: string): text is Group {
  return GROUPS.some((one) => one === text);
}

function commandLine() {
  try {
    return parseArgs({
      options: {
        help: { type: "boolean", short: "h", default: false },
        only: { type: "string" },
        tls: { type: "string" },
        namespace: { type: "string" },
      },
      allowPositionals: true,
    });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/** @returns whether it was refused as it should be */
async function tried({ what, reason, told, run }: ReadyAttack): Promise<boolean> {
  try {
    const { via, code, text } = await run();
    const isExpected = via === told.via && code === told.code && told.text.test(text);
    console.log(`${isExpected ? reason.padEnd(34) : "OTHERWISE "} ${via} ${code} ${text}  <- ${what}`);
    return isExpected;
  } catch (error) {
    console.log(`NOT REFUSED ${what}: ${String(error)}`);
    return false;
  }
}

const { values, positionals } = commandLine();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const [url, word = ""] = positionals;
if (url === undefined || !URL.canParse(url)) fail("an URL is missing");
const groups: readonly string[] = values.only?.split(",") ?? GROUPS.filter((group) => group !== "later");
const [unknown] = groups.filter((group) => !isGroup(group));
if (unknown !== undefined) fail(`there is no group ${unknown}`);
const tls = values.tls ?? url;
if (!tls.startsWith("https:")) fail("--tls is needed where REGISTRATION-URL is no https address");
const kubeconfig = process.env["KUBECONFIG"];
const { namespace } = values;
if (namespace !== undefined && kubeconfig === undefined) fail("--namespace needs KUBECONFIG");
// Who means harm asks for nobody's certificate.
process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
process.removeAllListeners("warning");

const doors =
  namespace === undefined || kubeconfig === undefined
    ? undefined
    : { namespace, target: kubectlAt(`${await findControlPlaneBinaries(["kubectl"])}/kubectl`, kubeconfig) };
const ground: Ground = { url, channel: await channelAt(tls), doors };
let refused = 0;
let others = 0;
/** What waits begins at once, and is told of at the end. */
const waiting: Promise<boolean>[] = [];
try {
  for (const group of GROUPS.filter((one) => groups.includes(one))) {
    if (group === "doors" && doors === undefined) console.log("doors are left out: they need --namespace");
    const all = await attacksOf(group, ground);
    for (const attack of all.filter(({ what, reason }) => what.includes(word) || reason.includes(word))) {
      if (group === "late" || group === "later") waiting.push(tried(attack));
      else if (await tried(attack)) refused += 1;
      else others += 1;
    }
  }
  for (const isRefused of await Promise.all(waiting)) {
    if (isRefused) refused += 1;
    else others += 1;
  }
} finally {
  if (doors !== undefined) await clearDoors(doors);
}
console.log(`${refused} refused as they should be, ${others} not`);
process.exitCode = others === 0 && refused > 0 ? 0 : 1;
