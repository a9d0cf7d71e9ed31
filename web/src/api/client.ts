import createClient from 'openapi-fetch';
import type { paths } from './schema';
import type { Problem } from './types';

/** A refusal of the server, or of the network (`status` 0). */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.name = 'ProblemError';
  }
  /** The last segment of the problem's type, such as `validation`. */
  get kind(): string {
    if (this.status === 0) return 'network';
    return this.problem.type?.split('/').pop() || this.problem.code || String(this.status);
  }
  /** What a user can quote to whoever runs the server. */
  get quote(): string {
    return [this.problem.code ?? (this.status ? `HTTP ${this.status}` : 'NETWORK'), this.problem.request_id]
      .filter(Boolean)
      .join(' · ');
  }
}

/** A key under which the server answers a repeated POST with its first answer. */
export function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

const signedOutListeners = new Set<() => void>();

/** Calls `listener` whenever the server says that nobody is signed in. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

function tellSignedOut() {
  for (const listener of signedOutListeners) listener();
}

export const client = createClient<paths>({ baseUrl: '', credentials: 'same-origin' });

type Prover = () => Promise<boolean>;
let prover: Prover | undefined;

/** Sets who asks people to show again who they are, when the server wants to know; gives the way to unset it. */
export function onProofNeeded(ask: Prover): () => void {
  prover = ask;
  return () => {
    if (prover === ask) prover = undefined;
  };
}

/** What was sent, to be sent again after a proof: a body can be read once only. */
const sent = new WeakMap<Request, Request>();

client.use({
  onRequest({ request }) {
    if (request.method === 'POST') request.headers.set('Idempotency-Key', idempotencyKey());
    request.headers.set('Accept', 'application/json, application/problem+json');
    if (request.method !== 'GET') sent.set(request, request.clone());
    return request;
  },
  async onResponse({ request, response }) {
    const again = sent.get(request);
    if (response.status !== 403 || !again || !prover) return undefined;
    const problem = (await response
      .clone()
      .json()
      .catch(() => ({}))) as Partial<Problem>;
    if (problem.code !== 'proof_needed' || !(await prover())) return undefined;
    return fetch(again);
  },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of a good answer; throws `ProblemError` otherwise. */
export async function take<T>(answer: Promise<Answer<T>>): Promise<T> {
  let settled: Answer<T>;
  try {
    settled = await answer;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new ProblemError(0, {});
  }
  const { data, error, response } = settled;
  if (response.ok) return data as T;
  if (response.status === 401 && !/\/identity\/(sessions|sessions\/second|sign-in\/\w+)$/.test(response.url))
    tellSignedOut();
  throw new ProblemError(response.status, typeof error === 'object' && error ? (error as Problem) : {});
}

/** A list as the contract says, also when the server answers with a bare array. */
export function itemsOf<T>(body: { items: T[] } | T[]): T[] {
  return Array.isArray(body) ? body : (body.items ?? []);
}

/** Sends files with upload progress, which `fetch` cannot report. */
export function upload<T>(
  url: string,
  form: FormData,
  onProgress: (share: number) => void,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    request.setRequestHeader('Idempotency-Key', idempotencyKey());
    request.setRequestHeader('Accept', 'application/json, application/problem+json');
    request.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    };
    request.onload = () => {
      let body: unknown = {};
      try {
        body = JSON.parse(request.responseText || '{}');
      } catch {
        body = {};
      }
      if (request.status >= 200 && request.status < 300) resolve(body as T);
      else {
        if (request.status === 401) tellSignedOut();
        reject(new ProblemError(request.status, body as Problem));
      }
    };
    request.onerror = () => reject(new ProblemError(0, {}));
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    signal?.addEventListener('abort', () => request.abort());
    request.send(form);
  });
}

/** `?a=b` of the set values, for links the browser itself follows. */
export function queryText(values: Record<string, string | number | string[] | undefined | null>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') params.append(name, String(one));
    }
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}
