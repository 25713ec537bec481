/** `ros-agent status` for people. */
import type { AgentState } from "@rancheros/agent/upgrade";

const LABEL_WIDTH = 11;
const SHOWN_ENDINGS = 5;
const DIGEST_CHARACTERS = 19;

/** @param nowMs  for how long ago things were */
export function describeState(state: AgentState, nowMs: number): string {
  const { phase, since, message, reason, endsAs, upgrade, operator, history, agentPid } = state;
  const lines = [
    line("Phase", phase, since === undefined ? undefined : `for ${ago(since, nowMs)}`, endsAs && `ends as ${endsAs}`),
    ...(message === undefined ? [] : [line(state.isUnderWay ? "Waits for" : "Result", plain(message))]),
    ...(reason === undefined ? [] : [line("Problem", `${plain(reason.message)} (${reason.code})`)]),
    ...(upgrade === undefined ? [] : [line("Image", ...subject(upgrade))]),
    line("Node", ...nodeWords(state)),
    ...(operator === undefined ? [] : [line("Operator", ...operatorWords(operator, nowMs))]),
    line("Agent", agentPid === undefined ? "does not run; this is what its journal says" : `runs, process ${agentPid}`),
    ...state.failedDigests.map(({ digest, code }) => line("Failed", `${short(digest)} (${code})`)),
    ...history.slice(0, SHOWN_ENDINGS).map((ended) => {
      const why = ended.reason === undefined ? ended.message : `${ended.reason.message} (${ended.reason.code})`;
      return line("Ended", ended.ended, ended.phase, ended.subject.osImage, why === undefined ? undefined : plain(why));
    }),
  ];
  return `${lines.join("\n")}\n`;
}

/** One line, for who watches. */
export function describePhase({ phase, message, reason }: Pick<AgentState, "phase" | "message" | "reason">): string {
  const why = reason === undefined ? message : `${reason.message} (${reason.code})`;
  return why === undefined ? phase : `${phase}: ${plain(why)}`;
}

function line(label: string, ...words: readonly (string | undefined)[]): string {
  return `${label.padEnd(LABEL_WIDTH)}${words.filter((word) => word !== undefined && word !== "").join(", ")}`;
}

function subject({ osImage, digest, isByHand, image, attempt }: NonNullable<AgentState["upgrade"]>): readonly string[] {
  const who = isByHand ? "by hand" : `ManagedOSImage ${image}, grant ${attempt}`;
  return [plain(osImage), short(digest), who];
}

function nodeWords({ node, nodeTrouble, cordon }: AgentState): readonly string[] {
  const isOurs = cordon === "none" ? [] : ["the agent has cordoned it, or was about to"];
  if (nodeTrouble !== undefined)
    return [`cannot be asked: ${plain(nodeTrouble.message)} (${nodeTrouble.code})`, ...isOurs];
  if (node === undefined) return ["this machine is none"];
  const ready = node.ready ? "Ready" : "not Ready";
  if (!node.unschedulable) return [node.name, ready];
  return [node.name, ready, cordon === "none" ? "cordoned by somebody else" : "cordoned by the agent"];
}

function operatorWords(
  { reached, trouble, waiting }: NonNullable<AgentState["operator"]>,
  nowMs: number,
): readonly (string | undefined)[] {
  const answered = reached === undefined ? "has not answered yet" : `answered ${ago(reached, nowMs)} ago`;
  const why = waiting === undefined ? undefined : `no plan: ${plain(waiting.message)}`;
  return trouble === undefined ? [answered, why] : [plain(trouble), answered];
}

function ago(iso: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}

function short(digest: string): string {
  return digest.slice(0, DIGEST_CHARACTERS);
}

/** Containers print what they like, and a terminal believes it. */
function plain(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " | ").replaceAll(/\p{Cc}/gu, ".");
}
