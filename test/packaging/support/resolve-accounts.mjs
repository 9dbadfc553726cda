// Loaded before a child process of the tests: the Azure account names resolve to the local front.
import dns from 'node:dns';

const real = dns.lookup;
dns.lookup = (host, options, callback) => {
  const address = process.env.MODELWRIGHT_TEST_ADDRESS;
  if (address === undefined || !String(host).includes('.blob.core.')) return real(host, options, callback);
  const done = typeof options === 'function' ? options : callback;
  const all = typeof options === 'object' && options !== null && options.all === true;
  process.nextTick(() => (all ? done(null, [{ address, family: 4 }]) : done(null, address, 4)));
};
