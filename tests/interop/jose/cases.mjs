// Tokens and what both sides must say of them. `stricter` gives the reason where ours refuses what npm jose accepts.
import { b64u, derSignature, keyNameFor, privateJwk, publicJwk, secret, signature, spkiPem, token } from './keys.mjs'

const NOW = 1_000_000_000
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']
const CLAIMS = { iss: 'https://issuer.example', aud: 'api', sub: 'ada', exp: NOW + 60, iat: NOW }
const settings = { typ: 'at+jwt', issuer: 'https://issuer.example', audience: 'api', leeway: 5, now: NOW }
const set = (...keys) => JSON.stringify({ keys })
const everyKey = set(...['rsa', 'p256', 'p384', 'ed25519'].map((name) => publicJwk(name)))

const cases = []
const add = (name, expect, fields, stricter) =>
  cases.push({ name, expect, stricter, algorithms: ALGORITHMS, keys: everyKey, ...settings, ...fields })
const accept = (name, fields) => add(name, 'accept', fields)
const refuse = (name, fields) => add(name, 'refuse', fields)
const stricter = (name, fields, reason) => add(name, 'accept', fields, reason)

/** An ES256 token with changed header members or claims. */
const es256 = (header = {}, claims = {}) =>
  token({
    alg: 'ES256',
    key: 'p256',
    header: JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: 'p256', ...header }),
    payload: JSON.stringify({ ...CLAIMS, ...claims }),
  })
const HEADER = '{"alg":"ES256","typ":"at+jwt","kid":"p256"}'
const PAYLOAD = JSON.stringify(CLAIMS)
const raw = (fields) => ({ token: token({ alg: 'ES256', key: 'p256', header: HEADER, payload: PAYLOAD, ...fields }) })
const good = es256()
const [goodHeader, goodPayload, goodSignature] = good.split('.')
const resigned = (bytes) => ({ token: `${goodHeader}.${goodPayload}.${b64u(bytes)}` })

// Honest tokens of every algorithm.
for (const alg of ALGORITHMS) {
  const kid = keyNameFor(alg)
  const header = JSON.stringify({ alg, typ: 'at+jwt', kid })
  accept(`${alg}`, { token: token({ alg, key: kid, header, payload: PAYLOAD }) })
  refuse(`${alg} off the list`, {
    token: token({ alg, key: kid, header, payload: PAYLOAD }),
    algorithms: ALGORITHMS.filter((other) => other !== alg),
  })
  for (const other of ALGORITHMS.filter((other) => other !== alg)) {
    const renamed = b64u(JSON.stringify({ alg: other, typ: 'at+jwt', kid }))
    const original = token({ alg, key: kid, header, payload: PAYLOAD })
    refuse(`${alg} renamed ${other}`, { token: [renamed, ...original.split('.').slice(1)].join('.') })
  }
}
for (const alg of ['HS256', 'HS384', 'HS512']) {
  const header = JSON.stringify({ alg, typ: 'at+jwt' })
  const mac = token({ alg, key: secret, header, payload: PAYLOAD })
  accept(alg, { token: mac, secret: b64u(secret), algorithms: [alg] })
  refuse(`${alg} with another secret`, { token: mac, secret: b64u(Buffer.alloc(64, 1)), algorithms: [alg] })
  refuse(`${alg} for a set of public keys`, { token: mac, algorithms: [...ALGORITHMS, alg] })
}
refuse('HS512 where HS256 is agreed', {
  token: token({ alg: 'HS512', key: secret, header: '{"alg":"HS512","typ":"at+jwt"}', payload: PAYLOAD }),
  secret: b64u(secret),
  algorithms: ['HS256'],
})

// No signature, and public keys as secrets.
for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
  const header = b64u(JSON.stringify({ alg, typ: 'at+jwt', kid: 'p256' }))
  refuse(`alg ${alg} without signature`, { token: `${header}.${goodPayload}.` })
  refuse(`alg ${alg} with a signature`, { token: `${header}.${goodPayload}.${goodSignature}` })
}
for (const name of ['rsa', 'p256', 'ed25519']) {
  const jwk = publicJwk(name)
  const bytes = { pem: spkiPem(name), jwk: JSON.stringify(jwk), number: Buffer.from(jwk.n ?? jwk.x, 'base64url') }
  for (const [form, key] of Object.entries(bytes)) {
    const header = JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid: name })
    const mac = token({ alg: 'HS256', key, header, payload: PAYLOAD })
    refuse(`HS256 with the ${form} of ${name}`, { token: mac })
    refuse(`HS256 allowed, with the ${form} of ${name}`, { token: mac, algorithms: [...ALGORITHMS, 'HS256'] })
  }
}

