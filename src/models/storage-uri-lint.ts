import type { Finding, Severity } from './finding.ts';
import { isAtLeast, type KServeVersion, printVersion } from './kserve-version.ts';
import { parseStorageUri, type StorageUri } from './storage-uri.ts';

export interface StorageUriContext {
  /** The blob cannot be read without credentials. Unknown: leave it out, and nothing is said about credentials. */
  readonly isPrivate?: boolean;
  /** `modelwright fetch` downloads it (a ClusterStorageContainer), not KServe's stock initializer. */
  readonly modelwrightFetch?: boolean;
  /** Names the field in the findings; `storageUri` when left out. */
  readonly path?: string;
}

/** Everything that will go wrong, or not as meant, when this version of KServe is given this `storageUri`. Shows no secret. */
export function lintStorageUri(text: string, version: KServeVersion, context: StorageUriContext = {}): Finding[] {
  const parsed = parseStorageUri(text, version);
  const path = context.path ?? 'storageUri';
  const named = printVersion(version);
  const findings: Finding[] = [];
  const add = (code: string, severity: Severity, sentence: string, fix: string) => findings.push({ code, severity, path, sentence, fix });

  if (parsed.uri === '') {
    add('MW-L0701', 'error', 'The storageUri is empty.', 'Give the URI of the package.');
    return findings;
  }
  if (text !== parsed.uri) {
    add(
      'MW-L0702',
      'error',
      'The storageUri has blanks around it; KServe does not trim them and finds no storage type that matches.',
      'Remove them.',
    );
  }
  if (hasUnsafeCharacter(parsed.uri)) {
    add(
      'MW-L0703',
      'error',
      'The storageUri holds a blank or a control character.',
      'Percent-encode it (a blank is %20), or rename the file.',
    );
  }
  if (parsed.hasUserInfo) {
    add(
      'MW-L0704',
      'error',
      `${parsed.redacted} carries a user name or password, which KServe writes to its log and to the Pod's arguments.`,
      'Remove it and give the credentials in a Secret.',
    );
  }
  if (parsed.hasSas) {
    add(
      'MW-L0705',
      'error',
      `${parsed.redacted} carries a shared access signature, which KServe writes to its log and to the Pod's arguments.`,
      'Remove the query and put the token into a Secret, key AZURE_STORAGE_ACCESS_KEY, that the service account names.',
    );
  } else if (parsed.hasQuery) {
    add('MW-L0706', 'warning', `${parsed.redacted} has a query, which KServe writes to its log.`, 'Remove it unless the server needs it.');
  }
  if (parsed.uri.includes('#')) {
    add('MW-L0707', 'error', 'The storageUri has a fragment (#…), which no server is sent.', 'Remove it, or write # as %23.');
  }
  if (/(?:^|\/)\.\.?(?:\/|$)/.test(pathOf(parsed.uri))) {
    add('MW-L0708', 'error', 'The storageUri has a "." or ".." segment.', 'Write the path without it.');
  }
  lintRoute(parsed, version, named, context, add);
  return findings;
}

type Add = (code: string, severity: Severity, sentence: string, fix: string) => void;

function lintRoute(parsed: StorageUri, version: KServeVersion, named: string, context: StorageUriContext, add: Add): void {
  switch (parsed.route) {
    case 'Unsupported':
      add(
        'MW-L0710',
        'error',
        `${named} has no downloader for "${parsed.scheme ?? ''}://"; the InferenceService would stay without a condition.`,
        'Use https:// (Azure Blob or a plain file), s3://, gs:// or pvc://.',
      );
      return;
    case 'Local':
      if (parsed.scheme === undefined) {
        add(
          'MW-L0711',
          'error',
          `"${parsed.redacted}" has no scheme: KServe takes it for a path inside the server's image and downloads nothing, without an error.`,
          'Write the whole URI, beginning with https:// or another scheme.',
        );
      }
      return;
    case 'AzureBlob':
      lintAzureBlob(parsed, version, named, add);
      return;
    case 'Git':
      add(
        'MW-L0712',
        'error',
        `${named} clones every https URI that contains ".git" as a Git repository, and this one does (${parsed.host ?? ''}).`,
        'Choose a host and a path without ".git", for example a blob in an Azure container.',
      );
      return;
    case 'HTTP':
      lintHttp(parsed, version, named, context, add);
      return;
    case 'PVC':
      if (!/^pvc:\/\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?(?:\/|$)/.test(parsed.uri)) {
        add(
          'MW-L0713',
          'error',
          'A pvc:// URI names a claim and a path: pvc://CLAIM/PATH.',
          'Name a PersistentVolumeClaim of the same namespace.',
        );
      }
      return;
    default:
      return;
  }
}

