/** In place of an operator: gives everybody a script that does nothing for long, and prints who asked for what. */
import { createServer } from "node:http";

const [host = "", port = "80"] = process.argv.slice(2);

createServer((request, response) => {
  process.stdout.write(`${request.url ?? ""} ${request.headers["user-agent"] ?? ""}\n`);
  response.writeHead(200, { "content-type": "text/plain" }).end("#!ipxe\nsleep 3600\n");
}).listen(Number(port), host);
