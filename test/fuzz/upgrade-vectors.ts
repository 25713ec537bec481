/** Valid messages about upgrades, to be spoilt. */
import { sealForSession } from "@rancheros/protocol/attestation";
import {
  writePlanAnswer,
  writeStatusAnswer,
  writeUpgradeStatus,
  type Plan,
  type PlanAnswer,
} from "@rancheros/protocol/upgrade";

const DIGEST = `sha256:${"ab".repeat(32)}`;
const container = {
  image: `registry.example.com:5000/os@${DIGEST}`,
  command: ["/bin/sh"],
  args: ["-c", "true"],
  env: { TEST_ENV: "testValue" },
  volumes: [{ name: "v", source: "/var", destination: "/var" }],
  securityContext: { privileged: false },
};
export const validPlan: Plan = {
  id: "cd".repeat(32),
  image: "default-os-image",
  attempt: 7,
  osImage: "registry.example.com:5000/os:v2",
  reference: container.image,
  version: "v2",
  cloudConfig: "hostname: n1\n",
  cordon: true,
  drain: { timeout: "5m", gracePeriod: -1, force: false },
  prepare: container,
  upgrade: { ...container, args: undefined, securityContext: undefined },
  credentials: [{ registry: "registry.example.com:5000", username: "u", password: "p" }],
  timeoutSeconds: 7200,
  force: false,
  retry: false,
  allowDowngrade: false,
};
export const validPlanAnswer: PlanAnswer = {
  protocol: 2,
  machine: { namespace: "fleet", name: "m-1", uid: "00000000-0000-0000-0000-000000000001" },
  plan: validPlan,
  waiting: undefined,
  nextAskInSeconds: 5,
};
const waiting = { reason: "Halted", message: "1 of 3 nodes failed" } as const;

/** By the name of their reader. */
export const upgradeMessages = {
  readPlanAnswer: [writePlanAnswer(validPlanAnswer), writePlanAnswer({ ...validPlanAnswer, plan: undefined, waiting })],
  readUpgradeStatus: [
    writeUpgradeStatus({
      protocol: 2,
      plan: validPlan.id,
      image: validPlan.image,
      attempt: 7,
      phase: "Draining",
      digest: DIGEST,
      reason: "DRAIN_BLOCKED",
      message: "web-1 may not be evicted",
      bootId: "00000000-0000-0000-0000-000000000002",
    }),
  ],
  readStatusAnswer: [writeStatusAnswer({ protocol: 2, holdsSlot: true, nextStatusInSeconds: 30 })],
} as const satisfies Readonly<Record<string, readonly [Buffer, ...Buffer[]]>>;

export const planSeal = { what: "plan", key: Buffer.alloc(32, 8) };
export const sealedPlans = [
  sealForSession(upgradeMessages.readPlanAnswer[1], planSeal.what, planSeal.key, Buffer.alloc(12, 5)),
] as const;
