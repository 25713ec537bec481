/** No secret is shown wherever in a configuration it stands, and what is none stays. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { cpuMsOf } from "../../../../../test/cpu-ms-of.ts";
import { hideSecrets, plainValue } from "../../../src/rancherd/index.ts";
import { withOrigin, type OriginMap } from "../../../src/rancherd/origin-tree.ts";

const CANARY = "canary-s3cret";

function shown(value: Readonly<Record<string, unknown>>): unknown {
  const node = withOrigin(value, "test");
  return plainValue(hideSecrets(node as OriginMap));
}

function shownText(text: string): unknown {
  return (shown({ x: text }) as { readonly x: unknown }).x;
}

describe("hideSecrets", () => {
  it.each<Readonly<Record<string, unknown>>>([
    { args: ["--token", CANARY] },
    { args: ["-token", CANARY, "x"] },
    { args: ["--etcd-s3-secret-key", CANARY] },
    { args: ["--private", "--token", CANARY] },
    { args: ["--password", `-${CANARY} and more`] },
    { env: [`PGPASS=${CANARY}`, `DB_PWD=a ${CANARY}`] },
    { "etcd-s3-access-key": CANARY, "api-key": CANARY, apiKey: CANARY, passphrase: CANARY, authorization: CANARY },
    { rancherValues: { extraEnv: [{ name: "ADMIN_PASSWORD", value: CANARY }] } },
    { set: [{ value: { deep: [CANARY] }, Name: "auth.password" }] },
    { files: [{ path: "/etc/token", content: CANARY }] },
  ])("hides the value in %j", (value) => {
    expect(JSON.stringify(value)).toContain(CANARY);
    expect(JSON.stringify(shown(value))).not.toContain(CANARY);
  });

  it.each([
    `k3s agent --token ${CANARY}`,
    `k3s agent --server x \\\n  --token \\\n  '${CANARY} ${CANARY}' --more`,
    `k3s agent --token='a ${CANARY}' --more`,
    `k3s agent --private --token ${CANARY}`,
    `sh -c "k3s agent --token ${CANARY}"`,
    `["--token","${CANARY}"]`,
    `args:\n- --token\n- ${CANARY}\n`,
    `export DB_PASSWORD=${CANARY}; run`,
    `adminPassword: ${CANARY}\nreplicas: 1\n`,
    `a:\n  privateKey: |\n    x\n\n    ${CANARY}\n`,
    `a:\n  tokens:\n  - x\n  - ${CANARY}\n`,
    `password: "x\n${CANARY}"\nb: 1`,
    `{"a":1,"password":"${CANARY}"}`,
    `{\\"password\\":\\"${CANARY}\\"}`,
    `env:\n- name: DB_PASSWORD\n  value: ${CANARY}\n`,
    `{"name":"DB_PASSWORD","value":"${CANARY}"}`,
    `token = "${CANARY}"`,
    `curl -H "Authorization: Bearer ${CANARY}" https://h`,
    `mysql://u:p@${CANARY}/w@tcp(h)/k3s`,
    `mysql://u:p/${CANARY}@tcp(h)/k3s`,
    `at https://${CANARY}@github.com/a/b`,
    `oci://u:${CANARY}@h/a@sha256:${"ab".repeat(32)}`,
    `-----BEGIN EC PRIVATE KEY-----\n${CANARY}\n-----END EC PRIVATE KEY-----`,
  ])("hides the secret in the text %j", (text) => {
    expect(shownText(text)).not.toContain(CANARY);
    expect(shownText(text)).toContain("(hidden)");
  });

  it.each([
    "k3s agent --server https://h:6443 --node-label a=b",
    "--token-file /etc/token",
    "replicas: 2\nimage: registry.test:5000/token-service:v1\n",
    `oci://registry.test:5000/os@sha256:${"ab".repeat(32)}`,
    "ssh://git@host/path",
    "https://host/path?to=a@b",
    "authorization-mode=Node,RBAC",
    "the token is in a file",
    "password:",
    "A=1",
  ])("leaves the text %j", (text) => {
    expect(shownText(text)).toBe(text);
  });

  it("keeps what stands around a secret", () => {
    expect(shownText("replicas: 2\nadminPassword: x\ningress: y\n")).toBe(
      "replicas: 2\nadminPassword: (hidden)\ningress: y\n",
    );
    expect(shownText("k3s agent --token x --server y")).toBe("k3s agent --token (hidden) --server y");
    expect(shown({ env: [{ name: "A", value: "1" }], args: ["--token", "x", "y"] })).toEqual({
      env: [{ name: "A", value: "1" }],
      args: ["--token", "(hidden)", "y"],
    });
  });

  it("takes time that grows with the length of the text only", () => {
    const parts = [
      "token=",
      "token: ",
      "--token ",
      'token=a" ',
      "a.",
      "a://",
      "token:\n",
      "\\",
      '"',
      "token",
      "token=\\'",
      "-----BEGIN PRIVATE KEY-----",
      " ",
      "name: token\n",
      "--token \\\n",
      "a://b:c",
      "@",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 3 }), (some) => {
        const text = some.join("");
        const long = text.repeat(Math.ceil(200_000 / text.length));
        // A quadratic one takes minutes.
        expect(cpuMsOf(() => shownText(long), 2_000)).toBeLessThan(2_000);
      }),
      { numRuns: 150 },
    );
  });
});
