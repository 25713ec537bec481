/** As many connections as there may be, and none of who has few: maxConnections would refuse whoever comes next. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import { sourcePathOf } from "../../registration/index.ts";
import { HeldShares } from "../held-shares.ts";
import { hasBody } from "./body-reader.ts";

interface Connection {
  readonly socket: Socket;
  readonly ends: string;
  readonly source: readonly string[];
  /** To requests that are there as a whole, until they are taken; a websocket stands for one that is never made. */
  readonly answers: Set<Pick<ServerResponse, "writableEnded">>;
  /** Those of its kind, of which one may have to end; undefined while something is under way. */
  kind: HeldShares<Connection> | undefined;
}

/** The same for a connection as for the TLS on it; undefined where it has been reset. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  return remoteAddress && `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** Calls what takes a request from the moment on at which all of it is there. */
function onceThere(request: IncomingMessage, take: () => void): void {
  if (hasBody(request)) request.once("end", take);
  else take();
}

/** Whether all that was asked is answered: it is the other side that does not take it. */
function isUntaken({ answers }: Connection): boolean {
  return [...answers].every(({ writableEnded }) => writableEnded);
}

/**
 * Where there is one more than the limit, one ends with which nothing is under way, of whom has most of them: who has said
 * nothing for longest, for whoever means it asks in a moment; where all have asked something, the one that has not asked again
 * for longest; where something is under way with all, the oldest that does not take its answer, and else the one that comes.
 * To be called before anything else listens to the server.
 */
export function shareConnections(server: Server | HttpsServer, connectionLimit: number): void {
  const open = new Map<string, Connection>();
  /** They have asked nothing yet. */
  const silent = new HeldShares<Connection>("oldest");
  /** They were answered, and may ask something else. */
  const idle = new HeldShares<Connection>("oldest");

  function move(connection: Connection, kind: HeldShares<Connection> | undefined): void {
    connection.kind?.delete(connection.source, connection);
    connection.kind = kind;
    kind?.add(connection.source, connection);
  }

  function isOpen(connection: Connection): boolean {
    return open.get(connection.ends) === connection;
  }

  function forget(connection: Connection): void {
    move(connection, undefined);
    if (isOpen(connection)) open.delete(connection.ends);
  }

  function makeRoom(source: readonly string[]): Connection | undefined {
    return (
      silent.roomFor(source) ??
      // Counted with what it has silent: a crowd that says nothing drives out none that do.
      idle.roomFor(source, silent.heldBy(source)) ??
      silent.ownRoom(source) ??
      idle.ownRoom(source) ??
      [...open.values()].find(isUntaken)
    );
  }

  /** @returns whether it may stay; where not, it has ended */
  function admit(socket: Socket): boolean {
    const ends = endsOf(socket);
    if (ends === undefined) {
      socket.destroy();
      return false;
    }
    const source = sourcePathOf(socket.remoteAddress);
    if (open.size >= connectionLimit) {
      const room = makeRoom(source);
      (room?.socket ?? socket).destroy();
      if (room === undefined) return false;
      forget(room);
    }
    const connection: Connection = { socket, ends, source, answers: new Set(), kind: undefined };
    open.set(ends, connection);
    move(connection, silent);
    socket.once("close", () => forget(connection));
    return true;
  }

  function take(request: IncomingMessage, response: ServerResponse): void {
    const connection = open.get(endsOf(request.socket) ?? "");
    if (connection === undefined) return;
    let isAnswered = false;
    onceThere(request, () => {
      if (isAnswered) return;
      connection.answers.add(response);
      move(connection, undefined);
    });
    response.once("close", () => {
      isAnswered = true;
      connection.answers.delete(response);
      if (connection.answers.size === 0 && isOpen(connection)) move(connection, idle);
    });
  }

  // Before all others: one that ends at once is to cost no handshake.
  const accepting = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    if (!admit(socket)) return;
    for (const accept of accepting) Reflect.apply(accept, server, [socket]);
  });
  server.on("request", take);
  server.on("checkExpectation", take);
  server.on("upgrade", ({ socket }: IncomingMessage) => {
    const connection = open.get(endsOf(socket) ?? "");
    if (connection === undefined) return;
    // How many visits there may be is the gate's business; one that is refused has its answer, and may not take it.
    connection.answers.add(socket);
    move(connection, undefined);
  });
}
