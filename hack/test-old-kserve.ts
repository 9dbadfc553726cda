/**
 * Renders for, and deploys on, the older KServe releases that are supported, each with its own manager and webhooks, one after the other; also where Pod Security
 * `restricted` is enforced.
 * Slower than a change needs: for release branches and when `src/kserve` changes.
 */
import { spawnSync } from 'node:child_process';
import { KSERVE_VERSIONS } from './controlplane/kserve-releases.ts';

const [, ...older] = KSERVE_VERSIONS;
const failed = older.filter((release) => {
  console.log(`\nKServe ${release}`);
  // A ClusterStorageContainer is there from 0.11 on.
  const fetching = Number(release.split('.')[1]) >= 11 ? ['test/conformance/deployment/storage-container.test.ts'] : [];
  const files = [...['rendering', 'restricted'].map((name) => `test/conformance/kserve/${name}.test.ts`), ...fetching];
  const run = spawnSync(process.execPath, ['hack/test.ts', 'conformance', ...files], {
    stdio: 'inherit',
    env: { ...process.env, MODELWRIGHT_TEST_KSERVE: release },
  });
  return run.status !== 0;
});
console.log(failed.length === 0 ? `\nKServe ${older.join(', ')}: all passed` : `\nfailed on KServe ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
