/** The flag by which commands name the TPM. */
import { string } from "@oclif/core/flags";

export const TPM_FLAGS = {
  tcti: string({
    description: "The TPM, as tpm2-tools name it. Default: $TPM2TOOLS_TCTI, otherwise device:/dev/tpmrm0.",
    helpValue: "TCTI",
  }),
} as const;
