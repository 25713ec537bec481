/** All attacks in groups, each with the scene that it needs. */
import { dirname } from "node:path";
import { kubectl, type KubectlTarget } from "../control-plane/kubectl.ts";
import { generateAttestationKey } from "../software-tpm/index.ts";
import { WAITING } from "./ageing.ts";
import type { AttackFacts, Attack, StagedAttack, Told } from "./attack.ts";
import { LEGACY_ATTACKS } from "./attacks.ts";
import { ATTESTED_ATTACKS, type AttestedScene } from "./attested-attacks.ts";
import { CERTIFICATE_ATTACKS } from "./certificate-attacks.ts";
import { CLOSING_DOOR_ATTACKS } from "./closing-door-attacks.ts";
import { DOOR_ATTACKS } from "./door-attacks.ts";
import { openDoors } from "./doors.ts";
import { hands } from "./hands.ts";
import { LATE_ATTACKS, LATER_ATTACKS } from "./late-attacks.ts";
import { RATE_ATTACKS } from "./rate-attacks.ts";
import { TAKEN_BACK_ATTACKS } from "./taken-back-attacks.ts";

/** In the order in which they are tried: who waits begins first, and after doors nobody may come as often for a while. */
export const GROUPS = ["late", "later", "legacy", "attested", "doors"] as const;
export type Group = (typeof GROUPS)[number];

/** An attack whose scene is set. */
export interface ReadyAttack extends AttackFacts {
  readonly run: () => Promise<Told>;
}

export interface Ground {
  /** With the token of an open door. */
  readonly url: string;
  /** The TLS key that machines have in front of the operator. */
  readonly channel: Buffer;
  /** Where doors may be made, and the kubectl for it; undefined: nowhere. */
  readonly doors: { readonly target: KubectlTarget; readonly namespace: string } | undefined;
}

function ready<In>(attacks: readonly (Attack<In> | StagedAttack<In>)[], scene: In): readonly ReadyAttack[] {
  return attacks.map((attack) => ({
    ...attack,
    run: async () => ("run" in attack ? attack.run(scene) : (await attack.arrange(scene))()),
  }));
}

function openScene({ url, channel }: Ground): AttestedScene {
  const token = new URL(url).pathname.split("/").at(-1) ?? "";
  return { url, origin: new URL(url).origin, ak: generateAttestationKey("rsa"), channel, token };
}

async function doorAttacks({ url, channel, doors }: Ground): Promise<readonly ReadyAttack[]> {
  if (doors === undefined) return [];
  const { target, namespace } = doors;
  const scene = await openDoors({ ...doors, origin: new URL(url).origin, channel });
  return [
    ...ready([...DOOR_ATTACKS, ...CERTIFICATE_ATTACKS, ...TAKEN_BACK_ATTACKS], scene),
    ...ready(CLOSING_DOOR_ATTACKS, { ...scene, hands: hands(target, namespace) }),
    // Last, for the same reason.
    ...ready(RATE_ATTACKS, scene),
  ];
}

/** @returns the attacks of the group; of doors none where none may be made */
export async function attacksOf(group: Group, ground: Ground): Promise<readonly ReadyAttack[]> {
  if (group === "doors") return doorAttacks(ground);
  const scene = openScene(ground);
  if (group === "legacy") return ready(LEGACY_ATTACKS, scene);
  if (group === "attested") return ready(ATTESTED_ATTACKS, scene);
  return ready(group === "late" ? LATE_ATTACKS : LATER_ATTACKS, { ...scene, ageing: WAITING });
}

/** Takes away what was made: the namespace is this program's alone. */
export async function clearDoors({ target, namespace }: NonNullable<Ground["doors"]>): Promise<void> {
  const inside = [`--namespace=${namespace}`, "--all", "--wait=false"];
  await kubectl(target, ["delete", "machineregistrations,machineinventories,configmaps", ...inside]);
}

/** @param file  of kubectl */
export function kubectlAt(file: string, kubeconfigPath: string): KubectlTarget {
  return { binariesFolder: dirname(file), kubeconfigPath };
}
