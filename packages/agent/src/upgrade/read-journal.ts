/** From the journal's file to a journal. Disks lose and mix up content: nothing in it is believed unseen. */
import { AttestationMessageError, Fields } from "@rancheros/protocol/attestation";
import { isTerminal, PHASE_NAMES, PHASES, readPlan, STATUS_MESSAGE_MAX_CHARACTERS } from "@rancheros/protocol/upgrade";

import { RUNTIME_KINDS } from "../containers/index.ts";
import { UpgradeError } from "./errors.ts";
import {
  FAILED_DIGESTS_MAX,
  HISTORY_MAX,
  IMAGES_MAX,
  JOURNAL_VERSION,
  TRAIL_MAX,
  type Ended,
  type Ending,
  type FailedDigest,
  type Journal,
  type Order,
  type Reason,
  type Run,
  type Subject,
  type Switch,
} from "./journal.ts";

/** A plan with all that it may hold, twice. */
export const JOURNAL_MAX_BYTES = 32 * 1024 * 1024;
const NAME_MAX = 253;
const REFERENCE_MAX = 4096;
const PATH_MAX = 4096;
const CODE_MAX = 64;
const COUNT_MAX = Number.MAX_SAFE_INTEGER;
const ENDINGS = ["Idle", "Succeeded", "RolledBack", "Failed"] as const;
const TARGETS = ["a", "b"] as const;
const SLOTS = ["a", "b", "active", "passive", "recovery", "unknown"] as const;
const CORDONS = ["none", "intended", "ours"] as const;

/** @throws UpgradeError UPGRADE_JOURNAL_BROKEN, with everything that is wrong */
export function readJournal(text: string): Journal {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw broken("it is no JSON", cause);
  }
  try {
    return Fields.read(json, "the journal", journalOf);
  } catch (cause) {
    if (!(cause instanceof AttestationMessageError)) throw cause;
    throw broken(cause.message, cause);
  }
}

/** An order as the journal has it, from another process of this machine. @throws AttestationMessageError */
export function readOrder(json: unknown): Order {
  return Fields.read(json, "the order", orderOf);
}

/** For the file: with a line end, and indented for whoever has to look into it. */
export function writeJournal(journal: Journal): string {
  return `${JSON.stringify(journal, undefined, 1)}\n`;
}

function broken(why: string, cause: unknown): UpgradeError {
  return new UpgradeError("UPGRADE_JOURNAL_BROKEN", `the journal cannot be understood: ${why}`, { cause });
}

function journalOf(fields: Fields): Journal {
  fields.integer("version", JOURNAL_VERSION, JOURNAL_VERSION);
  return {
    version: JOURNAL_VERSION,
    run: fields.optionalObject("run", runOf),
    rollback: fields.optionalObject("rollback", (rollback) => ({
      entry: rollback.text("entry", NAME_MAX),
      bootId: rollback.text("bootId", CODE_MAX),
      askedMs: time(rollback, "askedMs"),
    })),
    cordon: fields.choice("cordon", CORDONS),
    images: fields.list("images", IMAGES_MAX, (image) => ({ reference: image.text("reference", REFERENCE_MAX) })),
    history: fields.list("history", HISTORY_MAX, endedOf),
    failedDigests: fields.list("failedDigests", FAILED_DIGESTS_MAX, failedDigestOf),
    lastSucceededPlan: fields.optionalText("lastSucceededPlan", NAME_MAX),
  };
}

