/** A machine whose operator has got another CA: what its agent has learned of it counts for every command, and for this operator only. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { eventually } from "../../../../test/operator/objects.ts";
import { startAttestationServer, type AttestationServer } from "../../../../test/registration/attestation-server.ts";
import { createAuthority } from "../../../../test/registration/authority.ts";
import { startSwtpm, type Swtpm } from "../../../../test/swtpm/index.ts";
import { doctor, only, openDoctorGround, type DoctorGround } from "./doctor-ground.ts";
import { PATH } from "./registration-server.ts";
import { errorOf, rosAgent, startRosAgent } from "./ros-agent.ts";

const before = createAuthority("before");
const after = createAuthority("after");
const names = ["localhost"];
let ground: DoctorGround;
let tpm: Swtpm;
let server: AttestationServer;
let url: string;
let learned: string;
let given: readonly string[];

/** The agent, until it has written down what it was told while the old CA still served. */
beforeAll(async () => {
  ground = await openDoctorGround();
  tpm = await startSwtpm({ stateFolder: join(ground.root, "tpm"), withEkCertificate: true });
  server = await startAttestationServer(before.issue({ names }));
  url = `https://localhost:${server.port}${PATH}`;
  given = ["--tcti", tpm.tcti, "--ca-cert", await ground.write("ca.pem", before.certificatePem)];
  learned = join(ground.root, "var/lib/rancheros/operator-ca.json");
  server.play({ admission: () => ({ ca: before.certificatePem + after.certificatePem }) });
  const agent = startRosAgent(["run", url, ...given, ...ground.flags]);
  await eventually(async () => existsSync(learned) || undefined, "the CA that it learned", 40_000);
  agent.child.kill("SIGTERM");
  await agent.outcome;
  server.changeCertificate(after.issue({ names }));
});

afterAll(async () => {
  await server.stop();
  await tpm.stop();
  await ground.remove();
});

beforeEach(() => server.play({}));

describe("an operator that has another CA than the machine was set up with", () => {
  it.each([[["register"]], [["register", "--check"]], [["report"]]])(
    "is known to %j",
    async ([command = "", ...flags]) => {
      const args = [command, url, ...flags, ...given, "--no-smbios", "--json"];
      const { code, stderr } = await rosAgent([...args, "--learned-ca", learned]);
      expect(code, stderr).toBe(0);
    },
  );

  it("is a stranger where nothing was learned, and to who was given another CA since", async () => {
    const args = ["register", url, "--no-smbios", "--json"];
    const nothing = await rosAgent([...args, ...given, "--learned-ca", join(ground.root, "none.json")]);
    expect(errorOf(nothing)).toMatchObject({ code: "REGISTRATION_TLS_UNTRUSTED" });
    const other = await ground.write("other.pem", createAuthority("other").certificatePem);
    const stranger = await rosAgent([...args, "--tcti", tpm.tcti, "--ca-cert", other, "--learned-ca", learned]);
    expect(errorOf(stranger)).toMatchObject({ code: "REGISTRATION_TLS_UNTRUSTED" });
  });

  it("is known to doctor, which says by what", async () => {
    const { short, lines } = await doctor([url, ...ground.flags, ...given, ...only("operator", "attestation")]);
    expect(short).toMatchObject({ ca: "ok", operator: "ok", attestation: "ok" });
    expect(lines["ca"]?.sentence).toContain("learned");
  });
});
