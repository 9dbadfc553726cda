/** What may not change once the model serves, field by field. */
import { celPresent } from '../../cel.ts';
import type { Rule } from '../../rule.ts';
import type { ModelDeployment, ModelDeploymentSpec } from '../index.ts';

/** Value equal on both sides, or absent on both. */
function celUnchanged(path: string): string {
  const [now, before] = [celPresent(path, 'self', 1), celPresent(path, 'oldSelf', 1)];
  return `((${now}) ? ((${before}) && self.${path} == oldSelf.${path}) : !(${before}))`;
}

/** A field that is fixed once the model has served: readers of its numbers and URLs rely on what it names. */
function fixedOnceReady(field: string, read: (spec: ModelDeploymentSpec) => unknown): Rule<ModelDeployment> {
  return {
    id: `fixed-${field.replaceAll('.', '-')}`,
    scope: 'object',
    fieldPath: `.spec.${field}`,
    reason: 'Forbidden',
    message: `spec.${field} cannot change once the model has served; make a new ModelDeployment for another model`,
    cel: `!(${celPresent('status.firstReadyTime', 'oldSelf')}) || ${celUnchanged(`spec.${field}`)}`,
    holds: (object, old) => old?.status?.firstReadyTime === undefined || read(object.spec) === read(old.spec),
  };
}

/** The mode that was decided, whether it was asked for or is the default that status records. */
const decided = `(${celPresent('status.deploymentMode', 'oldSelf')} ? oldSelf.status.deploymentMode : '')`;
const modeBefore = `(has(oldSelf.spec.deploymentMode) ? oldSelf.spec.deploymentMode : ${decided})`;
const modeNow = `(has(self.spec.deploymentMode) ? self.spec.deploymentMode : ${decided})`;

export const changeRules: readonly Rule<ModelDeployment>[] = [
  {
    id: 'fixed-deploymentMode',
    scope: 'object',
    fieldPath: '.spec.deploymentMode',
    reason: 'Forbidden',
    message:
      'spec.deploymentMode cannot change: KServe cannot switch a service between modes; delete the ModelDeployment and create it again',
    cel: `${modeBefore} == '' || ${modeNow} == ${modeBefore}`,
    holds: (object, old) => {
      const before = old?.spec.deploymentMode ?? old?.status?.deploymentMode;
      return before === undefined || (object.spec.deploymentMode ?? old?.status?.deploymentMode) === before;
    },
  },
  fixedOnceReady('runtime.type', (spec) => spec.runtime.type),
  fixedOnceReady('model.name', (spec) => spec.model?.name),
  fixedOnceReady('model.architecture', (spec) => spec.model?.architecture),
  fixedOnceReady('model.framework', (spec) => spec.model?.framework),
  fixedOnceReady('model.task', (spec) => spec.model?.task),
  fixedOnceReady('model.dataset', (spec) => spec.model?.dataset),
  fixedOnceReady('model.parent', (spec) => spec.model?.parent),
];
