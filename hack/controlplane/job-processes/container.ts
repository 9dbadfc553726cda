/** What a kubelet makes of a container's command line: variables filled in, and here, paths of mounts moved to a folder of this machine. Pure. */
import { basename, join } from 'node:path';
import { type Container, fieldOf, type JobPod } from './pod.ts';

export interface CommandLine {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The program that Pods may run here, and the only one. */
const program = 'modelwright';

/** Why a container cannot be run as a process; undefined when it can. */
export function refusal({ command }: Container): string | undefined {
  if (command === undefined || basename(command[0] ?? '') === program) return undefined;
  return `only ${program} is run as a process here, not ${command[0]}`;
}

/** Arguments and variables of the container, whose mounts and termination message lie below `folder`. */
export function commandLine(pod: JobPod, container: Container, folder: string): CommandLine {
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env ?? []) {
    env[name] = valueFrom?.fieldRef === undefined ? expand(value ?? '', env) : fieldOf(pod, valueFrom.fieldRef.fieldPath);
  }
  const moved = (text: string) =>
    pathsOf(container).some((path) => text === path || text.startsWith(`${path}/`)) ? join(folder, text) : text;
  const words = [...(container.command ?? []).slice(1), ...(container.args ?? [])];
  return { args: words.map((word) => moved(expand(word, env))), env };
}

/** Where the container writes its last words, below `folder`. */
export function messageFile({ terminationMessagePath = '/dev/termination-log' }: Container, folder: string): string {
  return join(folder, terminationMessagePath);
}

function pathsOf({ volumeMounts = [], terminationMessagePath = '/dev/termination-log' }: Container): string[] {
  return [terminationMessagePath, ...volumeMounts.map(({ mountPath }) => mountPath)];
}

/** `$(NAME)` of a variable that is known; anything else stays as it is, as in Kubernetes. */
function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g, (whole, name: string) => env[name] ?? whole);
}
