/** `ros-agent register` where the way to the server is the trouble: names, TLS, proxies, silence, interruption. */
import { once } from "node:events";
import { createServer, connect, type Server } from "node:net";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { residue } from "../../../../test/swtpm/index.ts";
import { createAuthority } from "../../../../test/registration/authority.ts";
import { CONFIG, HONEST_PAGES, PATH, portOf, startRegistrationServer } from "./registration-server.ts";
import { errorOf, rosAgent, startRosAgent } from "./ros-agent.ts";
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

async function listen<S extends Server | HttpServer>(server: S): Promise<S> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

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

  it("because its certificate has expired", async () => {
    const expired = await startRegistrationServer(place.authority.issue({ names: ["localhost"], expired: true }));
    await expectFailure(place, [`https://localhost:${expired.port}${PATH}`, ...place.usual], {
      exitCode: 5,
      code: "REGISTRATION_TLS_UNTRUSTED",
      details: { reason: "expired" },
    });
    await expired.stop();
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

describe("through a proxy", () => {
  const asked: string[] = [];
  let proxy: HttpServer;
  let answer: "through" | "407" | "silence" = "through";

  beforeAll(async () => {
    proxy = createHttpServer();
    proxy.on("connect", (request, socket) => {
      asked.push(`${request.url} ${request.headers["proxy-authorization"]}`);
      socket.on("error", () => socket.destroy());
      if (answer === "407") socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      if (answer !== "through") return;
      const server = connect(place.server.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        server.pipe(socket).pipe(server);
      });
      server.on("error", () => socket.destroy());
      socket.on("close", () => server.destroy());
    });
    await listen(proxy);
  });

  afterAll(() => {
    proxy.closeAllConnections();
    proxy.close();
  });

  beforeEach(() => {
    answer = "through";
    asked.length = 0;
  });

  const url = `https://registration.test${PATH}`;

  it("registers over wss, with a CONNECT that names the server and the proxy's own password", async () => {
    const environment = { HTTPS_PROXY: `http://user:canary@127.0.0.1:${portOf(proxy)}` };
    const { code, stdout, stderr } = await rosAgent(["register", url, ...place.usual, "--json"], environment);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual(CONFIG);
    expect(asked).toEqual([`registration.test:443 Basic ${Buffer.from("user:canary").toString("base64")}`]);
  });

  it("fetches the pinned CA through it too", async () => {
    place.server.play({
      pages: { ...HONEST_PAGES, "/v1-rancheros/cacerts": { status: 200, body: place.authority.certificatePem } },
    });
    const args = ["register", url, ...place.machine, "--ca-sha256", place.authority.fingerprint];
    const { code, stderr } = await rosAgent(args, { https_proxy: `127.0.0.1:${portOf(proxy)}` });
    expect(code, stderr).toBe(0);
    expect(asked).toHaveLength(2);
  });

  it("goes past it where NO_PROXY says so", async () => {
    const environment = { HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}`, NO_PROXY: "example.com,.invalid" };
    await expectFailure(
      place,
      [`https://host.invalid${PATH}`, ...place.usual],
      { exitCode: 4, code: "REGISTRATION_UNREACHABLE", details: { reason: "dns" } },
      environment,
    );
    expect(asked).toEqual([]);
  });

  it("says that the proxy wants a password, and shows none", async () => {
    answer = "407";
    const outcome = await expectFailure(
      place,
      [url, ...place.usual],
      { exitCode: 4, code: "REGISTRATION_PROXY", says: "407", details: { status: 407 } },
      { HTTPS_PROXY: `http://user:canary@127.0.0.1:${portOf(proxy)}`, DEBUG: "1" },
    );
    expect(outcome.stdout + outcome.stderr).not.toContain("canary");
  });

  it("says that the proxy is not there", async () => {
    const gone = await listen(createServer());
    const port = portOf(gone);
    gone.close();
    await expectFailure(
      place,
      [url, ...place.usual],
      { exitCode: 4, code: "REGISTRATION_PROXY", details: { proxy: `127.0.0.1:${port}`, reason: "refused" } },
      { HTTPS_PROXY: `http://127.0.0.1:${port}` },
    );
  });

  it("gives up on a proxy that says nothing", async () => {
    answer = "silence";
    await expectFailure(
      place,
      [url, ...place.usual, "--timeout", "700ms"],
      { exitCode: 6, code: "REGISTRATION_TIMED_OUT", details: { step: "connect" } },
      { HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}` },
    );
  });

  it("refuses a proxy that is none, rather than to go past it", async () => {
    for (const HTTPS_PROXY of ["socks5://127.0.0.1:1080", "http://"]) {
      const failure = { exitCode: 8, code: "REGISTRATION_PROXY_INVALID" };
      await expectFailure(place, [url, ...place.usual], failure, { HTTPS_PROXY });
    }
  });
});

describe("silence", () => {
  const forever = (): Promise<void> => new Promise(() => undefined);

  it("after the connection was made", async () => {
    const server = await listen(createServer());
    await expectFailure(place, [`https://localhost:${portOf(server)}${PATH}`, ...place.usual, "--timeout", "500ms"], {
      exitCode: 6,
      code: "REGISTRATION_TIMED_OUT",
      says: "0.5 s",
      details: { step: "connect" },
      retry: "backoff",
    });
    server.close();
  });

  it("in place of the challenge", async () => {
    place.server.play({ visit: forever });
    await expectFailure(place, [place.url, ...place.usual, "--timeout", "1s"], {
      exitCode: 6,
      code: "REGISTRATION_TIMED_OUT",
      details: { step: "challenge" },
    });
  });

  it("in place of the configuration", async () => {
    place.server.play({
      visit: async ({ challenge }) => {
        await challenge();
        await forever();
      },
    });
    await expectFailure(place, [place.url, ...place.usual, "--timeout", "2s"], {
      exitCode: 6,
      code: "REGISTRATION_TIMED_OUT",
      details: { step: "config" },
    });
  });

  it("while the pinned CA is fetched", async () => {
    const server = await listen(createServer());
    const url = `https://localhost:${portOf(server)}${PATH}`;
    await expectFailure(place, [url, ...place.machine, "--ca-sha256", "0".repeat(64), "--timeout", "500ms"], {
      exitCode: 6,
      code: "REGISTRATION_TIMED_OUT",
      details: { step: "trust" },
    });
    server.close();
  });
});

