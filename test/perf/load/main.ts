/**
 * Measures the load generator: `npm run bench -- load [throughput|accuracy|truth|lateness|wire|grpc|perf-analyzer …] [--rounds N] [--seconds N]`.
 * Tools and servers that are not installed are left out; `node test/load/real/install.ts` fetches them.
 */
import type { Figure } from '../figure.ts';
import { grpcTransports } from './grpc.ts';
import { besidePerfAnalyzer } from './perf-analyzer.ts';
import { accuracy, throughput } from './side-by-side.ts';
import { lateness, truth } from './truth.ts';
import { wire } from './wire.ts';

const parts: Readonly<Record<string, (rounds: number, seconds: number) => Promise<Figure[]>>> = {
  throughput,
  accuracy,
  truth,
  lateness,
  wire,
  grpc: grpcTransports,
  'perf-analyzer': besidePerfAnalyzer,
};

export async function bench(args: readonly string[]): Promise<readonly Figure[]> {
  const number = (flag: string, otherwise: number) => (args.includes(flag) ? Number(args[args.indexOf(flag) + 1]) : otherwise);
  const rounds = number('--rounds', 3);
  const seconds = number('--seconds', 3);
  const asked = Object.keys(parts).filter((name) => args.includes(name));
  const figures: Figure[] = [];
  for (const name of asked.length > 0 ? asked : Object.keys(parts)) {
    console.error(`load: ${name}`);
    figures.push(...(await (parts[name] as (typeof parts)[string])(rounds, seconds)));
  }
  return figures;
}