function runOf(fields: Fields): Run {
  const phase = fields.choice("phase", PHASE_NAMES);
  if (isTerminal(phase) || phase === "Idle") fields.problem("phase", "is none in which an upgrade is under way");
  if (PHASES[phase].mayBeSwitched && !fields.has("switched")) fields.problem("switched", "is missing");
  return {
    order: fields.object("order", orderOf),
    phase,
    sinceMs: time(fields, "sinceMs"),
    startedMs: time(fields, "startedMs"),
    message: message(fields),
    lastError: fields.optionalObject("lastError", reasonOf),
    spentMs: fields.integer("spentMs", 0, COUNT_MAX),
    mark: fields.object("mark", (mark) => ({
      bootId: mark.text("bootId", CODE_MAX),
      uptimeMs: mark.integer("uptimeMs", 0, COUNT_MAX),
    })),
    trail: fields.list("trail", TRAIL_MAX, (step) => ({
      phase: step.choice("phase", PHASE_NAMES),
      bootId: step.text("bootId", CODE_MAX),
      atMs: time(step, "atMs"),
    })),
    container: fields.optionalText("container", NAME_MAX),
    runtime: fields.optionalObject("runtime", (runtime) => ({
      kind: runtime.choice("kind", RUNTIME_KINDS),
      socket: runtime.optionalText("socket", PATH_MAX),
    })),
    releases: fields.optionalObject("releases", (releases) => ({
      path: releases.text("path", NAME_MAX),
      old: releases.optionalText("old", CODE_MAX),
      new: releases.optionalText("new", CODE_MAX),
    })),
    target: fields.has("target") ? fields.choice("target", TARGETS) : undefined,
    switched: fields.optionalObject("switched", switchOf),
    ending: fields.optionalObject("ending", endingOf),
  };
}

function orderOf(fields: Fields): Order {
  return {
    plan: fields.object("plan", readPlan),
    isByHand: fields.flag("isByHand"),
    keepsCloudConfig: fields.flag("keepsCloudConfig"),
  };
}

function switchOf(fields: Fields): Switch {
  return {
    bootId: fields.text("bootId", CODE_MAX),
    rebootRequests: fields.integer("rebootRequests", 0, COUNT_MAX),
    runs: fields.integer("runs", 0, COUNT_MAX),
    boots: fields.integer("boots", 0, COUNT_MAX),
    startedFrom: fields.choice("startedFrom", SLOTS),
    runsOld: fields.flag("runsOld"),
    isConfirmed: fields.flag("isConfirmed"),
  };
}

function endingOf(fields: Fields): Ending {
  return {
    phase: fields.choice("phase", ENDINGS),
    reason: fields.optionalObject("reason", reasonOf),
    message: message(fields),
    keepsCordon: fields.flag("keepsCordon"),
    blamesImage: fields.flag("blamesImage"),
  };
}

function endedOf(fields: Fields): Ended {
  return {
    subject: fields.object("subject", subjectOf),
    phase: fields.choice("phase", ENDINGS),
    reason: fields.optionalObject("reason", reasonOf),
    message: message(fields),
    startedMs: time(fields, "startedMs"),
    endedMs: time(fields, "endedMs"),
    bootId: fields.text("bootId", CODE_MAX),
  };
}

function subjectOf(fields: Fields): Subject {
  return {
    planId: fields.text("planId", CODE_MAX),
    image: fields.text("image", NAME_MAX),
    attempt: fields.integer("attempt", 1, COUNT_MAX),
    isByHand: fields.flag("isByHand"),
    osImage: fields.text("osImage", REFERENCE_MAX),
    digest: fields.text("digest", REFERENCE_MAX),
  };
}

function failedDigestOf(fields: Fields): FailedDigest {
  return {
    digest: fields.text("digest", REFERENCE_MAX),
    planId: fields.text("planId", CODE_MAX),
    attempt: fields.integer("attempt", 0, COUNT_MAX),
    code: fields.text("code", CODE_MAX),
    atMs: time(fields, "atMs"),
  };
}

function reasonOf(fields: Fields): Reason {
  return { code: fields.text("code", CODE_MAX), message: fields.text("message", STATUS_MESSAGE_MAX_CHARACTERS) };
}

function message(fields: Fields): string | undefined {
  return fields.optionalText("message", STATUS_MESSAGE_MAX_CHARACTERS);
}

/** Of a clock that may be wrong, but not so wrong that it is no date. */
function time(fields: Fields, field: string): number {
  return fields.integer(field, 0, 8.64e15);
}
