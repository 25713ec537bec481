/** Signs of life for systemd, on a real datagram socket that Perl holds: Node has none. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "notify-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Binds the socket, starts the program as systemd would, and prints each datagram with the id of the process that sent it. */
const MANAGER = `
use strict; use warnings; use Socket; use IO::Socket::UNIX; use POSIX ();
my ($path, $way, @program) = @ARGV;
my $server = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) or die "socket: $!";
my $pid = fork();
if ($pid == 0) {
  $ENV{NOTIFY_SOCKET} = $path;
  if ($way eq "descriptor") {
    my $client = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $path) or die "client: $!";
    POSIX::dup2(fileno($client), 3);
    $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_FDNAMES} = "notify";
  }
  $^F = 3; exec(@program) or die "exec: $!";
}
my $end = time + 20;
while (time < $end) {
  vec(my $set = "", fileno($server), 1) = 1;
  if (select($set, undef, undef, 0.2)) { recv($server, my $text, 4096, 0); print "$text\\n"; }
  elsif (waitpid($pid, POSIX::WNOHANG) == $pid) { last; }
}
`;

const SERVICE = `
import { notifier, notifyWay } from ${JSON.stringify(join(import.meta.dirname, "../../../src/service/index.ts"))};
const say = notifier(notifyWay(process.env, process.pid), process.env);
void say("READY=1");
void say("STATUS=Idle");
await say("STOPPING=1");
`;

describe("what the agent tells systemd", () => {
  it.each(["descriptor", "program"])("arrives in order by the %s", async (way) => {
    const program = join(folder, "service.ts");
    writeFileSync(program, SERVICE);
    const args = ["-e", MANAGER, join(folder, "notify"), way, process.execPath, program];
    const { stdout } = await promisify(execFile)("perl", args, { timeout: 30_000 });
    // systemd-notify waits for the manager to have taken each.
    const said = stdout.split("\n").filter((line) => line !== "" && line !== "BARRIER=1");
    expect(said).toEqual(["READY=1", "STATUS=Idle", "STOPPING=1"]);
  });
});
