/** What `ros-agent run` does: it carries out plans, tells how far it is, reports the machine, and answers on its socket. */
import { openAgent, socketPath, type AgentOptions, type AgentSession } from "./agent-session.ts";
import { answerControl } from "./daemon-control.ts";
import { linkLoops, linkOutside, newLinkState, type DaemonOperator } from "./daemon-link.ts";
import { forgetStartsOn } from "./firmware/index.ts";
import { confirmSlot, tellStatus } from "./operator-link/index.ts";
import { notifier, notifyWay, serveControl, statusLine, watchdogIntervalMs } from "./service/index.ts";
import { statusOf, type Upgrades } from "./upgrade/index.ts";

export type { DaemonOperator } from "./daemon-link.ts";

export interface DaemonOptions extends AgentOptions {
  /** Undefined: nobody is asked for plans; the machine is upgraded by hand only. */
  readonly operator: DaemonOperator | undefined;
  readonly pid: number;
  /** SIGTERM: ends in the midst of whatever is done, and goes on at the next start. */
  readonly signal: AbortSignal;
  readonly onReady?: () => void;
}

/**
 * @returns with the signal
 * @throws UpgradeError UPGRADE_AGENT_RUNNING and what is wrong with the journal; what no trying again mends in the talk
 *         with the operator, which is what is wrong in its own options
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { environment, pid, operator } = options;
  const notify = notifier(notifyWay(environment, pid), environment);
  const own = new AbortController();
  const signal = AbortSignal.any([options.signal, own.signal]);
  const status = (upgrades: Upgrades, bootId: string) =>
    statusOf(upgrades.journal(), bootId, { brokenJournal: upgrades.brokenJournal });
  // Whatever is wrong with the agent further down: the firmware has started what it was told to.
  const forgotten = forgetStartsOn(options.hostRoot, options.log);
  let open: AgentSession | undefined;
  const session = await openAgent(options, (_order, stop) => {
    if (operator === undefined || open === undefined) return Promise.resolve("lost");
    const { upgrades, machine } = open;
    const tell = tellStatus.bind(undefined, operator.keeper);
    return confirmSlot(linkOutside(open), tell, () => status(upgrades, machine.host.now().bootId), stop);
  });
  open = session;
  const broken = session.upgrades.brokenJournal;
  if (broken !== undefined) options.log(`${broken.message} (${broken.code})`);
  const link = newLinkState(session, options.log);
  const server = await serveControl(socketPath(options.runFolder), (line) =>
    answerControl({ session, link, options }, line),
  );
  const watchdog = startWatchdog(watchdogIntervalMs(environment, pid), notify);
  const loops = [session.upgrades.work(signal), tellManager(session, notify, signal), forgotten];
  if (operator !== undefined) loops.push(...linkLoops(session, operator, link, options.log, signal));
  try {
    await notify("READY=1");
    options.onReady?.();
    await Promise.all(loops);
  } finally {
    own.abort();
    await notify("STOPPING=1");
    await Promise.allSettled(loops);
    clearInterval(watchdog);
    server.close();
    session.close();
  }
}

/** `systemctl status` shows the phase. */
async function tellManager(
  { upgrades }: AgentSession,
  notify: (message: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let told = "";
  while (!signal.aborted) {
    const { phase, message, reason } = statusOf(upgrades.journal(), "");
    const line = statusLine([phase, reason, message].filter((word) => word !== undefined).join(": "));
    if (line !== told) await notify(line);
    told = line;
    await upgrades.changed(signal);
  }
}

function startWatchdog(
  intervalMs: number | undefined,
  notify: (message: string) => Promise<void>,
): NodeJS.Timeout | undefined {
  return intervalMs === undefined ? undefined : setInterval(() => void notify("WATCHDOG=1"), intervalMs).unref();
}
