/** A visit that began at an open door and is answered when the door has closed, or wants more than was shown. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { EMPTY_REPORT } from "@rancheros/protocol/attestation";
import {
  answer,
  askMachine,
  askNonce,
  attest,
  report,
  solve,
  visitAttested,
  type AttestedVisit,
} from "../machine/attested-visit.ts";
import { answerOf, dial, visit } from "../machine/visit.ts";
import type { SoftwareTpm } from "../software-tpm/index.ts";
import type { StagedAttack, Told } from "./attack.ts";
import { refused, toldCode, type AttestedScene } from "./attested-attacks.ts";
import type { Hands } from "./hands.ts";
import { challenged, ending, newTpm } from "./say.ts";

export interface ClosingScene extends Pick<AttestedScene, "origin" | "ak" | "channel"> {
  readonly hands: Hands;
}

type ClosingAttack = StagedAttack<ClosingScene>;

/** A door of one's own: another attack's door is to stay as it is. */
interface OwnDoor {
  readonly name: string;
  readonly token: string;
  readonly url: string;
  readonly through: (tpm: SoftwareTpm) => AttestedVisit;
}

interface Closing {
  readonly line: ClosingAttack["line"];
  readonly what: string;
  readonly reason: string;
  /** Whether the machine has come in before, and is only coming again. */
  readonly isKnown?: boolean;
  readonly close: (scene: ClosingScene, door: OwnDoor, machine: string) => Promise<void>;
  /** What the close frame says in rancherd's protocol. */
  readonly text: RegExp;
}

const WATCH_DEADLINE_MS = 15_000;

async function ownDoor({ origin, channel, hands }: ClosingScene): Promise<OwnDoor> {
  const name = `closing-${randomBytes(4).toString("hex")}`;
  const token = await hands.makeDoor(name);
  const purpose = { kind: "registration", token } as const;
  return {
    name,
    token,
    url: `${origin}/v1-rancheros/registration/${token}`,
    through: (tpm) => ({ next: () => origin, tpm, channel, purpose }),
  };
}

