import { raising } from './limits.ts';

/** Why a name may not be in a package; undefined when it may. A directory's name ends in a slash. */
export function refuseName(name: string, limits: { readonly nameBytes: number; readonly depth: number }): string | undefined {
  const path = name.endsWith('/') ? name.slice(0, -1) : name;
  if (path === '') return 'it has no name';
  if (Buffer.byteLength(name) > limits.nameBytes) return `its name is longer than ${limits.nameBytes} bytes`;
  if (!name.isWellFormed() || name.includes('\ufffd')) return 'its name is not valid Unicode';
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 'its name holds a control character';
    if (code === 0x200e || code === 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code === 0xfeff) {
      return 'its name holds an invisible or direction-changing character';
    }
  }
  if (path.startsWith('/')) return 'its path is absolute';
  if (/^[A-Za-z]:/.test(path)) return 'its path begins with a drive letter';
  if (path.includes('\\')) return 'its name holds a backslash';
  const segments = path.split('/');
  if (segments.length > limits.depth) return `it lies more than ${limits.depth} directories deep, ${raising('depth')}`;
  if (segments.includes('..')) return 'its path leads out of the package (..)';
  if (segments.includes('') || segments.includes('.')) return 'its path holds an empty or "." segment';
  if (segments.some((segment) => Buffer.byteLength(segment) > 255)) return 'a part of its name is longer than 255 bytes';
  return undefined;
}

/** Two names with one key would be one file on a disk that ignores case or composes Unicode (macOS, Windows). */
export function collisionKey(name: string): string {
  return name.replace(/\/$/, '').normalize('NFC').toLowerCase().normalize('NFC');
}

/**
 * The first conflict among names: twice the same, case twins, or a file where another name needs a directory.
 * Takes names in any order; time and memory are linear in their length.
 */
export function findConflict(names: readonly string[]): { readonly name: string; readonly reason: string } | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const key = collisionKey(name);
    const other = seen.get(key);
    if (other === name) return { name, reason: 'it is there twice' };
    if (other !== undefined) return { name, reason: `its name is the same as that of "${other}" where case or Unicode form do not count` };
    seen.set(key, name);
  }
  const directories = new Map<string, string>();
  for (const name of names) {
    const path = name.replace(/\/$/, '');
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      const key = collisionKey(path.slice(0, slash));
      const file = seen.get(key);
      if (file !== undefined && !file.endsWith('/')) return { name, reason: `"${file}" is a file and not a directory` };
      const spelled = directories.get(key);
      if (spelled !== undefined && spelled !== path.slice(0, slash)) return { name, reason: `the directory is also spelled "${spelled}"` };
      directories.set(key, path.slice(0, slash));
    }
  }
  return undefined;
}
