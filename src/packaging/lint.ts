import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { lintBlobListing } from '../models/blob-listing.ts';
import { type Finding, sortFindings } from '../models/finding.ts';
import { recogniseLayout } from '../models/layout.ts';
import { type RuntimeType, suggestName } from '../models/names.ts';
import type { StorageUri } from '../models/storage-uri.ts';
import { lintStorageUri } from '../models/storage-uri-lint.ts';
import { containerClient, explainAzure } from './azure/client.ts';
import { findCredential } from './azure/credentials.ts';
import { listBlobs } from './azure/list.ts';
import { contentsOfArchive } from './contents.ts';
import { PackagingError } from './errors.ts';
import { isAddress, openArchive } from './inspect.ts';
import { defaultLimits } from './limits.ts';
import { type LintContext, lintContents } from './lint-contents.ts';
import { prepareFolder } from './prepare.ts';
import { withWindow } from './random-access.ts';
import { openHttp, parseHostHeaders } from './remote/http.ts';
import { type OpenOptions, openRemote, type PackageAddress, parsePackageAddress } from './remote/open.ts';
import { readDirectory } from './zip/directory.ts';
import { locateEntries } from './zip/read.ts';

export interface LintOptions extends LintContext, OpenOptions {
  readonly runtime?: RuntimeType;
}

/**
 * Lints a folder, a zip file or the URL of one. What cannot be read at all is a finding too, so that the answer is always a list.
 */
export async function lintPackage(target: string, options: LintOptions, signal?: AbortSignal): Promise<Finding[]> {
  try {
    if (isAddress(target))
      return sortFindings([...(await lintAddress(target, options, signal)), ...(await lintArchive(target, options, signal))]);
    const info = await stat(target).catch(() => undefined);
    if (info?.isFile() === true && /\.zip$/i.test(target)) return sortFindings(await lintArchive(target, options, signal));
    return sortFindings((await prepareFolder(target, options)).findings);
  } catch (error) {
    if (error instanceof PackagingError) return [findingOf(error, target)];
    throw error;
  }
}

async function lintArchive(target: string, options: LintOptions, signal?: AbortSignal): Promise<Finding[]> {
  try {
    const opened = await openArchive(target, options, signal);
    await using source = isAddress(target) ? withWindow(opened.source) : opened.source;
    const { limits = defaultLimits } = options;
    const entries = await locateEntries(source, await readDirectory(source, limits, signal), signal);
    const layout = recogniseLayout(
      entries.map(({ name }) => name),
      {
        name: options.name ?? suggestName(basename(target).replace(/\.zip.*$/i, '')),
        ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
      },
    );
    if (typeof layout === 'string') {
      return [
        {
          code: 'MW-L0001',
          severity: 'error',
          path: opened.shown,
          sentence: layout,
          fix: 'Package the folder with `modelwright package`, which says what it expects.',
        },
      ];
    }
    const findings = layout.notes.map((note) => ({
      code: 'MW-L0002',
      severity: 'error' as const,
      path: opened.shown,
      sentence: `The archive is not in the layout that ${layout.runtime} reads. ${note}`,
      fix: 'Package the folder with `modelwright package`, which puts files into place.',
    }));
    return [...findings, ...(await lintContents(contentsOfArchive(source, entries, limits), layout, options))];
  } catch (error) {
    if (error instanceof PackagingError) return [findingOf(error, target)];
    throw error;
  }
}

/** The address itself: its shape for the KServe in use, whether it can be read without credentials, and its Content-Type. */
async function lintAddress(target: string, options: LintOptions, signal?: AbortSignal): Promise<Finding[]> {
  const address = parsePackageAddress(target);
  const { parsed } = address;
  const headers = parseHostHeaders(await options.settings(`${new URL(address.zipUri).hostname}-headers`));
  let isPrivate = false;
  const findings: Finding[] = [];
  try {
    await using remote = await openHttp(address.zipUri, headers, options.retry, signal);
    findings.push(...lintType(remote.contentType, parsed));
    if (!remote.ranges) {
      findings.push({
        code: 'MW-L0803',
        severity: 'info',
        path: parsed.redacted,
        sentence: 'The server sends whole files only, so downloads cannot run in parallel or continue.',
        fix: 'Nothing has to be done; a blob store is faster.',
      });
    }
  } catch (error) {
    if (!(error instanceof PackagingError)) throw error;
    isPrivate = error.code === 'AccessDenied' || (error.code === 'NotFound' && parsed.azure !== undefined);
    findings.push({
      code: 'MW-L0802',
      severity: isPrivate ? 'info' : 'error',
      path: parsed.redacted,
      sentence: isPrivate ? 'It cannot be read without credentials.' : error.message,
      fix: isPrivate
        ? `Give the serving Pod a Secret through its service account (${parsed.azure === undefined ? 'https-host and headers' : 'AZURE_STORAGE_ACCESS_KEY, or a workload identity'}).`
        : 'Check the address and the network.',
    });
    if (isPrivate) findings.push(...(await lintPrivateType(address, options, signal)));
  }
  return [...lintStorageUri(target, options.kserve, { isPrivate }), ...(await lintListing(parsed, options, signal)), ...findings];
}

