/** One machine's registration: the whole process on a real software TPM, and the conversation alone. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createFleet } from "../../test/software-tpm/index.ts";
import { writeSystemTables } from "../../test/smbios/system-tables.ts";
import { startSwtpm, type Swtpm } from "../../test/swtpm/index.ts";
import { Machines } from "../machines.ts";
import { measureCommand, type CommandFigures } from "../measure-command.ts";
import type { SmbiosSize } from "../sample-smbios.ts";
import type { Stage } from "../stage.ts";
import { spreadOf, type Spread } from "../statistics.ts";
import { builtAgent, inTurns, originalClient, ROS_AGENT, type Contestants } from "../contestants.ts";

export interface OneMachinePlan {
  /** Whole processes; each time the machine is a new one for the operator. */
  readonly runs: number;
  /** Machines for the conversation alone, one after the other. */
  readonly conversations: number;
  readonly smbios: SmbiosSize;
}

/** `register` over TLS on a TPM with EK certificate, until the process has ended. */
export interface OneMachineReport extends Contestants {
  /** Dial to config with a key in memory, in milliseconds. */
  readonly conversation: { readonly http: Spread; readonly https: Spread };
}

const MACHINE = { manufacturer: "Example Systems", productName: "ES-2024R", serialNumber: "7X9KQ13" };

export async function measureOneMachine(
  stage: Stage,
  plan: OneMachinePlan,
  say: (line: string) => void,
): Promise<OneMachineReport> {
  const original = await originalClient(say);
  const operator = await stage.startOperator();
  await operator.waitReady();
  const fleet = createFleet(plan.conversations).toJson();
  const machines = await Machines.meet(stage, operator, fleet, plan.smbios);
  const tpm = await startSwtpm({ stateFolder: path.join(stage.folder, "tpm"), withEkCertificate: true });
  try {
    say("the conversation alone");
    const conversation = {
      http: await converse(machines, "http", plan),
      https: await converse(machines, "https", plan),
    };
    say("whole processes");
    const { url } = await stage.register();
    const commands = prepareCommands(
      stage,
      tpm,
      url,
      await (await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`)).text(),
    );
    const built = builtAgent();
    const whole = await inTurns(plan.runs, async (figuresOf) => {
      await figuresOf("rosAgent", registerOnce(machines, ROS_AGENT, commands.ours));
      if (built !== undefined) await figuresOf("executable", registerOnce(machines, built, commands.ours));
      if (original !== undefined) await figuresOf("original", registerOnce(machines, original, commands.original));
    });
    return { ...whole, conversation };
  } finally {
    await machines.leave();
    await tpm.stop();
    await operator.stop();
  }
}

async function converse(machines: Machines, listener: "http" | "https", plan: OneMachinePlan): Promise<Spread> {
  const count = plan.conversations;
  // The first time is for the compiler.
  for (let turn = 0; ; turn += 1) {
    const { latenciesMs } = await (await machines.prepareVisits(listener, { first: 0, count, inFlight: 1 })).go();
    await machines.clear(count);
    if (turn === 1) return spreadOf(latenciesMs);
  }
}

async function registerOnce(machines: Machines, command: string, args: readonly string[]): Promise<CommandFigures> {
  const figures = await measureCommand(command, args);
  await machines.clear(1);
  return figures;
}

interface Commands {
  readonly ours: readonly string[];
  readonly original: readonly string[];
}

/** Both tell the operator the same about the machine and trust the same CA. */
function prepareCommands(stage: Stage, tpm: Swtpm, url: string, caPem: string): Commands {
  const folder = path.join(stage.folder, "machine");
  mkdirSync(folder);
  const caFile = path.join(folder, "ca.pem");
  writeFileSync(caFile, caPem);
  const dmi = path.join(folder, "dmi");
  writeSystemTables(dmi, { ...MACHINE, uuidHex: "4c4c4544005810398039b7c04f513133" });
  const smbiosFile = path.join(folder, "smbios.json");
  const { manufacturer, productName, serialNumber } = MACHINE;
  const system = { Manufacturer: manufacturer, "Product Name": productName, "Serial Number": serialNumber };
  writeFileSync(smbiosFile, JSON.stringify({ "System Information": system }));
  return {
    ours: ["register", url, "--protocol", "legacy", "--ca-cert", caFile, "--smbios-dump", dmi, "--tcti", tpm.tcti],
    original: ["register", url, "--ca", caFile, "--smbios", smbiosFile, "--tpm", `127.0.0.1:${tpm.port}`],
  };
}
