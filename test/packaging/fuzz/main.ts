/**
 * Fuzzes the readers that take files from strangers: archives, config.pbtxt, pickles, ONNX and SavedModel, properties.
 *
 *   node test/packaging/fuzz/main.ts [--seconds 20] [--seed N]
 *
 * Inputs are mutations of good and hostile samples. A reader has to answer with its own kind of error, within two seconds of processor time and 64 MiB
 * of memory, and to keep nothing of what it read. Prints JSON; ends with 1 and the input (base64) at the first breach.
 *
 * V8 collects garbage when it likes, so the memory of a process tells little by itself. Here it is made to collect before much has gathered, and the
 * kernel's high-water mark is looked at after every input: what it rose by is this input's, also if it was freed again by then.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { lintPickle } from '../../../src/models/pickle/lint.ts';
import { pickles } from '../../../src/models/pickle/pickles.fixture.ts';
import { readOnnx } from '../../../src/models/signature/onnx.ts';
import { readSavedModel } from '../../../src/models/signature/saved-model.ts';
import { WireError } from '../../../src/models/signature/wire.ts';
import { parseProperties } from '../../../src/models/torchserve/properties.ts';
import { brokenModels, goodConfigs } from '../../../src/models/triton/broken-models.fixture.ts';
import { PbtxtError } from '../../../src/models/triton/lexer.ts';
import { lintTritonRepository } from '../../../src/models/triton/lint-repository.ts';
import { parseConfig } from '../../../src/models/triton/parse.ts';
import { PackagingError } from '../../../src/packaging/errors.ts';
import { defaultLimits } from '../../../src/packaging/limits.ts';
import { fromBuffer } from '../../../src/packaging/random-access.ts';
import { extract } from '../../../src/packaging/zip/extract.ts';
import { forge, hostileArchives } from '../../../src/packaging/zip/forge.fixture.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '20' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) } },
});
const work = mkdtempSync(join(tmpdir(), 'modelwright-fuzz-'));
let state = Number(values.seed) | 1;
const random = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

interface Target {
  readonly samples: readonly Buffer[];
  /** Runs the reader; throws when it breaks its promise. */
  run(input: Buffer): void | Promise<void>;
}

const reader = (bytes: Buffer) => async (start: number, length: number) => bytes.subarray(start, start + length);
const archives = [
  forge([{ name: 'a/b.txt', method: 8, data: Buffer.alloc(500, 'abc') }, { name: '模型' }]),
  ...hostileArchives.map(({ archive }) => archive).filter((archive) => archive.length < 20_000),
];

const mebibyte = 1 << 20;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What may gather before it is collected, what one input may take, and by how much what is kept may grow, each in MiB. */
const [gathered, perInput, kept] = [48, 64, 16];

/** The first inputs compile the reader, and are not judged. */
const warmUp = 100;

/** Judges the memory of one reader, input after input. */
class Memory {
  #baseline = inUse();
  #resident = resident();
  #highest = highWater();
  #inputs = 0;
  largestRise = 0;

  /** Returns what is wrong, if something is. */
  judge(): Error | undefined {
    const before = this.#highest;
    this.#highest = highWater();
    const now = resident();
    this.#inputs += 1;
    if (this.#inputs === warmUp) this.#baseline = inUse();
    const rise = this.#inputs > warmUp && this.#highest > before ? this.#highest - this.#resident : 0;
    this.largestRise = Math.max(this.largestRise, rise);
    if (now > this.#resident + gathered || this.#inputs === warmUp) {
      collectGarbage();
      this.#resident = resident();
    }
    return rise > perInput + gathered
      ? new Error(`took ${rise.toFixed(0)} MiB, of which at most ${gathered} are of inputs before`)
      : undefined;
  }

  /** Growth of what is in use since the first inputs, MiB. */
  growth(): number {
    return this.#inputs < warmUp ? 0 : inUse() - this.#baseline;
  }
}

function inUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return mebibytes(heapUsed + external);
}

function resident(): number {
  return mebibytes(process.memoryUsage.rss());
}

function highWater(): number {
  return process.resourceUsage().maxRSS / 1024;
}

function mebibytes(bytes: number): number {
  return bytes / mebibyte;
}

