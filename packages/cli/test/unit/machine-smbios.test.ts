/** What becomes of a registration on firmware whose SMBIOS cannot be read. */
import { SmbiosError, type DecodedSmbios, type SmbiosErrorCode } from "@rancheros/agent/smbios";
import { describe, expect, it } from "vitest";

import { machineSmbiosIfAny } from "../../src/machine-smbios.ts";

function reading(code: SmbiosErrorCode): () => Promise<DecodedSmbios> {
  return () => Promise.reject(new SmbiosError(code, `what is wrong (${code})`));
}

const UNUSABLE: readonly SmbiosErrorCode[] = [
  "SMBIOS_ABSENT",
  "SMBIOS_UNREADABLE",
  "SMBIOS_TOO_LARGE",
  "SMBIOS_ENTRY_POINT",
];

describe("machineSmbiosIfAny", () => {
  it.each(UNUSABLE)("warns and goes on without where the machine's own is %s", async (code) => {
    const remarks: string[] = [];
    const smbios = await machineSmbiosIfAny(undefined, (text) => remarks.push(text), reading(code));
    expect(smbios).toBeUndefined();
    expect(remarks).toEqual([`Warning: what is wrong (${code}): the operator gets no SMBIOS of this machine.`]);
  });

  it.each(UNUSABLE)("ends with %s where captured tables were named: they are meant to hold something", async (code) => {
    const reads = machineSmbiosIfAny("/captured", () => undefined, reading(code));
    await expect(reads).rejects.toMatchObject({ code });
  });

  it("ends where root could read it", async () => {
    const reads = machineSmbiosIfAny(undefined, () => undefined, reading("SMBIOS_DENIED"));
    await expect(reads).rejects.toMatchObject({ code: "SMBIOS_DENIED" });
  });
});
