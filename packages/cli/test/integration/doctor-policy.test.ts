/** `ros-agent doctor` about what a machine asks of signed images. */
import { afterAll, beforeAll, expect, it } from "vitest";

import { doctor, only, openDoctorGround, type DoctorGround } from "./doctor-ground.ts";

let ground: DoctorGround;

beforeAll(async () => {
  ground = await openDoctorGround();
});
afterAll(() => ground.remove());

it.each([
  ["- images: ['**']\n  mode: ignore\n", "ok"],
  ["- images: ['**']\n", "fail SIGNATURE_POLICY_INVALID"],
  ["- images: [\n", "fail SIGNATURE_POLICY_INVALID"],
])("the policy %j is told of: one that cannot be read keeps all images out", async (text, expected) => {
  await ground.write("etc/rancher/rancheros/image-policy.yaml", text);
  const { short } = await doctor([...ground.flags, ...only("image-policy")]);
  expect(short).toEqual({ "image-policy": expected });
});
