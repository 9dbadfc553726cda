/** The name under which images made here are known. No such registry exists outside this machine: `test` is reserved (RFC 6761). */
export const REGISTRY = 'images.modelwright.test';
