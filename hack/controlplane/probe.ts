/** Waits for servers to say that they are ready. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether `url` answers 200; `ca` is the authority of an https server, PEM. */
export function answers(url: string, ca?: string): Promise<boolean> {
  return new Promise((done) => {
    const options = { agent: false, timeout: 5_000, ...(ca && { ca }) };
    const call = (url.startsWith('https:') ? requestHttps : requestHttp)(url, options, (response) => {
      response.resume();
      done(response.statusCode === 200);
    });
    call.on('error', () => done(false));
    call.on('timeout', () => call.destroy());
    call.end();
  });
}

/** Whether something accepts connections on a port of loopback. */
export function listens(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });
}

/** Asks every 50 ms until `ready` says yes; throws what `problem` says when that takes longer than `seconds`, or when `gone` does. */
export async function until(
  ready: () => Promise<boolean>,
  options: { readonly seconds: number; readonly problem: () => string; readonly gone?: () => Promise<string | undefined> },
): Promise<void> {
  const deadline = Date.now() + options.seconds * 1000;
  while (!(await ready())) {
    const ended = await options.gone?.();
    if (ended) throw new Error(ended);
    if (Date.now() > deadline) throw new Error(`${options.problem()} after ${options.seconds} s`);
    await sleep(50);
  }
}
