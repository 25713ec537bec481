/** `ros-agent register` where the way to the server is the trouble: names, and whom to trust. */
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { createAuthority } from "../../../../test/registration/authority.ts";
import { listen } from "./listen.ts";
import { CONFIG, HONEST_PAGES, PATH, portOf, startRegistrationServer } from "./registration-server.ts";
import { rosAgent, startRosAgent } from "./ros-agent.ts";
import { expectFailure, openWorkplace, type Workplace } from "./workplace.ts";

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace({ withEkCertificate: true });
});

afterAll(async () => {
  await place.close();
});

beforeEach(() => {
  place.server.play({ pages: HONEST_PAGES });
});

describe("a server that cannot be reached", () => {
  it("because its name is unknown", async () => {
    const url = `https://no-such-host.invalid${PATH}`;
    const failure = { exitCode: 4, code: "REGISTRATION_UNREACHABLE", says: "no-such-host.invalid", retry: "backoff" };
    await expectFailure(place, [url, ...place.usual], { ...failure, details: { reason: "dns" } });
  });

  it("because nothing listens", async () => {
    const server = await listen(createServer());
    const port = portOf(server);
    server.close();
    await expectFailure(place, [`https://localhost:${port}${PATH}`, ...place.usual], {
      exitCode: 4,
      code: "REGISTRATION_UNREACHABLE",
      details: { reason: "refused", host: `localhost:${port}` },
    });
  });

  it("because the connection is reset", async () => {
    const server = await listen(createServer((socket) => socket.resetAndDestroy()));
    await expectFailure(place, [`https://localhost:${portOf(server)}${PATH}`, ...place.usual], {
      exitCode: 4,
      code: "REGISTRATION_UNREACHABLE",
      details: { reason: "reset" },
    });
    server.close();
  });

  it("because it speaks no TLS", async () => {
    const server = await listen(createHttpServer((_request, response) => response.end("plain")));
    await expectFailure(place, [`https://localhost:${portOf(server)}${PATH}`, ...place.usual], {
      exitCode: 7,
      code: "REGISTRATION_TLS_FAILED",
    });
    server.close();
  });

  it("because it speaks no HTTP", async () => {
    const server = await listen(createServer((socket) => socket.end("SSH-2.0-OpenSSH_9\r\n")));
    await expectFailure(place, [`http://localhost:${portOf(server)}${PATH}`, ...place.machine, "--allow-http"], {
      exitCode: 7,
      code: "REGISTRATION_NONSENSE",
    });
    server.close();
  });
});

describe("a server that is not to be trusted", () => {
  it("because its CA is another", async () => {
    const other = join(place.folder, "other.pem");
    await writeFile(other, createAuthority("another").certificatePem);
    await expectFailure(place, [place.url, ...place.machine, "--ca-cert", other], {
      exitCode: 5,
      code: "REGISTRATION_TLS_UNTRUSTED",
      details: { reason: "unknown-authority" },
      retry: "never",
    });
    expect(place.server.dials).toHaveLength(0);
  });

  it("because no CA of the system signed it", async () => {
    const failure = { exitCode: 5, code: "REGISTRATION_TLS_UNTRUSTED", details: { reason: "unknown-authority" } };
    await expectFailure(place, [place.url, ...place.machine], failure);
  });

  it("because its certificate is for another name", async () => {
    await expectFailure(place, [place.url.replace("localhost", "127.0.0.1"), ...place.usual], {
      exitCode: 5,
      code: "REGISTRATION_TLS_UNTRUSTED",
      says: /another name.*DNS:localhost/,
      details: { reason: "host-name" },
    });
    expect(place.server.dials).toHaveLength(0);
  });

  it.each([
    [
      "127.0.0.1",
      "127.0.0.1",
      /it has no subject alternative name, and a common name \(CN\) does not count for an address/,
    ],
    ["localhost", "server.test", /it has no subject alternative name, only the common name server\.test/],
  ])("because its certificate has no name but a common one: for %s, of %s", async (host, commonName, says) => {
    const server = await startRegistrationServer(place.authority.issue({ names: [], commonName }));
    await expectFailure(place, [`https://${host}:${server.port}${PATH}`, ...place.usual], {
      exitCode: 5,
      code: "REGISTRATION_TLS_UNTRUSTED",
      says,
      details: { reason: "host-name" },
    });
    await server.stop();
  });

  it("because its certificate has expired", async () => {
    const expired = await startRegistrationServer(place.authority.issue({ names: ["localhost"], expired: true }));
    await expectFailure(place, [`https://localhost:${expired.port}${PATH}`, ...place.usual], {
      exitCode: 5,
      code: "REGISTRATION_TLS_UNTRUSTED",
      details: { reason: "expired" },
    });
    await expired.stop();
  });

  it("because its certificate is not valid yet, until this machine's clock is set", async () => {
    const issue: typeof place.authority.issue = (options) => place.authority.issue(options);
    const early = await startRegistrationServer(issue({ names: ["localhost"], isEarly: true }));
    early.play({ pages: HONEST_PAGES });
    const url = `https://localhost:${early.port}${PATH}`;
    const { child, outcome } = startRosAgent(["register", url, ...place.usual, "--wait", "1m", "--json"]);
    // A clock that goes on by half a day and a certificate that has become older are the same to it.
    child.stderr?.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("trying again in")) early.present(issue({ names: ["localhost"] }));
    });
    const { code, stdout, stderr } = await outcome;
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/certificate is not valid yet \(REGISTRATION_TLS_UNTRUSTED\); trying again in/);
    expect(JSON.parse(stdout)).toEqual(CONFIG);
    await early.stop();
  });

  it("because it speaks plain http, unless that was asked for", async () => {
    const plain = await startRegistrationServer(undefined);
    const url = `http://127.0.0.1:${plain.port}${PATH}`;
    await expectFailure(place, [url, ...place.machine], { exitCode: 2, code: "REGISTRATION_PLAIN_HTTP" });
    expect(plain.dials).toHaveLength(0);
    const { code, stdout } = await rosAgent(["register", url, ...place.machine, "--allow-http", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(CONFIG);
    await expectFailure(place, [url, ...place.usual, "--allow-http"], {
      exitCode: 2,
      code: "REGISTRATION_TRUST_INVALID",
      says: "plain http",
    });
    await plain.stop();
  });

  it("cannot be told without a proper CA", async () => {
    const empty = join(place.folder, "empty.pem");
    await writeFile(empty, "nothing");
    const rows = [
      { flags: ["--ca-cert", empty], exitCode: 2, code: "REGISTRATION_TRUST_INVALID" },
      { flags: ["--ca-cert", join(place.folder, "missing.pem")], exitCode: 8, code: "REGISTRATION_CA_UNREADABLE" },
      { flags: ["--ca-sha256", "abc"], exitCode: 2, code: "REGISTRATION_TRUST_INVALID" },
    ];
    for (const { flags, ...failure } of rows)
      await expectFailure(place, [place.url, ...place.machine, ...flags], failure);
    expect(place.server.dials).toHaveLength(0);
  });

  it.each(["register", "register --protocol legacy", "report --every"])(
    "is told apart before the TPM is looked for: %s",
    async (command) => {
      const missing = join(place.folder, "missing.pem");
      const flags = ["--no-smbios", "--tcti", "device:/nonexistent/tpm0", "--ca-cert", missing, "--json"];
      const { code, stdout, stderr } = await rosAgent([...command.split(" "), place.url, ...flags]);
      expect(stdout + stderr).toContain("REGISTRATION_CA_UNREADABLE");
      expect(code).toBe(8);
    },
  );
});
