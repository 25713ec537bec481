import { describe, expect, it } from "vitest";
import { cloudConfigDocument } from "../../../src/registration/cloud-config-document.ts";
import { installConfig } from "../../../src/registration/install-config.ts";

const URL_OF_GOLDEN =
  "https://rancher.example.test/v1-rancheros/registration/5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";

describe("installConfig", () => {
  it("adds where to go on from there, and keeps the rest", () => {
    const text = installConfig(
      {
        users: [{ name: "root", passwd: "x" }],
        rancheros: { install: { device: "/dev/sda", debug: true } },
        rancherd: { role: "server", labels: ["a=b"] },
      },
      "https://rancher.example.test",
    );
    expect(text.endsWith("}\n")).toBe(true);
    expect(JSON.parse(text)).toEqual({
      users: [{ name: "root", passwd: "x" }],
      rancheros: { install: { device: "/dev/sda", debug: true, automatic: true } },
      rancherd: { role: "server", labels: ["a=b"], server: "https://rancher.example.test", token: "tpm://" },
    });
  });

  it("wins over what the registration says of server, token and automatic", () => {
    const config = {
      rancherd: { server: "https://elsewhere", token: "mine" },
      rancheros: { install: { automatic: false } },
    };
    expect(JSON.parse(installConfig(config, "https://here"))).toEqual({
      rancherd: { server: "https://here", token: "tpm://" },
      rancheros: { install: { automatic: true } },
    });
  });

  it.each([undefined, null, {}, { rancherd: "text", rancheros: [1] }])("copes with the cloud config %j", (config) => {
    expect(JSON.parse(installConfig(config, "https://here"))).toEqual({
      rancherd: { server: "https://here", token: "tpm://" },
      rancheros: { install: { automatic: true } },
    });
  });

  it("is written as Go writes it: sorted, HTML characters escaped", () => {
    expect(installConfig({ b: "<&>", a: 1 }, "https://here")).toBe(
      String.raw`{"a":1,"b":"\u003c\u0026\u003e","rancherd":{"server":"https://here","token":"tpm://"},"rancheros":{"install":{"automatic":true}}}` +
        "\n",
    );
  });
});

describe("cloudConfigDocument", () => {
  // Origin: the original operator's answer to a plain GET, 173 bytes.
  it("is byte for byte the original's where machines need no CA", () => {
    const text = cloudConfigDocument(URL_OF_GOLDEN, undefined);
    expect(text).toBe(`#cloud-config\nrancheros:\n    install:\n        registrationURL: ${URL_OF_GOLDEN}\n`);
    expect(Buffer.byteLength(text)).toBe(173);
  });

  it("carries the CA where there is one", () => {
    const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    expect(cloudConfigDocument("https://x/y", pem)).toContain(
      "registrationCACert: |\n            -----BEGIN CERTIFICATE-----\n            AAAA\n",
    );
  });
});