let runs = 0;
const targets: Readonly<Record<string, Target>> = {
  archive: {
    samples: archives,
    async run(input) {
      runs += 1;
      const target = join(work, String(runs));
      // Small caps: what is measured is that they hold.
      const limits = { ...defaultLimits, totalBytes: mebibyte, entries: 1000 };
      await extract(fromBuffer(input), target, limits).catch((error: unknown) => {
        if (!(error instanceof PackagingError)) throw error;
        if (readdirSync(work).includes(String(runs))) throw new Error('a refused archive left its folder behind');
      });
      rmSync(target, { recursive: true, force: true });
      if (readdirSync(work).length > 0) throw new Error('something was written outside of the target folder');
    },
  },
  pbtxt: {
    samples: [...Object.values(goodConfigs), ...brokenModels.flatMap(({ config }) => config ?? [])].map((text) => Buffer.from(text)),
    run(input) {
      const config = input.toString('utf8');
      try {
        parseConfig(config);
      } catch (error) {
        if (!(error instanceof PbtxtError)) throw error;
      }
      lintTritonRepository([{ directory: 'm', files: ['1/model.py'], config }], 0);
    },
  },
  pickle: {
    samples: Object.values(pickles).map((text) => Buffer.from(text, 'base64')),
    async run(input) {
      await lintPickle('m', reader(input), input.length);
    },
  },
  signature: {
    samples: [
      Buffer.from('080812080a0666756c6c793a0e5a0c0a0178120708010a030a0104', 'hex'),
      Buffer.from('080112140a0722057365727665', 'hex'),
    ],
    async run(input) {
      for (const read of [readOnnx, readSavedModel]) {
        await read(reader(input), input.length).catch((error: unknown) => {
          if (!(error instanceof WireError)) throw error;
        });
      }
    },
  },
  properties: {
    samples: [Buffer.from('a=1\nb : c\\\n d\nmodel_snapshot={"models":{}}\n')],
    run(input) {
      parseProperties(input.toString('utf8'));
    },
  },
};

function mutate(sample: Buffer, others: readonly Buffer[]): Buffer {
  let bytes = Buffer.from(sample);
  for (let count = 1 + random(6); count > 0; count -= 1) {
    const at = random(bytes.length + 1);
    switch (random(7)) {
      case 0:
        if (bytes.length > 0) bytes[random(bytes.length)] = random(256);
        break;
      case 1:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(Array.from({ length: 1 + random(8) }, () => random(256))),
          bytes.subarray(at),
        ]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random(20))]);
        break;
      case 3: {
        const end = Math.min(bytes.length, at + 1 + random(200));
        bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at, end), bytes.subarray(end)]);
        break;
      }
      case 4: {
        const other = others[random(others.length)] ?? bytes;
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length + 1))]);
        break;
      }
      case 5:
        // Numbers at the borders of their types.
        if (bytes.length >= 4)
          bytes.writeUInt32LE([0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xffff][random(6)] ?? 0, random(bytes.length - 3));
        break;
      default:
        bytes = Buffer.from(bytes.subarray(0, at));
    }
    if (bytes.length > mebibyte) bytes = bytes.subarray(0, mebibyte);
  }
  return bytes;
}

const perTarget = (Number(values.seconds) * 1000) / Object.keys(targets).length;
const result: Record<string, { runs: number; slowestMilliseconds: number; largestRiseMiB: number; growthMiB: number }> = {};
try {
  for (const [name, target] of Object.entries(targets)) {
    const until = performance.now() + perTarget;
    const count = { runs: 0, slowestMilliseconds: 0 };
    const memory = new Memory();
    while (performance.now() < until) {
      const input = mutate(target.samples[random(target.samples.length)] ?? Buffer.alloc(0), target.samples);
      const started = process.cpuUsage();
      let breach: unknown;
      try {
        await target.run(input);
      } catch (error) {
        breach = error;
      }
      // Processor time, since the machine may be busy with other things.
      const { user, system } = process.cpuUsage(started);
      const took = (user + system) / 1000;
      if (took > 2000) breach ??= new Error(`took ${took.toFixed(0)} ms`);
      breach ??= memory.judge();
      if (breach !== undefined) {
        console.error(`${name}, seed ${values.seed}: input (base64) ${input.toString('base64')}`);
        throw breach;
      }
      count.runs += 1;
      count.slowestMilliseconds = Math.max(count.slowestMilliseconds, Math.round(took * 10) / 10);
    }
    const growth = memory.growth();
    result[name] = { ...count, largestRiseMiB: Math.round(memory.largestRise), growthMiB: Math.round(growth * 10) / 10 };
    if (growth > kept) throw new Error(`${name}, seed ${values.seed}: ${growth.toFixed(0)} MiB of ${count.runs} inputs are kept`);
  }
  console.log(JSON.stringify({ seed: Number(values.seed), peakMiB: Math.round(highWater()), targets: result }));
} finally {
  rmSync(work, { recursive: true, force: true });
}
