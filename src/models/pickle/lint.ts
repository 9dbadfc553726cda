import { constants, createGunzip, createInflate } from 'node:zlib';
import type { Finding } from '../finding.ts';
import type { ReadAt } from './reader.ts';
import { type PickleScan, scanPickle } from './scan.ts';

/** A compressed joblib file is unpacked in memory up to this size. */
const maxUnpacked = 64 << 20;

/** Modules whose functions start programs, open files or run text: no model needs them while it loads. */
const dangerous =
  /^(?:os|posix|nt|subprocess|sys|pty|shutil|socket|ctypes|_ctypes|importlib|imp|runpy|code|codeop|pdb|bdb|cProfile|profile|trace|timeit|doctest|marshal|pickle|_pickle|dill|cloudpickle|webbrowser|urllib|http|requests|httpx|ftplib|smtplib|telnetlib|asyncio|multiprocessing|concurrent|threading|_thread|signal|tempfile|pathlib|io|_io|zipimport|pip|ensurepip|setuptools|distutils|idlelib|unittest|pydoc|commands|popen2|platform|types|inspect|gc|weakref|linecache|torch\.hub|numpy\.testing|numpy\.f2py|numpy\.distutils|IPython|jupyter\w*)(?:\.|$)/;
const dangerousBuiltins =
  /^(?:builtins|__builtin__|__builtins__)\.(?:eval|exec|execfile|compile|open|file|input|__import__|getattr|setattr|delattr|globals|locals|vars|breakpoint|apply|memoryview|type|super|map|filter|classmethod|staticmethod|property)/;
const dangerousNames =
  /^(?:operator\.(?:attrgetter|methodcaller|itemgetter)|functools\.(?:reduce|partialmethod)|joblib\.(?:load|numpy_pickle\.load)|pandas\.(?:read_pickle|eval)|pandas\.io\..*|numpy\.load|torch\.load|copyreg\.(?:add_extension|pickle))$/;

/** Libraries whose objects a model of scikit-learn, XGBoost or LightGBM consists of. */
const known =
  /^(?:sklearn|numpy|scipy|joblib|pandas|xgboost|lightgbm|catboost|imblearn|category_encoders|collections|copyreg|copy_reg|_codecs|datetime|decimal|fractions|uuid|array|re|string|random|functools\.partial$|operator\.|builtins\.(?:set|frozenset|slice|complex|bytearray|object|range|list|dict|tuple|int|float|str|bool|bytes|print)$|__builtin__\.(?:set|frozenset|slice|complex|bytearray|object|xrange|list|dict|tuple|int|long|float|str|unicode|bool)$)/;

export type GlobalKind = 'known' | 'unknown' | 'dangerous';

/** Judges one name that a pickle imports. */
export function judgeGlobal(name: string): GlobalKind {
  if (dangerous.test(name) || dangerousBuiltins.test(name) || dangerousNames.test(name)) return 'dangerous';
  return known.test(name) ? 'known' : 'unknown';
}

/** What is known about a pickle and what the lint says about it. */
export interface PickleReport {
  readonly scan: PickleScan | undefined;
  readonly findings: readonly Finding[];
}

/** Scans a pickle or joblib file, compressed or not; nothing in it is executed. */
export async function lintPickle(path: string, readAt: ReadAt, sizeBytes: number): Promise<PickleReport> {
  const head = await readAt(0, Math.min(8, sizeBytes));
  const packing = packingOf(head);
  if (packing === 'unsupported') {
    return { scan: undefined, findings: [notScanned(path, 'it is compressed with a method that is not read here (xz, bz2 or lz4)')] };
  }
  let scan: PickleScan;
  if (packing === 'plain') scan = await scanPickle(readAt, sizeBytes);
  else {
    const unpacked = await unpack(packing, readAt, sizeBytes);
    if (unpacked === undefined)
      return { scan: undefined, findings: [notScanned(path, `it is damaged or unpacks to more than ${maxUnpacked >> 20} MiB`)] };
    scan = await scanPickle(async (start, length) => unpacked.subarray(start, start + length), unpacked.length);
  }
  return { scan, findings: findingsOf(path, scan) };
}

function findingsOf(path: string, scan: PickleScan): Finding[] {
  const findings: Finding[] = [];
  const bad = scan.globals.filter((name) => judgeGlobal(name) === 'dangerous');
  const unknown = scan.globals.filter((name) => judgeGlobal(name) === 'unknown');
  if (bad.length > 0) {
    findings.push({
      code: 'MW-L1001',
      severity: 'error',
      path,
      sentence: `Loading this file would call ${list(bad)}: it can run any program in the server.`,
      fix: 'Do not deploy it; get the model again from someone you trust, and dump it from plain scikit-learn objects.',
    });
  }
  if (scan.hiddenGlobals) {
    findings.push({
      code: 'MW-L1001',
      severity: 'error',
      path,
      sentence: 'The file builds the name of something it calls while it loads, which hides what that is.',
      fix: 'Do not deploy it; no model written by scikit-learn or joblib does this.',
    });
  }
  if (unknown.length > 0) {
    findings.push({
      code: 'MW-L1002',
      severity: 'warning',
      path,
      sentence: `The file needs ${list(unknown)}, which the stock server images do not have.`,
      fix: 'Use an image that contains this code, or build the model from library classes only.',
    });
  }
  if (scan.incomplete !== undefined) findings.push(notScanned(path, scan.incomplete));
  return findings;
}

function notScanned(path: string, why: string): Finding {
  return {
    code: 'MW-L1003',
    severity: 'warning',
    path,
    sentence: `The pickle could not be read to its end: ${why}.`,
    fix: 'Dump the model again with joblib.dump(model, "model.joblib"), without compression.',
  };
}

function list(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}

function packingOf(head: Buffer): 'plain' | 'zlib' | 'gzip' | 'unsupported' {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[0] === 0x78 && ((head[0] << 8) | (head[1] ?? 0)) % 31 === 0) return 'zlib';
  const text = head.toString('latin1');
  const others = ['BZh', '\xfd7zXZ', '\x5d\x00\x00', '\x04\x22\x4d\x18'];
  return others.some((magic) => text.startsWith(magic)) ? 'unsupported' : 'plain';
}

async function unpack(packing: 'zlib' | 'gzip', readAt: ReadAt, sizeBytes: number): Promise<Buffer | undefined> {
  const stream = packing === 'gzip' ? createGunzip({ finishFlush: constants.Z_FINISH }) : createInflate();
  const parts: Buffer[] = [];
  let total = 0;
  const feed = async () => {
    for (let at = 0; at < sizeBytes && !stream.destroyed; at += 1 << 16) {
      if (!stream.write(await readAt(at, Math.min(1 << 16, sizeBytes - at)))) {
        await new Promise<void>((resolve) => void stream.once('drain', resolve).once('close', resolve));
      }
    }
    stream.end();
  };
  feed().catch(() => stream.destroy());
  try {
    for await (const part of stream) {
      total += (part as Buffer).length;
      if (total > maxUnpacked) return undefined;
      parts.push(part as Buffer);
    }
    return Buffer.concat(parts);
  } catch {
    return undefined;
  } finally {
    stream.destroy();
  }
}