// Signatures that are not quite one.
const fixed = Buffer.from(goodSignature, 'base64url')
refuse('no signature', resigned(''))
refuse('a truncated signature', resigned(fixed.subarray(0, 63)))
refuse('half a signature', resigned(fixed.subarray(0, 32)))
refuse('a signature with a byte more', resigned(Buffer.concat([fixed, Buffer.alloc(1)])))
refuse('a signature with a zero before', resigned(Buffer.concat([Buffer.alloc(1), fixed])))
refuse('r and s swapped', resigned(Buffer.concat([fixed.subarray(32), fixed.subarray(0, 32)])))
refuse('r and s zero', resigned(Buffer.alloc(64)))
refuse('r and s one', resigned(Buffer.concat([Buffer.alloc(31), Buffer.of(1), Buffer.alloc(31), Buffer.of(1)])))
refuse('r and s of ones', resigned(Buffer.alloc(64, 0xff)))
refuse('a DER signature', resigned(derSignature('p256', `${goodHeader}.${goodPayload}`)))
refuse('a signature of another key', { token: `${goodHeader}.${goodPayload}.${b64u(signature('ES256', 'p256other', `${goodHeader}.${goodPayload}`))}` })
refuse('another payload', { token: `${goodHeader}.${b64u(JSON.stringify({ ...CLAIMS, sub: 'eve' }))}.${goodSignature}` })
refuse('another header', { token: `${b64u('{"alg":"ES256","typ":"at+jwt","kid":"p256","x":1}')}.${goodPayload}.${goodSignature}` })

// The text around the parts.
refuse('nothing', { token: '' })
refuse('dots', { token: '..' })
refuse('two parts', { token: `${goodHeader}.${goodPayload}` })
refuse('four parts', { token: `${good}.` })
refuse('five parts', { token: `${good}.${goodPayload}.${goodSignature}` })
refuse('JSON form', { token: JSON.stringify({ protected: goodHeader, payload: goodPayload, signature: goodSignature }) })
refuse('no payload', { token: `${goodHeader}..${goodSignature}` })

// Base64url in another spelling.
const SPELLING = 'base64url has one spelling: no padding, white space, other alphabet or unused bits'
const lastBitSet = (text) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)) + 1]
}
const padded = (text) => `${b64u(text.padEnd(text.length + ((5 - (text.length % 3)) % 3)))}=`
stricter('padding after the signature', { token: `${good}==` }, SPELLING)
stricter('a line break after the token', { token: `${good}\n` }, SPELLING)
stricter('unused bits in the signature', { token: lastBitSet(good) }, SPELLING)
stricter('padding in the header, signed', raw({ headerPart: padded(HEADER) }), SPELLING)
stricter('padding in the payload, signed', raw({ payloadPart: padded(PAYLOAD) }), SPELLING)
stricter('white space in the payload, signed', raw({ payloadPart: `${goodPayload.slice(0, 8)} ${goodPayload.slice(8)}` }), SPELLING)
refuse('the other alphabet in the payload, signed', raw({ payloadPart: Buffer.from(JSON.stringify({ ...CLAIMS, x: '>>>???~~~' })).toString('base64').replace(/=+$/, '') }))
refuse('a foreign character in the payload, signed', raw({ payloadPart: `${goodPayload.slice(0, 8)}%${goodPayload.slice(8)}` }))

