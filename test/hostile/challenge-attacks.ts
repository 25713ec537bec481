/** Answers to a challenge that are not the one that it takes. */
import { encodeChallengeResponse } from "@rancheros/protocol/messages";
import { answerOf } from "../machine/visit.ts";
import type { Attack, Scene, Told } from "./attack.ts";
import { challenged, ending, newTpm, type Challenged } from "./say.ts";

const wrong = encodeChallengeResponse({ secret: Buffer.alloc(32) });

async function answerWith(scene: Scene, ...answers: readonly (string | Buffer)[]): Promise<Told> {
  const session = await challenged(scene);
  for (const answer of answers) session.socket.send(answer);
  return ending(session);
}

function attack(what: string, reason: string, text: RegExp, run: Attack["run"], code = 1008): Attack {
  return { line: "challenge", what, reason, told: { via: "close", code, text }, run };
}

/** Of the answer that the session's TPM would give, or of none. */
async function twoAnswers(session: Challenged): Promise<Told> {
  const answer = answerOf(session.tpm, session.challenge);
  session.socket.send(answer);
  session.socket.send(answer);
  return ending(session);
}

export const CHALLENGE_ATTACKS: readonly Attack[] = [
  attack("a wrong secret", "CHALLENGE_FAILED", /answer to the challenge is wrong/, async (scene) =>
    answerWith(scene, wrong),
  ),
  attack("a short secret", "CHALLENGE_FAILED", /answer to the challenge is wrong/, async (scene) =>
    answerWith(scene, encodeChallengeResponse({ secret: Buffer.alloc(8) })),
  ),
  attack("no secret", "MESSAGE_FIELDS", /Secret: is missing/, async (scene) => answerWith(scene, "{}")),
  attack("nothing", "MESSAGE_NOT_JSON", /is not JSON/, async (scene) => answerWith(scene, "")),
  attack("no JSON", "MESSAGE_NOT_JSON", /is not JSON/, async (scene) => answerWith(scene, "nonsense")),
  attack("broken UTF-8", "MESSAGE_NOT_UTF8", /UTF-8/, async (scene) =>
    answerWith(scene, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])),
  ),
  attack("the right answer twice", "SESSION_SECOND_ANSWER", /takes one answer/, async (scene) =>
    twoAnswers(await challenged(scene)),
  ),
  attack(
    "a wrong answer and the right one in one breath",
    "CHALLENGE_FAILED",
    /answer to the challenge is wrong/,
    async (scene) => {
      const session = await challenged(scene);
      session.socket.send(wrong);
      session.socket.send(answerOf(session.tpm, session.challenge));
      return ending(session);
    },
  ),
  attack("the answer to an earlier challenge of the same machine", "CHALLENGE_FAILED", /is wrong/, async (scene) => {
    const tpm = newTpm(scene);
    const [first, second] = [await challenged(scene, tpm), await challenged(scene, tpm)];
    first.socket.terminate();
    second.socket.send(answerOf(tpm, first.challenge));
    return ending(second);
  }),
  attack("an answer that is too late", "SESSION_SILENT", /not answered in time/, async (scene) =>
    ending(await challenged(scene)),
  ),
];
