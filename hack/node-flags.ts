/** How Node is started for the program, wherever it is: in its image, in benchmarks, under faults. docs/benchmarks.md has what each of these is worth. */

/** A small young generation is faster and smaller here; and the operator may collect garbage when it rests. */
export const nodeFlags = ['--max-semi-space-size=4', '--expose-gc'] as const;

/** glibc gives freed memory back to the system, in place of keeping it in one arena for each thread. */
export const nodeEnvironment = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '65536',
  MALLOC_MMAP_THRESHOLD_: '65536',
} as const;
