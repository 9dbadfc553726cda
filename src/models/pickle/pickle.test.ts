import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { judgeGlobal, lintPickle } from './lint.ts';
import { pickles } from './pickles.fixture.ts';
import { scanPickle } from './scan.ts';

const from = (bytes: Buffer) => async (start: number, length: number) => bytes.subarray(start, start + length);
const scan = (bytes: Buffer) => scanPickle(from(bytes), bytes.length);
const report = (bytes: Buffer) => lintPickle('model.pkl', from(bytes), bytes.length);
const codes = async (bytes: Buffer) => (await report(bytes)).findings.map(({ code }) => code);

describe('a model written by Python', () => {
  for (const [name, text] of Object.entries(pickles)) {
    it(`${name} is read to its end and has no finding`, async () => {
      const { scan: found, findings } = await report(Buffer.from(text, 'base64'));
      assert.deepEqual(findings, []);
      assert.equal(found?.incomplete, undefined);
      assert.ok((found?.globals.length ?? 0) > 0);
    });
  }
  for (const name of ['joblibModel', 'joblibZlib', 'joblibGzip', 'pickle0', 'pickle2', 'pickle4', 'pickle5'] as const) {
    it(`${name} says which scikit-learn made it`, async () => {
      const { scan: found } = await report(Buffer.from(pickles[name], 'base64'));
      assert.deepEqual(found?.sklearnVersions, ['1.5.2']);
      assert.ok(found.globals.some((global) => global.endsWith('.LinearRegression')));
    });
  }
});

describe('a hostile pickle', () => {
  const short = (text: string) => Buffer.concat([Buffer.of(0x8c, text.length), Buffer.from(text)]);
  const hostile: Record<string, Buffer> = {
    'os.system by GLOBAL': Buffer.from("cos\nsystem\n(S'id'\ntR."),
    'posix.system, protocol 2': Buffer.from('\x80\x02cposix\nsystem\nq\x00X\x02\x00\x00\x00idq\x01\x85q\x02Rq\x03.', 'latin1'),
    'builtins.eval by STACK_GLOBAL': Buffer.concat([
      Buffer.of(0x80, 4),
      short('builtins'),
      short('eval'),
      Buffer.of(0x93),
      short('1'),
      Buffer.from('\x85R.', 'latin1'),
    ]),
    'subprocess by INST': Buffer.from("(S'id'\nisubprocess\nPopen\n."),
    'getattr on a harmless module': Buffer.from('c__builtin__\ngetattr\n(cnumpy\narray\nS"__class__"\ntR.'),
    'runpy inside a list': Buffer.from("(lp0\ncrunpy\nrun_path\n(S'x.py'\ntRa."),
    'a name through the memo': Buffer.concat([
      Buffer.of(0x80, 4),
      short('os'),
      Buffer.of(0x94),
      Buffer.from('0', 'latin1'),
      Buffer.from('h\x00', 'latin1'),
      short('system'),
      Buffer.from('\x93.', 'latin1'),
    ]),
    'a submodule of torch.hub': Buffer.from('ctorch.hub\nload\n(tR.'),
  };
  for (const [name, bytes] of Object.entries(hostile)) {
    it(`${name} is named`, async () => {
      const { findings } = await report(bytes);
      assert.equal(findings[0]?.code, 'MW-L1001');
      assert.equal(findings[0]?.severity, 'error');
    });
  }
  it('behind an array is found', async () => {
    const model = Buffer.from(pickles.joblibArrays, 'base64');
    const bytes = Buffer.concat([model.subarray(0, model.length - 1), Buffer.from("cos\nsystem\n(S'id'\ntR.")]);
    assert.ok((await scan(bytes)).globals.includes('os.system'));
  });
  it('that builds a name at run time is refused', async () => {
    assert.deepEqual(await codes(Buffer.from('\x80\x04\x8c\x02os(l\x93.', 'latin1')), ['MW-L1001']);
  });
  it('that uses extension codes is refused', async () =>
    assert.deepEqual(await codes(Buffer.from('\x80\x02\x82\x01.', 'latin1')), ['MW-L1001']));
});

describe('other pickles', () => {
  it('code of a library that images lack is a warning', async () => {
    assert.deepEqual(await codes(Buffer.from('cmycompany.features\nScaler\n)R.')), ['MW-L1002']);
  });
  it('one that is cut off, or none at all, says so', async () => {
    assert.deepEqual(await codes(Buffer.from('\x80\x04\x95', 'latin1')), ['MW-L1003']);
    assert.deepEqual(await codes(Buffer.from('version https://git-lfs.github.com/spec/v1')), ['MW-L1003']);
    assert.deepEqual(await codes(Buffer.from('\xfd7zXZ\0', 'latin1')), ['MW-L1003']);
  });
  it('a zlib bomb is not unpacked', async () => {
    const { deflateSync } = await import('node:zlib');
    assert.deepEqual(await codes(deflateSync(Buffer.alloc(80 << 20))), ['MW-L1003']);
  });
  it('any bytes get an answer, soon', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        await scan(Buffer.from(bytes));
      }),
      { numRuns: 1000 },
    );
  });
  it('judges names', () => {
    assert.equal(judgeGlobal('sklearn.svm._classes.SVC'), 'known');
    assert.equal(judgeGlobal('builtins.eval'), 'dangerous');
    assert.equal(judgeGlobal('builtins.set'), 'known');
    assert.equal(judgeGlobal('osmium.Reader'), 'unknown');
  });
});
