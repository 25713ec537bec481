/** Says to the service manager that the agent is ready, alive, or about to end. */
import { write } from "node:fs";

import { startProgram } from "../../programs/index.ts";
import type { NotifyWay } from "../notify-way.ts";

const PROGRAM_TIMEOUT_MS = 5_000;

/** @returns says one thing, in order; what cannot be said is lost: the service manager looks at the process too */
export function notifier(
  way: NotifyWay,
  environment: Readonly<Record<string, string | undefined>>,
): (message: string) => Promise<void> {
  let queue: Promise<void> = Promise.resolve();
  const say = async (message: string): Promise<void> => {
    if (way.kind === "descriptor") return writeDatagram(way.descriptor, message);
    if (way.kind === "program") return runNotify(message, environment);
    return undefined;
  };
  return (message) => (queue = queue.then(() => say(message)).catch(() => undefined));
}

/** One write(2) on a connected datagram socket is one datagram. */
function writeDatagram(descriptor: number, message: string): Promise<void> {
  return new Promise((resolve) => write(descriptor, message, () => resolve()));
}

async function runNotify(message: string, environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  const call = { program: "systemd-notify", args: [message], environment, maxOutputBytes: 4096, ownGroup: false };
  const program = startProgram(call);
  const timer = setTimeout(() => program.kill("SIGKILL"), PROGRAM_TIMEOUT_MS);
  await program.ending;
  clearTimeout(timer);
}
