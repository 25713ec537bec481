/** Every code with which the operator can refuse a machine: the closed set behind its metrics and Events. */
import { ATTESTATION_MESSAGE_ERRORS } from "@rancheros/protocol/attestation";
import { IMAGE_ERRORS } from "@rancheros/protocol/images";
import { MESSAGE_ERRORS } from "@rancheros/protocol/messages";
import { SIGNATURE_ERRORS } from "@rancheros/protocol/signatures";
import { TPM_FORMAT_ERRORS } from "@rancheros/protocol/tpm";
import { ATTESTATION_ERRORS } from "./attestation/index.ts";
import { BOOT_ERRORS } from "./boot/index.ts";
import { KUBERNETES_ERRORS } from "./controller/index.ts";
import { DEFAULTS_ERRORS } from "./defaults/index.ts";
import { SESSION_ERRORS } from "./http/index.ts";
import { INVENTORY_ERRORS } from "./inventory/index.ts";
import { LEADERSHIP_ERRORS } from "./leadership/index.ts";
import { REGISTRATION_STATUS_ERRORS } from "./registration/index.ts";
import { REGISTRY_ERRORS } from "./registry/index.ts";
import { ROLLOUT_ERRORS } from "./rollout/index.ts";
import { SEAL_ERRORS } from "./session/index.ts";
import { DECISION_REASONS } from "./telemetry/index.ts";

const TABLES: readonly Readonly<Record<string, unknown>>[] = [
  DECISION_REASONS,
  ATTESTATION_ERRORS,
  BOOT_ERRORS,
  DEFAULTS_ERRORS,
  SESSION_ERRORS,
  SEAL_ERRORS,
  INVENTORY_ERRORS,
  REGISTRATION_STATUS_ERRORS,
  REGISTRY_ERRORS,
  ROLLOUT_ERRORS,
  KUBERNETES_ERRORS,
  LEADERSHIP_ERRORS,
  MESSAGE_ERRORS,
  ATTESTATION_MESSAGE_ERRORS,
  TPM_FORMAT_ERRORS,
  IMAGE_ERRORS,
  SIGNATURE_ERRORS,
];

/** Of all decisions, refusals and others. */
export const ALL_REASONS: ReadonlySet<string> = new Set(TABLES.flatMap((table) => Object.keys(table)));
