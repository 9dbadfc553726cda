/** Whether this machine can run the end-to-end tests at all: a real node, and images of Debian's packages. */
import type { Say } from './controlplane/log.ts';
import { getNodeTools } from './controlplane/node/tools.ts';
import { pythonLayer } from './images/python.ts';
import { NotPossibleHere } from './not-possible.ts';

/**
 * One sentence with what is missing, undefined where nothing is. Gets the packages that it asks for, as the tests would.
 * @throws what went wrong on a machine that can, as a server that does not answer: that is a failure and no reason to run nothing
 */
export async function whyNoEndToEndTests(say: Say): Promise<string | undefined> {
  try {
    await getNodeTools(say);
    await pythonLayer({ say, purpose: 'the model servers of the end-to-end tests' });
    return undefined;
  } catch (error) {
    if (error instanceof NotPossibleHere) return error.message;
    throw error;
  }
}
