/** The flags by which commands name the TPM, and a key in it. */
import { option, string } from "@oclif/core/flags";

/** Which of the TPM's endorsement keys; see EndorsementKeyKind of the agent. */
export const EK_FLAG = {
  ek: option({
    description:
      "The endorsement key by which the machine is known. Default: rsa2048; ecc-p256 where the TPM has no RSA.",
    options: ["rsa2048", "rsa3072", "ecc-p256"] as const,
    helpValue: "KIND",
  })(),
} as const;

export const TPM_FLAGS = {
  tcti: string({
    description: "The TPM, as tpm2-tools name it. Default: $TPM2TOOLS_TCTI, otherwise device:/dev/tpmrm0.",
    helpValue: "TCTI",
  }),
} as const;
