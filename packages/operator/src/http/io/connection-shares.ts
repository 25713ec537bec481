/** As many connections as there may be, and none of who has few: maxConnections would refuse whoever comes next. */
import type { Server } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import { sourceOf } from "../../registration/index.ts";
import { HeldShares } from "../held-shares.ts";

/** Where there is one more than the limit, the newest of the source address ends that has most of them. */
export function shareConnections(server: Server | HttpsServer, connectionLimit: number): void {
  const open = new HeldShares<Socket>();
  server.on("connection", (socket: Socket) => {
    const source = sourceOf(socket.remoteAddress);
    open.add(source, socket);
    socket.once("close", () => open.delete(source, socket));
    if (open.size <= connectionLimit) return;
    const greediest = open.greediestBut(source);
    const newest = open.newestOf(greediest);
    if (newest === undefined) return;
    open.delete(greediest, newest);
    newest.destroy();
  });
}
