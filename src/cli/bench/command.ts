import { Command } from 'commander';
import { TargetError } from '../../load/discover.ts';
import { type BenchEvent, runBench } from '../../load/run.ts';
import type { RawPoint } from '../../load/spans/raw-point.ts';
import { UsageError } from '../../load/transport/target.ts';
import { Failure } from '../failure.ts';
import { diffCommand } from './diff.ts';
import { importCommand } from './import.ts';
import { mergeCommand } from './merge.ts';
import { checkFolders, type OutputFlags, rendered, type StdoutFormat, stdoutFormats, tellStored, writeReports } from './outputs.ts';
import { progress } from './progress.ts';
import { type Recording, type RecordingFlags, recordingOf } from './recording.ts';
import { type BenchFlags, specFrom } from './spec.ts';

/** Exit codes of `modelwright bench`; 0 is success. */
export const exitCodes = { usage: 2, target: 3, nothingQualifies: 4, notWritten: 5, payload: 6, interrupted: 130 } as const;

const collect = (value: string, previous: readonly string[]) => [...previous, value];

/** `modelwright bench URL`: measures a served model, and the sub-commands that work on reports. */
export function benchCommand(): Command {
  const command = new Command('bench')
    .description('Measure the latency and throughput of a served model.')
    .argument('[url]', 'address of the server: http://HOST:PORT, https://…, grpc://HOST:PORT')
    .option('--model <name>', 'name under which the server serves the model')
    .option('--model-version <version>', "version of the model (default: the server's)")
    .option('--protocol <name>', 'v1, v2, v2-binary, torchserve, grpc-v2, grpc-tfserving or http', 'v2')
    .option('--signature <name>', "TensorFlow's signature", 'serving_default')
    .optionsGroup('Load:')
    .option('--batch <sizes>', 'batch sizes, e.g. 1,2,4,8 (default: 1)')
    .option('--concurrency <levels>', 'closed loop: requests at once, e.g. 1,4,16 (default: 1)')
    .option('--rate <rates>', 'open loop: requests per second, e.g. 50,100')
    .option('--arrivals <process>', 'poisson or constant, for --rate', 'poisson')
    .option('--search <what>', 'find the largest concurrency or rate within --slo')
    .option('--search-start <level>', 'first level of a search', '1')
    .option('--search-max <level>', 'largest level of a search', '100000')
    .option('--tolerance <percent>', 'how close a search comes', '2')
    .option(
      '--points <list>',
      'single settings as b8-c16 or b1-r50, of a search the batch size alone; repeatable: one list a part',
      collect,
      [],
    )
    .option('--points-index <number>', 'which of the lists of --points, from 0', '0')
    .option('--max-rate <rate>', 'closed loop: requests per second that are sent at most')
    .option('--scenario <name>', "MLPerf's SingleStream, MultiStream, Server or Offline")
    .option('--samples <count>', 'samples of the Offline scenario (default: 24576)')
    .option('--duration <time>', 'how long each point is measured, e.g. 30s')
    .option(
      '--requests <count>',
      'how many requests each point has (default for a closed loop without --duration: 100, or what --slo needs, 368 for p99)',
    )
    .option('--min-duration <time>', 'with --requests: a point that was over sooner is not valid')
    .option('--warmup <time>', 'warm-up before each point (default: a fifth of the duration, at most 5s)')
    .option('--warmup-requests <count>', 'at least so many requests of warm-up before each point', '10')
    .optionsGroup('Objective:')
    .option('--slo <bound>', 'latency bound, e.g. p99=100ms; repeatable', collect, [])
    .option('--max-errors <count>', 'errors per million that are acceptable', '1000')
    .option('--maximize <what>', 'Throughput or LowLatency', 'Throughput')
    .option('--stop-above <bound>', 'end after the first point above it, e.g. p99=50ms: for a server that others use')
    .option('--stop-on-errors', 'end after the first point with more errors than --max-errors')
    .option('--no-verdict', 'exit with 0 when all was measured, whether a point qualifies or not')
    .optionsGroup('Payload:')
    .option('--payload <file>', 'JSON sample with "instances" or "inputs", scaled to each batch size; repeatable', collect, [])
    .option('--body-file <file>', 'body that is sent as it is; repeatable', collect, [])
    .option('--content-type <type>', 'content type of --body-file', 'application/json')
    .option('--config-pbtxt <file>', "make the payload from Triton's model configuration")
    .option('--dim <size>', 'size of dynamic dimensions: SIZE, or INPUT=SIZE[xSIZE…]; repeatable', collect, [])
    .optionsGroup('Accuracy:')
    .option('--accuracy <file>', 'labelled samples, JSON Lines: a file, or an http(s) address; judged before the points of each batch size')
    .option('--accuracy-metric <name>', 'top1, top5, or custom: numbers compared within a tolerance', 'top1')
    .option('--accuracy-output <name>', 'output of the model that is judged (default: the first)')
    .option('--accuracy-samples <count>', 'so many of them at most, taken evenly')
    .option('--relative-tolerance <number>', 'of custom: |got − expected| ≤ absolute + relative × |expected|', '0.001')
    .option('--absolute-tolerance <number>', 'of custom', '0.000001')
    .option('--min-accuracy <percent>', 'a point with less does not qualify')
    .option('--accuracy-sha256 <digest>', 'SHA-256 that the dataset must have')
    .option('--accuracy-signature <file>', 'file with a shared access signature for a dataset that is a blob on Azure')
    .option('--accuracy-host <host...>', 'hosts that the dataset may come from, also by redirects')
    .optionsGroup('Connection:')
    .option('--host-header <name>', 'Host header, for an ingress that routes by it')
    .option('--header <header>', '"Name: value"; repeatable', collect, [])
    .option('--token-file <file>', 'file with a bearer token')
    .option('--token-command <command>', 'command that prints a bearer token')
    .option('--ca-file <file>', "PEM file with the CA of the server's certificate")
    .option('--allow-addresses <list>', 'connect only to public or private addresses, or to those listed: public,10.0.0.0/8')
    .option('--insecure', 'accept any certificate')
    .option('--timeout <time>', 'time limit of a request', '30s')
    .option('--max-body <bytes>', 'longest reply', String(64 << 20))
    .option('--max-connections <count>', 'most connections of an open loop', '1024')
    .option('--workers <count>', 'sending threads', '1')
    .option('--check-every <count>', 'parse one reply in so many; status, length and error marker are checked on all', '100')
    .optionsGroup('Server side:')
    .option('--metrics-url <url>', "the model server's Prometheus metrics, e.g. http://HOST:8002/metrics")
    .option('--stats-url <url>', "Triton's HTTP address, for its statistics (found by itself with --protocol v2)")
    .option('--dcgm-url <url>', "DCGM exporter on the server's node, e.g. http://HOST:9400/metrics")
    .option('--gpu-label <label>', 'NAME=VALUE that samples of the exporter must have, e.g. pod=my-pod; repeatable', collect, [])
    .option('--gpu-preallocated', 'the server takes all GPU memory at its start')
    .optionsGroup('Order:')
    .option('--seed <number>', 'seed of payloads, arrivals and order', '1')
    .option('--no-shuffle', 'measure in the order given')
    .option('--no-repeat-first', 'do not measure the first point again at the end')
    .optionsGroup('Reports:')
    .option('-o, --output <format>', `what goes to stdout: ${stdoutFormats.join(', ')}`, 'table')
    .option('--json <file>', 'full report (schemas/bench-report.schema.json)')
    .option('--csv <file>', 'one line a point')
    .option('--markdown <file>', 'table and findings')
    .option('--html <file>', 'self-contained page with plots')
    .option('--llmd <file>', "llm-d's Benchmark Report, one for each point")
    .option('--prometheus <file>', 'Prometheus text')
    .option('--raw <file>', 'every request as CSV: when it was due, how long it took, how it failed')
    .option('--trace <level>', 'client: spans of requests; model: also the stages that the server told of. Needs --trace-file or --upload')
    .option('--trace-file <file>', 'the spans as OpenTelemetry OTLP JSON')
    .option('--trace-requests <count>', 'requests of each point that get a span, and are sent with a traceparent; taken evenly', '1000')
    .option('--upload <url>', 'report, and what --trace asks for, as a zip archive to this blob on Azure (credentials as for push)')
    .option('--upload-signature <file>', 'file with a shared access signature for that blob')
    .option('--upload-raw', 'every request as CSV in that archive too')
    .option('--termination <file>', 'compact points for a termination message, at most 8')
    .option('--histograms', 'keep histograms in the JSON report, for `bench merge`')
    .option('--run <id>', 'id of the run, 8 to 32 of a-z, 0-9 and "-"')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 2 wrong usage, 3 server not usable, 4 no point qualifies, 5 report not written, 6 the server refuses the payload, 130 interrupted (partial report written).',
    )
    .action(run);
  command.addCommand(diffCommand());
  command.addCommand(mergeCommand());
  command.addCommand(importCommand());
  return command;
}

