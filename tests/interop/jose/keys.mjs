// Keys and raw signatures: tokens are built here byte by byte, because a library would refuse to write hostile ones.
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign as nodeSign, constants } from 'node:crypto'
import { readFileSync } from 'node:fs'

export const b64u = (bytes) => Buffer.from(bytes).toString('base64url')

const signed = JSON.parse(readFileSync(new URL('../../../vectors/jose/jws.json', import.meta.url))).signed
const example = (alg) => signed.find((entry) => entry.alg === alg).key

const fresh = (type, options) => generateKeyPairSync(type, options).privateKey

// The keys of RFC 7515 and RFC 8037, and fresh ones where those have none.
export const privateKeys = {
  rsa: createPrivateKey({ key: example('RS256'), format: 'jwk' }),
  rsa1024: fresh('rsa', { modulusLength: 1024 }),
  p256: createPrivateKey({ key: example('ES256'), format: 'jwk' }),
  p256other: fresh('ec', { namedCurve: 'P-256' }),
  p384: fresh('ec', { namedCurve: 'P-384' }),
  ed25519: createPrivateKey({ key: example('EdDSA'), format: 'jwk' }),
}

export const secret = Buffer.from(example('HS256').k, 'base64url')

export const publicJwk = (name, extra = {}) => ({
  ...createPublicKey(privateKeys[name]).export({ format: 'jwk' }),
  kid: name,
  ...extra,
})

export const privateJwk = (name, extra = {}) => ({ ...privateKeys[name].export({ format: 'jwk' }), kid: name, ...extra })

export const spkiPem = (name) => createPublicKey(privateKeys[name]).export({ format: 'pem', type: 'spki' })

export const pkcs8 = (name) => b64u(privateKeys[name].export({ format: 'der', type: 'pkcs8' }))

export const keyOf = { RS: 'rsa', PS: 'rsa', ES256: 'p256', ES384: 'p384', EdDSA: 'ed25519' }
export const keyNameFor = (alg) => keyOf[alg] ?? keyOf[alg.slice(0, 2)]

/** Signs `input` with a named key as `alg` would. */
export function signature(alg, keyName, input) {
  const data = Buffer.from(input)
  const hash = `sha${alg.slice(2)}`
  if (alg === 'EdDSA') return nodeSign(null, data, privateKeys[keyName])
  if (alg.startsWith('HS')) return createHmac(hash, keyName).update(data).digest()
  const key = privateKeys[keyName]
  if (alg.startsWith('ES')) return nodeSign(hash, data, { key, dsaEncoding: 'ieee-p1363' })
  if (alg.startsWith('RS')) return nodeSign(hash, data, key)
  const padding = constants.RSA_PKCS1_PSS_PADDING
  return nodeSign(hash, data, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST })
}

/** A DER signature, which JWS does not use. */
export const derSignature = (keyName, input) => nodeSign('sha256', Buffer.from(input), privateKeys[keyName])

/** A token of exactly these header and payload texts, signed over exactly these parts. */
export function token({ alg, key, header, payload, headerPart, payloadPart }) {
  const input = `${headerPart ?? b64u(header)}.${payloadPart ?? b64u(payload)}`
  return `${input}.${b64u(signature(alg, key, input))}`
}
