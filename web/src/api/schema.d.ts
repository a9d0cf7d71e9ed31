/**
 * The contract of docs/api.md in the shape openapi-typescript writes.
 * `npm run gen` replaces this file from docs/openapi.json; nothing else may depend on its inside
 * than types.ts and client.ts.
 */
type Content<T> = { headers: { [name: string]: unknown }; content: { 'application/json': T } };
type NoContent = { headers: { [name: string]: unknown }; content?: never };
type Problems = { default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': S['Problem'] } } };
type Params<Q, P> = ([Q] extends [never] ? { query?: never } : { query?: Q }) &
  ([P] extends [never] ? { path?: never } : { path: P }) & {
    header?: { 'If-Match'?: string; 'Idempotency-Key'?: string };
    cookie?: never;
  };
type Get<A, Q = never, P = never> = { parameters: Params<Q, P>; requestBody?: never; responses: { 200: Content<A> } & Problems };
type Send<B, A, P = never, Q = never> = {
  parameters: Params<Q, P>;
  requestBody: { content: { 'application/json': B } };
  responses: { 200: Content<A> } & Problems;
};
type Act<A, P = never> = { parameters: Params<never, P>; requestBody?: never; responses: { 202: Content<A> } & Problems };
type Void<P = never> = { parameters: Params<never, P>; requestBody?: never; responses: { 204: NoContent } & Problems };
type Paged = { after?: string; limit?: number };
type ById = { id: string };
type S = components['schemas'];
type Page<T> = { items: T[]; next?: string | null };

export interface components {
  schemas: {
    Problem: {
      type: string; title: string; status: number; detail?: string | null; code?: string | null;
      errors?: { field: string; message: string }[]; request_id?: string | null;
    };
    User: { id: string; email: string; name: string; role: string; locale?: string | null };
    Session: { user: S['User']; org: { name: string }; expires_at: string };
    Token: { id: string; name: string; created_at: string; last_used_at?: string | null };
    NewToken: S['Token'] & { token: string };
    Tag: { id: string; name: string; colour: string };
    TagCount: S['Tag'] & { customers: number };
    CustomerRow: {
      id: string; name: string; accounts: { channel: string; value: string }[]; phone?: string | null; email?: string | null;
      province?: string | null; city?: string | null; rating?: string | null; orders: number; revenue_minor: number;
      average_order_minor: number; currency: string; first_order_at?: string | null; last_order_at?: string | null;
      tier?: string | null; cell?: string | null; tags: S['Tag'][]; created_at: string;
    };
    CustomerCard: S['CustomerRow'] & {
      version: number; classic?: string | null; r?: number | null; f?: number | null; m?: number | null; refund_minor: number;
      median_days_between_orders?: number | null;
      shops: { id: string; name: string; orders: number; revenue_minor: number }[];
      identities: { kind: string; channel?: string | null; value: string; first_seen_at: string }[];
      notes: S['Note'][]; merges: S['Merge'][]; suggestions: S['Suggestion'][]; merged_into?: string | null;
    };
    Note: { id: string; text: string; author: string; created_at: string };
    Merge: { id: string; keep: string; absorb: string; absorb_name: string; at: string; actor?: string | null };
    Suggestion: {
      id: string; a: S['CustomerRow']; b: S['CustomerRow']; evidence: { kind: string; value: string }[]; score: number; created_at: string;
    };
    TimelineItem: {
      at: string; kind: string; title: string; order?: S['Order'] | null; note?: S['Note'] | null; actor?: string | null;
    };
    View: { id: string; page: string; name: string; query: string; shared: boolean; own: boolean };
    Shop: { id: string; name: string; channel: string; currency: string; orders: number };
    Order: {
      id: string; external_no: string; shop: { id: string; name: string }; customer?: { id: string; name: string } | null;
      state: string; close_reason?: string | null; ordered_at?: string | null; paid_at?: string | null; shipped_at?: string | null;
      completed_at?: string | null; currency: string; goods_minor?: number | null; freight_minor?: number | null;
      total_minor?: number | null; paid_minor?: number | null; refund_minor?: number | null; revenue_minor?: number | null;
      item_count?: number | null; item_title?: string | null; buyer_message?: string | null; seller_remark?: string | null;
      carrier?: string | null; tracking_no?: string | null;
      receiver?: { name?: string | null; phone?: string | null; province?: string | null; city?: string | null; address?: string | null } | null;
    };
    OrderLine: {
      title?: string | null; sku_code?: string | null; sku_text?: string | null; quantity: number; unit_price_minor?: number | null;
      amount_minor?: number | null; refund_minor?: number | null; state?: string | null;
    };
    OrderCard: S['Order'] & { lines: S['OrderLine'][] };
    Import: {
      id: string; state: string; dry_run: boolean; shop?: { id: string; name: string } | null;
      files: { name: string; size_bytes: number; format?: string | null; encoding?: string | null }[];
      format?: string | null; encoding?: string | null; rows_read: number; bytes_read: number; bytes_total: number;
      rows_per_second?: number | null; seconds_left?: number | null; orders_created: number; orders_updated: number;
      orders_unchanged: number; lines_created: number; customers_created: number; customers_matched: number; rejected: number;
      seconds?: number | null; error?: string | null; can_undo: boolean; undo_refusal?: string | null; created_at: string;
      started_at?: string | null; finished_at?: string | null;
    };
    ImportPreview: {
      files: {
        name: string; format?: string | null; encoding?: string | null; delimiter?: string | null; evidence: string[];
        columns: { name: string; understood_as?: string | null }[];
        rows: { line: number; order: Partial<S['Order']>; problems: { column?: string | null; reason: string }[] }[];
      }[];
    };
    StartImport: {
      shop?: string; channel?: string; currency?: string; format?: string; mapping?: string; dry_run?: boolean;
    };
    Rfm: {
      as_of: string; bins: number; scheme: string; currency: string; customers: number;
      thresholds: { r: number[]; f: number[]; m: number[] }; score_counts: { r: number[]; f: number[]; m: number[] };
      cells: { r: number; f: number; m: number; customers: number; orders: number; revenue_minor: number }[];
      tiers: {
        tier: string; customers: number; orders: number; revenue_minor: number; before?: number | null; entered?: number | null; left?: number | null;
      }[];
      movement?: { from?: string | null; to?: string | null; customers: number }[] | null;
    };
    Delta: { value: number; before: number };
    Workbench: {
      day: string; orders: S['Delta']; revenue_minor: S['Delta']; new_customers: S['Delta']; refunds: S['Delta'];
      revenue_by_day: { day: string; revenue_minor: number; orders: number }[];
      attention: { kind: string; count: number; link?: string | null }[]; recent_imports: S['Import'][]; currency: string;
    };
    Job: {
      id: string; kind: string; state: string; attempts: number; last_error?: string | null; run_at?: string | null;
      created_at: string; finished_at?: string | null;
    };
    SearchResults: { customers: S['CustomerRow'][]; orders: S['Order'][] };
    CustomerQuery: {
      q?: string; shop?: string; tag?: string; tier?: string; classic?: string; cell?: string; province?: string; rating?: string;
      orders_min?: number; orders_max?: number; revenue_min?: number; revenue_max?: number; last_order_from?: string;
      last_order_to?: string; first_order_from?: string; first_order_to?: string; sort?: string;
    };
  };
}

export interface paths {
  '/api/v1/identity/setup': {
    get: Get<{ needed: boolean }>;
    post: Send<{ code: string; email: string; password: string; name: string; org_name: string }, S['Session']>;
  };
  '/api/v1/identity/sessions': { post: Send<{ email: string; password: string }, S['Session']> };
  '/api/v1/identity/sessions/current': { get: Get<S['Session']>; delete: Void };
  '/api/v1/identity/tokens': { get: Get<Page<S['Token']>>; post: Send<{ name: string }, S['NewToken']> };
  '/api/v1/identity/tokens/{id}': { delete: Void<ById> };
  '/api/v1/customers': { get: Get<Page<S['CustomerRow']> & { total: number }, S['CustomerQuery'] & Paged> };
  '/api/v1/customers/{id}': {
    get: Get<S['CustomerCard'], never, ById>;
    patch: Send<{ name?: string; rating?: string | null }, S['CustomerCard'], ById>;
  };
  '/api/v1/customers/{id}/timeline': { get: Get<Page<S['TimelineItem']>, { kind?: string } & Paged, ById> };
  '/api/v1/customers/{id}/notes': { post: Send<{ text: string }, S['Note'], ById> };
  '/api/v1/customers/{id}/notes/{note}': { delete: Void<{ id: string; note: string }> };
  '/api/v1/customers/{id}/tags': { put: Send<{ tags: string[] }, { tags: S['Tag'][] }, ById> };
  '/api/v1/customers/tags': { get: Get<Page<S['TagCount']>>; post: Send<{ name: string; colour: string }, S['Tag']> };
  '/api/v1/customers/tags/{id}': { delete: Void<ById> };
  '/api/v1/customers/bulk/tags': { post: Send<{ customers: string[]; add: string[]; remove: string[] }, { changed: number }> };
  '/api/v1/customers/suggestions': { get: Get<Page<S['Suggestion']>, Paged> };
  '/api/v1/customers/suggestions/{id}/dismiss': { post: Void<ById> };
  '/api/v1/customers/merges': { post: Send<{ keep: string; absorb: string }, S['Merge']> };
  '/api/v1/customers/merges/{id}': { delete: Void<ById> };
  '/api/v1/customers/views': {
    get: Get<Page<S['View']>, { page: string }>;
    post: Send<{ page: string; name: string; query: string; shared: boolean }, S['View']>;
  };
  '/api/v1/customers/views/{id}': { delete: Void<ById> };
  '/api/v1/commerce/shops': { get: Get<Page<S['Shop']>>; post: Send<{ name: string; channel: string; currency: string }, S['Shop']> };
  '/api/v1/commerce/orders': {
    get: Get<
      Page<S['Order']> & { total?: number | null },
      { q?: string; shop?: string; state?: string; customer?: string; from?: string; to?: string; sort?: string } & Paged
    >;
  };
  '/api/v1/commerce/orders/{id}': { get: Get<S['OrderCard'], never, ById> };
  '/api/v1/commerce/imports': { get: Get<Page<S['Import']>, Paged> };
  '/api/v1/commerce/imports/{id}': { get: Get<S['Import'], never, ById> };
  '/api/v1/commerce/imports/{id}/preview': { get: Get<S['ImportPreview'], never, ById> };
  '/api/v1/commerce/imports/{id}/start': { post: Send<S['StartImport'], S['Import'], ById> };
  '/api/v1/commerce/imports/{id}/pause': { post: Act<S['Import'], ById> };
  '/api/v1/commerce/imports/{id}/resume': { post: Act<S['Import'], ById> };
  '/api/v1/commerce/imports/{id}/cancel': { post: Act<S['Import'], ById> };
  '/api/v1/commerce/imports/{id}/undo': { post: Act<S['Import'], ById> };
  '/api/v1/insight/rfm': {
    get: Get<S['Rfm'], { as_of?: string; bins?: number; shop?: string; scheme?: string; compare_to?: string }>;
  };
  '/api/v1/insight/workbench': { get: Get<S['Workbench']> };
  '/api/v1/platform/jobs': { get: Get<Page<S['Job']>, { state?: string } & Paged> };
  '/api/v1/platform/jobs/{id}/retry': { post: Act<S['Job'], ById> };
  '/api/v1/search': { get: Get<S['SearchResults'], { q: string }> };
}