// JSON that two readers read differently.
const TWICE = 'a member that occurs twice is refused (RFC 7515 §4, RFC 8725 §2.4)'
const EXTENSION = 'no extension of the header is understood'
stricter('a header member twice', raw({ header: '{"alg":"ES256","typ":"at+jwt","kid":"p256","kid":"p256"}' }), TWICE)
stricter('alg twice, none first', raw({ header: '{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"p256"}' }), TWICE)
stricter('alg twice, one escaped', raw({ header: '{"\\u0061lg":"none","alg":"ES256","typ":"at+jwt","kid":"p256"}' }), TWICE)
refuse('alg twice, none last', raw({ header: '{"alg":"ES256","alg":"none","typ":"at+jwt","kid":"p256"}' }))
stricter('a claim twice', raw({ payload: `${PAYLOAD.slice(0, -1)},"sub":"eve"}` }), TWICE)
stricter('a claim twice, deep', raw({ payload: `${PAYLOAD.slice(0, -1)},"x":[{"a":1,"a":2}]}` }), TWICE)
stricter('a lone surrogate', raw({ payload: `${PAYLOAD.slice(0, -1)},"x":"\\ud800"}` }), 'text is Unicode (RFC 8259 §8.2)')
stricter('nesting of 1000 levels', raw({ payload: `${PAYLOAD.slice(0, -1)},"x":${'['.repeat(1000)}${']'.repeat(1000)}}` }), 'nesting is bounded')
stricter('a number beyond the range', raw({ payload: `${PAYLOAD.slice(0, -1)},"x":1e999}` }), 'numbers beyond the range are refused')
stricter('a byte order mark', raw({ payload: `\ufeff${PAYLOAD}` }), 'JSON on the network has no byte order mark (RFC 8259 §8.1)')
refuse('bytes that are not UTF-8', raw({ payload: Buffer.concat([Buffer.from(`${PAYLOAD.slice(0, -1)},"x":"`), Buffer.of(0xff), Buffer.from('"}')]) }))
stricter('a token over 16 KiB', { token: es256({}, { x: 'x'.repeat(16 * 1024) }) }, 'tokens are bounded')
accept('a token just under 16 KiB', { token: es256({}, { x: 'x'.repeat(11_500) }) })
for (const [name, payload] of Object.entries({ list: '[]', text: '"x"', number: '1', null: 'null', nothing: '', word: 'x', more: `${PAYLOAD}x` })) {
  refuse(`a payload that is ${name}`, raw({ payload }))
  refuse(`a header that is ${name}`, raw({ header: payload }))
}

// Header members.
refuse('crit unknown', { token: es256({ crit: ['x'], x: 1 }) })
refuse('crit empty', { token: es256({ crit: [] }) })
refuse('crit text', { token: es256({ crit: 'b64' }) })
refuse('crit of a registered member', { token: es256({ crit: ['alg'] }) })
refuse('crit of a missing member', { token: es256({ crit: ['exp'] }) })
refuse('b64 false and critical', { token: es256({ crit: ['b64'], b64: false }) })
stricter('b64 true and critical', { token: es256({ crit: ['b64'], b64: true }) }, EXTENSION)
stricter('b64 false, not critical', { token: es256({ b64: false }) }, EXTENSION)
stricter('zip', { token: es256({ zip: 'DEF' }) }, EXTENSION)
refuse('alg missing', { token: es256({ alg: undefined }) })
refuse('alg a number', { token: es256({ alg: 256 }) })
refuse('alg a list', { token: es256({ alg: ['ES256'] }) })
accept('kid missing, one key fits', { token: es256({ kid: undefined }) })
refuse('kid missing, two keys fit', { token: es256({ kid: undefined }), keys: set(publicJwk('p256'), publicJwk('p256other')) })
refuse('kid unknown', { token: es256({ kid: 'p257' }) })
refuse('kid empty', { token: es256({ kid: '' }) })
accept('kid empty on both sides', { token: es256({ kid: '' }), keys: set(publicJwk('p256', { kid: '' })) })
refuse('kid of a key of another type', { token: es256({ kid: 'rsa' }) })
refuse('kid a number', { token: es256({ kid: 7 }) })
refuse('kid a path', { token: es256({ kid: '../../etc/passwd' }) })
refuse('a key in the header', {
  token: token({ alg: 'ES256', key: 'p256other', header: JSON.stringify({ alg: 'ES256', typ: 'at+jwt', jwk: publicJwk('p256other') }), payload: PAYLOAD }),
})
refuse('a key in the header under a known kid', {
  token: token({ alg: 'ES256', key: 'p256other', header: JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: 'p256', jwk: publicJwk('p256other') }), payload: PAYLOAD }),
})
accept('addresses of keys in the header are not followed', { token: es256({ jku: 'http://127.0.0.1:1/', x5u: 'http://127.0.0.1:1/', x5c: ['AA'] }) })
accept('typ in another case', { token: es256({ typ: 'AT+JWT' }) })
accept('typ with its prefix', { token: es256({ typ: 'application/at+jwt' }) })
refuse('typ of another kind', { token: es256({ typ: 'JWT' }) })
refuse('typ missing', { token: es256({ typ: undefined }) })
refuse('typ a number', { token: es256({ typ: 1 }) })
accept('typ not asked for', { token: es256({ typ: 'anything' }), typ: undefined })

