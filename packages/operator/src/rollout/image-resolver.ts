/** Asks registries what the images of a spec stand for, once for each rollout, and begins the rollout with the answer. */
import { hasCode, isCodedError } from "@rancheros/protocol/errors";
import { parseImageReference, pinImageReference, writeImageReference } from "@rancheros/protocol/images";
import type { ManagedOSImage, ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { errorFields } from "../telemetry/index.ts";
import type { CompiledImage } from "./compile-image.ts";
import { namedVersion } from "./effective-image.ts";
import { renewImage } from "./late-answers.ts";
import { RolloutError } from "./errors.ts";
import { namedImages, planOf, type ResolvedImages } from "./resolved.ts";
import type { Trouble } from "./describe-rollout.ts";
import { aboutOf, type ImageState } from "./image-state.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutParts } from "./rollout-parts.ts";
import { timeText } from "./time-text.ts";

type Condition = NonNullable<ManagedOSImageStatus["conditions"]>[number];

/** So often the answer is written where somebody else was faster, before the registry is asked anew. */
const TRIES = 6;
const RETRY_MS = 50;

/** Whether the images have to be asked for. */
export function needsResolving(image: ImageState): boolean {
  return image.plan === undefined && image.image.problems.length === 0;
}

async function resolveAll(parts: RolloutParts, object: ManagedOSImage): Promise<ResolvedImages> {
  let own: { readonly image: string; readonly digest: string; readonly reference: string } | undefined;
  const containerImages: { name: string; image: string; reference: string }[] = [];
  for (const named of namedImages(object)) {
    const digest = await parts.resolve(object, named);
    const reference = writeImageReference(pinImageReference(parseImageReference(named.image), digest));
    if (named.name === "osImage") own = { image: named.image, digest, reference };
    else containerImages.push({ name: named.name, image: named.image, reference });
  }
  if (own === undefined) throw new TypeError("an image without osImage has problems, and is not resolved");
  return { resolvedImage: own.image, digest: own.digest, reference: own.reference, containerImages };
}

/** Of the status before, what a new plan takes over: slots are still held, failures were another plan's. */
function statusOfNewPlan(
  { object, version }: Pick<CompiledImage, "object" | "version">,
  images: ResolvedImages,
  nowMs: number,
): ManagedOSImageStatus {
  const { version: _version, ...status } = object.status ?? {};
  const plan = planOf(object, images);
  const name = namedVersion({ ...object, spec: { ...object.spec, osImage: "" } });
  const resolved = {
    ...images,
    containerImages: [...images.containerImages],
    ...(version === undefined || name === undefined ? {} : { version: { name, spec: version.spec } }),
  };
  if (plan === status.plan) return { ...status, ...resolved };
  const { canariesDoneAt: _at, canariesDoneFor: _for, failures: _failures, ...others } = status;
  const startedAt = timeText(nowMs);
  // What was counted was another plan's: nobody is to take that for this one's end.
  const uncounted = { state: "Resolving", message: "the machines are being counted" } as const;
  const conditions = status.conditions?.map((one) => (one.type === "Complete" ? notComplete(one, startedAt) : one));
  const kept = conditions === undefined ? {} : { conditions };
  return { ...others, ...resolved, plan, startedAt, failures: [], ...uncounted, ...kept };
}

function notComplete(condition: Condition, now: string): Condition {
  const changed = condition.status === "False" ? {} : { lastTransitionTime: now };
  return { ...condition, ...changed, status: "False", reason: "Resolving" };
}

function troubleOf(error: unknown): Trouble {
  const { reason, error: message } = errorFields(error);
  return { reason, message: isCodedError(error) ? `${message}; ${error.mend}` : message };
}

export interface ResolverOptions {
  readonly index: RolloutIndex;
  readonly parts: RolloutParts;
  readonly onTrouble: (key: string, trouble: Trouble) => void;
  readonly onResolved: (key: string) => void;
}

/** The work of one key of the queue; what it throws is tried again later. */
export async function resolveImage(key: string, options: ResolverOptions): Promise<void> {
  const { index, parts } = options;
  const image = index.image(key);
  if (image === undefined || !needsResolving(image)) return;
  const { object } = image.image;
  const about = aboutOf(image);
  /** Undefined where the image is about something else meanwhile: what was found out is nothing to it. */
  const sameSpec = (): ImageState | undefined => {
    const now = index.image(key);
    return now !== undefined && needsResolving(now) && aboutOf(now) === about ? now : undefined;
  };
  // Another replica may have found out already what the image stands for now: its plan is not to be undone.
  await parts.refreshSources(image.image);
  if (sameSpec() === undefined) return;
  let images: ResolvedImages;
  try {
    images = await resolveAll(parts, object);
  } catch (error) {
    if (sameSpec() === undefined) return;
    options.onTrouble(key, troubleOf(error));
    throw error;
  }
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    await parts.refreshSources(image.image);
    // The spec is what was asked about, the status may have been written meanwhile.
    const now = sameSpec();
    if (now === undefined) return;
    const known = now.image.object;
    try {
      renewImage(index, await parts.store.writeStatus(known, statusOfNewPlan(now.image, images, parts.nowMs())));
      options.onResolved(key);
      return;
    } catch (error) {
      if (!hasCode(error, "KUBERNETES_CONFLICT")) throw error;
      const fresh = await parts.store.read(known.metadata.namespace, known.metadata.name);
      if (fresh === undefined) return;
      renewImage(index, fresh);
    }
    await new Promise<void>((resolve) => {
      parts.setTimer(resolve, RETRY_MS * attempt * (0.5 + parts.random()));
    });
  }
  throw new RolloutError("ROLLOUT_CONTESTED", `the status of ManagedOSImage ${key} is changed all the time`);
}