/** Waits until the operator has seen what was done: who begins now is refused. */
async function untilSeen(begin: () => Promise<Told>): Promise<void> {
  const deadline = performance.now() + WATCH_DEADLINE_MS;
  for (;;) {
    try {
      await begin();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

async function beginAttested(visit: AttestedVisit): Promise<Told> {
  return refused(attest(visit, await askNonce(visit.next)));
}

async function beginLegacy(url: string, tpm: SoftwareTpm): Promise<Told> {
  const result = await dial({ url, tpm });
  if (result.kind === "refused") return { via: "http", code: result.status, text: result.body };
  result.socket.terminate();
  throw new Error("the door is still open");
}

function attested({ close, isKnown, text: _text, ...about }: Closing): ClosingAttack {
  return {
    ...about,
    told: toldCode(403, about.reason),
    async arrange(scene) {
      const door = await ownDoor(scene);
      const mine = door.through(newTpm(scene));
      const machine = isKnown === true ? (await visitAttested(mine)).machine.name : "";
      const solved = solve(mine, await attest(mine, await askNonce(mine.next)));
      await close(scene, door, machine);
      await untilSeen(async () => beginAttested(isKnown === true ? mine : door.through(newTpm(scene))));
      return async () => refused(answer(mine.next, solved));
    },
  };
}

function legacy({ close, isKnown, text, what, ...about }: Closing): ClosingAttack {
  return {
    ...about,
    what: `${what}, in rancherd's protocol`,
    told: { via: "close", code: 1008, text },
    async arrange(scene) {
      const door = await ownDoor(scene);
      const tpm = newTpm(scene);
      if (isKnown === true) await visit({ url: door.url, tpm });
      const machine = isKnown === true ? await scene.hands.findMachine(tpm.ekHash) : "";
      const session = await challenged({ ...scene, url: door.url }, tpm);
      await close(scene, door, machine);
      await untilSeen(async () => beginLegacy(door.url, isKnown === true ? tpm : newTpm(scene)));
      return async () => {
        session.socket.send(answerOf(tpm, session.challenge));
        return ending(session);
      };
    },
  };
}

const PAST = "2020-01-01T00:00:00Z";

const BOTH: readonly Closing[] = [
  {
    line: "token",
    what: "a door that is switched off meanwhile",
    reason: "REGISTRATION_DISABLED",
    close: async ({ hands }, { name }) => hands.changeDoor(name, { disabled: true }),
    text: /disabled/,
  },
  {
    line: "token",
    what: "a token that expires meanwhile",
    reason: "REGISTRATION_EXPIRED",
    close: async ({ hands }, { name }) => hands.changeDoor(name, { token: { expiresAt: PAST } }),
    text: /has expired/,
  },
  {
    line: "token",
    what: "a token that is rotated away meanwhile",
    reason: "REGISTRATION_UNKNOWN",
    close: async ({ hands }, { name }) => hands.changeDoor(name, { token: { rotation: 1, overlap: "0" } }),
    text: /does not exist/,
  },
  {
    line: "token",
    what: "a door that is taken away meanwhile",
    reason: "REGISTRATION_UNKNOWN",
    close: async ({ hands }, { name }) => hands.removeDoor(name),
    text: /does not exist/,
  },
  {
    line: "token",
    what: "a door that is taken away meanwhile, and another one of its name in its place",
    reason: "REGISTRATION_UNKNOWN",
    async close({ hands }, { name }) {
      await hands.removeDoor(name);
      await hands.makeDoor(name);
    },
    text: /does not exist/,
  },
  {
    line: "token",
    what: "a door whose last place is taken meanwhile",
    reason: "REGISTRATION_FULL",
    async close(scene, { name, through }) {
      await scene.hands.changeDoor(name, { token: { maxMachines: 1 } });
      await visitAttested(through(newTpm(scene)));
    },
    text: /no more machines/,
  },
  {
    line: "ek",
    what: "a list of keys, without this one, that the door is given meanwhile",
    reason: "EK_NOT_ALLOWED",
    close: async ({ hands }, { name }) =>
      hands.changeDoor(name, { attestation: { endorsementKeys: ["0".repeat(64)] } }),
    text: /list/,
  },
  {
    line: "certificate",
    what: "a door that wants a chip maker's word from now on",
    reason: "TRUST_CLASS_NOT_PROVED",
    close: async ({ hands }, { name }) => hands.changeDoor(name, { attestation: { class: "hardware" } }),
    text: /wants proof/,
  },
  {
    line: "changed",
    what: "a machine that is denied meanwhile",
    reason: "MACHINE_DENIED",
    isKnown: true,
    close: async ({ hands }, _door, machine) => hands.denyMachine(machine),
    text: /was denied/,
  },
];

/** A session that goes on although its machine may not. */
function session(
  what: string,
  [status, reason]: readonly [number, string],
  close: (hands: Hands, machine: string) => Promise<void>,
  use: (scene: ClosingScene, token: string) => Promise<unknown>,
): ClosingAttack {
  return {
    line: "changed",
    what,
    reason,
    told: toldCode(status, reason),
    async arrange(scene) {
      const { through } = await ownDoor(scene);
      const { machine, session } = await visitAttested(through(newTpm(scene)));
      await close(scene.hands, machine.name);
      await untilSeen(async () => refused(askMachine(() => scene.origin, session.token)));
      return async () => refused(use(scene, session.token));
    },
  };
}

const DENIED = [403, "MACHINE_DENIED"] as const;
const GONE = [401, "SESSION_INVALID"] as const;
const deny = async (hands: Hands, machine: string): Promise<void> => hands.denyMachine(machine);
const remove = async (hands: Hands, machine: string): Promise<void> => hands.removeMachine(machine);
const ask = async ({ origin }: ClosingScene, token: string): Promise<unknown> => askMachine(() => origin, token);
const tell = async ({ origin }: ClosingScene, token: string): Promise<unknown> =>
  report(() => origin, token, { ...EMPTY_REPORT, labels: { role: "server" } });

export const CLOSING_DOOR_ATTACKS: readonly ClosingAttack[] = [
  ...BOTH.flatMap((closing) => [attested(closing), legacy(closing)]),
  legacy({
    line: "channel",
    what: "a door that is for the newer protocol from now on",
    reason: "LEGACY_REFUSED",
    close: async ({ hands }, { name }) => hands.changeDoor(name, { attestation: { legacyProtocol: "refuse" } }),
    text: /use ros-agent/,
  }),
  session("the session of a machine that was denied, asking", DENIED, deny, ask),
  session("the session of a machine that was denied, reporting", DENIED, deny, tell),
  session("the session of a machine that was taken away, asking", GONE, remove, ask),
  session("the session of a machine that was taken away, reporting", GONE, remove, tell),
];
