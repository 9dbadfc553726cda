import { ms } from '../../load/report/columns.ts';
import type { BenchEvent } from '../../load/run.ts';

/** Shows what a run does on stderr: one line that is rewritten on a terminal, one line a point elsewhere. */
export function progress(stream: NodeJS.WriteStream): (event: BenchEvent) => void {
  let planned: number | null = null;
  let open = false;
  const rewrite = (text: string) => {
    if (!stream.isTTY) return;
    stream.write(`\r\x1b[K${text.slice(0, (stream.columns ?? 80) - 1)}`);
    open = true;
  };
  const line = (text: string) => {
    stream.write(`${open ? '\r\x1b[K' : ''}${text}\n`);
    open = false;
  };
  const place = (index: number) => `[${index + 1}${planned === null ? '' : `/${planned}`}]`;
  return (event) => {
    switch (event.kind) {
      case 'begun':
        planned = event.planned;
        line(`first request ${ms(event.coldStartMicroseconds)} ms${planned === null ? '' : `; ${planned} point(s) to measure`}`);
        break;
      case 'accuracy': {
        const { correct, samples, failed, failure } = event.accuracy;
        const lost = failed === 0 ? '' : `, ${failed} failed: ${failure}`;
        line(`batch size ${event.batchSize}: ${correct} of ${samples} samples right${lost}`);
        break;
      }
      case 'warming':
        rewrite(`${place(event.index)} ${event.id}: warming up`);
        break;
      case 'measuring':
        rewrite(
          `${place(event.index)} ${event.id}: ${event.elapsedSeconds.toFixed(0)} s, ${event.requests} requests, ${event.errors} errors`,
        );
        break;
      case 'point': {
        const { point } = event;
        const figures = `${point.inferencesPerSecond.toFixed(1)}/s, p50 ${ms(point.latencyMicroseconds?.p50) || '–'} ms, p99 ${ms(point.latencyMicroseconds?.p99) || '–'} ms, ${point.requests - point.succeeded} errors`;
        line(
          `${place(event.index)} ${point.id}: ${figures}${point.valid ? '' : ` (not valid: ${point.invalidReasons.map((finding) => finding.reason).join(', ')})`}`,
        );
        break;
      }
    }
  };
}
