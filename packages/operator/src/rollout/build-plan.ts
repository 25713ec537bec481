/** From a granted slot to what the machine is told to do. */
import { AttestationMessageError, Fields } from "@rancheros/protocol/attestation";
import { parseImageReference } from "@rancheros/protocol/images";
import type { Container, ManagedOSImageSpec } from "@rancheros/protocol/resources";
import {
  CLOUD_CONFIG_MAX_CHARACTERS,
  readPlan,
  type Plan,
  type PlanContainer,
  type RegistryCredential,
} from "@rancheros/protocol/upgrade";
import { stringify } from "yaml";
import { withLabelTexts } from "../fleet/index.ts";
import { variableProblems } from "../versions/index.ts";
import type { CompiledImage } from "./compile-image.ts";
import { RolloutError } from "./errors.ts";
import type { Slot } from "./slot.ts";
import { pinnedContainers, resolvedImages } from "./resolved.ts";

/** What RancherOS and Elemental images bring along. */
const DEFAULT_COMMAND: readonly string[] = ["/usr/sbin/suc-upgrade"];
/** Of the answer's 128 KiB, encrypted and in base64, with room for what is around the plan. */
const PLAN_MAX_BYTES = 90 * 1024;
/** A status is read by people. */
const PROBLEMS_TOLD = 5;

type Variables = Readonly<Record<string, string>>;

/** What the image refers to; holds secrets. */
export interface Materials {
  readonly prepareEnv: Variables;
  readonly upgradeEnv: Variables;
  readonly credentials: readonly RegistryCredential[];
  /** Of them the first of each image: what is left of them in a plan that machines would not take otherwise. */
  readonly firstCredentials: readonly RegistryCredential[];
}

function containerOf(container: Container, envFrom: Variables, command: readonly string[] | undefined): PlanContainer {
  const own = (container.env ?? container.envs ?? []).map(({ name, value }) => [name, value ?? ""] as const);
  return {
    image: container.image ?? "",
    command: container.command ?? command,
    args: container.args,
    env: { ...envFrom, ...Object.fromEntries(own) },
    volumes: container.volumes ?? [],
    securityContext: container.securityContext ?? undefined,
  };
}

/** Agents of before take no null for a label's value. */
function drainOf(drain: ManagedOSImageSpec["drain"]): Plan["drain"] {
  if (!drain?.podSelector) return drain ?? undefined;
  return { ...drain, podSelector: withLabelTexts(drain.podSelector) };
}

function cloudConfigOf(cloudConfig: Readonly<Record<string, unknown>> | null | undefined): string | undefined {
  if (cloudConfig === null || cloudConfig === undefined) return undefined;
  const text = `#cloud-config\n${stringify(cloudConfig, { lineWidth: 0 })}`;
  if (text.length <= CLOUD_CONFIG_MAX_CHARACTERS) return text;
  throw new RolloutError(
    "ROLLOUT_REFERENCE_INVALID",
    `spec.cloudConfig: is longer than ${CLOUD_CONFIG_MAX_CHARACTERS} characters`,
  );
}

/** Machines read it as this does, and say nothing of a plan that they cannot read. @returns why they would not take it */
function problemOf(plan: Plan): RolloutError | undefined {
  const text = JSON.stringify(plan);
  const bytes = Buffer.byteLength(text);
  if (bytes > PLAN_MAX_BYTES) {
    return new RolloutError(
      "ROLLOUT_REFERENCE_INVALID",
      `cloudConfig, containers, their variables and accounts of registries are ${bytes} bytes together; machines take ${PLAN_MAX_BYTES}`,
    );
  }
  try {
    Fields.read(JSON.parse(text), "the plan", readPlan);
    return undefined;
  } catch (cause) {
    if (!(cause instanceof AttestationMessageError)) throw cause;
    const message = `machines do not take what comes of this: ${cause.problems.slice(0, PROBLEMS_TOLD).join("; ")}`;
    return new RolloutError("ROLLOUT_REFERENCE_INVALID", message, { cause });
  }
}

/** Further accounts may help, and must not be what stops a rollout. */
function readablePlan(plan: Plan, firstCredentials: readonly RegistryCredential[]): Plan {
  if (problemOf(plan) === undefined) return plan;
  const fewer: Plan = { ...plan, credentials: firstCredentials };
  const problem = problemOf(fewer);
  if (problem !== undefined) throw problem;
  return fewer;
}

/** Where somebody has named a source since the slot was granted. */
function refuseUnreadVariables({ prepare, upgradeContainer }: ManagedOSImageSpec): void {
  const problems = [
    ...variableProblems(prepare, "spec.prepare"),
    ...variableProblems(upgradeContainer, "spec.upgradeContainer"),
  ];
  if (problems.length > 0) {
    throw new RolloutError("ROLLOUT_REFERENCE_INVALID", problems.slice(0, PROBLEMS_TOLD).join("; "));
  }
}

/**
 * Before anybody gets a slot for it: whoever holds one without being told what to do keeps others from theirs.
 * @throws RolloutError  as buildPlan
 */
export function requirePlan(image: CompiledImage, plan: string, materials: Materials): void {
  buildPlan(image, { machine: "", uid: "", cluster: "", attempt: 1, plan, grantedAt: "" }, materials);
}

/**
 * @param slot  granted for the plan that the image is about now
 * @throws RolloutError  ROLLOUT_REFERENCE_INVALID where no machine would take it
 */
export function buildPlan(image: CompiledImage, slot: Slot, materials: Materials): Plan {
  const { object } = image;
  const { spec, metadata } = object;
  const images = resolvedImages(object);
  if (images === undefined) throw new RolloutError("ROLLOUT_CONTESTED", "the image was changed a moment ago");
  refuseUnreadVariables(spec);
  const { prepare, upgradeContainer } = pinnedContainers(object, images);
  // A container of its own image brings its own command; one of osImage is carried out as always.
  const command = spec.upgradeContainer?.image || upgradeContainer?.args ? undefined : DEFAULT_COMMAND;
  // As the original does it; no part of the plan's id, or a new display name would send all machines on their way.
  const withMetadata = (container: PlanContainer): PlanContainer => ({
    ...container,
    env: { ...container.env, ...image.version?.environment },
  });
  const plan: Plan = {
    id: slot.plan,
    image: metadata.name,
    attempt: slot.attempt,
    osImage: images.resolvedImage,
    reference: images.reference,
    version: parseImageReference(images.resolvedImage).tag ?? "latest",
    cloudConfig: cloudConfigOf(spec.cloudConfig),
    cordon: spec.cordon ?? true,
    drain: drainOf(spec.drain),
    prepare: prepare === undefined ? undefined : containerOf(prepare, materials.prepareEnv, undefined),
    upgrade: withMetadata(containerOf(upgradeContainer ?? { image: images.reference }, materials.upgradeEnv, command)),
    credentials: materials.credentials,
    timeoutSeconds: Math.ceil(image.nodeTimeoutMs / 1000),
    force: spec.force ?? false,
    retry: slot.isRetry ?? false,
    allowDowngrade: spec.allowDowngrade ?? false,
  };
  return readablePlan(plan, materials.firstCredentials);
}
