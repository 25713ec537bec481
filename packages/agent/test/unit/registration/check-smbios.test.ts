/** `register --check` says of the SMBIOS what `register` makes of it. */
import { checkRegistration } from "@rancheros/agent/registration";
import { SmbiosError, type SmbiosErrorCode } from "@rancheros/agent/smbios";
import { TpmError } from "@rancheros/agent/tpm";
import { expect, it } from "vitest";

async function smbiosStep(code: SmbiosErrorCode, isSmbiosGiven: boolean): Promise<string | undefined> {
  const { steps } = await checkRegistration({
    url: "none",
    allowHttp: false,
    trust: { kind: "system" },
    environment: {},
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    protocol: "attestation",
    withoutEkCertificate: false,
    isSmbiosGiven,
    readSmbios: () => Promise.reject(new SmbiosError(code, "what is wrong")),
    openTpm: () => Promise.reject(new TpmError("TPM_DEVICE_MISSING", "there is no TPM")),
  });
  return steps.find(({ step }) => step === "smbios")?.outcome;
}

it.each<[SmbiosErrorCode, boolean, string]>([
  ["SMBIOS_ABSENT", false, "warning"],
  ["SMBIOS_ENTRY_POINT", false, "warning"],
  ["SMBIOS_TOO_LARGE", false, "warning"],
  ["SMBIOS_DENIED", false, "failed"],
  ["SMBIOS_ABSENT", true, "failed"],
  ["SMBIOS_ENTRY_POINT", true, "failed"],
])("%s, of captured tables: %s, is a %s", async (code, isSmbiosGiven, outcome) => {
  expect(await smbiosStep(code, isSmbiosGiven)).toBe(outcome);
});
