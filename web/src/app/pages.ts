/** The pages of the menu, in the order of the working day, with the right that each is for. */
export const MENU = [
  { path: '/', name: 'app.nav.workbench', key: 'w', right: 'insight.read' },
  { path: '/customers', name: 'app.nav.customers', key: 'c', right: 'customers.read' },
  { path: '/customers/care', name: 'app.nav.care', key: 'd', right: 'customers.read' },
  { path: '/orders', name: 'app.nav.orders', key: 'o', right: 'commerce.read' },
  { path: '/insight/rfm', name: 'app.nav.rfm', key: 'r', right: 'insight.read' },
  { path: '/insight/audiences', name: 'app.nav.audiences', key: 'a', right: 'insight.read' },
  { path: '/insight/value', name: 'app.nav.value', key: 'v', right: 'insight.read' },
  { path: '/insight/retention', name: 'app.nav.retention', key: 'b', right: 'insight.read' },
  { path: '/insight/intent', name: 'app.nav.intent', key: 'n', right: 'insight.read' },
  { path: '/loyalty/levels', name: 'app.nav.levels', key: 'l', right: 'loyalty.read' },
  { path: '/loyalty/points', name: 'app.nav.points', key: 'p', right: 'loyalty.read' },
  { path: '/loyalty/coupons', name: 'app.nav.coupons', key: 'q', right: 'loyalty.coupons' },
  { path: '/loyalty/promotions', name: 'app.nav.promotions', key: 'm', right: 'loyalty.promotions' },
  { path: '/imports', name: 'app.nav.imports', key: 'i', right: 'commerce.import' },
  { path: '/settings', name: 'app.nav.settings', key: 's', right: undefined },
] as const;

/** More pages that the search finds. */
export const MORE_PAGES = [
  { path: '/loyalty/simulator', name: 'app.nav.simulator', right: 'loyalty.promotions' },
  { path: '/insight/audiences/new', name: 'insight.audience.new', right: 'insight.audiences' },
  { path: '/loyalty/coupons/new', name: 'app.nav.newCoupon', right: 'loyalty.coupons' },
  { path: '/loyalty/promotions/new', name: 'app.nav.newPromotion', right: 'loyalty.promotions' },
  { path: '/loyalty/playground', name: 'app.nav.playground', right: 'loyalty.promotions' },
  { path: '/customers/suggestions', name: 'app.nav.suggestions', right: 'customers.merge' },
  { path: '/imports/new', name: 'commerce.imports.new', right: 'commerce.import' },
  { path: '/settings/people', name: 'identity.people.title', right: 'identity.people' },
  { path: '/settings/people/explain', name: 'identity.explain.title', right: 'identity.people' },
  { path: '/settings/tokens', name: 'identity.tokens.title', right: undefined },
  { path: '/settings/tags', name: 'customers.tags.title', right: 'customers.read' },
  { path: '/settings/consent-texts', name: 'customers.consentTexts.title', right: 'customers.consent_read' },
  { path: '/settings/requests', name: 'customers.requests.title', right: 'customers.requests' },
  { path: '/settings/exports', name: 'customers.exports.title', right: 'customers.export' },
  { path: '/settings/shops', name: 'commerce.shops.title', right: 'commerce.read' },
  { path: '/settings/webhooks', name: 'platform.webhooks.title', right: 'platform.webhooks' },
  { path: '/settings/jobs', name: 'platform.jobs.title', right: 'platform.jobs' },
  { path: '/settings/audit', name: 'platform.audit.title', right: 'platform.audit' },
  { path: '/settings/retention', name: 'platform.retention.title', right: 'platform.retention' },
  { path: '/settings/backups', name: 'platform.backups.title', right: 'platform.backups' },
] as const;

/** The menu entry of a path: the longest that begins it, if any. */
export function menuOf(pathname: string): string {
  let best = pathname === '/' ? '/' : '';
  for (const { path } of MENU) {
    if ((pathname === path || pathname.startsWith(`${path}/`)) && path.length > best.length) best = path;
  }
  return best;
}

/** The first page of the menu for somebody with these rights. */
export function homeOf(may: (right: string) => boolean): string {
  return MENU.find(({ right }) => !right || may(right))?.path ?? '/settings';
}