function lintAzureBlob(parsed: StorageUri, version: KServeVersion, named: string, add: Add): void {
  const { azure } = parsed;
  if (azure === undefined) {
    add(
      'MW-L0720',
      'error',
      `${parsed.redacted} contains the name of an Azure blob host somewhere behind its own host (${parsed.host ?? ''}), and KServe treats it as Azure Blob.`,
      'Choose a path that does not contain ".blob.core.windows.net/".',
    );
    return;
  }
  if (azure.container === '' || azure.path === '') {
    add(
      'MW-L0721',
      'error',
      'The storageUri names an account or a container and no folder in it; KServe would fail or download the whole container.',
      'Add the path of the package: https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX/SHA256.',
    );
    return;
  }
  if (version !== 'kfserving-0.6' && !isAtLeast(version, 0, 8)) {
    add(
      'MW-L0726',
      'warning',
      `The storage initializer that was released with ${named} fails on every blob of this host: "unhashable type: 'BlobProperties'".`,
      'Use KServe 0.8 or newer, set a newer image under storageInitializer in inferenceservice-config, or serve the zip from a host that is not windows.net.',
    );
  }
  if (parsed.archive === undefined) {
    if (version === 'kfserving-0.6') {
      add(
        'MW-L0723',
        'warning',
        `${named} downloads a folder as it is and unpacks no archive in it.`,
        'Upload the unpacked tree for this version.',
      );
    } else if (!/(?:^|\/)[0-9a-f]{64}$/.test(azure.path)) {
      add(
        'MW-L0724',
        'info',
        `KServe matches names by prefix: a folder beside this one whose name begins with "${azure.path.split('/').at(-1) ?? ''}" would be downloaded as well.`,
        'Use the folder that `modelwright push` makes: its name is a digest and no other name begins with it.',
      );
    }
    return;
  }
  if (!isAtLeast(version, 0, 13)) {
    const result = version === 'kfserving-0.6' ? 'leaves the archive packed' : 'fails with IsADirectoryError';
    add(
      'MW-L0722',
      'error',
      `${named} ${result} when the URI names the archive blob itself.`,
      version === 'kfserving-0.6'
        ? 'Upload the unpacked tree, or serve the zip from a host that is not windows.net.'
        : 'Name the folder that holds the zip and nothing else, as `modelwright push` prints it.',
    );
  } else {
    add(
      'MW-L0725',
      'info',
      `KServe lists by prefix: a blob or snapshot named "${parsed.fileName}…" beside this one would leave the archive packed.`,
      'Name the folder that holds the zip and nothing else, as `modelwright push` prints it.',
    );
  }
}

function lintHttp(parsed: StorageUri, version: KServeVersion, named: string, context: StorageUriContext, add: Add): void {
  const { azure } = parsed;
  if (azure?.cloud === 'Public' && !azure.zone) {
    const why = parsed.scheme === 'http' ? 'http:// instead of https://' : 'a port in the host';
    add(
      parsed.scheme === 'http' ? 'MW-L0730' : 'MW-L0731',
      parsed.scheme === 'http' ? 'error' : 'warning',
      `${named} does not take this for Azure Blob because of ${why}; it would be ${parsed.scheme === 'http' ? 'rejected' : 'a plain download without Azure credentials'}.`,
      `Write https://${azure.account}.blob.core.windows.net/${azure.container}/${azure.path}.`,
    );
  }
  if (azure?.zone === true) {
    add(
      'MW-L0732',
      'warning',
      `${named} knows no DNS-zone endpoints (KServe 0.14 and newer do): the URI is a plain download without Azure credentials.`,
      'Give the URI of one zip that can be read without credentials, or use a newer KServe.',
    );
  }
  if (azure !== undefined && context.isPrivate === true && context.modelwrightFetch !== true && (azure.cloud !== 'Public' || azure.zone)) {
    add(
      'MW-L0733',
      'error',
      `The blob is private, and ${named} has Azure credentials only for *.blob.core.windows.net.`,
      isAtLeast(version, 0, 11)
        ? 'Let the storage container "modelwright" fetch it, or make the blob readable without credentials.'
        : 'Make the blob readable without credentials, or use KServe 0.11 or newer with the storage container "modelwright".',
    );
  }
  if (parsed.fileName === '') {
    add(
      'MW-L0734',
      'error',
      'The storageUri ends in a slash; on this host KServe downloads one file by name and says "No filename contained in URI".',
      'Name the zip itself.',
    );
  } else if (parsed.archive === undefined) {
    add(
      'MW-L0735',
      'warning',
      `KServe downloads ${parsed.fileName} from this host as one file, only if it is sent as application/octet-stream, and does not unpack it.`,
      'Give the URI of a zip (sent as application/zip), or make sure that the server reads this single file.',
    );
  }
  if (/\.(?:tar\.zst|tzst|7z|rar|mar)$/i.test(parsed.fileName)) {
    add('MW-L0736', 'error', `KServe does not unpack ${parsed.fileName}.`, 'Make a zip with `modelwright package`.');
  }
}

function hasUnsafeCharacter(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code <= 0x20 || code === 0x7f || code === 0xfeff || (code >= 0x80 && code <= 0xa0) || (code >= 0x2028 && code <= 0x202e))
      return true;
  }
  return false;
}

function pathOf(uri: string): string {
  return uri.replace(/[?#].*$/s, '').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '');
}
