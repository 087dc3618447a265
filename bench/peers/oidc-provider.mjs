// node-oidc-provider at its best: everything in memory, nothing forgotten, nothing logged.
//
// Arguments: port, and a file to which it writes what the benchmark needs to use it: tokens and a session of a person who
// has consented.

import { generateKeyPairSync } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const [port, seedFile] = process.argv.slice(2);
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];
const REDIRECT_URI = 'https://app.example/callback';
const PERSON = 'bench';
const SCOPE = 'openid offline_access readonly';
const DAY = 24 * 3600;

// The store that the package brings forgets all but a thousand entries.
const uids = new Map();
const grants = new Map();
class Memory {
  entries = new Map();

  async upsert(id, payload) {
    this.entries.set(id, payload);
    if (payload.uid) uids.set(payload.uid, payload);
    if (payload.grantId) {
      const members = grants.get(payload.grantId) ?? [];
      members.push([this.entries, id]);
      grants.set(payload.grantId, members);
    }
  }

  async find(id) {
    return this.entries.get(id);
  }

  async findByUid(uid) {
    return uids.get(uid);
  }

  async consume(id) {
    this.entries.get(id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.entries.delete(id);
  }

  async revokeByGrantId(grantId) {
    for (const [entries, id] of grants.get(grantId) ?? []) entries.delete(id);
    grants.delete(grantId);
  }
}

function key(algorithm, type, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), alg: algorithm, use: 'sig', kid: algorithm };
}

// Three clients whose access tokens are opaque: with ID tokens as ours signs them, as this server does unless told otherwise,
// and without any. And one for each algorithm of a JWT.
const OPAQUE = { opaque: 'ES256', default: 'RS256', plain: 'ES256' };
const scopeOf = (name) => (name === 'plain' ? SCOPE.replace('openid ', '') : SCOPE);

function client(name) {
  return {
    client_id: name,
    client_secret: `${name}-secret-0123456789abcdef0123456789abcdef`,
    redirect_uris: [REDIRECT_URI],
    response_types: ['code'],
    grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
    id_token_signed_response_alg: OPAQUE[name] ?? name,
    token_endpoint_auth_method: 'client_secret_basic',
  };
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Memory,
  clients: [...Object.keys(OPAQUE), ...ALGORITHMS].map(client),
  jwks: {
    keys: [
      key('RS256', 'rsa', { modulusLength: 2048 }),
      key('ES256', 'ec', { namedCurve: 'P-256' }),
      key('EdDSA', 'ed25519'),
    ],
  },
  enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
  scopes: SCOPE.split(' '),
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: DAY,
    AuthorizationCode: 60,
    ClientCredentials: DAY,
    Grant: DAY,
    IdToken: DAY,
    RefreshToken: DAY,
    Session: DAY,
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_, { clientId }) => (ALGORITHMS.includes(clientId) ? 'urn:api' : undefined),
      useGrantedResource: () => true,
      getResourceServerInfo: (_, __, { clientId }) => ({
        scope: 'readonly',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: clientId } },
      }),
    },
  },
});

async function grant(clientId) {
  const made = new provider.Grant({ accountId: PERSON, clientId });
  made.addOIDCScope(scopeOf(clientId));
  return made.save();
}

// What a person who is signed in and has consented leaves behind.
async function seed() {
  const loginTs = Math.floor(Date.now() / 1000);
  const authorizations = {};
  const access = [];
  const refresh = {};
  for (const clientId of Object.keys(OPAQUE)) {
    authorizations[clientId] = { sid: `session-of-${clientId}`, grantId: await grant(clientId) };
    const client = await provider.Client.find(clientId);
    const of = { accountId: PERSON, client, gty: 'authorization_code', scope: scopeOf(clientId) };
    refresh[clientId] = [];
    for (let count = 0; count < 200; count += 1) {
      const grantId = await grant(clientId);
      const token = await new provider.AccessToken({ ...of, grantId }).save();
      // UserInfo is for those of OpenID Connect.
      if (of.scope === SCOPE) access.push(token);
      refresh[clientId].push(await new provider.RefreshToken({ ...of, grantId, authTime: loginTs }).save());
    }
  }
  const session = new provider.Session({ accountId: PERSON, loginTs, authorizations });
  await session.save(DAY);
  return { access, refresh, cookie: `_session=${session.jti}` };
}

const seeds = await seed();
createServer(provider.callback()).listen(Number(port), '127.0.0.1', () => {
  writeFileSync(`${seedFile}.part`, JSON.stringify(seeds));
  renameSync(`${seedFile}.part`, seedFile);
});
