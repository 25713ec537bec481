/** The agent as a service of its machine: alone, spoken with through a socket, watched by the service manager. */
export { CONTROL_MAX_BYTES, readControlAnswer, readControlRequest, refusalOf } from "./control-message.ts";
export type { ControlAnswer, ControlCommand, ControlRequest } from "./control-message.ts";
export { shareLock, takeLock } from "./io/agent-lock.ts";
export type { AgentLock } from "./io/agent-lock.ts";
export { askControl, serveControl } from "./io/control-socket.ts";
export type { Asked, AskTimes, ControlServer } from "./io/control-socket.ts";
export { requireOwnFolder } from "./io/own-folder.ts";
export { notifier } from "./io/notify.ts";
export { notifyWay, statusLine, watchdogIntervalMs } from "./notify-way.ts";
export type { NotifyWay } from "./notify-way.ts";
