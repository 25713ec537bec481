/** From the bytes of the other side to a message about upgrades. Fields that nobody knows are passed over. */
import {
  AttestationMessageError,
  Fields,
  REQUEST_MAX_BYTES,
  RESPONSE_MAX_BYTES,
  type MachineState,
} from "@rancheros/protocol/attestation";
import { isJsonObject, MessageError, parseJsonBytes } from "@rancheros/protocol/messages";
import type { Drain } from "@rancheros/protocol/resources";
import { drainProblems } from "./drain-problems.ts";
import {
  CLOUD_CONFIG_MAX_CHARACTERS,
  CONTAINER_ITEMS_MAX,
  CONTAINER_TEXT_MAX_CHARACTERS,
  REFERENCE_MAX_CHARACTERS,
  STATUS_MESSAGE_MAX_CHARACTERS,
} from "./limits.ts";
import { PHASE_NAMES } from "./phase.ts";
import {
  WAITING_REASONS,
  type Plan,
  type PlanAnswer,
  type PlanContainer,
  type PlanName,
  type Waiting,
} from "./plan.ts";
import type { StatusAnswer, UpgradeStatus } from "./plan.ts";

const VERSION_MAX = 1_000;
const SECONDS_MAX = 31 * 86_400;
const NAME_MAX = 253;
const REASON_MAX = 64;
const PLAN_ID = /^[0-9a-f]{64}$/;
const DIGEST_REFERENCE = /^[^@\s]+@sha256:[0-9a-f]{64}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

function read<Message>(bytes: Uint8Array, maxBytes: number, what: string, take: (fields: Fields) => Message): Message {
  let json: unknown;
  try {
    json = parseJsonBytes(bytes, maxBytes, what);
  } catch (cause) {
    if (!(cause instanceof MessageError)) throw cause;
    throw new AttestationMessageError("PROTOCOL_FIELDS", cause.message, { cause, problems: [cause.message] });
  }
  return Fields.read(json, what, take);
}

function matching(fields: Fields, field: string, pattern: RegExp, form: string): string {
  const text = fields.text(field, REFERENCE_MAX_CHARACTERS);
  if (text !== "" && !pattern.test(text)) fields.problem(field, `is not ${form}`);
  return text;
}

function optionalMatching(fields: Fields, field: string, pattern: RegExp, form: string): string | undefined {
  return fields.has(field) ? matching(fields, field, pattern, form) : undefined;
}

function textList(fields: Fields, field: string): readonly string[] | undefined {
  const value = fields.raw(field);
  if (value === undefined || value === null) return undefined;
  const isFit = (one: unknown): one is string =>
    typeof one === "string" && one.length <= CONTAINER_TEXT_MAX_CHARACTERS && one.isWellFormed() && !one.includes("\0");
  if (Array.isArray(value) && value.length <= CONTAINER_ITEMS_MAX && value.every(isFit)) return value;
  fields.problem(field, `is no list of at most ${CONTAINER_ITEMS_MAX} texts`);
  return undefined;
}

function objectOf(fields: Fields, field: string): Readonly<Record<string, unknown>> | undefined {
  const value = fields.raw(field);
  if (value === undefined || value === null) return undefined;
  if (isJsonObject(value)) return value;
  fields.problem(field, "is not an object");
  return undefined;
}

function containerOf(fields: Fields): PlanContainer {
  const env = fields.texts("env", CONTAINER_ITEMS_MAX, CONTAINER_TEXT_MAX_CHARACTERS);
  for (const [name, value] of Object.entries(env)) {
    if (/[=\0]/.test(name) || name === "" || value.includes("\0"))
      fields.problem("env", "holds a name or value that no process can have");
  }
  return {
    image: matching(fields, "image", DIGEST_REFERENCE, "an image with its digest"),
    command: textList(fields, "command"),
    args: textList(fields, "args"),
    env,
    volumes: fields.list("volumes", CONTAINER_ITEMS_MAX, (volume) => ({
      name: volume.text("name", NAME_MAX),
      source: volume.text("source", REFERENCE_MAX_CHARACTERS),
      destination: volume.text("destination", REFERENCE_MAX_CHARACTERS),
    })),
    securityContext: objectOf(fields, "securityContext"),
  };
}

function isDrain(value: unknown): value is Drain {
  return drainProblems(value).length === 0;
}

function drainOf(fields: Fields): Drain | undefined {
  const value = fields.raw("drain");
  if (value === undefined || value === null) return undefined;
  if (isDrain(value)) return value;
  for (const problem of drainProblems(value)) fields.problem("drain", problem);
  return undefined;
}

