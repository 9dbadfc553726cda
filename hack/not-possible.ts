/**
 * This machine lacks what nothing that is started here could give it: root, an ability of its kernel, a package of its distribution. What was
 * tried has not failed: it cannot be tried here. The message is a sentence with what is missing.
 */
export class NotPossibleHere extends Error {
  override readonly name = 'NotPossibleHere';
}
