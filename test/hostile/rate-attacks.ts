/** Who comes too often, or holds too many doors half open. What comes before the refusal is within the limits. */
import { request } from "node:http";
import { request as requestWithTls } from "node:https";
import { askNonce, attest, type AttestedVisit } from "../machine/attested-visit.ts";
import { dial, type Opened } from "../machine/visit.ts";
import type { StagedAttack, Told } from "./attack.ts";
import { refused, toldCode } from "./attested-attacks.ts";
import { legacyUrl, through, type Door, type DoorScene } from "./doors.ts";
import { dialAndListen, newTpm } from "./say.ts";

/** Loopback addresses that nothing else here comes from. */
const ELSEWHERE = "127.0.0.2";
const GUESSER = "127.0.0.3";
/** More than any limit that is tried; one that is not reached is an error of the test. */
const MOST = 2_000;
const AT_ONCE = 24;

/** To an operator on this machine one can come from several addresses, to others from one. */
function comingFrom({ origin }: DoorScene, localAddress: string): { readonly localAddress?: string } {
  return new URL(origin).hostname === "127.0.0.1" ? { localAddress } : {};
}

const newcomer = (scene: DoorScene, door: Door): AttestedVisit => through(scene, door, newTpm(scene));

async function attestedThrough(scene: DoorScene, door: Door): Promise<Told> {
  const visit = newcomer(scene, door);
  return refused(askNonce(visit.next).then(async (nonce) => attest(visit, nonce)));
}

async function legacyThrough(scene: DoorScene, door: Door): Promise<Told> {
  return dialAndListen({ url: legacyUrl(scene, door), tpm: newTpm(scene) });
}

/** Comes to the door until it is told to come later; each time it leaves before it has answered. */
async function useUp(scene: DoorScene, door: Door, from: { readonly localAddress?: string } = {}): Promise<void> {
  for (let count = 0; count < MOST; count += 1) {
    const result = await dial({ url: legacyUrl(scene, door), tpm: newTpm(scene), ...from });
    if (result.kind === "refused") return;
    await leave(result);
  }
  throw new Error(`${MOST} visits were within the limits`);
}

async function guess(scene: DoorScene, word: string): Promise<Told> {
  return new Promise((resolve, reject) => {
    const url = `${scene.origin}/v1-rancheros/registration/${word}`;
    const ask = url.startsWith("https:") ? requestWithTls : request;
    const asking = ask(url, { ...comingFrom(scene, GUESSER), agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ via: "http", code: response.statusCode ?? 0, text: text.trim() }));
    });
    asking.on("error", reject).end();
  });
}

async function leave(session: Opened): Promise<unknown> {
  session.socket.terminate();
  return session.closed();
}

/** Holds challenges open until there may be no more of them, and lets them go when the attack is over. */
async function crowded(scene: DoorScene, strike: () => Promise<Told>): Promise<() => Promise<Told>> {
  const [url, tpm] = [legacyUrl(scene, "open"), newTpm(scene)];
  const held: (() => Promise<unknown>)[] = [];
  for (let isFull = false; !isFull;) {
    if (held.length > MOST) throw new Error(`${MOST} challenges may be open`);
    // Many at once, and all with one key: the first ones are given up after some seconds.
    const results = await Promise.all(Array.from({ length: AT_ONCE }, async () => dial({ url, tpm })));
    for (const result of results) {
      if (result.kind === "refused") isFull = true;
      else held.push(async () => leave(result));
    }
  }
  return async () => {
    try {
      return await strike();
    } finally {
      await Promise.all(held.map(async (leaveIt) => leaveIt()));
    }
  };
}

const LATER = /too many visits, come back later/;
const legacyLater = { via: "http", code: 429, text: LATER } as const;

export const RATE_ATTACKS: readonly StagedAttack<DoorScene>[] = [
  {
    line: "rate",
    what: "one source more often than the registration allows",
    reason: "REGISTRATION_RATE",
    told: toldCode(429, "REGISTRATION_RATE"),
    async arrange(scene) {
      await useUp(scene, "slow-source");
      return async () => attestedThrough(scene, "slow-source");
    },
  },
  {
    line: "rate",
    what: "the same in rancherd's protocol",
    reason: "REGISTRATION_RATE",
    told: legacyLater,
    async arrange(scene) {
      await useUp(scene, "slow-source");
      return async () => legacyThrough(scene, "slow-source");
    },
  },
  {
    line: "rate",
    what: "more visits to a registration than it allows, from wherever they come",
    reason: "REGISTRATION_RATE",
    told: toldCode(429, "REGISTRATION_RATE"),
    async arrange(scene) {
      await useUp(scene, "slow-door", comingFrom(scene, ELSEWHERE));
      return async () => attestedThrough(scene, "slow-door");
    },
  },
  {
    line: "rate",
    what: "the same in rancherd's protocol, from somewhere else again",
    reason: "REGISTRATION_RATE",
    told: legacyLater,
    async arrange(scene) {
      await useUp(scene, "slow-door", comingFrom(scene, ELSEWHERE));
      return async () => legacyThrough(scene, "slow-door");
    },
  },
  {
    line: "rate",
    what: "tokens guessed faster than anybody may guess",
    reason: "REGISTRATION_RATE",
    told: legacyLater,
    async arrange(scene) {
      for (let count = 0; (await guess(scene, `guess${count}`)).code !== 429; count += 1) {
        if (count === MOST) throw new Error(`${MOST} guesses were within the limits`);
      }
      return async () => guess(scene, "oncemore");
    },
  },
  {
    line: "rate",
    what: "more half-open challenges than there may be",
    reason: "SESSION_TOO_MANY",
    told: { via: "http", code: 503, text: /too many machines come at this moment/ },
    arrange: async (scene) => crowded(scene, async () => legacyThrough(scene, "open")),
  },
];