// Keys.
refuse('no keys', { token: good, keys: set() })
refuse('a key for encryption', { token: good, keys: set(publicJwk('p256', { use: 'enc' })) })
accept('a key for signatures', { token: good, keys: set(publicJwk('p256', { use: 'sig' })) })
refuse('a key that may not verify', { token: good, keys: set(publicJwk('p256', { key_ops: ['encrypt'] })) })
accept('a key that may verify', { token: good, keys: set(publicJwk('p256', { key_ops: ['verify'] })) })
accept('a key bound to the algorithm', { token: good, keys: set(publicJwk('p256', { alg: 'ES256' })) })
refuse('a key bound to another algorithm', { token: good, keys: set(publicJwk('p256', { alg: 'ES384' })) })
refuse('a private key', { token: good, keys: set(privateJwk('p256')) })
refuse('a key twice', { token: good, keys: set(publicJwk('p256'), publicJwk('p256')) })
refuse('two keys of one kid', { token: good, keys: set(publicJwk('p256other', { kid: 'p256' }), publicJwk('p256')) })
refuse('another curve under the kid', { token: good, keys: set(publicJwk('p384', { kid: 'p256' })) })
refuse('P-384 said to be P-256', { token: good, keys: set({ ...publicJwk('p384'), kid: 'p256', crv: 'P-256' }) })
refuse('P-256 said to be P-384', { token: good, keys: set({ ...publicJwk('p256'), crv: 'P-384' }) })
refuse('a point off the curve', { token: good, keys: set({ ...publicJwk('p256'), y: publicJwk('p256').x }) })
refuse('a secret in the set', { token: token({ alg: 'HS256', key: secret, header: '{"alg":"HS256","typ":"at+jwt","kid":"s"}', payload: PAYLOAD }), algorithms: ['HS256'], keys: set({ kty: 'oct', kid: 's', k: b64u(secret) }) })
refuse('keys that are no list', { token: good, keys: '{"keys":{}}' })
refuse('keys that are no objects', { token: good, keys: '{"keys":["p256"]}' })
refuse('RSA of 1024 bits', {
  token: token({ alg: 'RS256', key: 'rsa1024', header: '{"alg":"RS256","typ":"at+jwt","kid":"rsa1024"}', payload: PAYLOAD }),
  keys: set(publicJwk('rsa1024')),
})
accept('a key beside one of an unknown type', { token: good, keys: set({ kty: 'AKP', kid: 'x', alg: 'ML-DSA-44', pub: 'AA' }, publicJwk('p256')) })
stricter('a key with a member twice', { token: good, keys: `{"keys":[${JSON.stringify(publicJwk('p256')).replace('{', '{"kid":"x",')}]}` }, TWICE)

// Claims.
const claim = (claims, fields) => ({ token: es256({}, claims), ...fields })
refuse('exp passed', claim({ exp: NOW - 6 }))
refuse('exp at the end of the leeway', claim({ exp: NOW - 5 }))
accept('exp within the leeway', claim({ exp: NOW - 4 }))
accept('exp with a fraction', claim({ exp: NOW + 0.5 }))
refuse('exp missing', claim({ exp: undefined }))
refuse('exp text', claim({ exp: `${NOW + 60}` }))
refuse('exp null', claim({ exp: null }))
refuse('exp true', claim({ exp: true }))
refuse('exp a list', claim({ exp: [NOW + 60] }))
stricter('exp in milliseconds', claim({ exp: (NOW + 60) * 1000 }), 'a date is at most the end of the year 9999')
stricter('exp infinite', raw({ payload: `${JSON.stringify({ ...CLAIMS, exp: undefined }).slice(0, -1)},"exp":1e999}` }), 'numbers beyond the range are refused')
accept('nbf within the leeway', claim({ nbf: NOW + 5 }))
refuse('nbf to come', claim({ nbf: NOW + 6 }))
refuse('nbf text', claim({ nbf: '1' }))
refuse('nbf text to come', claim({ nbf: '99999999999' }))
refuse('iat text', claim({ iat: '1' }))
refuse('iss another', claim({ iss: 'https://issuer.example/' }))
refuse('iss missing', claim({ iss: undefined }))
refuse('iss a list', claim({ iss: ['https://issuer.example'] }))
accept('aud a list', claim({ aud: ['x', 'api'] }))
refuse('aud another', claim({ aud: 'API' }))
refuse('aud an empty list', claim({ aud: [] }))
refuse('aud missing', claim({ aud: undefined }))
refuse('aud an object', claim({ aud: { api: true } }))
stricter('aud with a number beside', claim({ aud: ['api', 1] }), 'aud holds texts (RFC 7519 §4.1.3)')
stricter('sub a number', claim({ sub: 7 }), 'sub is text (RFC 7519 §4.1.2)')
stricter('jti a number', claim({ jti: 7 }), 'jti is text (RFC 7519 §4.1.7)')

export { cases, CLAIMS, NOW, good, everyKey, settings, ALGORITHMS }
