import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';

/** What this process may use of the machine's CPUs, read from its cgroup. */
export interface CpuShare {
  /** CPUs' worth of quota; null without one. */
  readonly quota: number | null;
  readonly processors: number;
}

function text(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** The quota of cgroup v2 (`cpu.max`) or v1 (`cpu.cfs_quota_us`), and the processors there are. */
export function cpuShare(): CpuShare {
  const v2 = text('/sys/fs/cgroup/cpu.max')?.trim().split(' ');
  const [limit, period] = v2 ?? [text('/sys/fs/cgroup/cpu/cpu.cfs_quota_us')?.trim(), text('/sys/fs/cgroup/cpu/cpu.cfs_period_us')?.trim()];
  const quota = Number(limit) / Number(period);
  return { quota: quota > 0 ? quota : null, processors: availableParallelism() };
}

/** How many periods this process was throttled in since its start; null where the kernel does not say. */
export function throttledPeriods(): number | null {
  const stat = text('/sys/fs/cgroup/cpu.stat') ?? text('/sys/fs/cgroup/cpu/cpu.stat');
  const found = /^nr_throttled (\d+)$/m.exec(stat ?? '')?.[1];
  return found === undefined ? null : Number(found);
}

/** The machine and the program that measured, for the report. */
export function environment() {
  const { quota, processors } = cpuShare();
  return { node: process.version, kernel: release(), processor: cpus()[0]?.model ?? null, processors, cpuQuota: quota };
}
