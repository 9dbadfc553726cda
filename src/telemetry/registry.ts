import { Registry } from 'prom-client';

/** Every metric of this program; `/metrics` prints it. */
export const registry = new Registry();
