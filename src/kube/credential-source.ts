import type { Clock } from './clock.ts';
import type { ClusterConfig, Credentials } from './cluster-config.ts';
import { KubeError, toError } from './errors.ts';

/** Rotated tokens and certificates are taken up this soon. */
const maxAgeMilliseconds = 30_000;

/** The credentials for every request: read seldom, renewed when refused, and never waited for without end. */
export class CredentialSource {
  readonly #config: ClusterConfig;
  readonly #clock: Clock;
  readonly #timeout: number;
  #held: { readonly value: Credentials; readonly readAt: number } | undefined;
  #reading: Promise<Credentials> | undefined;

  constructor(config: ClusterConfig, clock: Clock, timeoutMilliseconds: number) {
    this.#config = config;
    this.#clock = clock;
    this.#timeout = timeoutMilliseconds;
  }

  /** Credentials that were read lately. Throws `KubeError` with the code `CREDENTIALS` when there are none to be had, the signal's reason when that aborts. */
  async current(signal?: AbortSignal): Promise<Credentials> {
    const held = this.#held;
    if (held && this.#clock.monotonic() - held.readAt < maxAgeMilliseconds) return held.value;
    return this.#inTime(false, signal);
  }

  /** Other credentials than `refused`, read afresh unless another request that was refused has done so. */
  async renewed(refused: Credentials, signal?: AbortSignal): Promise<Credentials> {
    const held = this.#held;
    return held && held.value !== refused ? held.value : this.#inTime(true, signal);
  }

  async #inTime(renew: boolean, signal: AbortSignal | undefined): Promise<Credentials> {
    const { promise: gaveUp, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.schedule(() => {
      this.#reading = undefined;
      reject(new Error(`they took longer than ${this.#timeout} ms`));
    }, this.#timeout);
    const abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([this.#read(renew), gaveUp]);
    } catch (error) {
      signal?.throwIfAborted();
      const host = new URL(this.#config.server).host;
      throw new KubeError('CREDENTIALS', 0, '', `cannot get credentials for ${host}: ${toError(error).message}`, { cause: error });
    } finally {
      cancel();
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Reads once for all who wait. What could not be read, or not in time, is asked for again by the next. */
  #read(renew: boolean): Promise<Credentials> {
    if (this.#reading !== undefined) return this.#reading;
    const reading = this.#config.credentials(renew).then((value) => {
      this.#held = { value, readAt: this.#clock.monotonic() };
      return value;
    });
    this.#reading = reading;
    const over = () => {
      if (this.#reading === reading) this.#reading = undefined;
    };
    reading.then(over, over);
    return reading;
  }
}
