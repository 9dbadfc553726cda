/**
 * Carries TCP connections from a node to a server on this machine's loopback.
 *
 *   node gateway.ts LISTEN_ADDRESS:PORT=TARGET_ADDRESS:PORT …
 */
import { connect, createServer } from 'node:net';

for (const argument of process.argv.slice(2)) {
  const [listen = '', target = ''] = argument.split('=');
  const [listenHost = '', listenPort = ''] = listen.split(':');
  const [targetHost = '', targetPort = ''] = target.split(':');
  createServer({ allowHalfOpen: true }, (incoming) => {
    const outgoing = connect({ host: targetHost, port: Number(targetPort), allowHalfOpen: true });
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('error', () => outgoing.destroy());
    outgoing.on('error', () => incoming.destroy());
    incoming.on('close', () => outgoing.destroy());
    outgoing.on('close', () => incoming.destroy());
  }).listen(Number(listenPort), listenHost);
}
