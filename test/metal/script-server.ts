/** In place of an operator: gives everybody a script that does nothing for long, or once another one, and prints who asked for what. */
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";

const [host = "", nextScript = ""] = process.argv.slice(2);
const PORT = 80;

function script(): string {
  try {
    return readFileSync(nextScript, "utf8");
  } catch {
    return "#!ipxe\nsleep 3600\n";
  } finally {
    rmSync(nextScript, { force: true });
  }
}

createServer((request, response) => {
  process.stdout.write(`${request.url ?? ""} ${request.headers["user-agent"] ?? ""}\n`);
  response.writeHead(200, { "content-type": "text/plain" }).end(script());
}).listen(PORT, host);