async function run(url: string | undefined, flags: BenchFlags & OutputFlags & RecordingFlags & { readonly output: string }): Promise<void> {
  const format = stdoutFormats.find((one) => one === flags.output);
  if (format === undefined)
    throw new Failure(`-o "${flags.output}" is not known; it is one of ${stdoutFormats.join(', ')}`, exitCodes.usage);
  if (url === undefined) throw new Failure('give the address of the server: modelwright bench URL --model NAME', exitCodes.usage);
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(exitCodes.interrupted);
    process.stderr.write('\ninterrupted: writing what was measured (once more to stop at once)\n');
    stop.abort(new Failure('interrupted before anything was measured', exitCodes.interrupted));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    const { json, csv, markdown, html, llmd, prometheus, termination, raw: rawFile, traceFile } = flags;
    const files = { json, csv, markdown, html, llmd, prometheus, termination, raw: rawFile, 'trace-file': traceFile };
    checkFolders(Object.fromEntries(Object.entries(files).map(([flag, file]) => [`--${flag}`, file])));
    const recording = recordingOf(flags);
    const { traceRequests } = recording;
    const spec = { ...(await specFrom(url, flags, stop.signal)), ...(traceRequests !== undefined && { traceRequests }) };
    const shown = progress(process.stderr);
    const raw: RawPoint[] = [];
    const onEvent = (event: BenchEvent) => {
      shown(event);
      if (recording.keeps && event.kind === 'point' && event.raw !== null) raw.push(event.raw);
    };
    const report = await runBench(spec, onEvent, stop.signal);
    process.exitCode = await deliver(report, flags, format, recording, raw, stop.signal.aborted);
    if (stop.signal.aborted) process.exitCode = exitCodes.interrupted;
  } catch (error) {
    throw asFailure(error);
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** Writes the report wherever it was asked for; what no file takes goes to stdout, so that no sample is lost. */
async function deliver(
  report: Awaited<ReturnType<typeof runBench>>,
  flags: OutputFlags & Pick<BenchFlags, 'verdict'>,
  format: StdoutFormat,
  recording: Recording,
  raw: readonly RawPoint[],
  interrupted: boolean,
): Promise<number> {
  const failures = [...(await writeReports(report, flags)), ...(await recording.write(report, raw))];
  // What was measured is told by now, whatever becomes of the upload.
  const stored = await recording.store(report, raw, interrupted);
  const { termination } = flags;
  if (stored?.kind === 'Failed' && termination === undefined) failures.push(`the report was not uploaded: ${stored.message}`);
  if (stored !== undefined && termination !== undefined) failures.push(...(await tellStored(termination, report, stored)));
  const isPrinted = await printed(rendered(report, failures.length > 0 ? 'json' : format));
  for (const failure of failures) process.stderr.write(`error: ${failure}\n`);
  if (failures.length > 0 && isPrinted) process.stderr.write('the full report was printed to stdout instead\n');
  if (failures.length > 0 || !isPrinted) return exitCodes.notWritten;
  if (!flags.verdict) return 0;
  const failed = report.scenario === null ? report.best.best === null : !report.scenario.valid;
  return failed ? exitCodes.nothingQualifies : 0;
}

/** Whether stdout took it; the sentence why not is whoever's who owns the stream. */
function printed(text: string): Promise<boolean> {
  return new Promise((resolve) => process.stdout.write(text, (error) => resolve(error === null || error === undefined)));
}

export function asFailure(error: unknown): unknown {
  if (error instanceof UsageError) return new Failure(error.message, exitCodes.usage);
  if (error instanceof TargetError) return new Failure(error.message, error.isPayload ? exitCodes.payload : exitCodes.target);
  return error;
}
