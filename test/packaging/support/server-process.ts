import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerProcess extends AsyncDisposable {
  log(): string;
}

/** Starts a server in a process group of its own and waits until `ready` says so; what it wrote is in the error when it does not. */
export async function startServer(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  ready: () => Promise<boolean>,
  seconds = 120,
): Promise<ServerProcess> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  let ended = false;
  const gone = new Promise<void>((resolve) =>
    child.once('exit', () => {
      ended = true;
      resolve();
    }),
  );
  const stop = async () => {
    // The server's own children (workers) are in its group.
    if (child.pid !== undefined) {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    }
    await gone;
  };
  for (const until = Date.now() + seconds * 1000; ; ) {
    if (await ready().catch(() => false)) return { log: () => log, [Symbol.asyncDispose]: stop };
    if (ended || Date.now() > until) {
      await stop();
      throw new Error(`${command} did not become ready:\n${log.slice(-3000)}`);
    }
    await sleep(250);
  }
}
