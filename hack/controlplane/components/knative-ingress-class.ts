/** The class that `config-network` names and the stand-in serves. */
export const INGRESS_CLASS = 'fake.ingress.networking.knative.dev';
