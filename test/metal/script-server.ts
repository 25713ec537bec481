/** In place of an operator: gives everybody a script that switches the machine off, and prints who asked for what. */
import { createServer } from "node:http";

const [host = "", port = "80"] = process.argv.slice(2);

createServer((request, response) => {
  process.stdout.write(`${request.url ?? ""} ${request.headers["user-agent"] ?? ""}\n`);
  response.writeHead(200, { "content-type": "text/plain" }).end("#!ipxe\npoweroff\n");
}).listen(Number(port), host);
