// Our JOSE and npm jose judge the same tokens: `npm install && node run.mjs`, with Rust at hand.
// Ours may be stricter where cases.mjs says why. It must never accept what the other refuses.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { calculateJwkThumbprint, createLocalJWKSet, importJWK, jwtVerify } from 'jose'
import { ALGORITHMS, CLAIMS, cases, everyKey, good, NOW, settings } from './cases.mjs'
import { keyNameFor, pkcs8 } from './keys.mjs'

const MUTATIONS = 3000
const failures = []

async function theirs(test) {
  try {
    const key = test.secret ? Buffer.from(test.secret, 'base64url') : createLocalJWKSet(JSON.parse(test.keys))
    await jwtVerify(test.token, key, {
      algorithms: test.algorithms,
      typ: test.typ,
      issuer: test.issuer,
      audience: test.audience,
      clockTolerance: test.leeway,
      currentDate: new Date(test.now * 1000),
      requiredClaims: ['exp'],
    })
    return 'ok'
  } catch (error) {
    return error.code ?? error.name
  }
}

function ours(work) {
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const command = ['run', '--quiet', '--package', 'ayb-protocol', '--example', 'jose_verdict']
  const options = { cwd: root, input: JSON.stringify(work), maxBuffer: 1 << 28, stdio: ['pipe', 'pipe', 'inherit'] }
  return JSON.parse(execFileSync('cargo', command, options))
}

/** The same changed tokens on every run. */
function mutations() {
  let state = 0x9e3779b9
  const below = (end) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % end
  }
  const alphabet = 'ABCDEFabcdef0123456789-_.=+/ {"'
  return Array.from({ length: MUTATIONS }, (_, index) => {
    const text = [...good]
    for (let round = below(3); round >= 0; round--) {
      const at = below(text.length)
      const character = alphabet[below(alphabet.length)]
      if (below(3) === 0) text.splice(at, 1)
      else if (below(2) === 0) text.splice(at, 0, character)
      else text[at] = character
    }
    return { name: `mutation ${index}`, ...settings, algorithms: ALGORITHMS, keys: everyKey, token: text.join('') }
  })
}

const canonical = (token) =>
  token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)

const orders = ALGORITHMS.map((alg) => ({ alg, pkcs8: pkcs8(keyNameFor(alg)), typ: 'at+jwt', claims: CLAIMS }))
const changed = mutations()
const answer = ours({ verify: [...cases, ...changed], sign: orders })
const counts = { agreed: 0, stricter: 0, mutations: 0, signed: 0 }

for (const [index, test] of cases.entries()) {
  const [we, they] = [answer.verify[index], await theirs(test)]
  const expected = test.expect === 'accept' ? they === 'ok' : they !== 'ok'
  const own = test.stricter || test.expect === 'refuse' ? we !== 'ok' : we === 'ok'
  if (!expected || !own) failures.push(`${test.name}: expected ${test.expect}, ours ${we}, theirs ${they}`)
  else counts[test.stricter ? 'stricter' : 'agreed'] += 1
}

for (const [index, test] of changed.entries()) {
  const [we, they] = [answer.verify[cases.length + index], await theirs(test)]
  if ((we === 'ok') === (they === 'ok') || (we !== 'ok' && !canonical(test.token))) counts.mutations += 1
  else failures.push(`${test.name}: ours ${we}, theirs ${they}: ${test.token}`)
}

for (const [index, { token, jwk, thumbprint }] of answer.sign.entries()) {
  const { alg } = orders[index]
  try {
    const { payload, protectedHeader } = await jwtVerify(token, await importJWK(JSON.parse(jwk), alg), {
      algorithms: [alg],
      typ: 'at+jwt',
      currentDate: new Date(NOW * 1000),
    })
    if (!isDeepStrictEqual(payload, CLAIMS)) throw new Error('other claims')
    if (protectedHeader.kid !== thumbprint) throw new Error('kid is not the thumbprint')
    if ((await calculateJwkThumbprint(JSON.parse(jwk))) !== thumbprint) throw new Error('another thumbprint')
    counts.signed += 1
  } catch (error) {
    failures.push(`signed ${alg}: ${error.message}`)
  }
}

for (const failure of failures) console.error(`DIFFERS ${failure}`)
console.log(
  `${cases.length} tokens: ${counts.agreed} judged alike, ${counts.stricter} refused by us alone for a listed reason; ` +
    `${counts.mutations} of ${MUTATIONS} mutations consistent; ${counts.signed} of ${orders.length} of our tokens verified`,
)
const passed = counts.agreed + counts.stricter + counts.mutations + counts.signed
console.log(`${passed} passed, ${failures.length} failed`)
process.exit(failures.length === 0 ? 0 : 1)
