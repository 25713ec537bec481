/** `ros-agent register` through a proxy. */
import { writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { findFreePort } from "../../../../test/control-plane/free-port.ts";
import { createAuthority } from "../../../../test/registration/authority.ts";
import { listen } from "./listen.ts";
import { CONFIG, HONEST_PAGES, PATH, portOf } from "./registration-server.ts";
import { rosAgent } from "./ros-agent.ts";
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
    const port = await findFreePort();
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

  describe("that speaks TLS", () => {
    const authority = createAuthority("the company");
    const tlsProxy = createHttpsServer(authority.issue({ names: ["127.0.0.1"] }));
    const throughTls = (): Record<string, string> => ({ HTTPS_PROXY: `https://127.0.0.1:${portOf(tlsProxy)}` });

    beforeAll(async () => {
      tlsProxy.on("connect", (...request) => void proxy.emit("connect", ...request));
      await listen(tlsProxy);
    });

    afterAll(() => {
      tlsProxy.closeAllConnections();
      tlsProxy.close();
    });

    it("registers where the system trusts the proxy's CA, though the server is trusted by another alone", async () => {
      const bundle = join(place.folder, "company.pem");
      await writeFile(bundle, authority.certificatePem);
      const environment = { ...throughTls(), SSL_CERT_FILE: bundle };
      const { code, stdout, stderr } = await rosAgent(["register", url, ...place.usual, "--json"], environment);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toEqual(CONFIG);
      expect(asked).toHaveLength(1);
    });

    describe("and has its certificate of the server's own CA", () => {
      const ownProxy = createHttpsServer();
      const throughOwn = (): Record<string, string> => ({ HTTPS_PROXY: `https://127.0.0.1:${portOf(ownProxy)}` });

      beforeAll(async () => {
        ownProxy.setSecureContext(place.authority.issue({ names: ["127.0.0.1"] }));
        ownProxy.on("connect", (...request) => void proxy.emit("connect", ...request));
        await listen(ownProxy);
      });

      afterAll(() => {
        ownProxy.closeAllConnections();
        ownProxy.close();
      });

      it("registers by the CA that was given, of which the system knows nothing", async () => {
        const { code, stdout, stderr } = await rosAgent(["register", url, ...place.usual, "--json"], throughOwn());
        expect(code, stderr).toBe(0);
        expect(JSON.parse(stdout)).toEqual(CONFIG);
        expect(asked).toHaveLength(1);
      });

      it("registers by the CA of the cloud-config", async () => {
        const config = join(place.folder, "with-ca.yaml");
        const install = { registrationURL: url, registrationCACert: place.authority.certificatePem };
        await writeFile(config, JSON.stringify({ rancheros: { install } }));
        const { code, stderr } = await rosAgent(["register", "--config", config, ...place.machine], throughOwn());
        expect(code, stderr).toBe(0);
        expect(asked).toHaveLength(1);
      });

      it("does not ask it for the CA with the given fingerprint, which is the server's alone", async () => {
        const args = [url, ...place.machine, "--ca-sha256", place.authority.fingerprint];
        const says = `the certificate of the proxy 127.0.0.1:${portOf(ownProxy)}`;
        await expectFailure(place, args, { exitCode: 5, code: "REGISTRATION_TLS_UNTRUSTED", says }, throughOwn());
        expect(asked).toEqual([]);
      });
    });

    it("does not trust the server by the system's CAs for that", async () => {
      const bundle = join(place.folder, "both.pem");
      await writeFile(bundle, authority.certificatePem + place.authority.certificatePem);
      const other = join(place.folder, "other.pem");
      await writeFile(other, createAuthority("another").certificatePem);
      await expectFailure(
        place,
        [url, ...place.machine, "--ca-cert", other],
        { exitCode: 5, code: "REGISTRATION_TLS_UNTRUSTED", says: "the server's certificate" },
        { ...throughTls(), SSL_CERT_FILE: bundle },
      );
    });

    it("says that it is the proxy's certificate which is not trusted", async () => {
      const name = `127.0.0.1:${portOf(tlsProxy)}`;
      await expectFailure(
        place,
        [url, ...place.usual],
        {
          exitCode: 5,
          code: "REGISTRATION_TLS_UNTRUSTED",
          says: `the certificate of the proxy ${name} comes from a CA`,
          details: { reason: "unknown-authority", proxy: name },
        },
        throughTls(),
      );
      expect(asked).toEqual([]);
    });
  });
});