function planNameOf(fields: Fields): PlanName {
  return {
    id: matching(fields, "id", PLAN_ID, "64 hex digits"),
    image: fields.text("image", NAME_MAX),
    attempt: fields.integer("attempt", 1, Number.MAX_SAFE_INTEGER),
    osImage: fields.text("osImage", REFERENCE_MAX_CHARACTERS),
    reference: matching(fields, "reference", DIGEST_REFERENCE, "an image with its digest"),
  };
}

/** Of a message, or of a file in which a machine keeps its plan. */
export function readPlan(fields: Fields): Plan {
  return {
    ...planNameOf(fields),
    version: fields.text("version", NAME_MAX),
    cloudConfig: fields.optionalText("cloudConfig", CLOUD_CONFIG_MAX_CHARACTERS),
    cordon: fields.flag("cordon"),
    drain: drainOf(fields),
    prepare: fields.optionalObject("prepare", containerOf),
    upgrade: fields.object("upgrade", containerOf),
    credentials: fields.list("credentials", CONTAINER_ITEMS_MAX, (one) => ({
      registry: one.text("registry", NAME_MAX),
      // Registries that take a token may ask for one of the two only.
      username: one.optionalText("username", REFERENCE_MAX_CHARACTERS) ?? "",
      password: one.optionalText("password", CONTAINER_TEXT_MAX_CHARACTERS) ?? "",
    })),
    timeoutSeconds: fields.integer("timeoutSeconds", 1, SECONDS_MAX),
    force: fields.flag("force"),
    retry: fields.flag("retry"),
    allowDowngrade: fields.flag("allowDowngrade"),
  };
}

function machineOf(fields: Fields): MachineState["machine"] {
  return {
    namespace: fields.text("namespace", NAME_MAX),
    name: fields.text("name", NAME_MAX),
    uid: fields.text("uid", NAME_MAX),
  };
}

/** A reason that only a later operator knows: what there is to do is the same, and the message tells people. */
function waitingReason(fields: Fields): Waiting["reason"] {
  const reason = fields.text("reason", REASON_MAX);
  return WAITING_REASONS.find((one) => one === reason) ?? "Queued";
}

/** @param bytes  what openSessionSeal gave. @throws AttestationMessageError, as all of these */
export function readPlanAnswer(bytes: Uint8Array): PlanAnswer {
  return read(bytes, RESPONSE_MAX_BYTES, "the plan", (fields) => {
    if (fields.has("plan") === fields.has("waiting")) fields.problem("plan", "must be there, or waiting, and not both");
    return {
      protocol: fields.integer("protocol", 1, VERSION_MAX),
      machine: fields.object("machine", machineOf),
      plan: fields.optionalObject("plan", readPlan),
      waiting: fields.optionalObject("waiting", (waiting) => ({
        reason: waitingReason(waiting),
        message: waiting.text("message", STATUS_MESSAGE_MAX_CHARACTERS),
      })),
      nextAskInSeconds: fields.integer("nextAskInSeconds", 0, SECONDS_MAX),
    };
  });
}

/**
 * Of an answer that `readPlanAnswer` refuses: which plan it is, so that its end can be told.
 * @returns undefined where that cannot be said for sure, or the answer is for another machine
 */
export function readPlanName(bytes: Uint8Array, machineUid: string): PlanName | undefined {
  try {
    return read(bytes, RESPONSE_MAX_BYTES, "the plan", (fields) => {
      const { uid } = fields.object("machine", machineOf);
      if (uid !== machineUid) fields.problem("machine.uid", "is that of another machine");
      return fields.object("plan", planNameOf);
    });
  } catch (error) {
    if (error instanceof AttestationMessageError) return undefined;
    throw error;
  }
}

export function readUpgradeStatus(bytes: Uint8Array): UpgradeStatus {
  return read(bytes, REQUEST_MAX_BYTES, "the status", (fields) => ({
    protocol: fields.integer("protocol", 1, VERSION_MAX),
    plan: optionalMatching(fields, "plan", PLAN_ID, "64 hex digits"),
    image: fields.optionalText("image", NAME_MAX),
    attempt: fields.integer("attempt", 0, Number.MAX_SAFE_INTEGER),
    phase: fields.choice("phase", PHASE_NAMES),
    digest: optionalMatching(fields, "digest", DIGEST, "sha256: and 64 hex digits"),
    reason: fields.optionalText("reason", REASON_MAX),
    message: fields.optionalText("message", STATUS_MESSAGE_MAX_CHARACTERS),
    bootId: fields.optionalText("bootId", 64),
  }));
}

export function readStatusAnswer(bytes: Uint8Array): StatusAnswer {
  return read(bytes, RESPONSE_MAX_BYTES, "the answer to the status", (fields) => ({
    protocol: fields.integer("protocol", 1, VERSION_MAX),
    holdsSlot: fields.flag("holdsSlot"),
    nextStatusInSeconds: fields.integer("nextStatusInSeconds", 1, SECONDS_MAX),
  }));
}
