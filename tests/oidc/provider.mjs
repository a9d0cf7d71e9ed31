// A real OpenID provider (panva's certified oidc-provider) on this machine, for the tests of sign-in.
//
//   node provider.mjs REDIRECT_URI   prints {"issuer": …} when it listens; ends with its standard input
//
// One client, `guanxi`. Whoever types a login name is that subject, with `NAME@example.com`, verified unless the
// name begins with `unverified`.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const redirect = process.argv[2];
// Whoever began it may have stopped to read.
process.stdout.on('error', () => {});
// Tests on a busy machine take their time between two requests.
const server = createServer({ keepAliveTimeout: 120_000 });
await new Promise((go) => server.listen(0, '127.0.0.1', go));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'guanxi',
      client_secret: 'a secret of the client that nobody guesses',
      redirect_uris: [redirect],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      application_type: 'native',
    },
  ],
  pkce: { required: () => true },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ['for tests only'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: `Name of ${id}`,
      email: `${id}@example.com`,
      email_verified: !id.startsWith('unverified'),
    }),
  }),
});
server.on('request', provider.callback());
console.log(JSON.stringify({ issuer }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
