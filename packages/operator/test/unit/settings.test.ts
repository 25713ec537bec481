import { describe, expect, it } from "vitest";
import { helpText } from "../../src/help.ts";
import { readSettings, SETTINGS } from "../../src/settings/index.ts";

describe("readSettings", () => {
  it("has these defaults", () => {
    expect(readSettings([], {})).toEqual({
      kubeconfigFiles: [],
      namespace: "cattle-rancheros-operator-system",
      watchNamespace: undefined,
      serverUrl: undefined,
      caFile: undefined,
      publicCa: false,
      tokenInStatus: true,
      unknownTokenRate: 60,
      httpsListen: { host: "0.0.0.0", port: 8443 },
      httpListen: undefined,
      healthListen: { host: "0.0.0.0", port: 8081 },
      tlsFiles: undefined,
      tlsSan: [],
      channelKeys: [],
      leaderElect: true,
      maxSessions: 256,
      trustAnchors: "rancheros-trust-anchors",
      tunnelSecret: "rancheros-operator",
      staleAfterMs: 120_000,
      stopDelayMs: 2_000,
      statusDelayMs: 15_000,
      failedChallengeRate: 60,
      acceptRoca: false,
      registryCaFile: undefined,
      imagePolicyFile: undefined,
      registries: { mirrors: new Map(), insecureHosts: new Set() },
      defaultsFile: undefined,
      logLevel: "info",
    });
  });

  it("takes KUBECONFIG for files with colons between them, and --kubeconfig for one file", () => {
    const environment = { KUBECONFIG: "/a:/b c::d" };
    expect(readSettings([], environment).kubeconfigFiles).toEqual(["/a", "/b c", "d"]);
    expect(readSettings(["--kubeconfig=/e:f"], environment).kubeconfigFiles).toEqual(["/e:f"]);
    expect(readSettings(["--kubeconfig="], environment).kubeconfigFiles).toEqual(["/a", "/b c", "d"]);
  });

  it.each(["a,b", "Foo_", "x".repeat(64), "kube.system", "-a"])("refuses %j, which is no namespace", (name) => {
    expect(() => readSettings([`--namespace=${name}`], {})).toThrow(`--namespace: "${name}" is no name of a namespace`);
    expect(() => readSettings([], { WATCH_NAMESPACE: name })).toThrow("--watch-namespace");
  });

  it("takes a flag before the environment", () => {
    const environment = { RANCHEROS_SERVER_URL: "https://env", RANCHEROS_HTTPS_LISTEN: "[::1]:1" };
    const settings = readSettings(["--server-url", "https://flag/"], environment);
    expect(settings.serverUrl).toBe("https://flag");
    expect(settings.httpsListen).toEqual({ host: "::1", port: 1 });
  });

  describe.each(["server-url", "boot-url"])("--%s", (flag) => {
    const key = flag === "server-url" ? "serverUrl" : "bootUrl";
    const variable = `RANCHEROS_${flag.replace("-", "_").toUpperCase()}`;

    it.each([
      "https://m.example/at",
      " https://m.example/at",
      "https://m.example/at/\n",
      "\thttps://m.example/at// \r\n",
    ])("takes %j without what stands around it", (text) => {
      expect(readSettings([`--${flag}=${text}`], {})[key]).toBe("https://m.example/at");
      expect(readSettings([], { [variable]: text })[key]).toBe("https://m.example/at");
    });

    it.each([
      "https://m.example/?x=1",
      "https://m.example/#a",
      "https://m.exa\nmple",
      "https://m.example/a b",
      "https://",
      "m.example",
      "ftp://m.example",
      "https://user:canary@m.example",
      "https://canary@m.example",
      "https://:canary@m.example",
      "ftp://user:canary@m.example",
      "https://user:canary@m.example:port",
      "https://user:cana/canary@m.example",
      "https://m.example?token=canary",
    ])("refuses %j, behind which no path can be put, and shows no password of it", (text) => {
      const refusal = new RegExp(`^(?!.*canary).*--${flag}: .* is no http or https address without `);
      expect(() => readSettings([`--${flag}=${text}`], {})).toThrow(refusal);
      expect(() => readSettings([], { [variable]: text })).toThrow(refusal);
    });
  });

  it("names every bad setting at once", () => {
    const bad = [
      "--server-url=ftp://x",
      "--https-listen=none",
      "--max-sessions=0",
      "--stop-delay=4",
      "--log-level=loud",
      "--tls-cert-file=a",
    ];
    expect(() => readSettings(bad, {})).toThrow(
      /--server-url.*--max-sessions.*--stop-delay.*--log-level.*--tls-cert-file and --tls-key-file.*machines could not reach/,
    );
  });

  it("takes mirrors and hosts without TLS from repeated flags, and from one variable with commas", () => {
    const mirrors = ["docker.io=https://one.test/hub", "docker.io=http://two.test:5000", "*=https://all.test"];
    const expected = {
      mirrors: new Map([
        ["docker.io", { urls: [new URL("https://one.test/hub"), new URL("http://two.test:5000")], upstream: true }],
        ["*", { urls: [new URL("https://all.test")], upstream: false }],
      ]),
      insecureHosts: new Set(["localhost:5000", "[::1]:5000"]),
    };
    const flags = [...mirrors, "*=none"].flatMap((mirror) => ["--registry-mirror", mirror]);
    const insecure = ["--insecure-registry=localhost:5000", "--insecure-registry=[::1]:5000"];
    expect(readSettings([...flags, ...insecure], {}).registries).toEqual(expected);
    const environment = {
      RANCHEROS_REGISTRY_MIRRORS: `${mirrors.join(", ")},*=none`,
      RANCHEROS_INSECURE_REGISTRIES: "localhost:5000,[::1]:5000",
      RANCHEROS_REGISTRY_CA: "/ca.pem",
    };
    expect(readSettings([], environment)).toMatchObject({ registries: expected, registryCaFile: "/ca.pem" });
  });

  it.each([
    ["--registry-mirror=docker.io", /is not HOST=URL/],
    ["--registry-mirror=http://x=https://y", /no host of a registry before/],
    ["--registry-mirror=docker.io=mirror:5000", /no http or https address/],
    ["--registry-mirror=docker.io=https://u:p@m", /has credentials in it/],
    ["--registry-mirror=docker.io=https://m/?a", /question mark/],
    ["--registry-mirror=docker.io=none", /docker.io has no mirror, but is not to be asked itself/],
    [Array.from({ length: 9 }, (_, index) => `--registry-mirror=a.io=https://m${index}`), /more than 8 mirrors/],
    ["--insecure-registry=http://x", /is no HOST or HOST:PORT/],
  ])("refuses %j", (flag, problem) => {
    expect(() => readSettings([flag].flat(), {})).toThrow(problem);
  });

  it("takes keys of TLS in front by their hash, and no TLS by its word only", () => {
    const keysOf = (text: string) => readSettings([`--channel-keys=${text}`], {}).channelKeys;
    expect(keysOf(`${"ab".repeat(32)},none`)).toEqual([Buffer.alloc(32, 0xab), Buffer.alloc(32)]);
    for (const wrong of ["0".repeat(64), "ab", `none,${"0".repeat(64)}`, "g".repeat(64)]) {
      expect(() => keysOf(wrong)).toThrow(/--channel-keys/);
    }
  });

  it("opens no tunnel where it is told so, and takes a Secret by a name only that one can have", () => {
    const secretOf = (text: string) => readSettings([`--rancher-tunnel-secret=${text}`], {}).tunnelSecret;
    expect([secretOf("none"), secretOf(""), secretOf("stv-aggregation")]).toEqual([
      undefined,
      undefined,
      "stv-aggregation",
    ]);
    for (const wrong of ["a/b", "A", "-a", "a&limit=1", "a,metadata.namespace=b", "a".repeat(254)]) {
      expect(() => secretOf(wrong)).toThrow(/--rancher-tunnel-secret: .* is no name of an object/);
    }
  });

  it("refuses a flag that does not exist", () => {
    expect(() => readSettings(["--sever-url", "x"], {})).toThrow(/--sever-url/);
  });

  it("explains every setting in the help", () => {
    for (const setting of Object.values(SETTINGS)) expect(helpText()).toContain(`--${setting.flag} `);
  });
});
