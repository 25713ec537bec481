/** The steps of a registration, as errors, progress remarks and `--check` name them. */

/** In the words that follow "while". */
export const STEP_WORDS = {
  "endorsement-key": "reading the TPM's endorsement key",
  "attestation-key": "making an attestation key in the TPM",
  trust: "fetching the server's CA",
  connect: "connecting to the server",
  certify: "having the TPM certify its attestation key",
  challenge: "waiting for the server's challenge",
  activation: "opening the challenge with the TPM",
  config: "waiting for the configuration",
  approval: "asking whether the machine was approved",
  report: "sending the report",
  plan: "asking for the plan",
  status: "telling how far the upgrade is",
} as const;

export type RegistrationStep = keyof typeof STEP_WORDS;