function lintType(contentType: string | undefined, parsed: StorageUri): Finding[] {
  const type = (contentType ?? '').split(';')[0]?.trim() ?? '';
  const allowed = ['application/zip', 'application/x-zip-compressed', 'application/zip-compressed'];
  if (allowed.includes(type)) return [];
  return [
    {
      code: 'MW-L0801',
      severity: parsed.route === 'HTTP' ? 'error' : 'warning',
      path: parsed.redacted,
      sentence: `The server sends it as "${type || 'nothing'}"; over plain http(s) KServe takes a zip only as ${allowed[0]}.`,
      fix: 'Set the Content-Type of the blob to application/zip; `modelwright push` does.',
    },
  ];
}

/** With credentials, where there are any; that there are none, or that they open nothing, is told where the archive is read. */
async function lintPrivateType({ zipUri, parsed }: PackageAddress, options: LintOptions, signal?: AbortSignal): Promise<Finding[]> {
  try {
    await using remote = await openRemote(zipUri, options, signal);
    return lintType(remote.contentType, parsed);
  } catch (error) {
    if (error instanceof PackagingError) return [];
    throw error;
  }
}

/** What lies at and beside an Azure URI, where the credentials allow to list; KServe's downloader lists too. */
async function lintListing(parsed: StorageUri, options: LintOptions, signal?: AbortSignal): Promise<Finding[]> {
  const { azure } = parsed;
  if (azure === undefined || parsed.route !== 'AzureBlob' || parsed.hasQuery) return [];
  try {
    const container = containerClient(
      `https://${parsed.host ?? ''}`,
      azure.container,
      await findCredential(azure.account, azure.cloud, options.settings),
    );
    return lintBlobListing(
      parsed,
      await listBlobs(container, decodeURIComponent(azure.path), (options.limits ?? defaultLimits).entries, options.retry, signal),
      options.kserve,
    );
  } catch (error) {
    signal?.throwIfAborted();
    return [{ ...findingOf(explainAzure(error, parsed.redacted), parsed.uri), code: 'MW-L0906', severity: 'info' }];
  }
}

/** A refusal as a finding, so that `lint` reports it like every other rule. */
function findingOf(error: PackagingError, target: string): Finding {
  const codes: Partial<Record<PackagingError['code'], string>> = {
    ArchiveRefused: 'MW-L0901',
    ArchiveDamaged: 'MW-L0902',
    SourceRefused: 'MW-L0903',
    LayoutUnknown: 'MW-L0001',
    NotFound: 'MW-L0904',
    AccessDenied: 'MW-L0905',
  };
  const shown = isAddress(target) ? parsePackageAddress(target).parsed.redacted : target;
  return {
    code: codes[error.code] ?? 'MW-L0909',
    severity: 'error',
    path: error.subject ?? shown,
    sentence: error.message,
    fix:
      error.code === 'ArchiveRefused' || error.code === 'ArchiveDamaged'
        ? 'Package the folder again with `modelwright package`.'
        : 'Correct it and run the command again.',
  };
}

/** Findings as lines for a terminal, and a last line that counts them. */
export function printFindings(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ code, severity, path, sentence, fix }) => [
    `${severity.padEnd(7)} ${code}  ${path}`,
    `        ${sentence}`,
    `        Fix: ${fix}`,
  ]);
  const count = (severity: Finding['severity']) => findings.filter((finding) => finding.severity === severity).length;
  lines.push(
    findings.length === 0 ? 'no findings' : `${count('error')} error(s), ${count('warning')} warning(s), ${count('info')} note(s)`,
  );
  return `${lines.join('\n')}\n`;
}
