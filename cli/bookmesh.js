#!/usr/bin/env node
// Plain JavaScript that any Node can parse: an old one must be able to say that it is too old.
const OLDEST_NODE = 24;
const EXIT_BAD_USAGE = 64;

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  process.stderr.write(
    `bookmesh needs Node ${OLDEST_NODE} or later, and this is Node ${process.versions.node}. ` +
      "Run it with `npm start` or `npx bookmesh` in the project folder: they use the Node that `npm ci` has installed there.\n",
  );
  process.exit(EXIT_BAD_USAGE);
}
await import("./main.ts");
