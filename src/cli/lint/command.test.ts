import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, it } from 'node:test';
import { Failure } from '../failure.ts';
import { type Io, lintCommand } from './command.ts';

describe('modelwright lint -f', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lint-'));
  after(() => rmSync(folder, { recursive: true }));

  const manifest = (runtime: string) =>
    `apiVersion: modelwright.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: iris}\nspec:\n  runtime: ${runtime}\n  source: {storageUri: "gs://b/x"}\n`;
  writeFileSync(join(folder, 'good.yaml'), manifest('{type: SKLearn}'));
  writeFileSync(join(folder, 'notes.txt'), 'not a manifest: [');
  mkdirSync(join(folder, 'below'));
  writeFileSync(join(folder, 'below', 'bad.yml'), manifest('{type: vLLM}').replace('iris', 'rose'));
  writeFileSync(join(folder, 'other.json'), '{"apiVersion": "v1", "kind": "ConfigMap"}');

  /** Runs the command as the program does: what is thrown becomes a sentence and an exit code. */
  async function lint(args: readonly string[], input = '') {
    let [stdout, stderr] = ['', ''];
    const io: Io = {
      stdin: Readable.from([input]),
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
    };
    try {
      await lintCommand(io).exitOverride().parseAsync(args, { from: 'user' });
    } catch (error) {
      assert.ok(error instanceof Failure, String(error));
      stderr += `error: ${error.message}\n`;
      io.exitCode = error.exitCode;
    }
    return { status: io.exitCode ?? 0, stdout: stdout.replaceAll(join(folder, '/'), ''), stderr: stderr.replaceAll(join(folder, '/'), '') };
  }
  const at = (name: string) => join(folder, name);

  it('exits 0 when nothing is wrong', async () => {
    assert.deepEqual(await lint(['-f', at('good.yaml')]), { status: 0, stdout: '', stderr: 'nothing in 1 object\n' });
  });

  it('exits 1 when something is, and says where', async () => {
    assert.deepEqual(await lint(['-f', at('good.yaml'), '-f', at('below')]), {
      status: 1,
      stdout: `${join('below', 'bad.yml')}:5:19: error: spec.runtime.type: "vLLM" is not one of TFServing, TorchServe, Triton, SKLearn, XGBoost, LightGBM [MW-L2006]\n`,
      stderr: '1 error in 2 objects\n',
    });
  });

  it('takes a folder without what is below it, or with -R with it', async () => {
    assert.equal((await lint(['-f', folder])).status, 0);
    assert.equal((await lint(['-R', '-f', folder])).status, 1);
  });

  it('reads standard input', async () => {
    const { status, stdout } = await lint(['-f', '-'], manifest('{type: vLLM}'));
    assert.equal(status, 1);
    assert.match(stdout, /^-:5:19: error: /);
  });

  it('prints JSON with every part of a finding', async () => {
    const { status, stdout } = await lint(['-f', at('below/bad.yml'), '-o', 'json']);
    assert.equal(status, 1);
    assert.deepEqual(JSON.parse(stdout), [
      {
        file: 'below/bad.yml',
        line: 5,
        column: 19,
        code: 'MW-L2006',
        severity: 'error',
        path: 'spec.runtime.type',
        sentence: '"vLLM" is not one of TFServing, TorchServe, Triton, SKLearn, XGBoost, LightGBM',
        fix: '',
      },
    ]);
    assert.deepEqual(JSON.parse((await lint(['-f', at('good.yaml'), '-o', 'json'])).stdout), []);
  });

  it('judges for a KServe when it is named', async () => {
    const long = manifest('{type: SKLearn}').replace('iris', 'a'.repeat(46));
    assert.equal((await lint(['-f', '-'], long)).status, 0);
    const { status, stdout } = await lint(['-f', '-', '--kserve-version', '0.9'], long);
    assert.equal(status, 1);
    assert.match(stdout, /^-:3:18: error: metadata\.name: .* \[MW-L2201\]$/m);
  });

  it('checks a package where no manifest is named', async () => {
    const { status, stderr } = await lint([join(folder, 'below')]);
    assert.equal(status, 1);
    assert.match(stderr, /^error: .*\n$/);
  });

  for (const [what, args] of [
    ['nothing to lint', []],
    ['manifests and a package at once', [folder, '-f', at('good.yaml')]],
    ['a path that is not there', ['-f', at('nothing.yaml')]],
    ['nothing of ours', ['-f', at('other.json')]],
    ['a version that KServe never had', ['-f', at('good.yaml'), '--kserve-version', 'new']],
  ] as const) {
    it(`exits 2 for ${what}, in one sentence`, async () => {
      const { status, stdout, stderr } = await lint(args);
      assert.equal(status, 2);
      assert.equal(stdout, '');
      assert.match(stderr, /^error: .*\n$/);
    });
  }

  it('judges a ServingPlatform for a KServe, where --kserve-version is given', async () => {
    const platform = (runtime: string, policy = '{}') =>
      `apiVersion: modelwright.dev/v1alpha1\nkind: ServingPlatform\nmetadata: {name: default}\nspec:\n  policy: ${policy}\n  runtimes:\n    - {type: SKLearn, version: v0.7.0}\n    - ${runtime}\n`;
    const rows: readonly [runtime: string, version: string, words: RegExp][] = [
      ['{type: Triton, version: 20.10-py3, pinDigests: true}', '0.7', /^-:8:7: error: spec\.runtimes\[1\].*a digest cannot be given/],
      [
        '{type: Triton, version: 20.10-py3, args: [--x]}',
        '0.7',
        /spec\.runtimes\[1\]\.args.*has the arguments of its servers in its own code/,
      ],
      ['{type: Triton, version: 20.10-py3, protocols: [V2]}', 'kfserving-0.6', /spec\.runtimes\[1\]\.protocols/],
      ['{type: Triton, version: 20.10-py3, imagePullSecrets: [a]}', '0.9', /runtimes of KServe 0\.9 have no pull secrets/],
    ];
    for (const [runtime, version, words] of rows) {
      const { status, stdout } = await lint(['-f', '-', '--kserve-version', version], platform(runtime));
      assert.equal(status, 1, runtime);
      assert.match(stdout, words);
      assert.equal((await lint(['-f', '-', '--kserve-version', '0.20'], platform(runtime))).status, 0, runtime);
      assert.equal((await lint(['-f', '-'], platform(runtime))).status, 0, runtime);
    }
    const elsewhere = platform(
      '{type: Triton, image: nvcr.io/nvidia/tritonserver, version: 20.10-py3}',
      '{runtimeRegistries: [mirror.example]}',
    );
    assert.match(
      (await lint(['-f', '-', '--kserve-version', '0.20'], elsewhere)).stdout,
      /runtimeRegistries does not allow images of nvcr\.io/,
    );
    const plain = await lint(['-f', '-'], platform('{type: Triton, version: 20.10-py3, platform: linux/amd64}'));
    assert.match(plain.stdout, /needs pinDigests: true/);
  });
});
