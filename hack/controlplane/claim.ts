/** Files that claim something for one process, whole from the first moment others can see them. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isAlive, startMark } from './process.ts';

/** Who holds a claim. */
export interface Holder {
  readonly pid: number;
  /** Tells two processes apart that had the same id. */
  readonly mark?: string;
}

/** Writes `file` for `pid` and says whether it was free; a claim whose process is gone is void and gets replaced. */
export function claim(file: string, pid: number): boolean {
  const draft = `${file}.${process.pid}.claim`;
  const mark = startMark(pid);
  writeFileSync(draft, JSON.stringify({ pid, ...(mark && { mark }) } satisfies Holder));
  try {
    if (link(draft, file)) return true;
    const holder = holderOf(file);
    if (holder && holds(holder)) return false;
    discard(file);
    return link(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Undefined when nobody holds the file. */
export function holderOf(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

/** Whether the holder's process still runs. */
export function holds({ pid, mark }: Holder): boolean {
  return isAlive(pid) && startMark(pid) === mark;
}

/** Removes a void claim; one that another process has put there meanwhile is put back. */
function discard(file: string): void {
  const aside = `${file}.${process.pid}.void`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const holder = holderOf(aside);
  if (holder && holds(holder)) link(aside, file);
  rmSync(aside, { force: true });
}

/** Linking fails where the name is taken, and shows the content at once. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
