/**
 * The real TorchServe out of PyPI's torchserve, on Debian's Java, behind a server of ours that stands where KServe's wrapper does. Without PyTorch: its
 * builds without CUDA are in no registry that this takes from, and those with it have 3 GB. So handlers that compute with torch do not run.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Say } from '../controlplane/log.ts';
import { debianLayer, rootLayer } from './debian.ts';
import { fromFile, link } from './entries.ts';
import { hostArchitecture, type Image, makeImage } from './image.ts';
import { cachedLayer } from './layer.ts';
import { packagesLayer, pythonLayer, SITE_PACKAGES } from './python.ts';

/** KServe's runtime for TorchServe asks for it. */
const TORCHSERVE_USER = 1000;

/** The virtual machine without windows and sound. */
const PACKAGES = ['openjdk-17-jre-headless'];

const PROGRAMS = join(import.meta.dirname, 'programs');
const server = join(PROGRAMS, 'torchserve_server.py');
const torch = join(PROGRAMS, 'torch_stand_in.py');

export async function torchServeImage(say: Say, reference: string): Promise<Image> {
  const options = { say, purpose: 'the image torchserve' };
  const sources = [server, torch].map((file) => createHash('sha256').update(readFileSync(file)).digest('hex'));
  const layers = [
    await rootLayer(),
    await pythonLayer(options),
    await debianLayer(PACKAGES, options),
    await packagesLayer('torchserve', say, (path) => !/\/ts\/(cpp|examples)\//.test(path)),
    await cachedLayer(['torchserve', 1, sources], async () => [
      { ...fromFile(server, 'app/torchserve_server.py'), mode: 0o644 },
      { ...fromFile(torch, `${SITE_PACKAGES}/torch.py`), mode: 0o644 },
      // TorchServe asks `python` what there is on the machine.
      link('usr/bin/python', 'python3.11'),
      link('usr/bin/python3', 'python3.11'),
    ]),
  ];
  const home = `/usr/lib/jvm/java-17-openjdk-${hostArchitecture()}`;
  return makeImage({
    reference,
    layers,
    run: {
      User: `${TORCHSERVE_USER}:${TORCHSERVE_USER}`,
      Entrypoint: ['/usr/bin/python3.11', '/app/torchserve_server.py'],
      Cmd: ['torchserve', '--start', '--model-store=/mnt/models/model-store', '--ts-config=/mnt/models/config/config.properties'],
      Env: [
        `PATH=${home}/bin:/usr/bin:/bin`,
        `JAVA_HOME=${home}`,
        // Small, and quick to start on half a core rather than quick in the long run.
        'JAVA_TOOL_OPTIONS=-Xmx160m -XX:+UseSerialGC -XX:TieredStopAtLevel=1',
        'LOG_LOCATION=/tmp/logs',
        'METRICS_LOCATION=/tmp/logs',
        'TEMP=/tmp',
        // From 0.12 on it wants tokens, which KServe has none of.
        'TS_DISABLE_TOKEN_AUTHORIZATION=true',
        'PYTHONUNBUFFERED=1',
        'PYTHONDONTWRITEBYTECODE=1',
      ],
      WorkingDir: '/tmp',
    },
  });
}