describe("--wait", () => {
  it("tries again when the server asked to come back, not earlier than it said", async () => {
    place.server.play({
      refuse: (_request, number) =>
        number === 1 ? { status: 503, body: "not ready", headers: { "retry-after": "1" } } : undefined,
    });
    const startedMs = performance.now();
    const { code, stderr } = await rosAgent(["register", place.url, ...place.usual, "--wait", "30s"]);
    expect(code, stderr).toBe(0);
    expect(performance.now() - startedMs).toBeGreaterThan(1_000);
    expect(stderr).toContain("trying again in");
    expect(place.server.dials).toHaveLength(2);
  });

  it("does not begin a wait that is longer than it may be", async () => {
    place.server.play({ refuse: () => ({ status: 503, body: "", headers: { "retry-after": "60" } }) });
    const flags = ["--wait", "5s"];
    await expectFailure(place, [place.url, ...place.usual, ...flags], { exitCode: 5, code: "REGISTRATION_TRY_LATER" });
    expect(place.server.dials).toHaveLength(1);
  });

  it("does not repeat what cannot go well", async () => {
    place.server.play({ refuse: () => ({ status: 401, body: "no" }) });
    const flags = ["--wait", "30s"];
    await expectFailure(place, [place.url, ...place.usual, ...flags], { exitCode: 5, code: "REGISTRATION_REFUSED" });
    expect(place.server.dials).toHaveLength(1);
  });
});

describe("Ctrl-C", () => {
  afterEach(async () => {
    expect(await residue(place.tpm.tcti)).toMatchObject({ transient: [], loadedSession: [], savedSession: [] });
  });

  it("while the server is silent: cleans up and ends with 130", async () => {
    const output = await place.output();
    const dialled = new Promise<void>((resolve) => {
      place.server.play({
        visit: async () => {
          resolve();
          await new Promise(() => undefined);
        },
      });
    });
    const running = startRosAgent(["register", place.url, ...place.usual, "--output", output, "--json"]);
    await dialled;
    running.child.kill("SIGINT");
    const outcome = await running.outcome;
    expect(outcome.code).toBe(130);
    expect(errorOf(outcome)["code"]).toBe("REGISTRATION_INTERRUPTED");
    await expect(writeFile(output, "", { flag: "wx" })).resolves.toBeUndefined();
  });

  it("while waiting for the next attempt", async () => {
    const dialled = new Promise<void>((resolve) => {
      place.server.play({
        refuse: () => {
          resolve();
          return { status: 503, body: "", headers: { "retry-after": "20" } };
        },
      });
    });
    const running = startRosAgent(["register", place.url, ...place.usual, "--wait", "2m", "--json"]);
    await dialled;
    setTimeout(() => running.child.kill("SIGTERM"), 300);
    const outcome = await running.outcome;
    expect(outcome.code).toBe(130);
    expect(errorOf(outcome)["code"]).toBe("REGISTRATION_INTERRUPTED");
  });
});
