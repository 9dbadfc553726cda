/** How a tier's global set-up tells its test files, which are processes of their own, where the control plane is. */

/** File of the administrator's kubeconfig. Set it yourself to run the tests against a control plane of your own. */
export const KUBECONFIG_VARIABLE = 'MODELWRIGHT_TEST_KUBECONFIG';
/** File of the API server's audit log; unset for a control plane of your own that has none. */
export const AUDIT_LOG_VARIABLE = 'MODELWRIGHT_TEST_AUDIT_LOG';
/** The kubectl to use; default the one on PATH. */
export const KUBECTL_VARIABLE = 'MODELWRIGHT_TEST_KUBECTL';
/** Name of the instance below `.controlplane/`; unset for a control plane of your own. */
export const NAME_VARIABLE = 'MODELWRIGHT_TEST_INSTANCE';
/** The KServe release of the conformance tier: what to start, and for test files what runs. */
export const KSERVE_VARIABLE = 'MODELWRIGHT_TEST_KSERVE';

/** The value a test cannot do without; throws a sentence that says how to get it. */
export function required(variable: string): string {
  const value = process.env[variable];
  if (!value)
    throw new Error(`${variable} is not set: run this file by "npm run test:integration -- FILE" or "npm run test:conformance -- FILE"`);
  return value;
}
