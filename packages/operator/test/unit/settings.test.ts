import { describe, expect, it } from "vitest";
import { helpText } from "../../src/help.ts";
import { readSettings, SETTINGS } from "../../src/settings/index.ts";

describe("readSettings", () => {
  it("has these defaults", () => {
    expect(readSettings([], {})).toEqual({
      kubeconfig: undefined,
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
      maxSessions: 256,
      trustAnchors: "rancheros-trust-anchors",
      staleAfterMs: 120_000,
      acceptRoca: false,
      logLevel: "info",
    });
  });

  it("takes a flag before the environment", () => {
    const environment = { RANCHEROS_SERVER_URL: "https://env", RANCHEROS_HTTPS_LISTEN: "[::1]:1" };
    const settings = readSettings(["--server-url", "https://flag/"], environment);
    expect(settings.serverUrl).toBe("https://flag");
    expect(settings.httpsListen).toEqual({ host: "::1", port: 1 });
  });

  it("names every bad setting at once", () => {
    const bad = [
      "--server-url=ftp://x",
      "--https-listen=none",
      "--max-sessions=0",
      "--log-level=loud",
      "--tls-cert-file=a",
    ];
    expect(() => readSettings(bad, {})).toThrow(
      /--server-url.*--max-sessions.*--log-level.*--tls-cert-file and --tls-key-file.*machines could not reach/,
    );
  });

  it("refuses a flag that does not exist", () => {
    expect(() => readSettings(["--sever-url", "x"], {})).toThrow(/--sever-url/);
  });

  it("explains every setting in the help", () => {
    for (const setting of Object.values(SETTINGS)) expect(helpText()).toContain(`--${setting.flag} `);
  });
});
