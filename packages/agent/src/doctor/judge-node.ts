/** What the cluster says of this machine's node. */
import { NodeApiError, isMap } from "../kubernetes/index.ts";
import { DoctorError } from "./errors.ts";
import { ok, warn, type Verdict } from "./verdict.ts";

const MESSAGE_CHARACTERS = 300;

/** @param node  of the API server. @throws NodeApiError NODE_API_NONSENSE; DoctorError DOCTOR_NODE_NOT_READY */
export function judgeNode(node: unknown): Verdict<undefined> {
  const object = mapAt(node);
  const { name } = mapAt(object["metadata"]);
  if (typeof name !== "string") throw new NodeApiError("NODE_API_NONSENSE", "the API server's answer is no node");
  const status = mapAt(object["status"]);
  const listed: unknown = status["conditions"];
  const conditions = Array.isArray(listed) ? listed.map(mapAt) : [];
  const ready = conditions.find((one) => one["type"] === "Ready");
  if (ready?.["status"] !== "True") {
    const why = plain(ready?.["message"]) || "its kubelet has not said so yet";
    throw new DoctorError("DOCTOR_NODE_NOT_READY", `the node ${name} is not Ready: ${why}`, {
      details: { node: name },
    });
  }
  const pressed = conditions.filter((one) => PRESSURES.has(plain(one["type"])) && one["status"] === "True");
  if (pressed.length > 0) {
    const names = pressed.map((one) => `${plain(one["type"])} (${plain(one["message"])})`).join(", ");
    return warn(new DoctorError("DOCTOR_NODE_NOT_READY", `the node ${name} is Ready, and complains: ${names}`));
  }
  if (mapAt(object["spec"])["unschedulable"] === true) {
    return warn(new DoctorError("DOCTOR_NODE_CORDONED", `the node ${name} is Ready and cordoned`));
  }
  const kubelet = plain(mapAt(status["nodeInfo"])["kubeletVersion"]);
  return ok(`${name} is Ready${kubelet === "" ? "" : `, kubelet ${kubelet}`}`);
}

function mapAt(value: unknown): Readonly<Record<string, unknown>> {
  return isMap(value) ? value : {};
}

const PRESSURES: ReadonlySet<string> = new Set(["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"]);

function plain(value: unknown): string {
  return typeof value === "string"
    ? value
        .replaceAll(/[\p{Cc}\s]+/gu, " ")
        .trim()
        .slice(0, MESSAGE_CHARACTERS)
    : "";
}
