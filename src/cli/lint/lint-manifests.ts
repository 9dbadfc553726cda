import { judgeManifests, type LintOptions, type LintResult } from './judge-manifests.ts';
import { type ReadOptions, readFiles } from './read-files.ts';

/**
 * Reads and judges the manifests that `paths` name: files, folders (their .yaml, .yml and .json), or `-` for standard input.
 *
 * @throws Failure when a path is not there or cannot be read.
 */
export async function lintManifests(paths: readonly string[], options: LintOptions & ReadOptions = {}): Promise<LintResult> {
  return judgeManifests(await readFiles(paths, options), options);
}
