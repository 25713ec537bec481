import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { DEFAULT_TCTI, openTpm } from "@rancheros/agent/tpm";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ros-no-tpm-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Settings {
  readonly tcti: string;
  readonly path?: string;
  readonly workFolder?: string;
}

async function readKey({ tcti, path = process.env["PATH"], workFolder = folder }: Settings): Promise<unknown> {
  const tpm = await openTpm({
    tcti,
    signal: new AbortController().signal,
    timeoutMs: 10_000,
    workFolder,
    environment: { ...process.env, PATH: path },
  });
  try {
    return await tpm.readEndorsementKey();
  } finally {
    await tpm.close();
  }
}

/** A folder of programs that stand in for tpm2-tools: the same few lines of shell under each name. */
function toolsThat(name: string, script: string): string {
  const bin = join(folder, name);
  mkdirSync(bin);
  for (const tool of ["tpm2_nvread", "tpm2_createek", "tpm2_getcap", "tpm2_flushcontext"]) {
    const program = join(bin, tool);
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
  }
  return `${bin}:${process.env["PATH"] ?? ""}`;
}

describe("no TPM to talk to: a clear error", () => {
  it("for a device that is not there", async () => {
    await expect(readKey({ tcti: "device:/dev/tpmrm99" })).rejects.toMatchObject({
      code: "TPM_DEVICE_MISSING",
      failure: "environment",
      message: "there is no TPM at /dev/tpmrm99",
    });
    expect(DEFAULT_TCTI).toBe("device:/dev/tpmrm0");
  });

  it("for a file that is no device, which keeps its content", async () => {
    const precious = join(folder, "precious");
    writeFileSync(precious, "twelve bytes or more that a tool would write over");
    await expect(readKey({ tcti: `device:${precious}` })).rejects.toMatchObject({ code: "TPM_TCTI_INVALID" });
    expect(readFileSync(precious, "utf8")).toBe("twelve bytes or more that a tool would write over");
  });

  it("for a device of another kind", async () => {
    await expect(readKey({ tcti: "device:/dev/null" })).rejects.toMatchObject({ code: "TPM_UNREACHABLE" });
  });

  it.each(["", "none", "nonsense", "nonsense:x=1", "swtpm:nonsense", "swtpm:port=notanumber", "device:/tmp"])(
    "for the TCTI %j",
    async (tcti) => {
      await expect(readKey({ tcti })).rejects.toMatchObject({ code: "TPM_TCTI_INVALID", failure: "usage" });
    },
  );

  it.each(["swtpm:host=127.0.0.1,port=1", "mssim:host=127.0.0.1,port=1", "swtpm:host=nosuch.invalid,port=2321"])(
    "for %s, where nobody answers",
    async (tcti) => {
      await expect(readKey({ tcti })).rejects.toMatchObject({ code: "TPM_UNREACHABLE", retry: "backoff" });
    },
  );

  it("without permission to open the device", async () => {
    const closedDevice = join(folder, "closed");
    // As /dev/null, but for root alone.
    execFileSync("mknod", ["-m", "600", closedDevice, "c", "1", "3"]);
    chmodSync(folder, 0o755);
    // Root may open anything, so the real tools are run as nobody where we are root.
    const drop = process.getuid?.() === 0 ? "exec setpriv --reuid=65534 --regid=65534 --clear-groups" : "exec";
    const path = toolsThat("unprivileged", `PATH=\${PATH#*:} ${drop} $(basename "$0") "$@"`);
    await expect(readKey({ tcti: `device:${closedDevice}`, path })).rejects.toMatchObject({
      code: "TPM_PERMISSION",
      failure: "environment",
    });
  });
});

describe("tools that do not do their work: a clear error", () => {
  it("when they are missing, with the name of the package", async () => {
    await expect(readKey({ tcti: "swtpm:port=1", path: "/nonexistent" })).rejects.toMatchObject({
      code: "TPM_TOOLS_MISSING",
      failure: "environment",
      mend: expect.stringContaining("apt-get install tpm2-tools") as unknown,
    });
  });

  it("when they print far too much", async () => {
    const path = toolsThat("flooding", "yes");
    await expect(readKey({ tcti: "swtpm:port=1", path })).rejects.toMatchObject({ code: "TPM_NONSENSE" });
  });

  it("when they succeed without a result", async () => {
    const path = toolsThat(
      "empty",
      'case "$0" in *nvread) echo "ERROR: Esys_TR_FromTPMPublic(0x18B) - x" >&2; exit 1;; *) exit 0;; esac',
    );
    await expect(readKey({ tcti: "swtpm:port=1", path })).rejects.toMatchObject({ code: "TPM_WORK_FOLDER" });
  });

  it("when they crash", async () => {
    const path = toolsThat("crashing", "kill -SEGV $$");
    await expect(readKey({ tcti: "swtpm:port=1", path })).rejects.toMatchObject({
      code: "TPM_COMMAND_FAILED",
      message: "tpm2_nvread was ended by SIGSEGV",
    });
  });

  it("when there is no folder to work in", async () => {
    const path = toolsThat("absent-certificate", 'echo "ERROR: Esys_TR_FromTPMPublic(0x18B) - x" >&2; exit 1');
    await expect(readKey({ tcti: "swtpm:port=1", path, workFolder: "/nonexistent/x" })).rejects.toMatchObject({
      code: "TPM_WORK_FOLDER",
      failure: "environment",
    });
  });
});
