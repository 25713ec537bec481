/** Pulling from registries that want an account, or that stand in for another one behind a CA of their own. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { readRegistries } from "@rancheros/agent/images";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import { buildOsImage, REGISTRY_ACCOUNT, startRegistry, startTokenServer } from "../../../../../test/registry/index.ts";
import { push, startImageGround, type ImageGround } from "./image-ground.ts";
import { watchArguments } from "./watch-arguments.ts";

let ground: ImageGround;
let folder: string;
let pull: ImageGround["pull"];

beforeAll(async () => {
  ground = await startImageGround("priv");
  ({ folder, pull } = ground);
});

afterAll(() => ground.stop());

describe("pullImage into a real containerd from a real registry", () => {
  describe("with accounts", () => {
    it("logs in by Basic, and shows the password in no argument list, log or file", async () => {
      const closed = await startRegistry({ folder: path.join(folder, "basic"), auth: "basic" });
      try {
        const image = await push(closed, buildOsImage({ release: "basic", upgradeScript: undefined }));
        await expect(pull(image)).rejects.toMatchObject({ code: "IMAGE_NO_RIGHTS" });
        const wrong = { registry: closed.host, username: "builder", password: "wrong" };
        await expect(pull(image, { credentials: [wrong] })).rejects.toMatchObject({ code: "IMAGE_CREDENTIALS_WRONG" });
        const watched = watchArguments();
        await pull(image, { credentials: [{ registry: closed.host, ...REGISTRY_ACCOUNT }] });
        const seen = watched.stop();
        const { username, password } = REGISTRY_ACCOUNT;
        const encoded = Buffer.from(`${username}:${password}`).toString("base64");
        expect(seen).toContain("--hosts-dir");
        for (const secret of [password, encoded]) {
          expect(seen).not.toContain(secret);
          expect(readFileSync(path.join(folder, "c/containerd.log"), "utf8")).not.toContain(secret);
        }
        expect(readdirSync(path.join(folder, "run"))).toEqual([]);
      } finally {
        await closed.stop();
      }
    });

    it("takes the next account of a plan where the first one is outdated", async () => {
      const closed = await startRegistry({ folder: path.join(folder, "two"), auth: "basic" });
      try {
        const image = await push(closed, buildOsImage({ release: "two", upgradeScript: undefined }));
        const outdated = { registry: closed.host, username: "builder", password: "outdated" };
        const right = { registry: closed.host, ...REGISTRY_ACCOUNT };
        expect(await pull(image, { credentials: [outdated, right] })).toMatchObject({ wasThere: false });
      } finally {
        await closed.stop();
      }
    });

    it("gets a token where the registry asks for one", async () => {
      const tokens = await startTokenServer();
      const closed = await startRegistry({ folder: path.join(folder, "token"), auth: tokens });
      try {
        const image = await push(closed, buildOsImage({ release: "token", upgradeScript: undefined }));
        await expect(pull(image)).rejects.toMatchObject({ code: "IMAGE_NO_RIGHTS" });
        await pull(image, { credentials: [{ registry: closed.host, ...REGISTRY_ACCOUNT }] });
        expect(tokens.requests.at(-1)?.scope).toBe("repository:os/base:pull");
      } finally {
        await closed.stop();
        await tokens.stop();
      }
    });
  });

  it("goes to the mirror of registries.yaml, with the CA that is set there, and trusts no other", async () => {
    const authority = createAuthority("mirror");
    const mirror = await startRegistry({ folder: path.join(folder, "tls"), tls: authority });
    try {
      const image = await push(
        mirror,
        buildOsImage({ release: "mirror", upgradeScript: undefined }),
        "mirrored/os/base",
      );
      const digest = image.split("@")[1] ?? "";
      const ca = path.join(folder, "ca.pem");
      writeFileSync(ca, authority.certificatePem);
      const file = path.join(folder, "registries.yaml");
      const settings = (tls: string): string =>
        `mirrors:\n  registry.invalid:\n    endpoint: ["${mirror.url}"]\n    rewrite:\n      "^os/(.*)": "mirrored/os/$1"\n` +
        `configs:\n  "${mirror.host}":\n    tls: {${tls}}\n`;
      writeFileSync(file, settings(""));
      const patienceMs = 500;
      await expect(
        pull(`registry.invalid/os/base@${digest}`, { registries: await readRegistries(file), patienceMs }),
      ).rejects.toMatchObject({
        code: "IMAGE_REGISTRY_UNTRUSTED",
        message: expect.stringMatching(`^${mirror.host}: .*; registry.invalid: `) as string,
      });
      await expect(pull(image, { patienceMs })).rejects.toMatchObject({ code: "IMAGE_REGISTRY_NONSENSE" });
      writeFileSync(file, settings(`ca_file: ${ca}`));
      const registries = await readRegistries(file);
      expect(await pull(`registry.invalid/os/base@${digest}`, { registries })).toMatchObject({ wasThere: false });
    } finally {
      await mirror.stop();
    }
  });
});
