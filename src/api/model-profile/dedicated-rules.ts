/** What a ModelProfile can say about the copies that it measures. */
import type { Rule } from '../rule.ts';
import type { ModelProfile } from './index.ts';

const isDedicated = "has(self.mode) && self.mode == 'Dedicated'";
const entriesOf = ({ spec: { sweep } }: ModelProfile) => sweep.hardware ?? [];
const everyEntry = (condition: string) => `!has(self.sweep.hardware) || self.sweep.hardware.all(h, ${condition})`;

export const dedicatedRules: readonly Rule<ModelProfile>[] = [
  {
    id: 'dedicated-target',
    scope: 'spec',
    fieldPath: '.spec.mode',
    reason: 'Forbidden',
    message: 'spec.mode Dedicated needs spec.target.modelDeployment: only a ModelDeployment can be copied',
    cel: `!(${isDedicated}) || has(self.target.modelDeployment)`,
    holds: ({ spec }) => spec.mode !== 'Dedicated' || spec.target.modelDeployment !== undefined,
  },
  {
    id: 'dedicated-host',
    scope: 'spec',
    fieldPath: '.spec.target.host',
    reason: 'Forbidden',
    message:
      'spec.target.host must not be given with spec.mode Dedicated: no ingress routes to a copy by the name of its original; remove it',
    cel: `!(${isDedicated}) || !has(self.target.host)`,
    holds: ({ spec }) => spec.mode !== 'Dedicated' || spec.target.host === undefined,
  },
  {
    id: 'dedicated-live',
    scope: 'spec',
    fieldPath: '.spec.live',
    reason: 'Forbidden',
    message: 'spec.live has no effect with spec.mode Dedicated, where nobody else uses what is measured; remove it',
    cel: `!(${isDedicated}) || !has(self.live)`,
    holds: ({ spec }) => spec.mode !== 'Dedicated' || spec.live === undefined,
  },
  {
    id: 'hardware-live',
    scope: 'spec',
    fieldPath: '.spec.sweep',
    reason: 'Forbidden',
    message:
      'spec.sweep.hardware, hardwareSelection and runtimes need spec.mode Dedicated: the running service is on the hardware, and of the version, that it is',
    cel: `(${isDedicated}) || (!has(self.sweep.hardware) && !has(self.sweep.hardwareSelection) && !has(self.sweep.runtimes))`,
    holds: ({ spec: { mode, sweep } }) =>
      mode === 'Dedicated' || (sweep.hardware ?? sweep.hardwareSelection ?? sweep.runtimes) === undefined,
  },
  {
    id: 'hardware-auto',
    scope: 'spec',
    fieldPath: '.spec.sweep.hardware',
    reason: 'Forbidden',
    message: 'spec.sweep.hardware must not be given with spec.sweep.hardwareSelection Auto; remove one of the two',
    cel: "!has(self.sweep.hardwareSelection) || self.sweep.hardwareSelection != 'Auto' || !has(self.sweep.hardware)",
    holds: ({ spec: { sweep } }) => sweep.hardwareSelection !== 'Auto' || sweep.hardware === undefined,
  },
  {
    id: 'hardware-product-twice',
    scope: 'spec',
    fieldPath: '.spec.sweep.hardware',
    reason: 'Forbidden',
    message: 'spec.sweep.hardware: an entry must not choose the GPU product in its nodeSelector and in gpu.product; give one of the two',
    cel: everyEntry("!has(h.gpu) || !has(h.gpu.product) || !has(h.nodeSelector) || h.nodeSelector.all(k, !k.endsWith('/gpu.product'))"),
    holds: (object) =>
      entriesOf(object).every(
        ({ gpu, nodeSelector }) =>
          gpu?.product === undefined || !Object.keys(nodeSelector ?? {}).some((key) => key.endsWith('/gpu.product')),
      ),
  },
  {
    id: 'hardware-product-without-gpu',
    scope: 'spec',
    fieldPath: '.spec.sweep.hardware',
    reason: 'Forbidden',
    message: 'spec.sweep.hardware: an entry with gpu.count 0 must not name gpu.product; remove it, or choose the node by nodeSelector',
    cel: everyEntry('!has(h.gpu) || h.gpu.count > 0 || !has(h.gpu.product)'),
    holds: (object) => entriesOf(object).every(({ gpu }) => gpu === undefined || gpu.count > 0 || gpu.product === undefined),
  },
];
