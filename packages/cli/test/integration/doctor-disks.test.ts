/** `ros-agent doctor` on a machine with a folder that answers with an error of the kernel. */
import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { doctor, only, openDoctorGround, type DoctorGround } from "./doctor-ground.ts";

let ground: DoctorGround;
beforeAll(async () => {
  ground = await openDoctorGround();
});
afterAll(() => ground.remove());

describe("a folder of which doctor wants to know the room", () => {
  it("is left out where it is not there", async () => {
    const { short, lines } = await doctor([...ground.flags, ...only("disks")]);
    expect(short).toEqual({ disks: "ok" });
    expect(lines["disks"]?.sentence).not.toContain("containerd");
  });

  it("is told where it answers with an error, as the file system of a disk that fails does", async () => {
    const folder = join(ground.root, "var/lib/containerd");
    await symlink(folder, folder);
    const { short, lines, exitCode } = await doctor([...ground.flags, ...only("disks")]);
    expect(short).toEqual({ disks: "fail DOCTOR_DISK_UNREADABLE" });
    expect(lines["disks"]?.sentence).toContain(`${folder} does not say what room it has: ELOOP`);
    expect(lines["disks"]?.mend).toContain("dmesg");
    expect(exitCode).not.toBe(0);
    await rm(folder);
  });

  it("is told too where it is the one that the agent's state lies in", async () => {
    const state = join(ground.root, "var/lib/rancheros");
    await rm(state, { recursive: true });
    await symlink(state, state);
    expect((await doctor([...ground.flags, ...only("disks")])).short).toEqual({ disks: "fail DOCTOR_DISK_UNREADABLE" });
    await rm(state);
    await mkdir(state);
  });
});
