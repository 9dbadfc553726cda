/** Secrets in the forms in which storage initializers, model servers and clouds print them. */

/** CANARY is replaced by a text that occurs nowhere else. */
const forms: readonly string[] = [
  'failed to get https://a.blob.core.windows.net/c/m.zip?sv=2024-01-01&sr=b&sig=CANARY',
  'failed to get https://a.blob.core.windows.net/c/m.zip?SIG=CANARY&se=2030',
  "GET 'https://h/x?token=CANARY' 403",
  'GET "https://h/x?X-Amz-Signature=CANARY" 403',
  'GET https://h/x?X-Goog-Security-Token=CANARY: 403',
  'GET https://user:CANARY@h/x failed',
  'GET ftp://CANARY@h/x failed',
  'redirected to (https://h/x?code=CANARY).',
  'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=CANARY;EndpointSuffix=core.windows.net',
  'BlobEndpoint=https://a;SharedAccessSignature=CANARY',
  'Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=CANARY',
  'sig=CANARY',
  'AZURE_CLIENT_SECRET=CANARY',
  'AZURE_STORAGE_ACCESS_KEY: CANARY',
  'AWS_SECRET_ACCESS_KEY=CANARY',
  'aws_secret_access_key = CANARY',
  'HF_TOKEN="CANARY"',
  "export GITHUB_TOKEN='CANARY'",
  'clientSecret: CANARY',
  '{"client_secret":"CANARY"}',
  '{"clientSecret": "CANARY", "tenant": "x"}',
  '{"access_token":"CANARY","expires_in":3600}',
  '{"password":"CANARY"}',
  "{'password': 'CANARY'}",
  'password=CANARY',
  'passwd: CANARY',
  'api-key: CANARY',
  'x-api-key=CANARY',
  'private_key=CANARY',
  'Authorization: Bearer CANARY',
  'Authorization: Basic CANARY',
  'authorization=Bearer CANARY',
  '-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----',
  '-----BEGIN RSA PRIVATE KEY-----\nCANARY',
  'jwt eyJhbGciOiJIUzI1NiJ9.CANARY.c2ln',
  'key AKIACANARY refused',
  'token ghp_CANARYCANARY refused',
  'token hf_CANARYCANARY refused',
];

export interface ToldSecret {
  readonly name: string;
  readonly form: string;
  readonly secret: string;
  /** What a program prints. */
  readonly text: string;
}

/** Each form with a secret of its own. */
export function toldSecrets(): ToldSecret[] {
  return forms.map((form, index) => {
    // Sixteen capital letters and digits, as the shortest of the forms wants; AKIA takes as many.
    const secret = `C${String(index).padStart(3, '0')}ANARY${String(index * 7919 + 1_000_000).slice(-7)}`;
    return { name: `canary-${index}`, form, secret, text: form.replaceAll('CANARY', secret) };
  });
}
