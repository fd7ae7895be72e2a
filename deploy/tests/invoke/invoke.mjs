// Calls a handler as Lambda does: invoke.mjs HANDLER REMAINING_MS, with the event on standard input.

import { pathToFileURL } from "node:url";

const [file, remaining] = process.argv.slice(2);
let event = "";
for await (const chunk of process.stdin) event += chunk;
const { handler } = await import(pathToFileURL(file));
try {
  const result = await handler(JSON.parse(event), { getRemainingTimeInMillis: () => Number(remaining) });
  console.error(JSON.stringify({ result }));
} catch (error) {
  console.error(JSON.stringify({ error: error.message }));
}
