import type { RandomAccess } from '../random-access.ts';

/** A file on a server, of which parts can be read. The content is pinned: a change on the server ends the reading with an error. */
export interface RemoteFile extends RandomAccess {
  readonly contentType: string | undefined;
  /** False when the server sends whole files only; then only {@link RemoteFile.stream} works. */
  readonly ranges: boolean;
  /** The content from its beginning. */
  stream(signal?: AbortSignal): AsyncIterable<Buffer>;
  /** What may be shown of its address. */
  readonly shown: string;
}
