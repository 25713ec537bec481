/** How large a block device's logical sectors are: partition tables, and file systems of a few sectors a cluster, count in them. */
import { SlotError } from "../errors.ts";
import { runProgram } from "./run-program.ts";

/** @throws SlotError SLOT_TOOL_MISSING, SLOT_TOOL_FAILED */
export async function sectorBytes(device: string): Promise<number> {
  const said = await runProgram({ program: "blockdev", args: ["--getss", device], from: "util-linux" });
  const bytes = Number(said.trim());
  if (bytes >= 512 && Number.isInteger(Math.log2(bytes))) return bytes;
  throw new SlotError("SLOT_TOOL_FAILED", `blockdev says that a sector of ${device} has ${said.trim()} bytes`);
}
