/** `ros-agent register` on machines whose TPM is the trouble: nothing is sent. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { findPortPair } from "../../../../test/control-plane/free-port.ts";
import {
  disableEndorsementHierarchy,
  startSwtpm,
  startTpmProxy,
  withoutRsa,
  writeEkCertificate,
} from "../../../../test/swtpm/index.ts";
import { CONFIG } from "./registration-server.ts";
import { rosAgent } from "./ros-agent.ts";
import { expectFailure, openWorkplace, type Workplace } from "./workplace.ts";

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace({ withEkCertificate: false });
});

afterAll(async () => {
  await place.close();
});

function at(tcti: string): string[] {
  return [place.url, "--protocol", "legacy", "--no-smbios", "--ca-cert", place.caFile, "--tcti", tcti];
}

describe("register", () => {
  it("registers a TPM that has no EK certificate by its bare key", async () => {
    const { code, stdout, stderr } = await rosAgent(["register", place.url, ...place.usual, "--json"]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual(CONFIG);
    expect(place.server.proven[0]?.ek.type).toBe("public-key");
    place.server.play({});
  });

  it("says that there is no TPM", async () => {
    await expectFailure(place, at("device:/dev/no-tpm"), { exitCode: 8, code: "TPM_DEVICE_MISSING" });
  });

  it("says which package is missing", async () => {
    const nowhere = await mkdtemp(join(tmpdir(), "nothing-"));
    const outcome = await expectFailure(
      place,
      at(place.tpm.tcti),
      { exitCode: 8, code: "TPM_TOOLS_MISSING" },
      { PATH: nowhere },
    );
    expect(outcome.stdout).toContain("tpm2-tools");
    await rm(nowhere, { recursive: true });
  });

  it("says that nothing answers at the TPM's address", async () => {
    const port = await findPortPair();
    await expectFailure(place, at(`swtpm:host=127.0.0.1,port=${port}`), { exitCode: 4, code: "TPM_UNREACHABLE" });
  });

  it("says that the address names no TPM", async () => {
    await expectFailure(place, at("none"), { exitCode: 2, code: "TPM_TCTI_INVALID" });
    await expectFailure(place, at(`device:${place.caFile}`), { exitCode: 2, code: "TPM_TCTI_INVALID" });
  });

  it("says that the TPM knows no RSA", async () => {
    const proxy = await startTpmProxy(place.tpm.port, withoutRsa);
    await expectFailure(place, at(proxy.tcti), { exitCode: 3, code: "TPM_RSA_UNSUPPORTED" });
    await proxy.stop();
  });

  it("does not register by the bare key where there is garbage in the certificate's place, unless asked to", async () => {
    await writeEkCertificate(place.tpm.tcti, Buffer.from("this is no certificate"));
    await expectFailure(place, at(place.tpm.tcti), { exitCode: 7, code: "TPM_EK_CERTIFICATE_UNREADABLE" });
    expect(place.server.dials).toHaveLength(0);
    const { code, stderr } = await rosAgent(["register", ...at(place.tpm.tcti), "--without-ek-certificate"]);
    expect(code, stderr).toBe(0);
    expect(place.server.proven[0]?.ek.type).toBe("public-key");
    place.server.play({});
  });

  it("says that the endorsement hierarchy is off", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hierarchy-"));
    const tpm = await startSwtpm({ stateFolder: folder, withEkCertificate: false });
    await disableEndorsementHierarchy(tpm.tcti);
    await expectFailure(place, at(tpm.tcti), { exitCode: 3, code: "TPM_HIERARCHY_DISABLED" });
    await tpm.stop();
    await rm(folder, { recursive: true });
  });
});
