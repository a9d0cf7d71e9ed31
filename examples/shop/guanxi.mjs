// What a shop asks of Guanxi, and how it knows Guanxi again. Node 20 or later, without packages.
import { createHmac, timingSafeEqual } from 'node:crypto';

/** A refusal: `code` says which rule refused, `body.current` what is true instead. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `status ${status}`);
    this.status = status;
    this.code = body.code ?? 'unknown';
    this.body = body;
  }
}

/** Calls the interface with the token of the shop. Every call may be repeated: the keys in the bodies make sure of that. */
export function guanxi({ url, token, shop, fetch = globalThis.fetch }) {
  async function call(path, body, tries = 3) {
    let answer;
    try {
      answer = await fetch(`${url}/api/v1/loyalty${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(15_000),
      });
    } catch (error) {
      // Nobody knows whether it arrived, so it is asked again.
      if (tries > 1) return call(path, body, tries - 1);
      throw error;
    }
    if (answer.status === 503 && tries > 1) return call(path, body, tries - 1);
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refused(answer.status, said);
    return said;
  }
  return {
    quote: (asked) => call('/quotes', { shop, ...asked }),
    reserve: (asked) => call('/reservations', { shop, ...asked }),
    commit: (id) => call(`/reservations/${id}/commit`, {}),
    cancel: (id) => call(`/reservations/${id}/cancel`, {}),
    refund: (asked) => call('/refunds', { shop, ...asked }),
  };
}

/** Whether Guanxi sent a webhook: see docs/api.md. `rawBody` is what came, byte for byte. */
export function isOurs(secret, headers, rawBody, nowSeconds = Date.now() / 1000) {
  const [id, at] = [headers['webhook-id'], headers['webhook-timestamp']];
  if (!id || !(Math.abs(nowSeconds - Number(at)) <= 300)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const own = createHmac('sha256', key).update(`${id}.${at}.`).update(rawBody).digest();
  return (headers['webhook-signature'] ?? '').split(' ').some((one) => {
    const [version, text = ''] = one.split(',');
    const given = Buffer.from(text, 'base64');
    return version === 'v1' && given.length === own.length && timingSafeEqual(given, own);
  });
}
